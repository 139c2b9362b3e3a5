"""A backend that breaks in the middle of a shift: the same frame goes to the next one, and it is said once."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.detection import Backend, OnnxRuntimeBackend, YoloDetector, choose_backend, load_model
from inspector.detection.fallback import FallbackBackend
from inspector.domain import DetectionError, ModelError
from tests.support.frames import frame
from tests.support.tiny_model import board, write_tiny_model

BATCH = np.zeros((1, 3, 96, 128), np.float32)


class Mortal:
    """Runs a number of frames, then never again."""

    def __init__(self, inner: Backend, lives: int) -> None:
        self.name, self.lives, self.closed = "mortal", lives, False
        self._inner = inner

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.lives <= 0:
            raise DetectionError("mortal: the device is gone")
        self.lives -= 1
        return self._inner.run(batch)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def onnx(tmp_path: Path) -> OnnxRuntimeBackend:
    return OnnxRuntimeBackend(load_model(write_tiny_model(tmp_path)), threads=1)


def test_no_frame_is_lost_when_the_device_is(
    tmp_path: Path, onnx: OnnxRuntimeBackend, caplog: pytest.LogCaptureFixture
) -> None:
    model = load_model(tmp_path)
    mortal = Mortal(onnx, lives=2)
    detector = YoloDetector(model, FallbackBackend(mortal, {"onnxruntime": lambda: OnnxRuntimeBackend(model)}))
    seen = frame(board((1, 1)))
    assert [len(detector.detect(seen).items) for _ in range(5)] == [1] * 5
    assert mortal.closed
    assert detector.description == "tiny 1.0.0 (onnxruntime)"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "backend mortal is lost, onnxruntime takes over until the next start" in caplog.text


def test_one_that_does_not_open_is_passed_over(onnx: OnnxRuntimeBackend, caplog: pytest.LogCaptureFixture) -> None:
    def unfit() -> Backend:
        raise ModelError("no such device")

    backend = FallbackBackend(Mortal(onnx, lives=0), {"gone": unfit, "onnxruntime": lambda: onnx})
    assert backend.run(BATCH).shape == (1, 6, 12)
    assert "backend gone cannot take over" in caplog.text


def test_where_none_is_left_the_frame_fails(onnx: OnnxRuntimeBackend) -> None:
    backend = FallbackBackend(Mortal(onnx, lives=0), {"next": lambda: Mortal(onnx, lives=1)})
    backend.run(BATCH)
    with pytest.raises(DetectionError, match="the device is gone"):
        backend.run(BATCH)


def test_closing_opens_nothing(onnx: OnnxRuntimeBackend) -> None:
    opened: list[str] = []
    backend = FallbackBackend(onnx, {"next": lambda: opened.append("next") or onnx})
    backend.close()
    backend.close()
    with pytest.raises(DetectionError):
        backend.run(BATCH)
    assert opened == []


def test_a_loss_is_told_once_in_a_sentence(onnx: OnnxRuntimeBackend) -> None:
    told: list[str] = []
    backend = FallbackBackend(Mortal(onnx, lives=1), {"onnxruntime": lambda: onnx}, on_loss=told.append)
    for _ in range(4):
        backend.run(BATCH)
    assert told == ["mortal is lost, onnxruntime takes over until the next start: mortal: the device is gone"]


def test_a_spare_is_open_before_it_is_needed_and_closed_with_the_rest(onnx: OnnxRuntimeBackend) -> None:
    spare = Mortal(onnx, lives=9)
    opened: list[str] = []
    backend = FallbackBackend(Mortal(onnx, lives=9), {"spare": lambda: opened.append("spare") or spare}, spare=True)
    assert opened == ["spare"]
    backend.run(BATCH)
    backend.close()
    assert spare.closed


def test_the_spare_takes_the_frame_on_which_the_first_broke(onnx: OnnxRuntimeBackend) -> None:
    backend = FallbackBackend(Mortal(onnx, lives=0), {"spare": lambda: onnx}, spare=True)
    assert backend.run(BATCH).shape == (1, 6, 12)
    assert backend.name == "onnxruntime"


def test_one_that_is_away_at_the_start_is_a_loss_too(onnx: OnnxRuntimeBackend) -> None:
    def away() -> Backend:
        raise DetectionError("no server is ready")

    told: list[str] = []
    backend = FallbackBackend.opened("far", {"far": away, "near": lambda: onnx}, on_loss=told.append)
    assert backend.run(BATCH).shape == (1, 6, 12)
    assert told == ["far is lost, onnxruntime takes over until the next start: no server is ready"]


def test_one_that_can_never_run_here_stops_the_start(onnx: OnnxRuntimeBackend) -> None:
    def unfit() -> Backend:
        raise ModelError("other weights")

    with pytest.raises(ModelError, match="other weights"):
        FallbackBackend.opened("far", {"far": unfit, "near": lambda: onnx})


def test_where_all_are_away_the_start_fails() -> None:
    def away() -> Backend:
        raise DetectionError("no server is ready")

    with pytest.raises(DetectionError, match="no server is ready"):
        FallbackBackend.opened("far", {"far": away, "further": away})


def test_the_chosen_backend_has_the_others_behind_it(tmp_path: Path) -> None:
    model = load_model(write_tiny_model(tmp_path / "model"))
    chosen = choose_backend(model, threads=1, cache=tmp_path / "cache.json")
    assert isinstance(chosen, FallbackBackend)
    assert chosen.name in {"onnxruntime", "openvino-f32", "openvino-bf16"}
    chosen.close()
