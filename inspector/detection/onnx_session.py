"""ONNX Runtime sessions: how they are opened and which of its exceptions mean what."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as _state

from inspector.domain import ModelError

__all__ = ["ONNX_ERRORS", "open_session", "session_options"]

# ONNX Runtime's exceptions share no base class of their own.
ONNX_ERRORS: tuple[type[Exception], ...] = (
    _state.EPFail,
    _state.EngineError,
    _state.Fail,
    _state.InvalidArgument,
    _state.InvalidGraph,
    _state.InvalidProtobuf,
    _state.NoModel,
    _state.NoSuchFile,
    _state.NotImplemented,
    _state.RuntimeException,
    RuntimeError,
    ValueError,
)

_ERRORS_ONLY = 3


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """Return the options that every session of the product has."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # Idle threads must not take the cores that camera, PLC and journal need between two parts.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def open_session(weights: Path, *, threads: int = 1, optimise: bool = True) -> onnxruntime.InferenceSession:
    """Return a session on the processor; raises ``ModelError`` where these weights are no readable ONNX model."""
    options = session_options(threads)
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    except ONNX_ERRORS as error:
        raise ModelError(
            f"{weights}: not a readable ONNX model: {str(error).splitlines()[0]}",
            remedy="Export the weights again, or fetch the model folder again",
        ) from error
