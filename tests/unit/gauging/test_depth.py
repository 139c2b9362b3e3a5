"""Dents, burrs and grooves of known depth, through the averaging that the camera does."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.domain import Box, Detection, Detections, Frame, Gauge, Intrinsics, Measurement, ModelId, Trigger
from inspector.gauging import BoxGauge
from inspector.gauging.depth import DepthGauge

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LENS = Intrinsics(900.0, 900.0, 320.0, 240.0)
DISTANCE_MM, MM_PER_PX = 200.0, 200.0 / 900.0
PLACE = (300, 200)
ROWS, COLUMNS = np.mgrid[0:480, 0:640] + 0.0


def cap(depth_mm: float, radius_mm: float) -> NDArray[np.float64]:
    """A round dent with a parabolic floor; negative depth is a burr."""
    distance = np.hypot(COLUMNS - PLACE[0], ROWS - PLACE[1]) * MM_PER_PX
    return depth_mm * np.maximum(1 - (distance / radius_mm) ** 2, 0)


def seen(relief: NDArray[np.float64], *, noise: float = 0.025, tilt: float = 0.1, seed: int = 1) -> NDArray[np.float32]:
    """Depth as averaged by the camera: noise of 0.1 mm over sixteen frames, in counts of 0.1 mm over sixteen."""
    surface = DISTANCE_MM + tilt * (COLUMNS - 320) * MM_PER_PX
    return (surface + relief + np.random.default_rng(seed).normal(0, noise, relief.shape)).astype(np.float32)


def measured(depth: NDArray[np.float32] | None, box: Box, lens: Intrinsics | None = LENS) -> dict[str, Measurement]:
    frame = Frame(
        Trigger("1", "cell-1", 1, NOW), np.zeros((480, 640), np.uint8), "test", NOW, depth=depth, intrinsics=lens
    )
    found = Detections((Detection("dent", 0.9, box),), ModelId("fake", "1", ""))
    gauge = DepthGauge(BoxGauge(px_per_mm=1 / MM_PER_PX))
    assert isinstance(gauge, Gauge)
    return {item.characteristic: item for item in gauge.measure(frame, found)}


def around(radius_mm: float) -> Box:
    reach = radius_mm / MM_PER_PX + 2
    return Box(PLACE[0] - reach, PLACE[1] - reach, PLACE[0] + reach, PLACE[1] + reach)


@pytest.mark.parametrize("depth_mm", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("radius_mm", [3.0, 5.0])
def test_the_depth_of_a_dent_is_right_to_five_per_cent(depth_mm: float, radius_mm: float) -> None:
    runs = [measured(seen(cap(depth_mm, radius_mm), seed=seed), around(radius_mm)) for seed in range(12)]
    values = np.array([run["depth"].value for run in runs])
    assert values.mean() == pytest.approx(depth_mm, rel=0.05)
    assert all(abs(run["depth"].value - depth_mm) <= 1.5 * run["depth"].uncertainty for run in runs)
    volume = np.pi * radius_mm**2 * depth_mm / 2
    assert np.mean([run["volume"].value for run in runs]) == pytest.approx(volume, rel=0.08)
    assert runs[0]["volume"].unit == "mm3"


def test_a_burr_has_a_height_and_hardly_a_depth() -> None:
    of = measured(seen(cap(-0.6, 4.0)), around(4.0))
    assert of["height"].value == pytest.approx(0.6, rel=0.05)
    assert of["depth"].value < 0.05


def test_a_narrow_groove_is_found_where_the_filters_of_the_sdk_would_erase_it() -> None:
    groove = np.where(np.abs(COLUMNS - PLACE[0]) * MM_PER_PX < 0.7, 0.5, 0.0) * (np.abs(ROWS - PLACE[1]) < 40)
    of = measured(seen(groove), Box(PLACE[0] - 8, PLACE[1] - 42, PLACE[0] + 8, PLACE[1] + 42))
    assert of["depth"].value == pytest.approx(0.5, rel=0.1)


def test_an_unharmed_surface_has_neither_depth_nor_volume_worth_naming() -> None:
    of = measured(seen(0 * COLUMNS), around(4.0))
    assert of["depth"].value < 0.04
    assert of["height"].value < 0.04
    assert of["volume"].value < 0.05


def test_holes_in_the_depth_take_no_part() -> None:
    depth = seen(cap(0.5, 4.0))
    depth[::7, ::3] = np.nan
    assert measured(depth, around(4.0))["depth"].value == pytest.approx(0.5, rel=0.05)


def test_where_depth_is_missing_nothing_is_said() -> None:
    box = around(4.0)
    empty = np.full((480, 640), np.nan, np.float32)
    half = seen(cap(0.5, 4.0))
    half[:, : PLACE[0]] = np.nan
    no_surroundings = np.full((480, 640), np.nan, np.float32)
    no_surroundings[190:210, 290:310] = 200
    for depth in (None, empty, half, no_surroundings):
        assert "depth" not in measured(depth, box)
    assert "depth" not in measured(seen(cap(0.5, 4.0)), box, None)
    assert "length" in measured(empty, box)


def test_impossible_figures_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        DepthGauge(BoxGauge(px_per_mm=1), depth_uncertainty=-1)


@pytest.mark.parametrize("bow_mm", [0.0, 0.1, 0.4])
def test_a_bowed_surface_is_as_flat_as_it_is(bow_mm: float) -> None:
    box = Box(200, 100, 400, 300)
    bow = bow_mm * np.clip((COLUMNS + 0.5 - 200) / 200, 0, 1) ** 2
    truth = bow_mm * (1 / 6 + 1 / 12)  # a parabola about its least-squares line: ends 1/6 above, middle 1/12 below
    for seed in range(6):
        flatness = measured(seen(bow, seed=seed), box)["flatness"]
        assert flatness.value - truth == pytest.approx(0, abs=flatness.uncertainty)
        assert flatness.unit == "mm"
