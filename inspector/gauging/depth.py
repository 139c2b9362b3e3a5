"""Depth and height of findings against the surface around them, from a depth camera's frame.

The surface around a finding (a ring outside its box) is fitted with a plane in space; every pixel of the box then has
a distance from it, positive away from the camera. ``depth`` is the deepest and ``height`` the highest place of the
finding after a Gaussian of 1.2 px, which tames noise and costs a cap of 30 px across one per cent; ``volume`` is
the sum of what lies below the plane. Pixels without depth take no part; where too many are missing, nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import Box, Detections, Frame, Gauge, GaugingError, Intrinsics, Measurement
from inspector.gauging.uncertainty import COVERAGE_FACTOR

__all__ = ["DepthGauge"]

Floats = NDArray[np.float64]

METHOD = "depth from the plane around it"

_SMOOTHING_PX = 1.2
_SMOOTHED_NOISE = 1 / (2 * math.sqrt(math.pi) * _SMOOTHING_PX)
_RING_SHARE, _LEAST_RING_PX, _GAP_PX = 0.3, 6, 2
_LEAST_VALID = 0.7
_FEWEST_RING_PIXELS = 60
_CLIP_SIGMAS, _ROUNDS = 3.0, 4


@dataclass(frozen=True, slots=True)
class _Relief:
    """A finding's relief: mm below the plane (H, W), NaN where unknown; area of one pixel in mm2; noise in mm."""

    below: Floats
    pixel_mm2: float
    noise: float
    plane: float


class DepthGauge:
    """Adds ``depth``, ``height``, ``flatness`` (mm) and ``volume`` (mm3) to what another gauge measures.

    Where a frame has no depth, or too little around a finding, nothing is added; rules that ask for it then send
    the part to review.

    Parameters
    ----------
    gauge
        What measures in the image.
    depth_uncertainty
        Relative standard uncertainty of the camera's depth scale, from a step of known height.
    smallest_mm
        Standard uncertainty of a depth that averaging does not remove: fixed pattern, interference, texture.
    """

    def __init__(self, gauge: Gauge, *, depth_uncertainty: float = 0.01, smallest_mm: float = 0.005) -> None:
        if not (depth_uncertainty >= 0 and smallest_mm >= 0):
            raise ValueError("depth_uncertainty and smallest_mm must not be negative")
        self._gauge = gauge
        self._relative = depth_uncertainty
        self._smallest = smallest_mm

    def measure(self, frame: Frame, detections: Detections) -> tuple[Measurement, ...]:
        """Return the measurements of the inner gauge, and depth, height and volume where the frame has depth."""
        measured = list(self._gauge.measure(frame, detections))
        if frame.depth is None or frame.intrinsics is None:
            return tuple(measured)
        for index, detection in enumerate(detections.items):
            zone = next((item.zone for item in measured if item.detection == index), "")
            try:
                relief = _relief(frame.depth, frame.intrinsics, detection.box)
            except (ValueError, np.linalg.LinAlgError) as error:
                raise GaugingError(f"the depth of a finding could not be measured: {error}") from error
            if relief is not None:
                measured += self._measure(relief, index, zone)
        return tuple(measured)

    def _measure(self, relief: _Relief, index: int, zone: str) -> Sequence[Measurement]:
        known = np.isfinite(relief.below)
        smooth = _smoothed(relief.below, known)
        depth = max(float(np.nanmax(smooth)), 0.0)
        height = max(float(-np.nanmin(smooth)), 0.0)
        below = np.where(known, np.maximum(relief.below, 0.0), 0.0)
        # Noise alone must not add up to a volume: only what stands out of it counts.
        deep = known & (smooth > COVERAGE_FACTOR * relief.noise * _SMOOTHED_NOISE)
        volume = float(below[deep].sum()) * relief.pixel_mm2
        count = int(deep.sum())
        point = math.hypot(relief.noise * _SMOOTHED_NOISE, relief.plane, self._smallest)
        spread = math.hypot(relief.noise / math.sqrt(max(count, 1)), relief.plane, self._smallest)
        bulk = count * relief.pixel_mm2 * spread
        values = [
            ("depth", depth, "mm", math.hypot(point, depth * self._relative)),
            ("height", height, "mm", math.hypot(point, height * self._relative)),
            ("volume", volume, "mm3", math.hypot(bulk, 3 * volume * self._relative)),
        ]
        flat = _flatness(smooth)
        if flat is not None:
            # The two extremes of many noisy places: each four to five sigma of a smoothed one out.
            u = math.hypot(5 * relief.noise * _SMOOTHED_NOISE, self._smallest, flat * self._relative)
            values.append(("flatness", flat, "mm", u))
        return [
            Measurement(name, value, unit, COVERAGE_FACTOR * u, METHOD, detection=index, zone=zone)
            for name, value, unit, u in values
        ]


def _relief(depth: NDArray[np.float32], lens: Intrinsics, box: Box) -> _Relief | None:
    """Return the relief in the box; None where too much of it, or of its surroundings, has no depth."""
    ring = max(round(_RING_SHARE * max(box.width, box.height)), _LEAST_RING_PX) + _GAP_PX
    left, top = max(int(box.x0) - ring, 0), max(int(box.y0) - ring, 0)
    right = min(math.ceil(box.x1) + ring, depth.shape[1])
    bottom = min(math.ceil(box.y1) + ring, depth.shape[0])
    z = depth[top:bottom, left:right].astype(np.float64)
    rows, columns = np.mgrid[top:bottom, left:right] + 0.0
    inner = (columns + 1 > box.x0) & (columns < box.x1) & (rows + 1 > box.y0) & (rows < box.y1)
    near = (
        (columns + 1 > box.x0 - _GAP_PX)
        & (columns < box.x1 + _GAP_PX)
        & (rows + 1 > box.y0 - _GAP_PX)
        & (rows < box.y1 + _GAP_PX)
    )
    known = np.isfinite(z) & (z > 0)
    around = known & ~near
    if not inner.any() or known[inner].mean() < _LEAST_VALID or int(around.sum()) < _FEWEST_RING_PIXELS:
        return None
    x, y = (columns - lens.cx) / lens.fx * z, (rows - lens.cy) / lens.fy * z
    design = np.column_stack([np.ones(int(around.sum())), x[around], y[around]])
    plane, noise = _plane(design, z[around])
    tilt = math.hypot(1.0, plane[1], plane[2])
    below = (z - plane[0] - plane[1] * x - plane[2] * y) / tilt
    inside = np.where(inner & known, below, np.nan)
    y0, y1 = np.flatnonzero(inner.any(axis=1))[[0, -1]]
    x0, x1 = np.flatnonzero(inner.any(axis=0))[[0, -1]]
    distance = float(np.median(z[inner & known]))
    return _Relief(
        below=inside[y0 : y1 + 1, x0 : x1 + 1],
        pixel_mm2=distance**2 / (lens.fx * lens.fy) * tilt,
        noise=noise / tilt,
        plane=noise / tilt * math.sqrt(design.shape[1] / len(design)),
    )


def _plane(design: Floats, z: Floats) -> tuple[Floats, float]:
    """Return the plane's coefficients and the noise of one pixel, without what lies outside three sigma."""
    kept = np.ones(len(z), np.bool_)
    plane = np.array([float(np.median(z)), 0.0, 0.0])
    noise = 0.0
    for _ in range(_ROUNDS):
        plane = np.linalg.lstsq(design[kept], z[kept], rcond=None)[0]
        rest = z - design @ plane
        noise = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))
        within = np.abs(rest) <= _CLIP_SIGMAS * max(noise, 1e-6)
        if int(within.sum()) < _FEWEST_RING_PIXELS // 2:
            break
        kept = within
    return np.asarray(plane, np.float64), noise


def _flatness(below: Floats) -> float | None:
    """Return how far apart two planes hold the surface, parallel to its least-squares plane (ISO 12781-1)."""
    known = np.isfinite(below)
    if int(known.sum()) < _FEWEST_RING_PIXELS:
        return None
    rows, columns = np.nonzero(known)
    design = np.column_stack([np.ones(len(rows)), columns, rows])
    height = below[known]
    rest = height - design @ np.linalg.lstsq(design, height, rcond=None)[0]
    return float(np.ptp(rest))


def _smoothed(values: Floats, known: NDArray[np.bool_]) -> Floats:
    """Return the Gaussian mean of the known neighbours, NaN where the pixel itself is not known."""
    filled = np.where(known, values, 0.0)
    # A pixel at the box's edge keeps its own neighbours only: nothing from outside is made up.
    weight = cv2.GaussianBlur(known.astype(np.float64), (0, 0), _SMOOTHING_PX, borderType=cv2.BORDER_CONSTANT)
    total = cv2.GaussianBlur(filled, (0, 0), _SMOOTHING_PX, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(np.where(known, total / np.maximum(weight, 1e-9), np.nan), np.float64)
