"""ONNX Runtime as a backend: float32, runs on every processor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from inspector.detection.card import Model
from inspector.detection.onnx_session import ONNX_ERRORS, open_session
from inspector.domain import DetectionError

__all__ = ["OnnxRuntimeBackend"]


class OnnxRuntimeBackend:
    """Runs the weights of a model in ONNX Runtime.

    Parameters
    ----------
    threads
        Processor threads of one call.
    providers
        Execution providers in order of preference, by ONNX Runtime's names.
    """

    name = "onnxruntime"

    def __init__(self, model: Model, *, threads: int = 2, providers: Sequence[str] = ("CPUExecutionProvider",)) -> None:
        self._session: onnxruntime.InferenceSession | None = open_session(
            model.weights, threads=threads, providers=providers
        )
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the raw head output of (N, C, H, W); raises ``DetectionError``."""
        if self._session is None:
            raise DetectionError("onnxruntime: the detector is closed")
        try:
            output: NDArray[np.float32] = self._session.run([self._output], {self._input: batch})[0]
        except ONNX_ERRORS as error:
            raise DetectionError(
                f"onnxruntime failed on an input of shape {batch.shape}: {str(error).splitlines()[0]}",
                remedy="Restart the line; if it stays, run `inspector models verify`",
            ) from error
        return output

    def close(self) -> None:
        """Release the session."""
        self._session = None
