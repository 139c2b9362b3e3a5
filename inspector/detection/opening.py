"""Every backend by its name, and which of them this machine has."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial

import numpy as np
import onnxruntime

from inspector.detection.backend import Backend
from inspector.detection.card import Model
from inspector.detection.fallback import Opener
from inspector.detection.gpu import find_gpu
from inspector.detection.onnxruntime_backend import OnnxRuntimeBackend
from inspector.detection.openvino_backend import OpenVinoBackend, has_native_bf16
from inspector.detection.tensorrt_backend import TensorRtBackend
from inspector.detection.triton import TritonBackend
from inspector.domain import ConfigurationError, DetectionError

__all__ = ["BACKENDS", "VOLATILE", "candidates", "open_named", "warmed"]

BACKENDS = (
    "auto",
    "onnxruntime",
    "openvino",
    "openvino-bf16",
    "openvino-f32",
    "onnxruntime-cuda",
    "onnxruntime-tensorrt",
    "onnxruntime-tensorrt-rtx",
    "tensorrt",
    "triton",
)

VOLATILE = frozenset({"onnxruntime-cuda", "onnxruntime-tensorrt", "onnxruntime-tensorrt-rtx", "tensorrt", "triton"})
"""Backends on a device or a server that may vanish while the line runs."""

_GPU_PACKAGES = {
    "onnxruntime-tensorrt-rtx": ("onnxruntime_ep_nv_tensorrt_rtx",),
    "tensorrt": ("tensorrt", "tensorrt_rtx"),
}
_GPU_PROVIDERS = {
    "onnxruntime-cuda": "CUDAExecutionProvider",
    "onnxruntime-tensorrt": "TensorrtExecutionProvider",
}


def open_named(
    model: Model,
    name: str,
    *,
    threads: int = 2,
    triton: str = "",
    triton_ready_s: float = 10.0,
    triton_timeout_s: float = 2.0,
) -> Backend:
    """Return the backend of this name, and no other should it fail.

    Parameters
    ----------
    triton
        Host and port of a Triton server's gRPC service.
    triton_ready_s
        How long to wait for that server.
    triton_timeout_s
        Longest time for one call; a server that does not answer by then counts as gone.

    Raises
    ------
    ConfigurationError
        There is no backend of this name, or what it needs is not installed.
    ModelError
        The backend cannot run these weights.
    DetectionError
        Its device or server is not there.
    """
    # Distances are differences of large numbers: fewer digits than float32 has are too few for heat maps.
    boxes = model.card.task == "detect"
    openers: dict[str, Callable[[], Backend]] = {
        "onnxruntime": partial(OnnxRuntimeBackend, model, threads=threads),
        "openvino": partial(OpenVinoBackend, model, threads=threads, precision="auto" if boxes else "f32"),
        "openvino-bf16": partial(OpenVinoBackend, model, threads=threads, precision="bf16"),
        "openvino-f32": partial(OpenVinoBackend, model, threads=threads, precision="f32"),
        "onnxruntime-cuda": partial(OnnxRuntimeBackend, model, threads=threads, provider="cuda"),
        "onnxruntime-tensorrt": partial(OnnxRuntimeBackend, model, threads=threads, provider="tensorrt", half=boxes),
        "onnxruntime-tensorrt-rtx": partial(OnnxRuntimeBackend, model, threads=threads, provider="tensorrt-rtx"),
        "tensorrt": partial(TensorRtBackend, model, half=boxes),
        "triton": partial(TritonBackend, model, url=triton, ready_s=triton_ready_s, timeout_s=triton_timeout_s),
    }
    if name not in openers:
        raise ConfigurationError(
            f"detector backend {name}: there is none", remedy=f"Choose one of {', '.join(BACKENDS)}"
        )
    if name == "triton" and not triton:
        raise ConfigurationError(
            "detector backend triton: there is no address of a server", remedy="Add `triton: host:8001` beside it"
        )
    return openers[name]()


def candidates(model: Model, *, threads: int = 2, triton: str = "", triton_timeout_s: float = 2.0) -> dict[str, Opener]:
    """Return what could run this model on this machine, by name; the first is the reference."""
    names = ["onnxruntime", "openvino-f32"]
    if has_native_bf16() and model.card.task == "detect":
        names.append("openvino-bf16")
    names += _on_gpu()
    if triton:
        names.append("triton")
    return {
        name: partial(
            open_named,
            model,
            name,
            threads=threads,
            triton=triton,
            triton_ready_s=5.0,
            triton_timeout_s=triton_timeout_s,
        )
        for name in names
    }


def warmed(opener: Opener, model: Model) -> Opener:
    """Return an opener whose backend has run one empty frame: the first one takes longest."""

    def opened() -> Backend:
        backend = opener()
        try:
            backend.run(np.zeros((1, *model.card.input.shape), np.float32))
        except DetectionError:
            backend.close()
            raise
        return backend

    return opened


def _on_gpu() -> list[str]:
    try:
        find_gpu()
    except DetectionError:
        return []
    providers = onnxruntime.get_available_providers()
    names = [name for name, provider in _GPU_PROVIDERS.items() if provider in providers]
    return names + [
        name
        for name, packages in _GPU_PACKAGES.items()
        if any(importlib.util.find_spec(package) is not None for package in packages)
    ]
