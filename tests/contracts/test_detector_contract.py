"""What every detector promises the flow, whatever runs inside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.detection import AnomalyDetector, YoloDetector, load_model, open_backend
from inspector.domain import Box, Detection, DetectionError, Detections, Detector, Frame, ModelId, Trigger
from tests.support.tiny_heat import write_tiny_heat
from tests.support.tiny_model import CELL, board, write_tiny_model

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class BrightCells:
    """The tiny model's answer, worked out in plain numpy: the fake that other tests may stand on."""

    def __init__(self) -> None:
        self._open = True

    def warm_up(self) -> None: ...

    def detect(self, frame: Frame) -> Detections:
        if not self._open:
            raise DetectionError("the detector is closed")
        pixels = frame.pixels if frame.pixels.ndim == 2 else frame.pixels.mean(axis=2)
        items = []
        for top in range(0, frame.height - CELL + 1, CELL):
            for left in range(0, frame.width - CELL + 1, CELL):
                score = float(pixels[top : top + CELL, left : left + CELL].mean()) / 255
                if score >= 0.25:
                    items.append(Detection("open", score, Box(left, top, left + CELL, top + CELL)))
        return Detections(tuple(items), ModelId("fake", "1", "0" * 64))

    def close(self) -> None:
        self._open = False


@pytest.fixture(params=["fake", "anomaly", "onnxruntime", "openvino-f32", "openvino-bf16", "triton"])
def detector(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Detector]:
    if request.param == "fake":
        made: Detector = BrightCells()
    elif request.param == "anomaly":
        heat = load_model(write_tiny_heat(tmp_path))
        made = AnomalyDetector(heat, open_backend(heat, "openvino", threads=1))
    else:
        model = load_model(write_tiny_model(tmp_path))
        address = request.getfixturevalue("triton").url if request.param == "triton" else ""
        made = YoloDetector(model, open_backend(model, request.param, threads=1, triton=address))
    yield made
    made.close()


def frame(pixels: NDArray[np.uint8]) -> Frame:
    return Frame(Trigger("0001", "cell-1", 1, NOW), pixels, "test", NOW)


def test_it_is_a_detector(detector: Detector) -> None:
    assert isinstance(detector, Detector)


def test_an_empty_part_has_no_finding(detector: Detector) -> None:
    detector.warm_up()
    assert detector.detect(frame(board())).items == ()


def test_findings_lie_where_the_defects_are_best_score_first(detector: Detector) -> None:
    pixels = board((3, 2), level=160)
    pixels[board((0, 1)) > 0] = 255
    first, second = detector.detect(frame(pixels)).items
    assert (first.label, second.label) == ("open", "open")
    assert first.score > second.score
    np.testing.assert_allclose([first.box.x0, first.box.y0, first.box.x1, first.box.y1], [0, 32, 32, 64], atol=0.5)
    np.testing.assert_allclose(
        [second.box.x0, second.box.y0, second.box.x1, second.box.y1], [96, 64, 128, 96], atol=0.5
    )


def test_boxes_stay_inside_the_raw_image(detector: Detector) -> None:
    pixels = np.full((90, 120), 255, np.uint8)
    for item in detector.detect(frame(pixels)).items:
        assert 0 <= item.box.x0 < item.box.x1 <= 120
        assert 0 <= item.box.y0 < item.box.y1 <= 90


def test_the_same_frame_gives_the_same_findings(detector: Detector) -> None:
    picture = frame(board((1, 1), (2, 0), level=200))
    answers = [[(item.label, item.score, item.box) for item in detector.detect(picture).items] for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]


def test_the_frame_is_left_as_it_was(detector: Detector) -> None:
    picture = frame(np.random.default_rng(1).integers(0, 255, (96, 128, 3), dtype=np.uint8))
    before = picture.pixels.copy()
    detector.detect(picture)
    np.testing.assert_array_equal(picture.pixels, before)


def test_findings_name_the_model_that_spoke(detector: Detector) -> None:
    model = detector.detect(frame(board())).model
    assert model.name
    assert model.version
    assert len(model.sha256) == 64


def test_a_closed_detector_fails_in_the_products_words(detector: Detector) -> None:
    detector.close()
    detector.close()
    with pytest.raises(DetectionError):
        detector.detect(frame(board()))
