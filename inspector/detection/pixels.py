"""Small things that the classical detectors share: grey levels, windows, findings."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import Box, DetectionError, Frame

__all__ = ["COLOUR_DIMENSIONS", "Window", "grey", "window_of"]

COLOUR_DIMENSIONS = 3

Window = tuple[float, float, float, float]
"""Left, top, right, bottom in raw-image pixels; right and bottom exclusive."""


def grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W) grey levels of grey or BGR pixels."""
    if pixels.ndim == COLOUR_DIMENSIONS:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    return pixels


def window_of(frame: Frame, window: Window | None, name: str) -> tuple[int, int, int, int]:
    """Return the window in whole pixels (None: the frame).

    Raises ``DetectionError`` where it does not lie within the frame: half a window is not what was set up.
    """
    if window is None:
        return 0, 0, frame.width, frame.height
    left, top, right, bottom = (round(side) for side in window)
    if window[0] < window[2] and window[1] < window[3] and (left == right or top == bottom):
        raise DetectionError(
            f"{name}: its box is less than a pixel wide or high at this scale",
            remedy="Make box_mm of this detector larger; it is in mm of the calibration",
        )
    if left < 0 or top < 0 or right > frame.width or bottom > frame.height or left >= right or top >= bottom:
        raise DetectionError(
            f"{name}: its box {left}, {top}, {right}, {bottom} px does not lie within the frame of "
            f"{frame.width} x {frame.height}",
            remedy="Correct box_mm of this detector, or the size of the image",
        )
    return left, top, right, bottom


def box_of(window: tuple[int, int, int, int]) -> Box:
    """Return a window as the box of a finding."""
    return Box(*(float(side) for side in window))
