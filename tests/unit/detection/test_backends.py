"""ONNX Runtime and OpenVINO give the same findings, and translate their own failures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inspector.detection import (
    Backend,
    Model,
    OnnxRuntimeBackend,
    OpenVinoBackend,
    load_model,
    open_backend,
)
from inspector.domain import DetectionError, ModelError
from tests.support.tiny_model import write_tiny_model

NAMES = ("onnxruntime", "openvino-f32", "openvino-bf16")
SHAPE = (1, 3, 96, 128)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return load_model(write_tiny_model(tmp_path))


@pytest.fixture(params=NAMES)
def backend(request: pytest.FixtureRequest, model: Model) -> Backend:
    return open_backend(model, request.param, threads=1)


def test_heads_are_equal_on_every_backend(model: Model) -> None:
    batch = np.random.default_rng(3).random(SHAPE, np.float32)
    expected = OnnxRuntimeBackend(model, threads=1).run(batch)
    for name in NAMES[1:]:
        head = open_backend(model, name, threads=1).run(batch)
        assert np.abs(head[:, :4] - expected[:, :4]).max() <= 0.5, f"{name}: boxes in px"
        assert np.abs(head[:, 4:] - expected[:, 4:]).max() <= 0.01, f"{name}: scores"


def test_a_wrong_input_is_a_detection_error(backend: Backend) -> None:
    with pytest.raises(DetectionError, match=rf"{backend.name} failed on an input of shape \(1, 3, 7, 5\)"):
        backend.run(np.zeros((1, 3, 7, 5), np.float32))
    assert backend.run(np.zeros(SHAPE, np.float32)).shape == (1, 6, 12)


def test_a_closed_backend_says_so(backend: Backend) -> None:
    backend.close()
    backend.close()
    with pytest.raises(DetectionError, match="closed"):
        backend.run(np.zeros(SHAPE, np.float32))


@pytest.mark.parametrize("frames", [1, 3])
def test_batches_of_any_size_run_where_asked_for(model: Model, frames: int) -> None:
    batch = np.random.default_rng(4).random((frames, *SHAPE[1:]), np.float32)
    expected = OnnxRuntimeBackend(model).run(batch)
    assert expected.shape == (frames, 6, 12)
    np.testing.assert_allclose(OpenVinoBackend(model, precision="f32", batch=None).run(batch), expected, atol=1e-4)


def test_openvino_names_the_weights_that_it_cannot_compile(model: Model) -> None:
    model.weights.write_bytes(b"")
    with pytest.raises(ModelError, match=r"tiny\.onnx: OpenVINO cannot compile"):
        OpenVinoBackend(model)


def test_nothing_on_the_verdict_path_imports_a_training_framework(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    script = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
import numpy as np
import inspector.runtime.station  # the whole line process, every kind of detector included
from inspector.detection import YoloDetector, load_model, open_backend
from inspector.domain import Frame, Trigger
model = load_model(Path({str(folder)!r}))
detector = YoloDetector(model, open_backend(model, cache=Path({str(tmp_path / "cache.json")!r})))
detector.warm_up()
now = datetime.now(UTC)
detector.detect(Frame(Trigger("1", "s", 1, now), np.zeros((96, 128), np.uint8), "c", now))
print(sorted({{"torch", "torchvision", "ultralytics", "onnx", "pandas"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
