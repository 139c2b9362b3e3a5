"""The detector: findings in raw-image pixels, and no silence about an unsound model."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.detection import Model, OnnxRuntimeBackend, YoloDetector, load_model
from inspector.domain import DetectionError, Frame, ModelError, Trigger
from tests.support.tiny_model import board, write_tiny_model

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class StuckBackend:
    """Always answers the same head."""

    name = "stuck"

    def __init__(self, head: NDArray[np.float32]) -> None:
        self._head = head

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._head

    def close(self) -> None: ...


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return load_model(write_tiny_model(tmp_path))


def frame(pixels: NDArray[np.uint8]) -> Frame:
    return Frame(Trigger("0001", "cell-1", 1, NOW), pixels, "test", NOW)


def boxes(detector: YoloDetector, pixels: NDArray[np.uint8]) -> list[tuple[str, float, list[float]]]:
    return [
        (item.label, round(item.score, 3), [item.box.x0, item.box.y0, item.box.x1, item.box.y1])
        for item in detector.detect(frame(pixels)).items
    ]


def test_a_finding_has_the_cards_class_and_the_raw_images_pixels(model: Model) -> None:
    detector = YoloDetector(model, OnnxRuntimeBackend(model))
    assert boxes(detector, board((1, 2))) == [("open", 1.0, [32, 64, 64, 96])]
    assert detector.detect(frame(board((1, 2)))).model == model.card.model_id


def test_findings_of_a_frame_twice_as_large_are_in_that_frames_pixels(model: Model) -> None:
    pixels = np.kron(board((1, 2)), np.ones((2, 2), np.uint8))
    detector = YoloDetector(model, OnnxRuntimeBackend(model))
    assert boxes(detector, pixels) == [("open", 1.0, [64, 128, 128, 192])]


def test_a_colour_frame_gives_the_findings_of_its_grey_levels(model: Model) -> None:
    detector = YoloDetector(model, OnnxRuntimeBackend(model))
    assert boxes(detector, np.dstack([board((0, 0))] * 3)) == boxes(detector, board((0, 0)))


def test_no_finding_outlives_its_frame(model: Model) -> None:
    detector = YoloDetector(model, OnnxRuntimeBackend(model))
    assert len(boxes(detector, board((0, 0), (2, 1)))) == 2
    assert boxes(detector, board()) == []


def test_the_lines_floor_replaces_the_cards(model: Model) -> None:
    faint = board((0, 0), level=100)
    assert len(boxes(YoloDetector(model, OnnxRuntimeBackend(model)), faint)) == 1
    assert boxes(YoloDetector(model, OnnxRuntimeBackend(model), floor=0.5), faint) == []


def test_a_head_with_other_classes_than_the_card_stops_the_start(tmp_path: Path) -> None:
    model = load_model(write_tiny_model(tmp_path, named=None, gains=(1.0, 0.5, 0.2)))
    with pytest.raises(ModelError, match=r"output has shape \(1, 7, 12\), expected \(1, 6, anchors\)"):
        YoloDetector(model, OnnxRuntimeBackend(model)).warm_up()


@pytest.mark.parametrize("shape", [(1, 7, 12), (1, 300, 6), (12,)])
def test_a_head_of_another_shape_is_a_detection_error(model: Model, shape: tuple[int, ...]) -> None:
    with pytest.raises(DetectionError, match="expected"):
        YoloDetector(model, StuckBackend(np.zeros(shape, np.float32))).detect(frame(board()))


@pytest.mark.parametrize("value", [float("nan"), 2.0])
def test_an_unsound_head_is_a_detection_error_not_a_good_part(model: Model, value: float) -> None:
    head = np.full((1, 6, 12), value, np.float32)
    with pytest.raises(DetectionError, match="stuck: unsound output of model tiny"):
        YoloDetector(model, StuckBackend(head)).detect(frame(board()))
