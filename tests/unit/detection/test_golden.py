"""The golden template: only what differs beyond the tolerance, at its place on a part that lies a little off."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inspector.detection import GoldenDetector
from inspector.detection.registration import find_shift
from inspector.domain import ConfigurationError, DetectionError
from tests.support.frames import frame


def part(seed: int = 5) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    pixels = np.full((200, 240), 40, np.uint8)
    for _ in range(14):
        x, y = int(rng.integers(10, 190)), int(rng.integers(10, 160))
        cv2.rectangle(pixels, (x, y), (x + int(rng.integers(10, 40)), y + int(rng.integers(8, 30))), 210, -1)
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.8), np.uint8)


def shifted(pixels: NDArray[np.uint8], dx: float, dy: float) -> NDArray[np.uint8]:
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    moved = cv2.warpAffine(pixels, matrix, pixels.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


@settings(max_examples=40, deadline=None)
@given(st.floats(-8, 8), st.floats(-8, 8), st.integers(0, 2**32 - 1))
def test_a_good_part_is_good_wherever_it_lies(dx: float, dy: float, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 3, part().shape)
    seen = np.clip(shifted(part(), dx, dy) + noise, 0, 255).astype(np.uint8)
    detector = GoldenDetector({"": part()}, tolerance_px=2)
    assert detector.detect(frame(seen)).items == ()


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3.4, -2.6), (-6, 5)])
@pytest.mark.parametrize("where", [(60, 50), (97, 106)])
def test_a_difference_is_found_at_its_place_on_the_frame(dx: float, dy: float, where: tuple[int, int]) -> None:
    row, column = where
    bad = part()
    place = (slice(row - 7, row + 7), slice(column - 7, column + 7))
    bad[place] = 250 - bad[place]
    (item,) = GoldenDetector({"": part()}, tolerance_px=2).detect(frame(shifted(bad, dx, dy))).items[:1]
    assert item.label == "difference"
    np.testing.assert_allclose(item.box.centre, (column + dx, row + dy), atol=6)
    assert item.mask is not None
    assert item.mask.any()


def test_an_edge_within_the_tolerance_is_good_and_beyond_it_not() -> None:
    golden = np.full((120, 120), 30, np.uint8)
    golden[30:90, 30:90] = 220
    grown = golden.copy()
    grown[50:70, 90:92] = 220
    assert GoldenDetector({"": golden}, tolerance_px=3).detect(frame(grown)).items == ()
    (item,) = GoldenDetector({"": golden}, tolerance_px=1).detect(frame(grown)).items
    np.testing.assert_allclose(item.box.centre, (91.5, 60), atol=1.5)


def test_a_faint_difference_scores_low() -> None:
    scores = []
    for level in (120, 250):
        bad = part(8)
        bad[0:20, 0:20] = level
        scores.append(GoldenDetector({"": part(8)}, levels=20).detect(frame(bad)).items[0].score)
    assert 0 < scores[0] < scores[1] <= 1


def test_each_recipe_has_its_golden_part() -> None:
    detector = GoldenDetector({"a": part(1), "b": part(2)})
    assert detector.detect(frame(part(1), recipe="a")).items == ()
    assert detector.detect(frame(part(2), recipe="b")).items == ()
    with pytest.raises(DetectionError, match="no golden image for recipe 'c'"):
        detector.detect(frame(part(2), recipe="c"))


def test_a_part_out_of_place_is_refused() -> None:
    with pytest.raises(DetectionError, match="the part lies more than 5 px off the golden part"):
        GoldenDetector({"": part()}, search_px=5).detect(frame(shifted(part(), 12, 9)))


@settings(max_examples=40, deadline=None)
@given(st.floats(-18, 18), st.floats(-18, 18))
def test_the_shift_is_found_to_a_fraction_of_a_pixel(dx: float, dy: float) -> None:
    np.testing.assert_allclose(find_shift(part(), shifted(part(), dx, dy), 20), (dx, dy), atol=0.25)


def test_a_part_that_repeats_itself_is_found_within_the_search_only() -> None:
    stripes = np.tile(np.repeat(np.array([30, 220], np.uint8), 32), (200, 4))
    assert GoldenDetector({"": stripes}, search_px=10).detect(frame(stripes)).items == ()


def test_another_size_is_refused() -> None:
    with pytest.raises(DetectionError, match="the frame has 100 x 100 pixels, the golden image 240 x 200"):
        GoldenDetector({"": part()}).detect(frame(np.zeros((100, 100), np.uint8)))


def test_a_plain_golden_part_is_no_riddle() -> None:
    detector = GoldenDetector({"": np.full((64, 64), 128, np.uint8)})
    detector.warm_up()
    assert detector.detect(frame(np.full((64, 64), 128, np.uint8))).items == ()


def test_its_identity_covers_image_and_tolerances() -> None:
    shas = {
        GoldenDetector({"": part(1)}).identity.sha256,
        GoldenDetector({"": part(2)}).identity.sha256,
        GoldenDetector({"": part(1)}, levels=61).identity.sha256,
    }
    assert len(shas) == 3
    assert GoldenDetector({"": part(1)}).identity == GoldenDetector({"": part(1)}).identity


def test_it_needs_an_image_and_stays_closed() -> None:
    with pytest.raises(ConfigurationError, match="there is no golden image"):
        GoldenDetector({})
    detector = GoldenDetector({"": part()})
    detector.close()
    with pytest.raises(DetectionError, match="closed"):
        detector.detect(frame(part()))
