"""The part's own axes: where the part lies, and positions, angles and zones that follow it.

A part lies somewhere under the camera, moved and turned. A datum finds it: by two holes, by two edges, or by a picture
of a part that lay where it should (a template). With the pose (x0, y0, turn) of the part's axes in the plane of the
image, a point (x, y) of the image lies at

    x' =  (x - x0) cos(turn) + (y - y0) sin(turn)
    y' = -(x - x0) sin(turn) + (y - y0) cos(turn)

in the part's axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inspector.domain import DetectionError, Frame, GaugingError, Measurement
from inspector.gauging.box import Zone
from inspector.gauging.edge_points import CircleFit, LineFit
from inspector.gauging.plane import Plane, local_px_per_mm
from inspector.gauging.uncertainty import COVERAGE_FACTOR

__all__ = ["Circles", "Datum", "Edges", "Pose", "Template", "in_axes_of_the_part"]

Floats = NDArray[np.float64]
Features = Mapping[str, CircleFit | LineFit]
PLACED = frozenset({"position_x", "position_y", "angle"})

_LEAST_CORNER_DEG = 10.0  # between the two edges of a datum
_TEMPLATE_PX, _TEMPLATE_RAD = 0.1, 0.0005  # standard uncertainty of a template's place and turn; docs/metrology.md


@dataclass(frozen=True, slots=True)
class Pose:
    """The part's axes in the plane of the image: origin in mm, turn in rad from +x towards +y.

    ``u_place`` is the standard uncertainty (mm) of the place at ``anchor``, ``u_turn`` (rad) that of the turn.
    """

    x: float
    y: float
    turn: float
    anchor: tuple[float, float]
    u_place: float
    u_turn: float

    def to_part(self, x: float, y: float) -> tuple[float, float]:
        """Return a point of the image, in mm, in the part's axes."""
        dx, dy, cos, sin = x - self.x, y - self.y, math.cos(self.turn), math.sin(self.turn)
        return dx * cos + dy * sin, dy * cos - dx * sin

    def uncertainty(self, x: float, y: float) -> float:
        """Return the standard uncertainty (mm) that the pose adds to a point of the image."""
        return math.hypot(self.u_place, self.u_turn * math.hypot(x - self.anchor[0], y - self.anchor[1]))


class Datum(Protocol):
    """What says where the part lies."""

    def pose(self, frame: Frame, features: Features) -> Pose | None:
        """Return the pose of the part by what was found once of it; None where that is not enough.

        Raises ``GaugingError`` where the picture says that the part is not there, or none of these.
        """
        ...


@dataclass(frozen=True, slots=True)
class Circles:
    """The origin is the centre of one circle, x points from it to the centre of another; both by their label."""

    origin: str
    towards: str

    def pose(self, frame: Frame, features: Features) -> Pose | None:
        """Return the pose by the two circles."""
        origin, towards = features.get(self.origin), features.get(self.towards)
        if not isinstance(origin, CircleFit) or not isinstance(towards, CircleFit):
            return None
        reach = math.hypot(towards.x - origin.x, towards.y - origin.y)
        if not reach:
            raise GaugingError("the two circles of the datum lie in one place", remedy="Correct `gauging: datum`")
        turn = math.atan2(towards.y - origin.y, towards.x - origin.x)
        u_turn = math.hypot(origin.u_centre, towards.u_centre) / reach
        return Pose(origin.x, origin.y, turn, (origin.x, origin.y), origin.u_centre, u_turn)


@dataclass(frozen=True, slots=True)
class Edges:
    """The origin is where two edges meet, x runs from there along the one of them; both by their label."""

    along: str
    across: str

    def pose(self, frame: Frame, features: Features) -> Pose | None:
        """Return the pose by the two edges."""
        along, across = features.get(self.along), features.get(self.across)
        if not isinstance(along, LineFit) or not isinstance(across, LineFit):
            return None
        one, other = math.radians(along.angle), math.radians(across.angle)
        sine = math.sin(other - one)
        if abs(sine) < math.sin(math.radians(_LEAST_CORNER_DEG)):
            raise GaugingError("the two edges of the datum are parallel", remedy="Correct `gauging: datum`")
        step = ((across.x - along.x) * math.sin(other) - (across.y - along.y) * math.cos(other)) / sine
        x, y = along.x + step * math.cos(one), along.y + step * math.sin(one)
        # A line has no direction: the part lies where the middle of its edge does.
        turn = one if step < 0 else one + math.pi
        u_turn = math.radians(along.u_angle)
        u_place = math.hypot(along.u_offset + abs(step) * u_turn, across.u_offset) / abs(sine)
        return Pose(x, y, turn, (x, y), u_place, u_turn)


class Template:
    """The axes are those of a picture of the part, from its top-left corner.

    Parameters
    ----------
    locate
        Returns where the template lies in the frame, as a matrix (2, 3) from its px to the frame's; raises
        ``DetectionError`` where it is not there.
    size
        Width and height of the template, px.
    plane
        Where image points lie in mm.
    """

    def __init__(self, locate: Callable[[Frame], Floats], size: tuple[int, int], plane: Plane) -> None:
        self._locate, self._plane = locate, plane
        width, height = size
        self._points = np.array([[x * width, y * height] for x in (0.25, 0.75) for y in (0.25, 0.75)])

    def pose(self, frame: Frame, features: Features) -> Pose | None:
        """Return the pose by the picture; raises ``GaugingError`` where the part is not found in it."""
        try:
            matrix = self._locate(frame)
        except DetectionError as error:
            raise GaugingError(error.message, remedy=error.remedy) from error
        seen = self._points @ matrix[:, :2].T + matrix[:, 2]
        wanted, there = self._plane.to_mm(self._points), self._plane.to_mm(seen)
        middle, moved = wanted.mean(axis=0), there.mean(axis=0)
        # The turn of the least-squares rigid motion from one set of points to the other.
        (a, b), (c, d) = (wanted - middle).T @ (there - moved)
        turn = math.atan2(b - c, a + d)
        cos, sin = math.cos(turn), math.sin(turn)
        x, y = moved - np.array([[cos, -sin], [sin, cos]]) @ middle
        u_place = _TEMPLATE_PX / local_px_per_mm(self._plane, *seen.mean(axis=0))
        return Pose(float(x), float(y), turn, (float(moved[0]), float(moved[1])), u_place, _TEMPLATE_RAD)


def in_axes_of_the_part(
    measured: Iterable[Measurement], pose: Pose | None, zones: Sequence[Zone]
) -> tuple[Measurement, ...]:
    """Return the measurements with positions, angles and zones in the part's axes.

    Without a pose there is no position; where zones decide, that is an error, because the part would be judged by the
    wrong rules. Raises ``GaugingError``.
    """
    measured = tuple(measured)
    if pose is None:
        if zones:
            raise GaugingError(
                "the datum of the part was not found, so that its zones are not known",
                remedy="Check the light and what finds the features of `gauging: datum`",
            )
        return tuple(item for item in measured if item.characteristic not in PLACED)
    places: dict[int | None, dict[str, float]] = {}
    for item in measured:
        if item.characteristic.startswith("position_"):
            places.setdefault(item.detection, {})[item.characteristic] = item.value
    known = {index: (at["position_x"], at["position_y"]) for index, at in places.items() if len(at) == 2}  # noqa: PLR2004
    moved = []
    for item in measured:
        there = known.get(item.detection)
        if there is None:
            moved.append(item)
            continue
        x, y = pose.to_part(*there)
        zone = next((zone.name for zone in zones if zone.contains(x, y)), "")
        moved.append(replace(_moved(item, (x, y), pose.uncertainty(*there), pose), zone=zone))
    return tuple(moved)


def _moved(item: Measurement, place: tuple[float, float], u_place: float, pose: Pose) -> Measurement:
    if item.characteristic not in PLACED:
        return item
    method = f"{item.method}, in the datum"
    if item.characteristic == "angle":
        u = math.hypot(item.uncertainty, COVERAGE_FACTOR * math.degrees(pose.u_turn))
        return replace(item, value=(item.value - math.degrees(pose.turn)) % 180.0, uncertainty=u, method=method)
    value = place[0] if item.characteristic == "position_x" else place[1]
    return replace(
        item, value=value, uncertainty=math.hypot(item.uncertainty, COVERAGE_FACTOR * u_place), method=method
    )
