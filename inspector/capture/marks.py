"""Virtual marks: bars and arcs of exactly known length and width, as a blurred and noisy camera sees them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import Box

__all__ = ["Mark", "render_mark"]

_OVERSAMPLING = 4
_SURROUNDINGS_PX = 16
_STRAIGHT = 1e-4  # rad over the whole length


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark on an even surface; lengths in px, grey levels 0..255.

    Attributes
    ----------
    length, width
        Along the middle, and across. ``bend`` is the total change of direction over the length, rad.
    angle
        Direction in the middle, rad, from +x towards +y.
    contrast
        Level of the mark less that of the ``ground``; negative for a dark one.
    blur
        Standard deviation of the lens's Gaussian point spread function; the pixels' own aperture comes on top.
    noise
        Standard deviation of one pixel, grey levels.
    round_ends
        Half discs instead of square ends, within ``length``.
    """

    length: float
    width: float
    bend: float = 0.0
    angle: float = 0.0
    contrast: float = -80.0
    ground: float = 180.0
    blur: float = 0.8
    noise: float = 2.0
    round_ends: bool = False

    @property
    def edge_sigma(self) -> float:
        """Effective edge blur: point spread and the square pixel's aperture (variance 1/12), px."""
        return math.sqrt(self.blur**2 + 1 / 12)

    @property
    def area(self) -> float:
        """Area in px2."""
        corners = (1 - math.pi / 4) * self.width**2 if self.round_ends else 0.0
        return self.length * self.width - corners


def render_mark(rng: np.random.Generator, mark: Mark) -> tuple[NDArray[np.uint8], Box]:
    """Return the image (H, W) of a mark amid its surroundings, and the box that bounds it exactly.

    Its place relative to the pixel grid is drawn at random. Coverage is computed from the distance to the
    outline on a grid four times as fine, blurred there, and averaged over each pixel.
    """
    outline = _outline(mark)
    low, high = outline.min(axis=0), outline.max(axis=0)
    shift = _SURROUNDINGS_PX - low + rng.uniform(0, 1, size=2)
    width, height = (int(side) for side in np.ceil(high + shift + _SURROUNDINGS_PX))
    fine = (np.arange(max(width, height) * _OVERSAMPLING) + 0.5) / _OVERSAMPLING
    x, y = fine[None, : width * _OVERSAMPLING] - shift[0], fine[: height * _OVERSAMPLING, None] - shift[1]
    covered = np.clip(_depth(mark, x, y) * _OVERSAMPLING + 0.5, 0, 1).astype(np.float32)
    blurred = cv2.GaussianBlur(covered, (0, 0), mark.blur * _OVERSAMPLING) if mark.blur else covered
    share = np.asarray(blurred).reshape(height, _OVERSAMPLING, width, _OVERSAMPLING).mean(axis=(1, 3))
    image = mark.ground + mark.contrast * share + rng.normal(0, mark.noise, share.shape)
    x0, y0, x1, y1 = (float(value) for value in (*(low + shift), *(high + shift)))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), Box(x0, y0, x1, y1)


def _along_across(
    mark: Mark, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return arc length from the middle, distance from the middle line, and how much longer a step is out there."""
    cos, sin = math.cos(mark.angle), math.sin(mark.angle)
    forward, aside = cos * x + sin * y, cos * y - sin * x
    if mark.bend < _STRAIGHT:
        return forward, aside, np.ones_like(forward)
    radius = mark.length / mark.bend
    distance = np.hypot(forward, radius - aside)
    return np.arctan2(forward, radius - aside) * radius, radius - distance, distance / radius


def _depth(mark: Mark, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance to the outline, positive inside, px."""
    along, across, stretch = _along_across(mark, x, y)
    half = mark.width / 2
    if mark.round_ends:
        beyond = np.maximum(np.abs(along) - (mark.length / 2 - half), 0) * stretch
        return np.asarray(half - np.hypot(beyond, across), np.float64)
    return np.minimum(half - np.abs(across), (mark.length / 2 - np.abs(along)) * stretch)


def _outline(mark: Mark) -> NDArray[np.float64]:
    """Return points (n, 2) that bound the mark: both sides, end to end."""
    trimmed = mark.length / 2 - (mark.width / 2 if mark.round_ends else 0.0)
    s = np.linspace(-trimmed, trimmed, 201)
    if mark.bend >= _STRAIGHT:
        radius = mark.length / mark.bend
        middle = np.column_stack([radius * np.sin(s / radius), radius * (1 - np.cos(s / radius))])
        normal = np.column_stack([-np.sin(s / radius), np.cos(s / radius)])
    else:
        middle, normal = np.column_stack([s, 0 * s]), np.tile([0.0, 1.0], (len(s), 1))
    half = mark.width / 2
    if mark.round_ends:
        turn = np.linspace(0, 2 * math.pi, 181)
        disc = half * np.column_stack([np.cos(turn), np.sin(turn)])
        points = np.vstack([middle + half * normal, middle - half * normal, middle[0] + disc, middle[-1] + disc])
    else:
        points = np.vstack([middle + half * normal, middle - half * normal])
    cos, sin = math.cos(mark.angle), math.sin(mark.angle)
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]), np.float64)
