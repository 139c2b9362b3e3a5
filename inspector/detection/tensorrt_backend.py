"""TensorRT as a backend: an engine built for this machine's GPU, run without any framework around it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.detection.card import Model
from inspector.detection.gpu import find_gpu
from inspector.detection.tensorrt_engine import build_engine
from inspector.detection.tensorrt_library import load_tensorrt
from inspector.domain import ConfigurationError, DetectionError, ModelError

__all__ = ["TensorRtBackend"]


class TensorRtBackend:
    """Runs a native TensorRT engine of the model; builds it first where there is none (minutes).

    Parameters
    ----------
    half
        Compute in half precision, where this TensorRT can be told to.
    engines
        Folder of engines; None: the user's cache folder.
    """

    name = "tensorrt"

    def __init__(self, model: Model, *, half: bool = True, engines: Path | None = None) -> None:
        library = load_tensorrt()
        self._cuda = _cuda_library()
        find_gpu()
        self._shape = model.card.input.shape
        self._buffers: dict[str, int] = {}
        self._stream: Any = None
        self._context: Any = None
        built = build_engine(model, half=half, folder=engines)
        self._logger = library.logger()
        self._runtime = library.module.Runtime(self._logger)
        self._engine = self._load(built.path) or self._load(
            build_engine(model, half=half, folder=engines, again=True).path
        )
        if self._engine is None:
            raise ModelError(f"{built.path}: TensorRT cannot load it: {self._logger.last}", remedy="Delete the file")
        try:
            self._prepare(library.module)
        except DetectionError:
            self.close()
            raise

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the raw head output of (1, C, H, W), a view until the next call; raises ``DetectionError``."""
        if self._context is None:
            raise DetectionError("tensorrt: the detector is closed")
        if batch.shape != (1, *self._shape):
            raise DetectionError(f"tensorrt failed on an input of shape {batch.shape}, expected {(1, *self._shape)}")
        kind = self._cuda.cudaMemcpyKind
        batch = np.ascontiguousarray(batch, np.float32)
        self._call(
            "cudaMemcpyAsync",
            self._buffers[self._input],
            batch.ctypes.data,
            batch.nbytes,
            kind.cudaMemcpyHostToDevice,
            self._stream,
        )
        if not self._context.execute_async_v3(int(self._stream)):
            raise DetectionError(f"tensorrt failed on a frame: {self._logger.last}", remedy="Restart the line")
        self._call(
            "cudaMemcpyAsync",
            self._answer.ctypes.data,
            self._buffers[self._output],
            self._answer.nbytes,
            kind.cudaMemcpyDeviceToHost,
            self._stream,
        )
        self._call("cudaStreamSynchronize", self._stream)
        return self._answer

    def close(self) -> None:
        """Release engine and device memory; safe to call twice."""
        self._context = self._engine = None
        buffers, self._buffers = self._buffers, {}
        for address in buffers.values():
            self._cuda.cudaFree(address)  # a device that has gone has nothing to free
        stream, self._stream = self._stream, None
        if stream is not None:
            self._cuda.cudaStreamDestroy(stream)

    def _load(self, path: Path) -> Any:
        return self._runtime.deserialize_cuda_engine(path.read_bytes())

    def _prepare(self, trt: Any) -> None:
        engine = self._engine
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        inputs = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
        self._input = inputs[0]
        self._output = next(name for name in names if name not in inputs)
        self._context = engine.create_execution_context()
        if self._context is None:
            raise DetectionError(f"tensorrt does not start: {self._logger.last}", remedy="Check `nvidia-smi`")
        self._context.set_input_shape(self._input, (1, *self._shape))
        self._answer = np.empty(tuple(self._context.get_tensor_shape(self._output)), np.float32)
        self._stream = self._call("cudaStreamCreate")
        for name, size in ((self._input, 4 * int(np.prod(self._shape))), (self._output, self._answer.nbytes)):
            self._buffers[name] = int(self._call("cudaMalloc", size))
            self._context.set_tensor_address(name, self._buffers[name])

    def _call(self, name: str, *arguments: object) -> Any:
        status, *results = getattr(self._cuda, name)(*arguments)
        if int(status):
            raise DetectionError(f"tensorrt: {name} answered {status.name}", remedy="Check `nvidia-smi`")
        return results[0] if results else None


def _cuda_library() -> Any:
    try:
        return importlib.import_module("cuda.bindings.runtime")
    except ImportError as error:
        raise ConfigurationError(
            "backend tensorrt: the package cuda-bindings is not installed", remedy="pip install 'line-inspector[gpu]'"
        ) from error
