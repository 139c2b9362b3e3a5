"""Frame -> Detections: model folders, the backends that run them, and detectors that learn nothing."""

from inspector.detection.anomaly import AnomalyDetector
from inspector.detection.backend import Backend
from inspector.detection.blob import BlobDetector
from inspector.detection.caliper import CaliperDetector
from inspector.detection.card import InputSpec, Model, ModelCard, find_model, load_model, models_folder, read_card
from inspector.detection.choose import choose_backend, open_backend
from inspector.detection.code import CodeReader, code_formats
from inspector.detection.colour import ColourDetector
from inspector.detection.combined import CombinedDetector
from inspector.detection.golden import GoldenDetector
from inspector.detection.golden_parts import GoldenFolder, GoldenParts, GoldenSource
from inspector.detection.identity import LineDetector
from inspector.detection.onnxruntime_backend import OnnxRuntimeBackend
from inspector.detection.opening import BACKENDS, candidates
from inspector.detection.openvino_backend import OpenVinoBackend
from inspector.detection.presence import PresenceDetector
from inspector.detection.registration import find_placement, laid_on
from inspector.detection.several import ViewsDetector
from inspector.detection.tensorrt_engine import BuiltEngine, build_engine
from inspector.detection.text import TextReader
from inspector.detection.triton import TritonBackend
from inspector.detection.triton_repository import TritonServing, write_repository
from inspector.detection.yolo import YoloDetector

__all__ = [
    "BACKENDS",
    "AnomalyDetector",
    "Backend",
    "BlobDetector",
    "BuiltEngine",
    "CaliperDetector",
    "CodeReader",
    "ColourDetector",
    "CombinedDetector",
    "GoldenDetector",
    "GoldenFolder",
    "GoldenParts",
    "GoldenSource",
    "InputSpec",
    "LineDetector",
    "Model",
    "ModelCard",
    "OnnxRuntimeBackend",
    "OpenVinoBackend",
    "PresenceDetector",
    "TextReader",
    "TritonBackend",
    "TritonServing",
    "ViewsDetector",
    "YoloDetector",
    "build_engine",
    "candidates",
    "choose_backend",
    "code_formats",
    "find_model",
    "find_placement",
    "laid_on",
    "load_model",
    "models_folder",
    "open_backend",
    "read_card",
    "write_repository",
]
