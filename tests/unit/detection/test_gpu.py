"""Backends on an NVIDIA GPU, as far as they can be tested without one: what is missing is said, engines are built."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import logging
from enum import IntEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

from inspector.detection import (
    Model,
    OnnxRuntimeBackend,
    build_engine,
    candidates,
    load_model,
    onnx_providers,
    open_backend,
    tensorrt_backend,
    tensorrt_engine,
)
from inspector.detection import gpu as gpus
from inspector.detection.gpu import Gpu, find_gpu
from inspector.detection.tensorrt_backend import TensorRtBackend
from inspector.detection.tensorrt_library import load_tensorrt
from inspector.domain import ConfigurationError, DetectionError, ModelError
from tests.support.tiny_model import write_tiny_model

SHAPE = (1, 3, 96, 128)
CARD = Gpu("NVIDIA L4", "8.9", "13.0")
RTX = all(
    importlib.util.find_spec(name) is not None for name in ("tensorrt_rtx_bindings", "onnxruntime_ep_nv_tensorrt_rtx")
)
needs_rtx = pytest.mark.skipif(not RTX, reason="TensorRT for RTX is not installed (extra gpu-rtx)")


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return load_model(write_tiny_model(tmp_path / "tiny"))


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ctypes.CDLL

    def load(name: str) -> object:
        if "libcuda.so" in name:
            raise OSError(name)
        return real(name)

    monkeypatch.setattr(gpus.ctypes, "CDLL", load)


class Driver:
    """The five calls of the CUDA driver that are made, answered as a machine with one L4 does."""

    def __init__(self, *, init: int = 0, count: int = 1) -> None:
        self._init, self._count = init, count

    def cuInit(self, flags: int) -> int:  # noqa: N802 - the driver's names
        return self._init

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        count._obj.value = self._count
        return 0

    def cuDeviceGet(self, device: Any, number: int) -> int:  # noqa: N802
        device._obj.value = number
        return 0

    def cuDeviceGetName(self, name: Any, size: int, device: Any) -> int:  # noqa: N802
        name.value = b"NVIDIA L4"
        return 0

    def cuDeviceGetAttribute(self, value: Any, attribute: int, device: Any) -> int:  # noqa: N802
        value._obj.value = {75: 8, 76: 9}[attribute]
        return 0

    def cuDriverGetVersion(self, version: Any) -> int:  # noqa: N802
        version._obj.value = 13000
        return 0


def test_the_driver_is_asked_which_gpu_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus.ctypes, "CDLL", lambda name: Driver())
    assert find_gpu() == CARD


@pytest.mark.parametrize(
    ("driver", "said"), [(Driver(init=999), "cuInit of the driver answered 999"), (Driver(count=0), "counts none")]
)
def test_a_driver_without_a_working_gpu_is_no_gpu(monkeypatch: pytest.MonkeyPatch, driver: Driver, said: str) -> None:
    monkeypatch.setattr(gpus.ctypes, "CDLL", lambda name: driver)
    with pytest.raises(DetectionError, match=f"no NVIDIA GPU here: .*{said}"):
        find_gpu()


def test_no_driver_is_no_gpu(no_gpu: None) -> None:
    with pytest.raises(DetectionError, match=r"libcuda\.so\.1 cannot be loaded.*nvidia-smi"):
        find_gpu()


def test_without_a_gpu_auto_has_no_candidate_on_one(model: Model, no_gpu: None) -> None:
    assert set(candidates(model)) <= {"onnxruntime", "openvino-f32", "openvino-bf16"}


def test_the_processors_onnx_runtime_names_the_extra_that_has_cuda(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    for provider, missing in (("cuda", "CUDAExecutionProvider"), ("tensorrt", "TensorrtExecutionProvider")):
        with pytest.raises(ConfigurationError, match=rf"has no {missing}\. .*line-inspector\[gpu\]"):
            OnnxRuntimeBackend(model, provider=provider)  # type: ignore[arg-type]


def test_onnx_runtimes_own_way_back_to_the_processor_is_refused(
    model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With missing CUDA libraries ONNX Runtime goes on with the processor and only logs it."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnx_providers, "find_gpu", lambda: CARD)
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda path, options, providers: real(path, options, ["CPUExecutionProvider"])
    )
    with pytest.raises(DetectionError, match="ONNX Runtime went to CPUExecutionProvider by itself"):
        OnnxRuntimeBackend(model, provider="cuda", engines=tmp_path)


@needs_rtx
def test_the_real_plug_in_says_what_it_misses(model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if _has_gpu():
        pytest.skip("this machine has a GPU")
    with pytest.raises(DetectionError, match="no NVIDIA GPU here"):
        OnnxRuntimeBackend(model, provider="tensorrt-rtx", engines=tmp_path)
    monkeypatch.setattr(onnx_providers, "find_gpu", lambda: CARD)
    with pytest.raises(DetectionError, match=r"onnxruntime-tensorrt-rtx does not start on NVIDIA L4: .*libcuda"):
        OnnxRuntimeBackend(model, provider="tensorrt-rtx", engines=tmp_path)


def test_without_the_plug_in_the_extra_is_named(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    _hide(monkeypatch, "onnxruntime_ep_nv_tensorrt_rtx")
    with pytest.raises(ConfigurationError, match=r"line-inspector\[gpu-rtx\]"):
        OnnxRuntimeBackend(model, provider="tensorrt-rtx")


def test_without_tensorrt_the_extras_are_named(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    _hide(monkeypatch, "tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings", "onnxruntime_ep_nv_tensorrt_rtx")
    with pytest.raises(ConfigurationError, match=r"TensorRT does not load: .*\[gpu\].*\[gpu-rtx\]"):
        build_engine(model)


@needs_rtx
def test_a_line_that_names_a_gpu_runs_on_the_processor_without_it_and_says_so(model: Model, no_gpu: None) -> None:
    told: list[str] = []
    backend = open_backend(model, "onnxruntime-tensorrt-rtx", threads=1, on_loss=told.append)
    assert backend.name.startswith("openvino")
    assert backend.run(np.zeros(SHAPE, np.float32)).shape == (1, 6, 12)
    assert len(told) == 1
    assert told[0].startswith("onnxruntime-tensorrt-rtx is lost")
    assert "no NVIDIA GPU here" in told[0]
    backend.close()


@needs_rtx
def test_an_engine_is_built_once_for_each_gpu_and_weights(model: Model, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    folder = tmp_path / "engines"
    first = build_engine(model, capability="8.9", folder=folder, on_progress=lambda *step: steps.append(step))
    assert first.fresh
    assert first.path.stat().st_size > 1000
    assert steps
    assert all(done <= total for _, done, total in steps)
    for fact in (model.card.sha256[:16], "sm-8.9", "tensorrt-rtx-", "b1"):
        assert fact in first.path.name
    written = first.path.stat().st_mtime_ns
    again = build_engine(model, capability="8.9", folder=folder)
    assert (again.path, again.fresh) == (first.path, False)
    assert again.path.stat().st_mtime_ns == written
    other = load_model(write_tiny_model(tmp_path / "other", gains=(0.9, 0.5)))
    assert build_engine(other, capability="8.9", folder=folder).path != first.path
    assert build_engine(model, capability="8.6", folder=folder).fresh
    assert len(list(folder.iterdir())) == 3


@needs_rtx
def test_an_engine_can_be_asked_for_again(model: Model, tmp_path: Path) -> None:
    path = build_engine(model, capability="8.9", folder=tmp_path).path
    path.write_bytes(b"spoilt")
    assert build_engine(model, capability="8.9", folder=tmp_path, again=True).fresh
    assert path.stat().st_size > 1000


@needs_rtx
@pytest.mark.parametrize(("capability", "said"), [("89", "not two numbers with a point"), ("1.3", "It knows 7.5, ")])
def test_a_gpu_that_tensorrt_does_not_know_is_named(model: Model, tmp_path: Path, capability: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        build_engine(model, capability=capability, folder=tmp_path)


@needs_rtx
def test_weights_that_tensorrt_cannot_read_are_named(model: Model, tmp_path: Path) -> None:
    model.weights.write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"tiny\.onnx: TensorRT cannot read it: "):
        build_engine(model, capability="8.9", folder=tmp_path)


@needs_rtx
def test_without_a_gpu_an_engine_for_this_machine_is_refused(model: Model, tmp_path: Path, no_gpu: None) -> None:
    for attempt in (lambda: build_engine(model, folder=tmp_path), lambda: TensorRtBackend(model, engines=tmp_path)):
        with pytest.raises(DetectionError, match="no NVIDIA GPU here"):
            attempt()


@needs_rtx
def test_the_real_runtime_without_a_gpu_is_a_model_error(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if _has_gpu():
        pytest.skip("this machine has a GPU")
    monkeypatch.setattr(tensorrt_backend, "find_gpu", lambda: CARD)
    monkeypatch.setattr(tensorrt_engine, "find_gpu", lambda: CARD)
    real = tensorrt_engine.build_engine

    def for_an_l4(*arguments: Any, **options: Any) -> Any:
        return real(*arguments, **options, capability="8.9")

    monkeypatch.setattr(tensorrt_backend, "build_engine", for_an_l4)
    with caplog.at_level(logging.WARNING), pytest.raises(ModelError, match=r"TensorRT cannot load it: .*CUDA"):
        TensorRtBackend(model, engines=tmp_path)
    assert "TensorRT: " in caplog.text


class Status(IntEnum):
    """As `cudaError_t`."""

    success = 0
    lost = 46


class HostMemory:
    """The CUDA runtime calls that the backend makes, on this machine's own memory."""

    cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)  # noqa: N815

    def __init__(self) -> None:
        self.memory: dict[int, Any] = {}
        self.lost = False

    def cudaStreamCreate(self) -> tuple[Status, int]:  # noqa: N802
        return Status.success, 7

    def cudaStreamDestroy(self, stream: int) -> tuple[Status]:  # noqa: N802
        return (Status.success,)

    def cudaStreamSynchronize(self, stream: int) -> tuple[Status]:  # noqa: N802
        return (Status.lost if self.lost else Status.success,)

    def cudaMalloc(self, size: int) -> tuple[Status, int]:  # noqa: N802
        buffer = ctypes.create_string_buffer(size)
        self.memory[ctypes.addressof(buffer)] = buffer
        return Status.success, ctypes.addressof(buffer)

    def cudaFree(self, address: int) -> tuple[Status]:  # noqa: N802
        del self.memory[address]
        return (Status.success,)

    def cudaMemcpyAsync(self, target: int, source: int, size: int, kind: int, stream: int) -> tuple[Status]:  # noqa: N802
        ctypes.memmove(target, source, size)
        return (Status.success,)


class HostEngine:
    """An engine and its context that compute with ONNX Runtime on the addresses they are given."""

    num_io_tensors = 2

    def __init__(self, model: Model) -> None:
        self._backend = OnnxRuntimeBackend(model, threads=1)
        self._addresses: dict[str, int] = {}

    def get_tensor_name(self, index: int) -> str:
        return ("images", "output0")[index]

    def get_tensor_mode(self, name: str) -> str:
        return "in" if name == "images" else "out"

    def create_execution_context(self) -> HostEngine:
        return self

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        return shape == SHAPE

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return (1, 6, 12)

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        assert stream == 7
        pixels = np.ctypeslib.as_array((ctypes.c_float * int(np.prod(SHAPE))).from_address(self._addresses["images"]))
        answer = self._backend.run(pixels.reshape(SHAPE))
        ctypes.memmove(self._addresses["output0"], np.ascontiguousarray(answer).ctypes.data, answer.nbytes)
        return True


@pytest.fixture
def hosted(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[TensorRtBackend, HostMemory]:
    """The backend on stand-ins for engine and CUDA runtime, in host memory: its own bookkeeping is what is tested."""
    memory = HostMemory()
    runtime = SimpleNamespace(deserialize_cuda_engine=lambda content: HostEngine(model))
    module = SimpleNamespace(Runtime=lambda logger: runtime, TensorIOMode=SimpleNamespace(INPUT="in"))
    library = SimpleNamespace(module=module, logger=lambda: SimpleNamespace(last="nothing"))
    engine = tmp_path / "tiny.engine"
    engine.write_bytes(b"engine")
    monkeypatch.setattr(tensorrt_backend, "find_gpu", lambda: CARD)
    monkeypatch.setattr(tensorrt_backend, "load_tensorrt", lambda: library)
    monkeypatch.setattr(tensorrt_backend, "build_engine", lambda *_, **__: SimpleNamespace(path=engine))
    monkeypatch.setattr(tensorrt_backend, "_cuda_library", lambda: memory)
    return TensorRtBackend(model, engines=tmp_path), memory


def test_pixels_go_to_the_device_and_the_answer_comes_back(
    model: Model, hosted: tuple[TensorRtBackend, HostMemory]
) -> None:
    backend, memory = hosted
    batch = np.random.default_rng(1).random(SHAPE, np.float32)
    np.testing.assert_allclose(backend.run(batch), OnnxRuntimeBackend(model).run(batch), atol=1e-6)
    assert len(memory.memory) == 2
    with pytest.raises(DetectionError, match=r"tensorrt failed on an input of shape \(2, 3, 96, 128\)"):
        backend.run(np.zeros((2, *SHAPE[1:]), np.float32))
    backend.close()
    backend.close()
    assert memory.memory == {}
    with pytest.raises(DetectionError, match="closed"):
        backend.run(batch)


def test_a_device_that_disappears_is_a_detection_error(hosted: tuple[TensorRtBackend, HostMemory]) -> None:
    backend, memory = hosted
    memory.lost = True
    with pytest.raises(DetectionError, match="cudaStreamSynchronize answered lost"):
        backend.run(np.zeros(SHAPE, np.float32))
    backend.close()


@needs_rtx
def test_the_real_cuda_runtime_has_the_calls_that_are_made() -> None:
    runtime = importlib.import_module("cuda.bindings.runtime")
    calls = [name for name in vars(HostMemory) if name.startswith("cuda")]
    assert len(calls) == 7
    for name in calls:
        assert hasattr(runtime, name)
    status, *_ = runtime.cudaStreamCreate()
    assert int(status) == 0 or status.name  # what the backend puts in its message


@needs_rtx
def test_the_real_tensorrt_has_the_calls_that_are_made() -> None:
    trt = load_tensorrt().module
    context = [name for name in vars(HostEngine) if not name.startswith("_") and name.startswith(("set_", "execute_"))]
    for name in (*context, "get_tensor_shape"):
        assert hasattr(trt.IExecutionContext, name)
    for name in ("num_io_tensors", "get_tensor_name", "get_tensor_mode", "create_execution_context"):
        assert hasattr(trt.ICudaEngine, name)


def _has_gpu() -> bool:
    try:
        find_gpu()
    except DetectionError:
        return False
    return True


def _hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    real = importlib.import_module

    def found(name: str, package: str | None = None) -> object:
        if name in names:
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", found)
