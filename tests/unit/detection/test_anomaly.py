"""Good-only detection: hot regions become findings with masks; what cannot be compared is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inspector.detection import AnomalyDetector, load_model, open_backend, read_card
from inspector.detection.regions import binary_regions, hot_regions
from inspector.domain import DetectionError, Frame, ModelError, Trigger
from tests.support.tiny_heat import write_tiny_heat
from tests.support.tiny_model import write_tiny_model

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def frame(pixels: NDArray[np.uint8]) -> Frame:
    return Frame(Trigger("0001", "cell-1", 1, NOW), pixels, "test", NOW)


def opened(folder: Path) -> AnomalyDetector:
    model = load_model(folder)
    return AnomalyDetector(model, open_backend(model, "onnxruntime", threads=1))


def picture(*, level: int = 255) -> NDArray[np.uint8]:
    pixels = np.zeros((96, 128), np.uint8)
    pixels[20:30, 40:60] = level
    pixels[25:40, 40:45] = level  # an L: its mask is not its box
    return pixels


def test_a_hot_region_is_a_finding_with_its_shape(tmp_path: Path) -> None:
    (item,) = opened(write_tiny_heat(tmp_path)).detect(frame(picture())).items
    assert (item.box.x0, item.box.y0, item.box.x1, item.box.y1) == (40, 20, 60, 40)
    assert item.mask is not None
    np.testing.assert_array_equal(item.mask, picture()[20:40, 40:60] > 0)


def test_the_score_is_the_share_of_good_parts_that_stay_cooler(tmp_path: Path) -> None:
    detector = opened(write_tiny_heat(tmp_path))
    (item,) = detector.detect(frame(picture(level=204))).items
    assert item.score == pytest.approx(np.exp(-np.exp((0.1 - 0.8) / 0.2)), abs=1e-5)
    assert detector.score(-1e9) == 0.0
    assert detector.score(1e9) == 1.0


def test_the_heat_map_is_in_thresholds_and_of_the_frames_size(tmp_path: Path) -> None:
    detector = opened(write_tiny_heat(tmp_path))
    heat = detector.heat_map(frame(picture(level=51)))
    assert heat.shape == (96, 128)
    assert heat[22, 50] == pytest.approx(0.8, abs=1e-5)
    assert detector.peak(frame(picture(level=51))) == pytest.approx(0.2, abs=1e-5)
    assert detector.detect(frame(picture(level=51))).items == ()


def test_a_frame_of_another_size_is_refused_where_parts_lie_fixed(tmp_path: Path) -> None:
    spec = {"method": "padim", "placement": "fixed", "frame_width": 128, "frame_height": 96,
            "threshold": 0.25, "location": 0.1, "spread": 0.2}  # fmt: skip
    detector = opened(write_tiny_heat(tmp_path, anomaly=spec))
    with pytest.raises(DetectionError, match=r"120 x 96 pixels, model tiny-heat knows good parts of 128 x 96"):
        detector.detect(frame(np.zeros((96, 120), np.uint8)))


def test_a_frame_of_another_scale_is_refused_where_they_lie_free(tmp_path: Path) -> None:
    detector = opened(write_tiny_heat(tmp_path))
    with pytest.raises(DetectionError, match="256 x 192"):
        detector.detect(frame(np.zeros((192, 256), np.uint8)))
    assert detector.detect(frame(np.zeros((90, 100), np.uint8))).items == ()


def test_not_a_number_is_an_error_and_never_a_good_part(tmp_path: Path) -> None:
    detector = opened(write_tiny_heat(tmp_path, heat="Log"))  # of black: minus infinity
    with pytest.raises(DetectionError, match="unsound heat map of model tiny-heat"):
        detector.detect(frame(picture()))


def test_a_detection_model_has_no_heat_map(tmp_path: Path) -> None:
    model = load_model(write_tiny_model(tmp_path))
    with pytest.raises(ModelError, match="a model with task detect has no heat map"):
        AnomalyDetector(model, open_backend(model, "onnxruntime"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"anomaly": None}, "key anomaly: missing, a model with task anomaly needs it"),
        ({"classes": ["a", "b"]}, "key classes: a model with task anomaly has one class, got 2"),
    ],
)
def test_a_card_without_what_its_task_needs_is_refused(tmp_path: Path, change: dict[str, object], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        read_card(write_tiny_heat(tmp_path, **change))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(3, 12),
    st.integers(3, 12),
    st.sampled_from([1, 4, 8]),
    st.floats(0.5, 0.999),
)
def test_regions_stay_in_the_picture_and_none_is_lost(
    seed: int, rows: int, columns: int, step: int, threshold: float
) -> None:
    heat = np.random.default_rng(seed).random((rows, columns), np.float32)
    size = (columns * step - step // 2, rows * step - step // 4)
    found = hot_regions(heat, step, threshold, size)
    assert bool(found) == bool(heat.max() > threshold)
    for region in found:
        left, top, right, bottom = region.box
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]
        assert region.mask.shape == (bottom - top, right - left)
        assert region.mask.sum() == region.area_px > 0
        assert region.peak > threshold


def test_regions_meet_at_corners_and_small_ones_can_be_left_out() -> None:
    bits = np.zeros((8, 8), np.bool_)
    bits[1, 1] = bits[2, 2] = bits[6, 6] = True
    assert [region.area_px for region in binary_regions(bits)] == [2, 1]
    assert [region.area_px for region in binary_regions(bits, least_area_px=2)] == [2]
