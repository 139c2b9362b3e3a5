"""Scratches of known size are measured to a fraction of a pixel, and what is no scratch says so."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inspector.capture.marks import Mark, render_mark
from inspector.domain import Box, Detection, Detections, Frame, Gauge, Measurement, ModelId, Trigger
from inspector.gauging import BoxGauge, RelativeEffects, SubpixelGauge, UniformPlane, Zone
from inspector.gauging.bar_fit import least_spread
from inspector.gauging.subpixel import METHOD

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PX_PER_MM = 50.0
QUIET = Mark(length=80, width=4, angle=0.4, noise=1.0)


def gauge(**changes: object) -> SubpixelGauge:
    given_ = {
        "box": BoxGauge(px_per_mm=PX_PER_MM, edge_uncertainty_px=0.5),
        "plane": UniformPlane(PX_PER_MM),
        "edge_sigma_px": QUIET.edge_sigma,
        **changes,
    }
    return SubpixelGauge(**given_)  # type: ignore[arg-type]


def measured(
    gauge: Gauge, pixels: NDArray[np.uint8], box: Box, mask: NDArray[np.bool_] | None = None
) -> dict[str, Measurement]:
    frame = Frame(Trigger("0001", "cell-1", 1, NOW), pixels, "test", NOW)
    found = Detections((Detection("scratch", 0.9, box, mask),), ModelId("fake", "1", "0" * 64))
    return {item.characteristic: item for item in gauge.measure(frame, found)}


def seen(mark: Mark, seed: int = 1) -> tuple[NDArray[np.uint8], Box]:
    return render_mark(np.random.default_rng(seed), mark)


@settings(max_examples=40, deadline=None)
@given(
    length=st.floats(15, 200),
    slenderness=st.floats(3, 12),
    angle=st.floats(0, math.pi),
    bend=st.floats(0, 1),
    sign=st.sampled_from([-1.0, 1.0]),
    seed=st.integers(0, 9999),
)
def test_a_bar_is_measured_to_a_fraction_of_a_pixel(
    *, length: float, slenderness: float, angle: float, bend: float, sign: float, seed: int
) -> None:
    width = min(max(length / slenderness, 2.0), 12.0)
    bend = min(bend, length / (5 * width))
    mark = Mark(length, width, bend, angle, contrast=60 * sign, ground=128, noise=0.5)
    of = measured(gauge(), *seen(mark, seed))
    assert of["length"].method == METHOD
    assert of["length"].value * PX_PER_MM == pytest.approx(length, abs=0.25)
    assert of["width"].value * PX_PER_MM == pytest.approx(width, abs=0.15)
    assert of["area"].value * PX_PER_MM**2 == pytest.approx(mark.area, rel=0.08)


def test_an_angle_runs_from_x_to_y_and_has_no_direction() -> None:
    for angle in (0.0, 0.4, 1.5, 2.9):
        for turned in (angle, angle + math.pi):
            of = measured(gauge(), *seen(Mark(80, 4, angle=turned, noise=1.0)))
            off = (of["angle"].value - math.degrees(angle) + 90) % 180 - 90
            assert off == pytest.approx(0, abs=0.2), angle
            assert of["angle"].unit == "deg"


def test_the_position_is_the_middle_of_the_mark() -> None:
    pixels, box = seen(QUIET)
    of = measured(gauge(), pixels, box)
    x, y = box.centre
    assert (of["position_x"].value, of["position_y"].value) == pytest.approx((x / 50, y / 50), abs=0.003)


def test_a_curve_is_as_long_as_its_middle_line() -> None:
    arc = Mark(length=120, width=5, bend=1.5, noise=1.0)
    pixels, box = seen(arc)
    fine, coarse = measured(gauge(), pixels, box), measured(BoxGauge(px_per_mm=PX_PER_MM), pixels, box)
    assert fine["length"].value * 50 == pytest.approx(120, abs=0.2)
    assert coarse["length"].value * 50 < 115


def test_a_short_hook_is_as_wide_across_itself_as_a_straight_scratch() -> None:
    # Its first guess is a straight line, across which the ends of the hook would be a third wider.
    hook = Mark(length=13, width=2.2, bend=1.4, angle=0.7, noise=1.0)
    widths = [measured(gauge(), *seen(hook, seed))["width"].value * PX_PER_MM for seed in range(40)]
    assert np.mean(widths) == pytest.approx(hook.width, abs=0.08)


def test_stated_uncertainties_are_the_spread_of_repeated_measurements() -> None:
    mark = Mark(length=40, width=3, angle=0.3, noise=5.0)
    runs = [measured(gauge(), *seen(mark, seed)) for seed in range(60)]
    for name, truth in (("length", 40 / 50), ("width", 3 / 50)):
        errors = np.array([run[name].value - truth for run in runs])
        stated = np.mean([run[name].uncertainty for run in runs])
        assert stated == pytest.approx(2 * float(np.sqrt(np.mean(errors**2))), rel=0.35), name


def test_the_budget_adds_up() -> None:
    effects = RelativeEffects(0.001, 0.3, 300.0, temperature_span_k=10, expansion_per_k=20e-6)
    careful = gauge(effects=effects, repeatability_px=0.1, edge_sigma_uncertainty_px=0.05)
    pixels, box = seen(QUIET)
    length, width = careful.gauge(pixels, Detection("scratch", 0.9, box))[:2]
    parts = length.budget.contributions
    assert parts["scale"] == pytest.approx(length.value * 0.001)
    assert parts["off-plane"] == pytest.approx(length.value * 0.001)
    assert parts["temperature"] == pytest.approx(length.value * 20e-6 * 10 / math.sqrt(3))
    assert parts["repeatability"] == pytest.approx(0.1 / 50, rel=0.01)
    assert length.budget.expanded == pytest.approx(2 * math.sqrt(sum(u**2 for u in parts.values())))
    # A bar's width depends on the assumed blur: that is what the contribution says.
    wrong = gauge(edge_sigma_px=QUIET.edge_sigma + 0.05).gauge(pixels, Detection("scratch", 0.9, box))
    moved = abs(wrong[1].value - width.value)
    assert width.budget.contributions["blur"] == pytest.approx(moved, rel=0.3)


def test_a_finding_belongs_to_the_zone_that_its_middle_lies_in() -> None:
    pixels, box = seen(QUIET)
    x, y = (value / 50 for value in box.centre)
    zone = Zone("edge", (x - 0.1, y - 0.1, x + 0.1, y + 0.1))
    assert {item.zone for item in measured(gauge(zones=[zone]), pixels, box).values()} == {"edge"}


def test_colour_and_a_given_mask_are_measured_alike() -> None:
    pixels, box = seen(QUIET)
    coloured = np.ascontiguousarray(np.repeat(pixels[:, :, None], 3, axis=2))
    rows, columns = slice(int(box.y0), math.ceil(box.y1)), slice(int(box.x0), math.ceil(box.x1))
    mask = pixels[rows, columns] < 140
    plain = measured(gauge(), pixels, box)
    for other in (measured(gauge(), coloured, box), measured(gauge(), pixels, box, mask)):
        assert other["length"].value == pytest.approx(plain["length"].value, abs=0.002)
        assert other["length"].method == METHOD


def test_uneven_light_does_not_change_a_length() -> None:
    pixels, box = seen(QUIET)
    ramp = np.linspace(-25, 25, pixels.shape[1])[None, :]
    lit = np.clip(pixels + ramp, 0, 255).astype(np.uint8)
    assert measured(gauge(), lit, box)["length"].value * 50 == pytest.approx(80, abs=0.2)


def blank() -> NDArray[np.uint8]:
    noise = np.random.default_rng(3).normal(180, 1.5, (200, 200))
    return np.clip(np.rint(noise), 0, 255).astype(np.uint8)


def disc() -> NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(cv2.circle(blank(), (100, 100), 9, 90, -1), (0, 0), 0.8), np.uint8)


def fork() -> NDArray[np.uint8]:
    image = cv2.line(blank(), (60, 100), (110, 100), 90, 4)
    for end in ((150, 70), (150, 130)):
        cv2.line(image, (110, 100), end, 90, 4)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.8), np.uint8)


def two_lines() -> NDArray[np.uint8]:
    image = cv2.line(blank(), (60, 90), (140, 90), 90, 4)
    return np.asarray(cv2.line(image, (60, 110), (140, 110), 90, 4), np.uint8)


def beyond() -> NDArray[np.uint8]:
    return np.asarray(cv2.line(blank(), (10, 100), (190, 100), 90, 4), np.uint8)


def on_an_edge() -> NDArray[np.uint8]:
    image = blank()
    image[:, :95] = 60
    return np.asarray(cv2.line(image, (90, 100), (140, 100), 60, 4), np.uint8)


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (blank, "does not stand out"),
        (disc, "not elongated"),
        (fork, ""),
        (two_lines, "more than one shape"),
        (beyond, "reaches beyond its box"),
        (on_an_edge, ""),
        (lambda: np.full((200, 200), 255, np.uint8), "does not stand out"),
        (lambda: np.zeros((200, 200), np.uint8), "does not stand out"),
    ],
    ids=["nothing", "disc", "fork", "two lines", "beyond", "on an edge", "all white", "all black"],
)
def test_what_is_no_bar_is_measured_by_its_box_and_says_why(picture: object, why: str) -> None:
    box = Box(55, 65, 155, 135)
    of = measured(gauge(), picture(), box)  # type: ignore[operator]
    assert of["length"].method.startswith("detector box (")
    assert why in of["length"].method
    assert of["length"].value == pytest.approx(2.0)
    assert "angle" not in of


def test_a_mark_that_the_image_cuts_off_has_no_size() -> None:
    pixels, box = seen(QUIET)
    middle = int(box.centre[0])
    of = measured(gauge(), np.ascontiguousarray(pixels[:, :middle]), Box(box.x0, box.y0, middle, box.y1))
    assert set(of) == {"position_x", "position_y"}
    assert "cut by the image edge" in of["position_x"].method


@pytest.mark.parametrize(
    "wrong", [{"edge_sigma_px": 0}, {"edge_sigma_px": math.nan}, {"edge_sigma_uncertainty_px": -1}]
)
def test_impossible_figures_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="edge_sigma"):
        gauge(**wrong)
    with pytest.raises(ValueError, match="working_distance_mm"):
        RelativeEffects(off_plane_mm=1)


def test_the_least_spread_of_a_wide_bar_is_that_of_two_edges() -> None:
    # Each edge, n pixels long, is placed to noise / contrast * sqrt(2 sqrt(pi) sigma / n).
    length, width, contrast, noise, sigma = 400.0, 60.0, 80.0, 4.0, 0.85
    found = least_spread(length, width, contrast=contrast, noise=noise, sigma=sigma, sigma_uncertainty=0.001)
    for value, seen_by in zip(found, (width, length), strict=True):
        assert value == pytest.approx(noise / contrast * math.sqrt(4 * math.sqrt(math.pi) * sigma / seen_by), rel=0.05)


def test_a_thin_bar_is_told_from_a_faint_one_by_little_and_by_less_where_the_blur_is_uncertain() -> None:
    def width_of(width: float, noise: float, blur: float) -> float:
        return least_spread(10.0, width, contrast=80.0, noise=noise, sigma=0.85, sigma_uncertainty=blur)[1]

    assert width_of(1.5, 8, 0.001) == pytest.approx(2 * width_of(1.5, 4, 0.001), rel=0.01)
    assert width_of(1.5, 8, 0.001) > 2 * width_of(4, 8, 0.001)
    assert width_of(1.5, 1, 0.05) > 1.5 * width_of(1.5, 1, 0.001)
