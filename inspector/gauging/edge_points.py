"""Points on an edge to a fraction of a pixel, and the circle or line through them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["CircleFit", "LineFit", "crossings", "fit_circle", "fit_line"]

Floats = NDArray[np.float64]

_SMOOTHING_PX = 1.0
_CLIP, _ROUNDS = 3.0, 3
_ITERATIONS = 20
_SETTLED = 1e-9
_ROUGH = 1.4826  # of the median absolute deviation to the standard deviation of a normal distribution


def crossings(
    image: NDArray[np.uint8], starts: Floats, ends: Floats, *, contrast: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the strongest edge along each ray from ``starts`` to ``ends``: points (n, 2), and which rays have one.

    Points are x y in px from the image's outer corner (the first pixel's centre is 0.5, 0.5). An edge is where the grey
    level, smoothed by a Gaussian of 1 px, changes fastest: the vertex of the parabola through the three largest steps.
    Rays whose edge steps by less than ``contrast`` grey levels within 4 px have none.
    """
    length = float(np.linalg.norm(ends - starts, axis=1).max())
    count = max(round(2 * length), 8)  # two samples per pixel
    t = np.linspace(0.0, 1.0, count)
    x = starts[:, :1] + (ends[:, :1] - starts[:, :1]) * t
    y = starts[:, 1:] + (ends[:, 1:] - starts[:, 1:]) * t
    profile = cv2.remap(
        image,
        (x - 0.5).astype(np.float32),
        (y - 0.5).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32)
    step_px = length / (count - 1)
    sigma = _SMOOTHING_PX / step_px
    smooth = cv2.GaussianBlur(profile, (0, 0), sigmaX=sigma, sigmaY=1e-6, borderType=cv2.BORDER_REPLICATE)
    slope = np.abs(np.diff(smooth.astype(np.float64), axis=1))
    at = np.clip(slope.argmax(axis=1), 1, slope.shape[1] - 2)
    rows = np.arange(len(slope))
    before, middle, after = slope[rows, at - 1], slope[rows, at], slope[rows, at + 1]
    bend = before - 2 * middle + after
    shift = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, -1.0), 0.0)
    place = (at + 0.5 + np.clip(shift, -0.5, 0.5)) / (count - 1)
    reach = max(round(2.0 / step_px), 1)
    low = smooth[rows, np.maximum(at - reach, 0)]
    high = smooth[rows, np.minimum(at + reach, count - 1)]
    found = (np.abs(high.astype(np.float64) - low) >= contrast) & (np.abs(shift) <= 1.0)
    return starts + (ends - starts) * place[:, None], np.asarray(found, np.bool_)


@dataclass(frozen=True, slots=True)
class CircleFit:
    """Least-squares circle (ISO 12181-1): centre and radius in the points' unit.

    ``roundness`` is the distance between the outermost and innermost point, ``scatter`` the standard deviation of the
    points about the circle, ``u_radius`` and ``u_centre`` standard uncertainties by that scatter.
    """

    x: float
    y: float
    radius: float
    roundness: float
    scatter: float
    u_radius: float
    u_centre: float
    points: int


def fit_circle(points: Floats) -> CircleFit:
    """Return the circle with the least sum of squared distances; points beyond three sigma take no part.

    Raises ``ValueError`` for fewer than six points, or for points that lie on no circle.
    """
    kept = points
    for _ in range(_ROUNDS):
        if len(kept) < 6:  # noqa: PLR2004
            raise ValueError("too few points for a circle")
        x, y, radius = _circle(kept)
        rest = np.hypot(points[:, 0] - x, points[:, 1] - y) - radius
        spread = _ROUGH * float(np.median(np.abs(rest)))
        kept = points[np.abs(rest) <= max(_CLIP * spread, 1e-9)]
    x, y, radius = _circle(kept)
    rest = np.hypot(kept[:, 0] - x, kept[:, 1] - y) - radius
    scatter = math.sqrt(float(rest @ rest) / max(len(kept) - 3, 1))
    angle = np.arctan2(kept[:, 1] - y, kept[:, 0] - x)
    design = np.column_stack([np.cos(angle), np.sin(angle), np.ones(len(kept))])
    spread_of = scatter * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
    return CircleFit(
        x, y, radius, float(np.ptp(rest)), scatter, float(spread_of[2]), float(spread_of[:2].max()), len(kept)
    )


def _circle(points: Floats) -> tuple[float, float, float]:
    """Return centre and radius: the algebraic circle, then Gauss-Newton on the distances."""
    middle = points.mean(axis=0)
    u, v = (points - middle).T
    design = np.column_stack([u, v, np.ones(len(u))])
    a, b, c = np.linalg.lstsq(design, u**2 + v**2, rcond=None)[0]
    x, y = a / 2, b / 2
    radius = math.sqrt(max(float(c + x**2 + y**2), 0.0))
    for _ in range(_ITERATIONS):
        distance = np.hypot(u - x, v - y)
        if not distance.all():
            break
        jacobian = np.column_stack([-(u - x) / distance, -(v - y) / distance, -np.ones(len(u))])
        step = np.linalg.lstsq(jacobian, radius - distance, rcond=None)[0]
        x, y, radius = x + step[0], y + step[1], radius + step[2]
        if float(np.abs(step).max()) < _SETTLED:
            break
    if not (math.isfinite(radius) and radius > 0):
        raise ValueError("the points lie on no circle")
    return float(x + middle[0]), float(y + middle[1]), float(radius)


@dataclass(frozen=True, slots=True)
class LineFit:
    """Least-squares line: a point of it, its direction in degrees (0 … 180, from +x towards +y), straightness.

    ``straightness`` is the distance between the two parallel lines that hold all points (ISO 12780-1, by the
    least-squares line); ``u_angle`` is in degrees, ``scatter`` and ``u_offset`` in the points' unit.
    """

    x: float
    y: float
    angle: float
    straightness: float
    scatter: float
    u_angle: float
    u_offset: float
    points: int


def fit_line(points: Floats) -> LineFit:
    """Return the line with the least sum of squared distances; points beyond three sigma take no part.

    Raises ``ValueError`` for fewer than four points.
    """
    kept = points
    for _ in range(_ROUNDS):
        if len(kept) < 4:  # noqa: PLR2004
            raise ValueError("too few points for a line")
        middle, along, across = _line(kept)
        rest = (points - middle) @ across
        spread = _ROUGH * float(np.median(np.abs(rest)))
        kept = points[np.abs(rest) <= max(_CLIP * spread, 1e-9)]
    middle, along, across = _line(kept)
    rest, place = (kept - middle) @ across, (kept - middle) @ along
    scatter = math.sqrt(float(rest @ rest) / max(len(kept) - 2, 1))
    reach = math.sqrt(float(place @ place))
    return LineFit(
        x=float(middle[0]),
        y=float(middle[1]),
        angle=math.degrees(math.atan2(along[1], along[0])) % 180.0,
        straightness=float(np.ptp(rest)),
        scatter=scatter,
        u_angle=math.degrees(scatter / reach) if reach else 180.0,
        u_offset=scatter / math.sqrt(len(kept)),
        points=len(kept),
    )


def _line(points: Floats) -> tuple[Floats, Floats, Floats]:
    middle = points.mean(axis=0)
    _, _, axes = np.linalg.svd(points - middle, full_matrices=False)
    along = axes[0]
    return middle, along, np.array([-along[1], along[0]])
