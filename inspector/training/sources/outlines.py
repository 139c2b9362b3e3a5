"""Masks -> outlines: one closed polygon for each connected region."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["outlines_of"]

LEAST_PIXELS = 4


def outlines_of(mask: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    """Return the outer outline (n, 2) of every region of a mask (H, W), x y in pixels from the image's corner.

    Regions whose box has fewer than four pixels are left out: nobody draws those.
    """
    contours, _ = cv2.findContours(np.ascontiguousarray(mask), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    grown = [_around_pixels(np.asarray(contour, np.float64).reshape(-1, 2)) for contour in contours]
    return [outline for outline in grown if np.prod(np.ptp(outline, axis=0)) >= LEAST_PIXELS]


def _around_pixels(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Stretch a contour, which runs through pixel centres, by half a pixel on every side."""
    low, high = points.min(axis=0), points.max(axis=0)
    if (high - low).min() == 0:  # one pixel wide: there is nothing to stretch
        (x0, y0), (x1, y1) = low, high + 1
        return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    return np.asarray((points - low) * (high - low + 1) / (high - low) + low)
