"""The first gauge: extent, area and place of a finding from the detector's box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from inspector.domain import Box, Detections, Frame, GaugingError, Measurement
from inspector.gauging.plane import Plane, UniformPlane, local_px_per_mm
from inspector.gauging.uncertainty import Scale

__all__ = ["BoxGauge", "Zone"]

_METHOD = "detector box"
_EDGE_PX = 0.5
_LEAST_PX = 1.0


@dataclass(frozen=True, slots=True)
class Zone:
    """A named rectangle of the part; ``box_mm`` is (left, top, right, bottom) from the image's top-left corner."""

    name: str
    box_mm: tuple[float, float, float, float]
    critical: bool = False

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box_mm
        if not self.name:
            raise ValueError("a zone needs a name")
        if not (left < right and top < bottom):
            raise ValueError(f"zone {self.name} must have left < right and top < bottom, got {self.box_mm}")

    def contains(self, x_mm: float, y_mm: float) -> bool:
        """Return whether the point lies in the zone; the left and top edges belong to it."""
        left, top, right, bottom = self.box_mm
        return left <= x_mm < right and top <= y_mm < bottom


class BoxGauge:
    """Measures findings by their boxes.

    A detector's box is as large as the labels that it learnt from, margin included; the known margin is taken
    off (correction of a systematic effect, JCGM 100:2008, 3.2.3), and one pixel is the least that remains.
    A finding that the image's edge cuts off has a place but no size, so that rules about its size send the
    part to review.

    Parameters
    ----------
    px_per_mm
        Scale in the plane of the part.
    scale_uncertainty
        Relative standard uncertainty of the scale; 0.002 is 0.2 %.
    edge_uncertainty_px
        Standard uncertainty of one edge of a finding, in pixels.
    box_margin_px
        How far boxes reach beyond the defect on every side, in pixels, of all labels or label by label (others:
        0); the model's card says it.
    zones
        A finding belongs to the first zone that contains the centre of its box.
    plane
        Where image points lie in mm; without one, ``px_per_mm`` holds everywhere.
    """

    def __init__(
        self,
        *,
        px_per_mm: float,
        scale_uncertainty: float = 0.0,
        edge_uncertainty_px: float = 0.5,
        box_margin_px: float | Mapping[str, float] = 0.0,
        zones: Sequence[Zone] = (),
        plane: Plane | None = None,
    ) -> None:
        self._scale = Scale(px_per_mm, scale_uncertainty, edge_uncertainty_px)
        margins = dict(box_margin_px) if isinstance(box_margin_px, Mapping) else {}
        of_others = 0.0 if isinstance(box_margin_px, Mapping) else box_margin_px
        if not all(margin >= 0 for margin in [*margins.values(), of_others]):
            raise ValueError(f"box_margin_px must not be negative, got {box_margin_px}")
        self._margins_px, self._margin_of_others_px = margins, of_others
        self._zones = tuple(zones)
        self._plane = plane or UniformPlane(px_per_mm)

    def measure(self, frame: Frame, detections: Detections) -> tuple[Measurement, ...]:
        """Return ``length``, ``width`` (mm), ``area`` (mm2), ``position_x`` and ``position_y`` (mm) of each finding.

        Length is the longer and width the shorter side; the position is its centre, from the
        image's top-left corner.
        """
        try:
            return tuple(
                measurement
                for index, detection in enumerate(detections.items)
                for measurement in self._measure(index, detection.label, detection.box, frame)
            )
        except (ValueError, OverflowError) as error:
            raise GaugingError(f"a finding could not be measured: {error}") from error

    def _measure(self, index: int, label: str, box: Box, frame: Frame) -> list[Measurement]:
        scale = self._scale_at(*box.centre)
        x_mm, y_mm = map(float, self._plane.to_mm(np.array([box.centre]))[0])
        zone = next((zone.name for zone in self._zones if zone.contains(x_mm, y_mm)), "")
        cut = _is_cut(box, frame)
        margin_px = self._margins_px.get(label, self._margin_of_others_px)
        method = _METHOD
        if cut:
            method = f"{_METHOD}, cut by the image edge"
        elif margin_px:
            method = f"{_METHOD} less {margin_px:g} px margin"
        values = [
            ("position_x", x_mm, "mm", scale.position_uncertainty(x_mm)),
            ("position_y", y_mm, "mm", scale.position_uncertainty(y_mm)),
        ]
        if not cut:
            width_mm, height_mm = self._extents(box, margin_px)
            length, width = max(width_mm, height_mm), min(width_mm, height_mm)
            values = [
                ("length", length, "mm", scale.extent_uncertainty(length)),
                ("width", width, "mm", scale.extent_uncertainty(width)),
                ("area", width_mm * height_mm, "mm2", scale.area_uncertainty(width_mm, height_mm)),
                *values,
            ]
        return [
            Measurement(name, value, unit, uncertainty, method, detection=index, zone=zone)
            for name, value, unit, uncertainty in values
        ]

    def _scale_at(self, x: float, y: float) -> Scale:
        if isinstance(self._plane, UniformPlane):
            return self._scale
        return replace(self._scale, px_per_mm=local_px_per_mm(self._plane, x, y))

    def _extents(self, box: Box, margin_px: float) -> tuple[float, float]:
        """Return the distances in the plane between the middles of opposite sides, less the margin."""
        x, y = box.centre
        half_x, half_y = _extent_px(box.width, margin_px) / 2, _extent_px(box.height, margin_px) / 2
        sides = np.array([[x - half_x, y], [x + half_x, y], [x, y - half_y], [x, y + half_y]])
        left, right, top, bottom = self._plane.to_mm(sides)
        return float(np.linalg.norm(right - left)), float(np.linalg.norm(bottom - top))


def _extent_px(side_px: float, margin_px: float) -> float:
    return max(side_px - 2 * margin_px, min(side_px, _LEAST_PX))


def _is_cut(box: Box, frame: Frame) -> bool:
    return (
        box.x0 <= _EDGE_PX
        or box.y0 <= _EDGE_PX
        or box.x1 >= frame.width - _EDGE_PX
        or box.y1 >= frame.height - _EDGE_PX
    )
