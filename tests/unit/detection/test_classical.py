"""Detectors that learn nothing: presence, blobs, caliper, colour."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inspector.detection import BlobDetector, CaliperDetector, ColourDetector, LineDetector, PresenceDetector
from inspector.detection.caliper import edges
from inspector.domain import ConfigurationError, DetectionError
from tests.support.frames import frame


def screws(*places: tuple[int, int]) -> NDArray[np.uint8]:
    pixels = np.full((120, 160), 200, np.uint8)
    for x, y in places:
        cv2.circle(pixels, (x, y), 8, 40, -1)
        cv2.line(pixels, (x - 5, y), (x + 5, y), 150, 2)
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.8), np.uint8)


EVERY = [
    PresenceDetector(screws((40, 40)), (28, 28, 52, 52)),
    BlobDetector(),
    CaliperDetector((10, 10, 60, 20)),
    ColourDetector((0, 0, 10, 10), (50.0, 0.0, 0.0)),
]


@pytest.mark.parametrize("detector", EVERY, ids=lambda each: each.identity.name)
def test_each_can_stand_in_a_line(detector: LineDetector) -> None:
    assert isinstance(detector, LineDetector)
    detector.warm_up()
    assert len(detector.identity.sha256) == 64
    assert set(detector.margins_px) == set(detector.classes)
    seen = np.dstack([screws((40, 40))] * 3)
    before = seen.copy()
    found = detector.detect(frame(seen))
    assert found.model == detector.identity
    assert {item.label for item in found.items} <= set(detector.classes)
    np.testing.assert_array_equal(seen, before)
    detector.close()
    with pytest.raises(DetectionError, match="closed"):
        detector.detect(frame(seen))


@pytest.mark.parametrize("place", [(40, 40), (46, 35)])
def test_a_screw_is_there_within_the_search(place: tuple[int, int]) -> None:
    detector = PresenceDetector(screws((40, 40)), (28, 28, 52, 52), search_px=10)
    assert detector.detect(frame(screws(place))).items == ()


@pytest.mark.parametrize(
    "seen", [screws(), screws((100, 90)), np.zeros((120, 160), np.uint8)], ids=["none", "far", "dark"]
)
def test_a_screw_is_missing(seen: NDArray[np.uint8]) -> None:
    detector = PresenceDetector(screws((40, 40)), (28, 28, 52, 52), label="screw_missing", search_px=10)
    (item,) = detector.detect(frame(seen)).items
    assert item.label == "screw_missing"
    assert (item.box.x0, item.box.y0, item.box.x1, item.box.y1) == (28, 28, 52, 52)
    assert 0 < item.score <= 1


def test_presence_refuses_what_it_cannot_recognise() -> None:
    with pytest.raises(ConfigurationError, match="the golden image is plain at its box"):
        PresenceDetector(screws(), (28, 28, 52, 52))
    with pytest.raises(ConfigurationError, match=r"box 150, 28, 190, 52 px does not lie within the golden image"):
        PresenceDetector(screws(), (150, 28, 190, 52))


def test_every_blob_is_a_finding_with_its_shape() -> None:
    found = BlobDetector(label="hole", area_px=(50, 500)).detect(frame(screws((40, 40), (100, 80))))
    assert len(found.items) == 2
    assert {round(item.box.centre[0]) for item in found.items} == {40, 100}
    assert all(item.mask is not None and item.mask.sum() > 150 for item in found.items)


def test_blobs_of_other_sizes_and_places_do_not_count() -> None:
    seen = frame(screws((40, 40), (100, 80)))
    assert BlobDetector(area_px=(500, 1000)).detect(seen).items == ()
    (item,) = BlobDetector(window=(80, 60, 120, 100), level=120, area_px=(50, 500)).detect(seen).items
    np.testing.assert_allclose(item.box.centre, (100, 80), atol=1)


@pytest.mark.parametrize(("places", "good"), [(((40, 40), (100, 80)), True), (((40, 40),), False), ((), False)])
def test_a_count_is_met_or_is_one_finding(places: tuple[tuple[int, int], ...], good: bool) -> None:
    detector = BlobDetector(label="screws", level=120, area_px=(50, 500), count=(2, 2))
    assert len(detector.detect(frame(screws(*places))).items) == (0 if good else 1)


@settings(max_examples=60, deadline=None)
@given(st.floats(14, 30), st.floats(14, 40), st.floats(0.6, 1.2), st.sampled_from(["x", "y"]))
def test_the_caliper_measures_a_bar_to_a_tenth_of_a_pixel(start: float, width: float, blur: float, axis: str) -> None:
    fine = np.zeros(100 * 20)
    fine[round(start * 20) : round((start + width) * 20)] = 180.0
    sharp = fine.reshape(100, 20).mean(axis=1)  # the light that each pixel gathers
    pixels = np.tile(30 + sharp, (40, 1)).astype(np.float32)
    pixels = np.rint(cv2.GaussianBlur(pixels, (0, 0), blur, borderType=cv2.BORDER_REPLICATE)).astype(np.uint8)
    window = (0, 5, 100, 35)
    if axis == "y":
        pixels, window = np.ascontiguousarray(pixels.T), (5, 0, 35, 100)
    (item,) = CaliperDetector(window, axis="x" if axis == "x" else "y").detect(frame(pixels)).items
    reach = (item.box.x0, item.box.x1) if axis == "x" else (item.box.y0, item.box.y1)
    assert reach[1] - reach[0] == pytest.approx(round(width * 20) / 20, abs=0.12)
    assert reach[0] == pytest.approx(round(start * 20) / 20, abs=0.12)
    assert max(item.box.width, item.box.height) == reach[1] - reach[0]


def test_a_step_between_two_pixels_is_an_edge_there() -> None:
    profile = np.array([10.0] * 5 + [90.0] * 5)
    np.testing.assert_allclose(edges(profile, 20), [5.0], atol=1e-6)
    assert len(edges(profile, 90)) == 0


def test_a_caliper_without_two_edges_says_so() -> None:
    (item,) = CaliperDetector((10, 10, 60, 20), label="slot").detect(frame(np.full((90, 90), 77, np.uint8))).items
    assert item.label == "slot_not_found"


def colour(bgr: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.tile(np.array(bgr, np.uint8), (50, 60, 1))


def test_a_colour_is_right_or_wrong_by_its_distance() -> None:
    red = (53.24, 80.09, 67.20)  # CIELAB of sRGB (255, 0, 0) under D65
    detector = ColourDetector((10, 10, 40, 40), red, tolerance=5)
    assert detector.detect(frame(colour((0, 0, 255)))).items == ()
    (item,) = detector.detect(frame(colour((0, 128, 255)))).items
    assert item.label == "wrong_colour"
    assert item.score == 1.0


def test_a_grey_frame_has_no_colour() -> None:
    with pytest.raises(DetectionError, match="the frame is grey"):
        ColourDetector((0, 0, 10, 10), (50, 0, 0)).detect(frame(np.zeros((50, 50), np.uint8)))


@pytest.mark.parametrize(
    "detector",
    [
        PresenceDetector(screws((40, 40)), (28, 28, 52, 52)),
        BlobDetector(window=(100, 0, 170, 50)),
        CaliperDetector((0, 0, 300, 9)),
        ColourDetector((0, 0, 9, 500), (1, 1, 1)),
    ],
    ids=lambda each: each.identity.name,
)
def test_a_window_beyond_the_frame_is_refused(detector: LineDetector) -> None:
    with pytest.raises(DetectionError, match="does not lie within the frame of 50 x 40"):
        detector.detect(frame(np.zeros((40, 50, 3), np.uint8)))


def test_a_window_that_the_scale_leaves_no_pixel_of_says_so() -> None:
    with pytest.raises(DetectionError, match="less than a pixel"):
        BlobDetector(window=(3.0, 10.1, 40.0, 10.4)).detect(frame(np.zeros((40, 50, 3), np.uint8)))
