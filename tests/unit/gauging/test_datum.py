"""A part's axes by holes, edges or a template: what is measured in them does not depend on how it lies."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain import DetectionError, Frame, GaugingError, Measurement, Trigger
from inspector.gauging import UniformPlane, Zone
from inspector.gauging.datum import Circles, Datum, Edges, Pose, Template, in_axes_of_the_part
from inspector.gauging.edge_points import CircleFit, LineFit, fit_circle, fit_line

NOW = datetime(2026, 1, 2, tzinfo=UTC)
FRAME = Frame(Trigger("1", "cell", 1, NOW), np.zeros((40, 40), np.uint8), "none", NOW)
places = st.floats(-50, 50)
turns = st.floats(-math.pi, math.pi)


def moved(x: float, y: float, pose: tuple[float, float, float]) -> tuple[float, float]:
    cos, sin = math.cos(pose[2]), math.sin(pose[2])
    return pose[0] + x * cos - y * sin, pose[1] + x * sin + y * cos


def circle(x: float, y: float, pose: tuple[float, float, float]) -> CircleFit:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    there = moved(x, y, pose)
    return fit_circle(np.column_stack([there[0] + 2 * np.cos(angle), there[1] + 2 * np.sin(angle)]))


def edge(start: tuple[float, float], end: tuple[float, float], pose: tuple[float, float, float]) -> LineFit:
    share = np.linspace(0.1, 0.9, 30)
    points = [moved(start[0] + s * (end[0] - start[0]), start[1] + s * (end[1] - start[1]), pose) for s in share]
    return fit_line(np.array(points))


def template(pose: tuple[float, float, float], px_per_mm: float = 4.0) -> Template:
    cos, sin = math.cos(pose[2]), math.sin(pose[2])
    motion = np.array([[cos, -sin, pose[0] * px_per_mm], [sin, cos, pose[1] * px_per_mm]])
    return Template(lambda _frame: motion, (400, 300), UniformPlane(px_per_mm))


@given(x0=places, y0=places, turn=turns, x=places, y=places)
def test_every_datum_finds_the_same_axes(x0: float, y0: float, turn: float, x: float, y: float) -> None:
    pose = (x0, y0, turn)
    features = {
        "hole": circle(0, 0, pose),
        "pin": circle(12, 0, pose),
        "rim": edge((0, 0), (20, 0), pose),
        "side": edge((0, 0), (3, 15), pose),
    }
    kinds: list[Datum] = [Circles("hole", "pin"), Edges("rim", "side"), template(pose)]
    for datum in kinds:
        found = datum.pose(FRAME, features)
        assert found is not None
        assert found.to_part(*moved(x, y, pose)) == pytest.approx((x, y), abs=1e-6)


def test_without_its_features_a_part_has_no_axes() -> None:
    pose = (1.0, 2.0, 0.3)
    assert Circles("hole", "pin").pose(FRAME, {"hole": circle(0, 0, pose)}) is None
    assert Edges("rim", "side").pose(FRAME, {"rim": edge((0, 0), (9, 0), pose), "side": circle(0, 0, pose)}) is None


def test_features_that_say_nothing_are_refused() -> None:
    pose = (1.0, 2.0, 0.3)
    rim = edge((0, 0), (20, 0), pose)
    with pytest.raises(GaugingError, match="parallel"):
        Edges("rim", "side").pose(FRAME, {"rim": rim, "side": edge((0, 5), (20, 6), pose)})
    with pytest.raises(GaugingError, match="in one place"):
        Circles("hole", "pin").pose(FRAME, {"hole": circle(0, 0, pose), "pin": circle(0, 0, pose)})


def test_a_template_that_is_not_there_is_an_error() -> None:
    def lost(_frame: Frame) -> np.ndarray:
        raise DetectionError("the part does not lie there", remedy="Look at it")

    with pytest.raises(GaugingError, match="does not lie there"):
        Template(lost, (400, 300), UniformPlane(4.0)).pose(FRAME, {})


def test_positions_angles_and_zones_follow_and_sizes_stay() -> None:
    pose = Pose(10.0, 20.0, math.radians(30), (10.0, 20.0), u_place=0.03, u_turn=0.001)
    x, y = moved(4.0, 5.0, (pose.x, pose.y, pose.turn))
    given_ = [
        Measurement("position_x", x, "mm", 0.08, "box", 0, "old"),
        Measurement("position_y", y, "mm", 0.08, "box", 0, "old"),
        Measurement("angle", 40.0, "deg", 1.0, "box", 0, "old"),
        Measurement("length", 3.0, "mm", 0.1, "box", 0, "old"),
        Measurement("count", 3.0, "1", 0.0, "all"),
    ]
    seen = in_axes_of_the_part(given_, pose, [Zone("seal", (3, 4, 5, 6))])
    of = {item.characteristic: item for item in seen}
    assert (of["position_x"].value, of["position_y"].value) == pytest.approx((4.0, 5.0))
    assert of["position_x"].uncertainty == pytest.approx(
        math.hypot(0.08, 2 * math.hypot(0.03, 0.001 * math.hypot(4, 5)))
    )
    assert of["angle"].value == pytest.approx(10.0)
    assert of["length"].value == 3.0
    assert {item.zone for item in seen if item.detection == 0} == {"seal"}
    assert of["count"] == given_[-1]


def test_no_zone_is_better_than_a_wrong_one() -> None:
    item = Measurement("position_x", 1.0, "mm", 0.1, "box", 0)
    assert in_axes_of_the_part([item], None, []) == ()
    with pytest.raises(GaugingError, match="datum of the part was not found"):
        in_axes_of_the_part([item], None, [Zone("seal", (0, 0, 1, 1))])
