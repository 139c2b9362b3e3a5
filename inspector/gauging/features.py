"""Features of the part: circles, edges, the distances between them, and positions in the part's own datum.

A detector says where about a feature is (a hole by ``blob``, and so on); here it is measured on the raw image: its edge
points go through the calibration into the plane of the part, and the circle or line is fitted there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import Box, Detections, Frame, Gauge, Measurement
from inspector.gauging.box import Zone
from inspector.gauging.datum import Datum, in_axes_of_the_part
from inspector.gauging.edge_points import CircleFit, LineFit, crossings, fit_circle, fit_line
from inspector.gauging.plane import Plane, RelativeEffects, local_px_per_mm
from inspector.gauging.uncertainty import COVERAGE_FACTOR

__all__ = ["Distance", "FeatureGauge", "FeatureKind"]

Floats = NDArray[np.float64]
FeatureKind = Literal["circle", "edge"]

CIRCLE = "least-squares circle through its edge"
EDGE = "least-squares line through its edge"
CENTRES = "distance of centres"

_RAYS = 96
_INNER, _OUTER = 0.5, 1.5  # of the box's half side: where a circle's edge is looked for
_LEAST_FOUND = 0.6
_WIDEST_GAP = 0.6 * math.pi  # of a circle without edge points
_PARALLEL_DEG = 5.0


@dataclass(frozen=True, slots=True)
class Distance:
    """The distance from feature ``start`` to feature ``end``, given as ``distance`` of ``end``.

    Between two circles it is that of their centres, between circle and edge or between two edges the perpendicular one.
    """

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class _Found:
    index: int
    fit: CircleFit | LineFit


class FeatureGauge:
    """Measures features by their label; everything else is left to another gauge.

    Circles get ``diameter``, ``roundness`` and their position; edges get ``angle`` and ``straightness``. A feature that
    cannot be measured (too little contrast around it, too little of it in the picture, or its label found more than
    once where a distance or the datum needs one) has none of these, and rules that ask for them send the part to
    review.

    Parameters
    ----------
    gauge
        What measures all the rest.
    features
        Kind by label.
    distances
        See their class.
    datum, zones
        With a datum every position and angle is given in the part's axes, and these are the zones there; without one,
        the other gauge has them.
    plane
        Where image points lie in mm.
    effects
        What grows with a length.
    edge_uncertainty_px
        Standard uncertainty of an edge that its neighbours share: light, blur, lens; it does not average out.
    contrast
        Least step in grey levels that is an edge.
    """

    def __init__(
        self,
        gauge: Gauge,
        *,
        features: Mapping[str, FeatureKind],
        plane: Plane,
        effects: RelativeEffects,
        edge_uncertainty_px: float = 0.1,
        distances: Sequence[Distance] = (),
        datum: Datum | None = None,
        zones: Sequence[Zone] = (),
        contrast: float = 20.0,
    ) -> None:
        self._gauge, self._features, self._plane, self._effects = gauge, dict(features), plane, effects
        self._edge_px, self._contrast = edge_uncertainty_px, contrast
        self._distances, self._datum, self._zones = tuple(distances), datum, tuple(zones)

    def measure(self, frame: Frame, detections: Detections) -> tuple[Measurement, ...]:
        """Return the measurements of every finding; raises ``GaugingError``."""
        measured = self._gauge.measure(frame, detections)
        grey = (
            frame.pixels
            if frame.pixels.ndim == 2  # noqa: PLR2004
            else np.asarray(cv2.cvtColor(frame.pixels, cv2.COLOR_BGR2GRAY), np.uint8)
        )
        found: dict[str, list[_Found]] = {}
        more: list[Measurement] = []
        for index, detection in enumerate(detections.items):
            kind = self._features.get(detection.label)
            if kind is None:
                continue
            zone = next((item.zone for item in measured if item.detection == index), "")
            try:
                fit = self._circle(grey, detection.box) if kind == "circle" else self._edge(grey, detection.box)
            except (ValueError, np.linalg.LinAlgError):
                continue
            found.setdefault(detection.label, []).append(_Found(index, fit))
            edge_mm = self._edge_px / local_px_per_mm(self._plane, *detection.box.centre)
            more += (
                self._of_circle(fit, edge_mm, index, zone)
                if isinstance(fit, CircleFit)
                else _of_edge(fit, edge_mm, index, zone)
            )
        # A circle's own centre is better than that of the box it was found in.
        centred = {item.index for items in found.values() for item in items if isinstance(item.fit, CircleFit)}
        kept = [m for m in measured if not (m.detection in centred and m.characteristic.startswith("position_"))]
        everything = [*kept, *more, *self._between(found)]
        if self._datum is None:
            return tuple(everything)
        once = {label: items[0].fit for label, items in found.items() if len(items) == 1}
        return in_axes_of_the_part(everything, self._datum.pose(frame, once), self._zones)

    # --- finding --------------------------------------------------------------------------------------------

    def _circle(self, grey: NDArray[np.uint8], box: Box) -> CircleFit:
        centre = np.array(box.centre)
        angle = np.linspace(0, 2 * math.pi, _RAYS, endpoint=False)
        rays = np.column_stack([np.cos(angle) * box.width / 2, np.sin(angle) * box.height / 2])
        points = self._edge_mm(grey, centre + _INNER * rays, centre + _OUTER * rays)
        fit = fit_circle(points)
        seen = np.sort(np.arctan2(points[:, 1] - fit.y, points[:, 0] - fit.x))
        # An arc says little about its circle.
        if float(np.diff(seen, append=seen[0] + 2 * math.pi).max()) > _WIDEST_GAP:
            raise ValueError("too little of the circle is seen")
        return fit

    def _edge(self, grey: NDArray[np.uint8], box: Box) -> LineFit:
        """Look across the shorter side, all along the longer one."""
        share = np.linspace(0.05, 0.95, min(_RAYS, max(round(max(box.width, box.height)), 8)))
        if box.width >= box.height:
            along = box.x0 + share * box.width
            starts = np.column_stack([along, np.full(len(along), box.y0)])
            ends = np.column_stack([along, np.full(len(along), box.y1)])
        else:
            along = box.y0 + share * box.height
            starts = np.column_stack([np.full(len(along), box.x0), along])
            ends = np.column_stack([np.full(len(along), box.x1), along])
        return fit_line(self._edge_mm(grey, starts, ends))

    def _edge_mm(self, grey: NDArray[np.uint8], starts: Floats, ends: Floats) -> Floats:
        height, width = grey.shape
        inside = ((starts >= 0) & (starts <= [width, height]) & (ends >= 0) & (ends <= [width, height])).all(axis=1)
        if inside.mean() < _LEAST_FOUND:
            raise ValueError("too little of it is in the picture")
        points, there = crossings(grey, starts[inside], ends[inside], contrast=self._contrast)
        if there.sum() < _LEAST_FOUND * len(starts):
            raise ValueError("too little of its edge is seen")
        return self._plane.to_mm(points[there])

    # --- measuring ------------------------------------------------------------------------------------------

    def _of_circle(self, fit: CircleFit, edge_mm: float, index: int, zone: str) -> list[Measurement]:
        diameter = 2 * fit.radius
        u_diameter = math.hypot(2 * fit.u_radius, 2 * edge_mm, diameter * self._effects.combined)
        # Roundness is a range of many points: noise alone makes one, of about five sigma of a point.
        values = (
            ("diameter", diameter, u_diameter),
            ("roundness", fit.roundness, math.hypot(2 * fit.scatter, edge_mm)),
            ("position_x", fit.x, math.hypot(fit.u_centre, edge_mm, fit.x * self._effects.combined)),
            ("position_y", fit.y, math.hypot(fit.u_centre, edge_mm, fit.y * self._effects.combined)),
        )
        return [
            Measurement(name, value, "mm", COVERAGE_FACTOR * u, CIRCLE, detection=index, zone=zone)
            for name, value, u in values
        ]

    def _between(self, found: Mapping[str, list[_Found]]) -> list[Measurement]:
        measured = []
        for wanted in self._distances:
            ends = [found.get(label, []) for label in (wanted.start, wanted.end)]
            if any(len(items) != 1 for items in ends):
                continue
            value = _apart(ends[0][0].fit, ends[1][0].fit)
            if value is None:
                continue
            edge_mm = self._edge_px / local_px_per_mm(self._plane, 0.0, 0.0)
            own = [
                fit.u_centre if isinstance(fit, CircleFit) else fit.u_offset for fit in (ends[0][0].fit, ends[1][0].fit)
            ]
            u = math.hypot(*own, math.sqrt(2) * edge_mm, value * self._effects.combined)
            measured.append(
                Measurement("distance", value, "mm", COVERAGE_FACTOR * u, CENTRES, detection=ends[1][0].index)
            )
        return measured


def _of_edge(fit: LineFit, edge_mm: float, index: int, zone: str) -> list[Measurement]:
    return [
        Measurement("angle", fit.angle, "deg", COVERAGE_FACTOR * fit.u_angle, EDGE, detection=index, zone=zone),
        Measurement(
            "straightness",
            fit.straightness,
            "mm",
            COVERAGE_FACTOR * math.hypot(2 * fit.scatter, edge_mm),
            EDGE,
            detection=index,
            zone=zone,
        ),
    ]


def _apart(start: CircleFit | LineFit, end: CircleFit | LineFit) -> float | None:
    """Return how far apart two features are; None for two edges that are not parallel."""
    if isinstance(start, LineFit) and isinstance(end, LineFit):
        turned = abs((start.angle - end.angle + 90) % 180 - 90)
        if turned > _PARALLEL_DEG:
            return None
    line = start if isinstance(start, LineFit) else end
    if isinstance(line, LineFit):
        other = end if line is start else start
        turn = math.radians(line.angle)
        return abs((other.y - line.y) * math.cos(turn) - (other.x - line.x) * math.sin(turn))
    return math.hypot(end.x - start.x, end.y - start.y)
