"""ONNX Runtime on an NVIDIA GPU: the CUDA and TensorRT providers it was built with, and the TensorRT-RTX plug-in."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Literal

import onnxruntime

from inspector.detection.gpu import find_gpu
from inspector.detection.onnx_session import ONNX_ERRORS, session_options
from inspector.domain import ConfigurationError, DetectionError

__all__ = ["Provider", "open_gpu_session"]

Provider = Literal["cuda", "tensorrt", "tensorrt-rtx"]

_BUILT_IN = {"cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
_ERRORS: tuple[type[Exception], ...] = (OSError, *ONNX_ERRORS)
_PLUG_IN = "onnxruntime_ep_nv_tensorrt_rtx"


def open_gpu_session(
    weights: Path, provider: Provider, *, threads: int, engines: Path, half: bool
) -> onnxruntime.InferenceSession:
    """Return a session whose first provider is the one that was asked for, never ONNX Runtime's silent processor.

    Parameters
    ----------
    engines
        Folder in which the TensorRT providers keep what they compiled.
    half
        Let TensorRT compute in half precision.

    Raises
    ------
    ConfigurationError
        The provider is not installed.
    DetectionError
        There is no GPU, or the provider does not start on it.
    """
    options = session_options(threads)
    wanted = _BUILT_IN.get(provider)
    if wanted is not None and wanted not in onnxruntime.get_available_providers():
        raise ConfigurationError(
            f"backend onnxruntime-{provider}: the installed ONNX Runtime has no {wanted}",
            remedy="pip install 'line-inspector[gpu]', then uninstall onnxruntime and install onnxruntime-gpu again, "
            "because both packages are one folder",
        )
    plug_in = None if wanted is not None else _plug_in_package()
    gpu = find_gpu()
    kept = str(engines)
    try:
        engines.mkdir(parents=True, exist_ok=True)
        if plug_in is not None:
            _add_plug_in(options, *plug_in, kept)
            session = onnxruntime.InferenceSession(str(weights), options)
            wanted = plug_in[0]
        else:
            tuned = {
                "trt_engine_cache_enable": "1",
                "trt_engine_cache_path": kept,
                "trt_timing_cache_enable": "1",
                "trt_timing_cache_path": kept,
                "trt_fp16_enable": "1" if half else "0",
            }
            providers: list[object] = ["CUDAExecutionProvider"]
            if provider == "tensorrt":
                providers.insert(0, (wanted, tuned))
            session = onnxruntime.InferenceSession(str(weights), options, providers=providers)
        session.disable_fallback()
    except _ERRORS as error:
        raise DetectionError(
            f"backend onnxruntime-{provider} does not start on {gpu.name}: {_first_line(error)}",
            remedy="Compare the versions of driver, CUDA, cuDNN and TensorRT with what ONNX Runtime asks for",
        ) from error
    if session.get_providers()[0] != wanted:
        raise DetectionError(
            f"backend onnxruntime-{provider}: ONNX Runtime went to {session.get_providers()[0]} by itself",
            remedy="Its log names the CUDA, cuDNN or TensorRT library that is missing",
        )
    return session


def _plug_in_package() -> tuple[str, str]:
    """Return name and library of the TensorRT-RTX plug-in."""
    try:
        package = importlib.import_module(_PLUG_IN)
    except ImportError as error:
        raise ConfigurationError(
            "backend onnxruntime-tensorrt-rtx: its plug-in is not installed",
            remedy="pip install 'line-inspector[gpu-rtx]'",
        ) from error
    return str(package.get_ep_name()), str(package.get_library_path())


def _add_plug_in(options: onnxruntime.SessionOptions, name: str, library: str, kept: str) -> None:
    if not any(device.ep_name == name for device in onnxruntime.get_ep_devices()):
        onnxruntime.register_execution_provider_library(name, library)
    devices = [device for device in onnxruntime.get_ep_devices() if device.ep_name == name]
    if not devices:
        raise RuntimeError(f"the plug-in {name} finds no GPU that it supports")
    options.add_provider_for_devices(devices[:1], {"nv_runtime_cache_path": kept})


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
