"""ONNX Runtime as a backend: float32 on every processor, or one of its providers on a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from inspector.detection.caches import engines_folder
from inspector.detection.card import Model
from inspector.detection.onnx_providers import open_gpu_session
from inspector.detection.onnx_session import ONNX_ERRORS, open_session
from inspector.domain import DetectionError

__all__ = ["OnnxRuntimeBackend"]


class OnnxRuntimeBackend:
    """Runs the weights of a model in ONNX Runtime.

    Parameters
    ----------
    threads
        Processor threads of one call.
    provider
        What computes; all but ``cpu`` need an NVIDIA GPU and the extra ``gpu`` or ``gpu-rtx``.
    half
        Let the TensorRT provider compute in half precision.
    engines
        Folder for what the TensorRT providers compile; None: the user's cache folder.
    """

    def __init__(
        self,
        model: Model,
        *,
        threads: int = 2,
        provider: Literal["cpu", "cuda", "tensorrt", "tensorrt-rtx"] = "cpu",
        half: bool = False,
        engines: Path | None = None,
    ) -> None:
        self._session: onnxruntime.InferenceSession | None = None
        if provider == "cpu":
            self.name = "onnxruntime"
            self._session = open_session(model.weights, threads=threads)
        else:
            self.name = f"onnxruntime-{provider}"
            # What was compiled for other weights must not be found again.
            kept = (engines or engines_folder()) / f"{self.name}-{model.card.sha256[:16]}"
            self._session = open_gpu_session(model.weights, provider, threads=threads, engines=kept, half=half)
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the raw head output of (N, C, H, W); raises ``DetectionError``."""
        if self._session is None:
            raise DetectionError(f"{self.name}: the detector is closed")
        try:
            output: NDArray[np.float32] = self._session.run([self._output], {self._input: batch})[0]
        except ONNX_ERRORS as error:
            raise DetectionError(
                f"{self.name} failed on an input of shape {batch.shape}: {str(error).splitlines()[0]}",
                remedy="Restart the line; if it stays, run `inspector models verify`",
            ) from error
        return output

    def close(self) -> None:
        """Release the session."""
        self._session = None
