"""Findings in millimetres, with an uncertainty that can be worked out by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain import Box, Detection, Detections, Frame, Gauge, Measurement, ModelId, Trigger
from inspector.gauging import BoxGauge, Scale, Zone

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MODEL = ModelId("fake", "1", "0" * 64)


def frame(width: int = 640, height: int = 480) -> Frame:
    return Frame(Trigger("0001", "cell-1", 1, NOW), np.zeros((height, width), np.uint8), "test", NOW)


def measured(gauge: BoxGauge, *boxes: Box) -> dict[tuple[int, str], Measurement]:
    found = Detections(tuple(Detection("spur", 0.9 - 0.1 * i, box) for i, box in enumerate(boxes)), MODEL)
    return {(m.detection or 0, m.characteristic): m for m in gauge.measure(frame(), found)}


def test_extent_area_and_place_come_in_mm() -> None:
    gauge = BoxGauge(px_per_mm=48)
    of = measured(gauge, Box(48, 96, 72, 192))
    assert isinstance(gauge, Gauge)
    assert of[0, "length"].value == pytest.approx(2.0)
    assert of[0, "width"].value == pytest.approx(0.5)
    assert of[0, "area"].value == pytest.approx(1.0)
    assert of[0, "position_x"].value == pytest.approx(1.25)
    assert of[0, "position_y"].value == pytest.approx(3.0)
    assert {m.unit for m in of.values()} == {"mm", "mm2"}
    assert of[0, "area"].unit == "mm2"
    assert {m.method for m in of.values()} == {"detector box"}


def test_expanded_uncertainties_are_those_of_the_gum() -> None:
    # l = 2 mm: 2 * sqrt(2 * (0.5 / 50)^2 + (2 * 0.01)^2); x = 4 mm: 2 * sqrt((0.5 / 50)^2 / 2 + (4 * 0.01)^2)
    of = measured(BoxGauge(px_per_mm=50, scale_uncertainty=0.01, edge_uncertainty_px=0.5), Box(150, 100, 250, 150))
    assert of[0, "length"].uncertainty == pytest.approx(2 * math.sqrt(2 * 0.01**2 + 0.02**2))
    assert of[0, "width"].uncertainty == pytest.approx(2 * math.sqrt(2 * 0.01**2 + 0.01**2))
    assert of[0, "position_x"].uncertainty == pytest.approx(2 * math.sqrt(0.01**2 / 2 + 0.04**2))
    q2 = 2 * 0.01**2
    assert of[0, "area"].uncertainty == pytest.approx(2 * math.sqrt(4 * q2 + q2 + q2**2 + (2 * 2 * 0.01) ** 2))


def test_stated_uncertainties_are_the_spread_of_simulated_measurements() -> None:
    rng = np.random.default_rng(7)
    truth, scale = Box(100, 100, 106, 104), Scale(50, 0.01, 0.5)
    edges = np.array([truth.x0, truth.y0, truth.x1, truth.y1]) + rng.normal(0, 0.5, (200_000, 4))
    factor = 1 / (50 * (1 + rng.normal(0, 0.01, 200_000)))
    width, height = (edges[:, 2] - edges[:, 0]) * factor, (edges[:, 3] - edges[:, 1]) * factor
    x = (edges[:, 0] + edges[:, 2]) / 2 * factor
    assert scale.extent_uncertainty(6 / 50) == pytest.approx(2 * width.std(), rel=0.02)
    assert scale.area_uncertainty(6 / 50, 4 / 50) == pytest.approx(2 * (width * height).std(), rel=0.02)
    assert scale.position_uncertainty(103 / 50) == pytest.approx(2 * x.std(), rel=0.02)


def test_the_known_margin_of_the_labels_is_taken_off_and_named() -> None:
    of = measured(BoxGauge(px_per_mm=10, box_margin_px=3), Box(100, 100, 126, 116))
    assert of[0, "length"].value == pytest.approx(2.0)
    assert of[0, "width"].value == pytest.approx(1.0)
    assert of[0, "area"].value == pytest.approx(2.0)
    assert of[0, "position_x"].value == pytest.approx(11.3)
    assert of[0, "length"].method == "detector box less 3 px margin"


def test_a_box_no_larger_than_its_margin_still_measures_a_pixel() -> None:
    of = measured(BoxGauge(px_per_mm=10, box_margin_px=3), Box(100, 100, 105, 100.4))
    assert of[0, "length"].value == pytest.approx(0.1)
    assert of[0, "width"].value == pytest.approx(0.04)


@pytest.mark.parametrize(
    "box", [Box(0, 100, 20, 120), Box(100, 0.3, 120, 20), Box(620, 100, 640, 120), Box(100, 460, 120, 479.8)]
)
def test_a_finding_cut_by_the_image_edge_has_a_place_but_no_size(box: Box) -> None:
    of = measured(BoxGauge(px_per_mm=48), box)
    assert set(of) == {(0, "position_x"), (0, "position_y")}
    assert of[0, "position_x"].method == "detector box, cut by the image edge"


def test_every_finding_is_measured_under_its_own_index() -> None:
    of = measured(BoxGauge(px_per_mm=10), Box(10, 10, 20, 30), Box(100, 100, 140, 110))
    assert of[0, "length"].value == pytest.approx(2.0)
    assert of[1, "length"].value == pytest.approx(4.0)


def test_a_good_part_has_nothing_to_measure() -> None:
    assert BoxGauge(px_per_mm=10).measure(frame(), Detections((), MODEL)) == ()


def test_the_zone_is_the_first_that_holds_the_boxs_centre() -> None:
    zones = [Zone("connector", (0, 0, 3, 13.3)), Zone("left", (0, 0, 6, 13.3))]
    of = measured(
        BoxGauge(px_per_mm=48, zones=zones), Box(130, 10, 154, 30), Box(240, 10, 250, 30), Box(500, 9, 510, 30)
    )
    assert {of[index, "length"].zone for index in (0,)} == {"connector"}
    assert {of[1, name].zone for name in ("length", "area", "position_x")} == {"left"}
    assert of[2, "length"].zone == ""


def test_a_centre_on_the_border_of_two_zones_lies_in_one() -> None:
    zones = [Zone("left", (0, 0, 1, 9)), Zone("right", (1, 0, 2, 9))]
    assert measured(BoxGauge(px_per_mm=10, zones=zones), Box(8, 8, 12, 12))[0, "length"].zone == "right"


@pytest.mark.parametrize(
    "wrong",
    [
        {"px_per_mm": 0},
        {"px_per_mm": -1},
        {"px_per_mm": math.nan},
        {"px_per_mm": 1, "scale_uncertainty": -0.1},
        {"px_per_mm": 1, "edge_uncertainty_px": math.inf},
        {"px_per_mm": 1, "box_margin_px": -1},
    ],
)
def test_senseless_scales_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        BoxGauge(**wrong)


@pytest.mark.parametrize("box", [(3, 0, 3, 1), (0, 2, 1, 1)])
def test_zones_without_an_area_are_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="zone z must have left < right"):
        Zone("z", box)


@given(
    px=st.floats(1, 500),
    scale=st.floats(1, 200),
    relative=st.floats(0, 0.1),
    edge=st.floats(0, 5),
    more=st.floats(0, 3),
)
def test_more_doubt_never_makes_less_uncertainty(
    px: float, scale: float, relative: float, edge: float, more: float
) -> None:
    sure, unsure = Scale(scale, relative, edge), Scale(scale, relative + more / 100, edge + more)
    mm = sure.to_mm(px)
    assert 0 <= sure.extent_uncertainty(mm) <= unsure.extent_uncertainty(mm)
    assert 0 <= sure.position_uncertainty(mm) <= unsure.position_uncertainty(mm)
    assert 0 <= sure.area_uncertainty(mm, mm) <= unsure.area_uncertainty(mm, mm)


@given(px=st.floats(3, 200), px_per_mm=st.floats(1, 200))
def test_millimetres_scale_with_the_scale(px: float, px_per_mm: float) -> None:
    box = Box(100, 100, 100 + px, 100 + px)
    once = measured(BoxGauge(px_per_mm=px_per_mm), box)[0, "length"]
    twice = measured(BoxGauge(px_per_mm=2 * px_per_mm), box)[0, "length"]
    assert once.value == pytest.approx(2 * twice.value)
    assert once.uncertainty == pytest.approx(2 * twice.uncertainty)


def test_each_label_has_its_own_margin() -> None:
    found = Detections(
        (Detection("open", 0.9, Box(50, 50, 90, 80)), Detection("difference", 0.8, Box(50, 100, 90, 130))), MODEL
    )
    measurements = BoxGauge(px_per_mm=10.0, box_margin_px={"open": 5.0}).measure(frame(), found)
    lengths = {m.detection: (m.value, m.method) for m in measurements if m.characteristic == "length"}
    assert lengths == {0: (3.0, "detector box less 5 px margin"), 1: (4.0, "detector box")}
