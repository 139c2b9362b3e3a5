"""Circles, edges, distances and the part's datum, on drawn features of known size."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.domain import Box, Detection, Detections, Frame, Measurement, ModelId, Trigger
from inspector.gauging import BoxGauge, RelativeEffects, UniformPlane
from inspector.gauging.datum import Circles
from inspector.gauging.edge_points import fit_circle, fit_line
from inspector.gauging.features import Distance, FeatureGauge

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PX_PER_MM = 20.0
SIZE = 400
FINE = 8  # how much finer than a pixel the scene is drawn


def scene() -> NDArray[np.uint8]:
    return np.full((SIZE * FINE, SIZE * FINE), 200, np.uint8)


def hole(picture: NDArray[np.uint8], x: float, y: float, radius: float, oval: float = 0.0) -> None:
    """Draw a dark hole: centre and radius in px from the image's corner; ``oval`` px between its two half axes."""
    centre = (round((x * FINE - 0.5) * 16), round((y * FINE - 0.5) * 16))
    axes = (round((radius + oval / 2) * FINE * 16), round((radius - oval / 2) * FINE * 16))
    cv2.ellipse(picture, centre, axes, 30, 0, 360, 60, -1, cv2.LINE_8, 4)


def exposed(picture: NDArray[np.uint8], seed: int = 1, noise: float = 2.0) -> Frame:
    small = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float64)
    blurred = cv2.GaussianBlur(small, (0, 0), 0.8)
    noisy = blurred + np.random.default_rng(seed).normal(0, noise, blurred.shape)
    return Frame(Trigger("1", "cell", 1, NOW), np.clip(np.rint(noisy), 0, 255).astype(np.uint8), "drawn", NOW)


def around(label: str, x: float, y: float, radius: float) -> Detection:
    """Return a finding as a detector makes it: whole pixels, a bit beside."""
    return Detection(
        label, 1.0, Box(round(x - radius) - 1, round(y - radius), round(x + radius), round(y + radius) + 1)
    )


def gauge(**changes: object) -> FeatureGauge:
    box = BoxGauge(px_per_mm=PX_PER_MM)
    arguments: dict[str, object] = {
        "features": {"hole": "circle", "pin": "circle", "rim": "edge", "step": "edge"},
        "plane": UniformPlane(PX_PER_MM),
        "effects": RelativeEffects(scale=0.001),
        "edge_uncertainty_px": 0.05,
    }
    return FeatureGauge(box, **{**arguments, **changes})  # type: ignore[arg-type]


def measured(made: FeatureGauge, frame: Frame, *found: Detection) -> dict[tuple[str, str], Measurement]:
    """Return the measurements by label and characteristic."""
    detections = Detections(found, ModelId("drawn", "1", ""))
    result = made.measure(frame, detections)
    of = {(detections.items[item.detection or 0].label, item.characteristic): item for item in result}
    assert len(of) == len(result)
    return of


@pytest.mark.parametrize("radius", [8.0, 20.3, 61.7])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_hole_has_its_diameter_and_its_place(radius: float, seed: int) -> None:
    x, y = 150.37 + seed / 3, 201.81
    picture = scene()
    hole(picture, x, y, radius)
    of = measured(gauge(), exposed(picture, seed), around("hole", x, y, radius))
    diameter, place_x, place_y = (of["hole", name] for name in ("diameter", "position_x", "position_y"))
    assert diameter.value == pytest.approx(2 * radius / PX_PER_MM, abs=0.1 / PX_PER_MM)
    assert abs(diameter.value - 2 * radius / PX_PER_MM) <= diameter.uncertainty
    assert (place_x.value, place_y.value) == pytest.approx((x / PX_PER_MM, y / PX_PER_MM), abs=0.05 / PX_PER_MM)
    assert of["hole", "roundness"].value < 0.5 / PX_PER_MM
    assert (diameter.unit, diameter.method) == ("mm", "least-squares circle through its edge")


def test_an_oval_hole_is_not_round() -> None:
    picture = scene()
    hole(picture, 200, 200, 60, oval=3.0)
    roundness = measured(gauge(), exposed(picture), around("hole", 200, 200, 61))["hole", "roundness"]
    assert roundness.value == pytest.approx(3.0 / PX_PER_MM, abs=0.6 / PX_PER_MM)


def test_the_stated_uncertainty_covers_the_diameter() -> None:
    """The scale and the shared edge are drawn anew for each hole, so that the whole budget is tried."""
    covered = []
    rng = np.random.default_rng(7)
    for seed in range(60):
        radius = rng.uniform(8, 50)
        x, y = rng.uniform(110, 290, 2)
        picture = scene()
        hole(picture, x, y, radius)
        scale = PX_PER_MM * (1 + rng.normal(0, 0.001))
        made = gauge(plane=UniformPlane(scale))
        item = measured(made, exposed(picture, seed, noise=rng.uniform(1, 6)), around("hole", x, y, radius))
        diameter = item["hole", "diameter"]
        covered.append(abs(diameter.value - 2 * radius / PX_PER_MM) <= diameter.uncertainty)
    assert np.mean(covered) >= 0.93


def edge(picture: NDArray[np.uint8], angle: float, offset: float) -> None:
    """Darken everything below a line through (200, 200 + offset) px at this angle in degrees."""
    y, x = np.mgrid[0 : SIZE * FINE, 0 : SIZE * FINE].astype(np.float32) / FINE + 0.5 / FINE
    turn = math.radians(angle)
    picture[(y - 200 - offset) * math.cos(turn) - (x - 200) * math.sin(turn) > 0] = 60


@pytest.mark.parametrize("angle", [0.0, 3.7, -8.2])
def test_an_edge_has_its_angle(angle: float) -> None:
    picture = scene()
    edge(picture, angle, 0.3)
    found = Detection("rim", 1.0, Box(100, 165, 300, 235))
    of = measured(gauge(), exposed(picture), found)
    measured_angle = (of["rim", "angle"].value + 90) % 180 - 90
    assert measured_angle == pytest.approx(angle, abs=0.05)
    assert of["rim", "straightness"].value < 0.6 / PX_PER_MM
    assert of["rim", "angle"].unit == "deg"


def test_distances_between_holes_and_to_an_edge() -> None:
    picture = scene()
    edge(picture, 2.0, 120.0)
    hole(picture, 120.4, 130.2, 20)
    hole(picture, 300.9, 150.6, 25)
    found = (
        around("hole", 120.4, 130.2, 20),
        around("pin", 300.9, 150.6, 25),
        Detection("rim", 1.0, Box(60, 290, 340, 350)),
    )
    pairs = [Distance("hole", "pin"), Distance("hole", "rim")]
    of = measured(gauge(distances=pairs), exposed(picture), *found)
    assert of["pin", "distance"].value == pytest.approx(math.hypot(180.5, 20.4) / PX_PER_MM, abs=0.06 / PX_PER_MM)
    turn = math.radians(2.0)
    beside = (320.0 - 130.2) * math.cos(turn) + (120.4 - 200) * math.sin(turn)
    assert of["rim", "distance"].value == pytest.approx(beside / PX_PER_MM, abs=0.1 / PX_PER_MM)


def turned(x: float, y: float, angle: float, dx: float, dy: float) -> tuple[float, float]:
    turn = math.radians(angle)
    x, y = x - 200, y - 200
    return 200 + dx + x * math.cos(turn) - y * math.sin(turn), 200 + dy + x * math.sin(turn) + y * math.cos(turn)


@pytest.mark.parametrize(("angle", "dx", "dy"), [(0.0, 0.0, 0.0), (4.0, 7.3, -5.1), (-11.0, -12.2, 9.4)])
def test_positions_in_the_parts_datum_do_not_depend_on_how_it_lies(angle: float, dx: float, dy: float) -> None:
    places = {"hole": (130.0, 160.0, 18.0), "pin": (280.0, 160.0, 18.0), "spot": (200.0, 240.0, 6.0)}
    picture, found = scene(), []
    for label, (x, y, radius) in places.items():
        there = turned(x, y, angle, dx, dy)
        hole(picture, *there, radius)
        found.append(around(label, *there, radius))
    of = measured(gauge(datum=Circles("hole", "pin")), exposed(picture), *found)
    spot = (of["spot", "position_x"].value, of["spot", "position_y"].value)
    assert spot == pytest.approx(
        (70 / PX_PER_MM, 80 / PX_PER_MM), abs=1.5 / PX_PER_MM
    )  # a detector's box, whole pixels
    assert (of["pin", "position_x"].value, of["pin", "position_y"].value) == pytest.approx(
        (150 / PX_PER_MM, 0.0), abs=0.08 / PX_PER_MM
    )
    assert of["spot", "position_x"].method.endswith("in the datum")


def test_without_its_datum_a_part_has_no_positions() -> None:
    picture = scene()
    hole(picture, 130, 160, 18)
    of = measured(gauge(datum=Circles("hole", "pin")), exposed(picture), around("hole", 130, 160, 18))
    assert ("hole", "diameter") in of
    assert not [key for key in of if key[1].startswith("position_")]


@pytest.mark.parametrize("level", [0, 255, 128])
def test_nothing_is_measured_where_nothing_is_seen(level: int) -> None:
    frame = exposed(np.full((SIZE * FINE, SIZE * FINE), level, np.uint8))
    of = measured(gauge(), frame, around("hole", 200, 200, 30), Detection("rim", 1.0, Box(100, 150, 300, 220)))
    assert not [key for key in of if key[1] in {"diameter", "roundness", "angle", "straightness"}]


def test_a_hole_that_reaches_out_of_the_picture_is_not_measured() -> None:
    picture = scene()
    hole(picture, -12, 200, 30)
    of = measured(gauge(), exposed(picture), Detection("hole", 1.0, Box(0, 172, 18, 228)))
    assert ("hole", "diameter") not in of


def test_outliers_do_not_move_a_fit() -> None:
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    circle = np.column_stack([5 + 3 * np.cos(angle), -2 + 3 * np.sin(angle)])
    circle[::15] *= 1.4
    fit = fit_circle(circle)
    assert (fit.x, fit.y, fit.radius, fit.points) == pytest.approx((5, -2, 3, 56), abs=1e-9)
    line = np.column_stack([np.arange(30.0), 0.5 * np.arange(30.0)])
    line[4, 1] += 3
    assert fit_line(line).angle == pytest.approx(math.degrees(math.atan(0.5)), abs=1e-9)
    with pytest.raises(ValueError, match="too few"):
        fit_circle(circle[:5])
