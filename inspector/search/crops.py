"""What the encoder gets of one finding: a crop around it, and how large it is and where."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import Box

__all__ = ["CROP_PX", "GEOMETRY", "Sighting", "crop", "geometry"]

CROP_PX = 96
_AROUND = 1.5  # sides of the box
_LEAST_PX = 32
_LEAST_MM, _MOST_MM = 0.02, 50.0

GEOMETRY = ("log2 length in mm", "length known", "log2 of width over height", "place across", "place down")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One finding as it was recorded; ``length_mm`` is its longer side, None where it was not measured.

    ``frame`` is (width, height) of the picture in pixels.
    """

    box: Box
    frame: tuple[int, int]
    length_mm: float | None = None

    @property
    def place(self) -> tuple[float, float]:
        """Centre as shares of the picture's width and height, 0 … 1."""
        (x, y), (width, height) = self.box.centre, self.frame
        return min(max(x / width, 0.0), 1.0), min(max(y / height, 0.0), 1.0)


def crop(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return the grey square around a box, its surroundings included, ``CROP_PX`` a side.

    The square grows with the box: what a defect looks like is seen here, how large it is stands in ``geometry``.
    """
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)  # noqa: PLR2004
    (x, y), side = box.centre, max(_AROUND * max(box.width, box.height), _LEAST_PX)
    scale = CROP_PX / side
    shift = np.array([[scale, 0, CROP_PX / 2 - scale * x], [0, scale, CROP_PX / 2 - scale * y]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    seen = cv2.warpAffine(grey, shift, (CROP_PX, CROP_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8)


def geometry(seen: Sighting) -> NDArray[np.float32]:
    """Return size, shape and place as the encoder takes them, float32 (5,), in the order of ``GEOMETRY``."""
    known = seen.length_mm is not None
    length = min(max(seen.length_mm or 1.0, _LEAST_MM), _MOST_MM)
    across, down = seen.place
    shape = math.log2(seen.box.width / seen.box.height)
    return np.array([math.log2(length) if known else 0.0, float(known), shape, across, down], np.float32)
