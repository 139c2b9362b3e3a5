"""What a picture says of its making: light, contrast and sharpness, in figures that can be watched while tuning."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Condition", "condition_of"]

_BLACK, _WHITE = 2, 253
_BINS = 32


@dataclass(frozen=True, slots=True)
class Condition:
    """Figures of one picture.

    Attributes
    ----------
    mean
        Mean grey level, 0 … 255.
    contrast
        Standard deviation of the grey levels.
    black, white
        Shares of pixels at the lower and at the upper end (levels 0-2 and 253-255), 0 … 1: light that is lost.
    sharpness
        Root mean square of the Laplacian over the contrast: how fine the finest detail is, whatever the light. It has
        no unit; the largest value of a lens ring's travel is the best focus. Noise raises it: compare at one exposure.
    histogram
        Shares of pixels in 32 equal steps of grey level, dark first; their sum is 1.
    """

    mean: float
    contrast: float
    black: float
    white: float
    sharpness: float
    histogram: tuple[float, ...]

    @property
    def verdict(self) -> str:
        """What to do about the light, in words; empty where nothing is lost."""
        if self.white > _TOO_MUCH_WHITE:
            return "too bright: shorter exposure or less light"
        if self.mean < _TOO_DARK:
            return "too dark: longer exposure or more light"
        return ""


_TOO_MUCH_WHITE = 0.01
_TOO_DARK = 30.0


def condition_of(pixels: NDArray[np.uint8]) -> Condition:
    """Return the figures of a picture (H, W) grey or (H, W, 3) BGR."""
    grey = pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)  # noqa: PLR2004
    levels = np.bincount(grey.ravel(), minlength=256) / grey.size
    contrast = float(grey.std())
    fine = float(np.sqrt(np.mean(np.square(cv2.Laplacian(grey, cv2.CV_32F)))))
    return Condition(
        mean=float(grey.mean()),
        contrast=contrast,
        black=float(levels[: _BLACK + 1].sum()),
        white=float(levels[_WHITE:].sum()),
        sharpness=fine / contrast if contrast else 0.0,
        histogram=tuple(float(share) for share in levels.reshape(_BINS, -1).sum(axis=1)),
    )
