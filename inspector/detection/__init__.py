"""Frame -> Detections: model folders and the backends that run them."""

from inspector.detection.anomaly import AnomalyDetector
from inspector.detection.backend import Backend
from inspector.detection.card import InputSpec, Model, ModelCard, find_model, load_model, models_folder, read_card
from inspector.detection.choose import BACKENDS, choose_backend, open_backend
from inspector.detection.onnxruntime_backend import OnnxRuntimeBackend
from inspector.detection.openvino_backend import OpenVinoBackend
from inspector.detection.yolo import YoloDetector

__all__ = [
    "BACKENDS",
    "AnomalyDetector",
    "Backend",
    "InputSpec",
    "Model",
    "ModelCard",
    "OnnxRuntimeBackend",
    "OpenVinoBackend",
    "YoloDetector",
    "choose_backend",
    "find_model",
    "load_model",
    "models_folder",
    "open_backend",
    "read_card",
]
