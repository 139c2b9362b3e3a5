"""A Triton server of its own: found, agreed with, used, and lost in the product's words."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from inspector.detection import Model, OnnxRuntimeBackend, TritonBackend, TritonServing, load_model, write_repository
from inspector.domain import ConfigurationError, DetectionError, ModelError
from tests.support.tiny_model import write_tiny_model
from tests.support.triton import TritonServer, serve

SHAPE = (1, 3, 96, 128)
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where POSIX shared memory shows
PATIENT_S = 60.0  # a busy machine is no failure


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return load_model(write_tiny_model(tmp_path / "tiny"))


@pytest.fixture
def mortal(model: Model, tmp_path: Path, triton: TritonServer) -> Iterator[TritonServer]:
    """A server of this test's own, to be killed; asking for the shared one first skips where there is none."""
    serve(model, tmp_path / "repository")
    server = TritonServer(tmp_path / "repository", tmp_path)
    yield server
    server.close()


@pytest.mark.parametrize("shared", [True, False])
def test_the_server_answers_what_the_weights_say(model: Model, triton: TritonServer, shared: bool) -> None:
    batch = np.random.default_rng(1).random(SHAPE, np.float32)
    expected = OnnxRuntimeBackend(model).run(batch)
    backend = TritonBackend(model, url=triton.url, timeout_s=PATIENT_S, shared_memory=shared)
    assert backend.shares_memory is shared
    for _ in range(3):
        np.testing.assert_allclose(backend.run(batch), expected, atol=1e-6)
    backend.close()


def test_memory_is_shared_with_a_server_on_this_machine_and_given_back(model: Model, triton: TritonServer) -> None:
    def mine() -> list[str]:
        return [path.name for path in SHARED_MEMORY.glob(f"inspector-{os.getpid()}-*")]

    backend = TritonBackend(model, url=triton.url, timeout_s=PATIENT_S)
    assert backend.shares_memory
    assert len(mine()) == 2
    backend.close()
    backend.close()
    assert mine() == []


def test_an_answer_outlives_the_next_call_and_the_backend(model: Model, triton: TritonServer) -> None:
    backend = TritonBackend(model, url=triton.url, timeout_s=PATIENT_S)
    first = backend.run(np.ones(SHAPE, np.float32))
    kept = first.copy()
    backend.run(np.zeros(SHAPE, np.float32))
    backend.close()
    np.testing.assert_array_equal(first, kept)


def test_a_batch_runs_in_one_call(model: Model, triton: TritonServer) -> None:
    batch = np.random.default_rng(2).random((5, *SHAPE[1:]), np.float32)
    backend = TritonBackend(model, url=triton.url, timeout_s=PATIENT_S)
    np.testing.assert_allclose(backend.run(batch), OnnxRuntimeBackend(model).run(batch), atol=1e-6)
    backend.close()


def test_a_wrong_input_is_a_detection_error(model: Model, triton: TritonServer) -> None:
    backend = TritonBackend(model, url=triton.url, timeout_s=PATIENT_S)
    with pytest.raises(DetectionError, match=r"triton at 127.0.0.1:\d+ failed on an input of shape \(1, 3, 7, 5\)"):
        backend.run(np.zeros((1, 3, 7, 5), np.float32))
    assert backend.run(np.zeros(SHAPE, np.float32)).shape == (1, 6, 12)
    backend.close()
    with pytest.raises(DetectionError, match="closed"):
        backend.run(np.zeros(SHAPE, np.float32))


def test_other_weights_under_the_same_name_are_refused(tmp_path: Path, triton: TritonServer) -> None:
    other = load_model(write_tiny_model(tmp_path, gains=(0.9, 0.5)))
    with pytest.raises(ModelError, match=r"runs other weights as tiny: SHA-256 .{12}…, the card says .{12}…"):
        TritonBackend(other, url=triton.url, timeout_s=PATIENT_S)


def test_a_model_that_the_server_does_not_have_is_named(tmp_path: Path, triton: TritonServer) -> None:
    other = load_model(write_tiny_model(tmp_path, name="unheard"))
    with pytest.raises(ModelError, match=r"holds no model unheard: .*inspector models triton"):
        TritonBackend(other, url=triton.url, timeout_s=PATIENT_S)


def test_no_server_is_a_detection_error_after_the_wait(model: Model) -> None:
    pytest.importorskip("tritonclient.grpc")
    with pytest.raises(DetectionError, match=r"no server is ready at 127.0.0.1:1 after 0 s: .*Start the server"):
        TritonBackend(model, url="127.0.0.1:1", ready_s=0.2)


def test_without_the_client_the_extra_is_named(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ConfigurationError, match=r"line-inspector\[triton\]"):
        TritonBackend(model)


@pytest.mark.parametrize("shared", [True, False])
def test_a_server_that_is_killed_is_a_detection_error(model: Model, mortal: TritonServer, shared: bool) -> None:
    backend = TritonBackend(model, url=mortal.url, timeout_s=PATIENT_S, shared_memory=shared)
    mortal.kill()
    with pytest.raises(DetectionError, match="failed on an input of shape"):
        backend.run(np.zeros(SHAPE, np.float32))
    backend.close()


def test_a_server_that_hangs_is_given_up_in_time_and_its_memory_is_not_read_again(
    model: Model, mortal: TritonServer
) -> None:
    backend = TritonBackend(model, url=mortal.url, timeout_s=0.5)
    assert backend.shares_memory
    mortal.pause()
    with pytest.raises(DetectionError, match="failed on an input of shape"):
        backend.run(np.zeros(SHAPE, np.float32))
    assert not backend.shares_memory
    backend.close()


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("onnxruntime", ['backend: "onnxruntime"', "kind: KIND_CPU", 'key: "intra_op_thread_count"']),
        ("onnxruntime-gpu", ['backend: "onnxruntime"', "kind: KIND_GPU"]),
        ("tensorrt", ['name: "tensorrt"', 'value: "FP16"', "kind: KIND_GPU"]),
        ("python", ['backend: "python"', "kind: KIND_CPU"]),
    ],
)
def test_the_configuration_names_engine_batching_and_weights(
    model: Model, tmp_path: Path, engine: str, said: list[str]
) -> None:
    serving = TritonServing(engine=engine, largest_batch=16, wait_us=250, instances=2)  # type: ignore[arg-type]
    folder = write_repository(model, tmp_path / "repository", serving)
    text = (folder / "config.pbtxt").read_text(encoding="utf-8")
    for each in (
        'name: "tiny"',
        "max_batch_size: 16",
        "dynamic_batching { max_queue_delay_microseconds: 250 }",
        "dims: [ 3, 96, 128 ]",
        "dims: [ 6, 12 ]",
        "count: 2",
        model.card.sha256,
        *said,
    ):
        assert each in text
    assert (folder / "1" / "model.onnx").read_bytes() == model.weights.read_bytes()
    assert (folder / "1" / "model.py").is_file() is (engine == "python")


def test_the_configuration_is_what_tritons_own_schema_reads(model: Model, tmp_path: Path) -> None:
    pb2 = pytest.importorskip("tritonclient.grpc.model_config_pb2")
    text_format = importlib.import_module("google.protobuf.text_format")
    for engine in ("onnxruntime", "onnxruntime-gpu", "tensorrt", "python"):
        folder = write_repository(model, tmp_path / "repository", TritonServing(engine=engine))  # type: ignore[arg-type]
        config = text_format.Parse((folder / "config.pbtxt").read_text(encoding="utf-8"), pb2.ModelConfig())
        assert config.parameters["sha256"].string_value == model.card.sha256
        assert config.dynamic_batching.max_queue_delay_microseconds == 500


def test_one_frame_at_a_time_is_not_batched(model: Model, tmp_path: Path) -> None:
    text = (
        write_repository(model, tmp_path / "repository", TritonServing(largest_batch=1)) / "config.pbtxt"
    ).read_text()
    assert "max_batch_size: 1" in text
    assert "dynamic_batching" not in text


def test_what_is_no_model_of_a_repository_is_not_written_over(model: Model, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"tiny: is in the way"):
        write_repository(model, model.folder.parent, TritonServing())
    assert model.weights.is_file()


@pytest.mark.parametrize("wrong", [{"engine": "abacus"}, {"largest_batch": 0}, {"wait_us": -1}, {"instances": 0}])
def test_impossible_serving_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        TritonServing(**wrong)  # type: ignore[arg-type]
