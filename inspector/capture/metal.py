"""Virtual metal parts: brushed, cast and plated surfaces with scratches, dents, pits and stains of known outline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.capture.metal_defects import DRAWN, METAL_CLASSES

__all__ = ["HELD_OUT_METAL", "METAL_CLASSES", "TRAINING_METAL", "Finish", "MetalDefect", "MetalSpec", "render_metal"]

Floats = NDArray[np.float32]

_MOST_ATTEMPTS = 12
_LEAST_OVER_TEXTURE = 2.0


class Finish(StrEnum):
    """How the surface was made."""

    BRUSHED = "brushed"
    CAST = "cast"
    PLATED = "plated"


@dataclass(frozen=True, slots=True)
class MetalSpec:
    """What the drawn parts are like.

    Attributes
    ----------
    size_px
        Side of the square image.
    defect_rate
        Share of parts with defects; the others are good.
    most_defects
        A defective part has one to so many.
    level, noise, blur
        Ranges of the mean grey level, the camera's noise in grey levels and its blur in px (standard deviations).
    contrast
        Range of a factor on the visibility of defects.
    """

    size_px: int = 320
    finishes: Sequence[Finish] = tuple(Finish)
    defect_rate: float = 0.75
    most_defects: int = 4
    level: tuple[float, float] = (80.0, 185.0)
    noise: tuple[float, float] = (0.8, 4.5)
    blur: tuple[float, float] = (0.4, 1.1)
    contrast: tuple[float, float] = (0.7, 1.4)


TRAINING_METAL = MetalSpec()
"""Varied more than any one line is."""

HELD_OUT_METAL = MetalSpec(
    defect_rate=0.6, most_defects=3, level=(105.0, 160.0), noise=(1.5, 3.0), blur=(0.5, 0.9), contrast=(0.8, 1.2)
)
"""Like one well-kept line."""


@dataclass(frozen=True, slots=True, eq=False)
class MetalDefect:
    """A defect that was drawn: its class and the pixels it covers, bool (H, W)."""

    label: str
    mask: NDArray[np.bool_]


def render_metal(
    seed: int, part: int, spec: MetalSpec = TRAINING_METAL
) -> tuple[NDArray[np.uint8], tuple[MetalDefect, ...]]:
    """Return the picture of a part, grey (H, W), and its defects; the same seed and part give the same picture."""
    rng = np.random.default_rng([seed, part])
    finish = spec.finishes[int(rng.integers(len(spec.finishes)))]
    size = spec.size_px
    texture = _TEXTURES[finish](rng, size)
    surface = _light(rng, size) * float(rng.uniform(*spec.level)) + texture
    rough = float(texture.std())
    defects: list[MetalDefect] = []
    if rng.random() < spec.defect_rate:
        taken = np.zeros((size, size), np.bool_)
        for _ in range(int(rng.integers(1, spec.most_defects + 1))):
            label = METAL_CLASSES[int(rng.integers(len(METAL_CLASSES)))]
            for _ in range(_MOST_ATTEMPTS):
                delta, mask = DRAWN[label](rng, size)
                if mask.any() and not (mask & taken).any():
                    break
            else:
                continue
            seen = float(rng.uniform(*spec.contrast))
            # On a rough skin a faint defect is no defect: nobody could label it.
            surface += delta * max(seen, _LEAST_OVER_TEXTURE * rough / max(float(np.abs(delta).max()), 1.0))
            # Defects keep a distance, so that each is one label.
            taken |= cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
            defects.append(MetalDefect(label, mask))
    return _as_seen(rng, surface, spec), tuple(defects)


def _as_seen(rng: np.random.Generator, surface: Floats, spec: MetalSpec) -> NDArray[np.uint8]:
    """Return what a camera makes of a surface: blur, noise that grows with the light, eight bits."""
    blurred = cv2.GaussianBlur(surface, (0, 0), float(rng.uniform(*spec.blur)))
    shot = np.sqrt(np.clip(blurred, 1, None) / 128) * float(rng.uniform(*spec.noise))
    noisy = blurred + rng.standard_normal(surface.shape, np.float32) * shot
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _light(rng: np.random.Generator, size: int) -> Floats:
    """Return uneven light: a slope, and a broad bright spot somewhere in or beside the picture."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size - 0.5
    angle, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    cx, cy, reach = rng.uniform(-0.7, 0.7), rng.uniform(-0.7, 0.7), rng.uniform(0.3, 0.8)
    spot = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * reach**2)) * rng.uniform(0, 0.25)
    return np.asarray(1 + slope * (x * np.cos(angle) + y * np.sin(angle)) + spot - spot.mean(), np.float32)


def _noise(rng: np.random.Generator, size: int, sigma_x: float, sigma_y: float) -> Floats:
    """Return smoothed noise of standard deviation 1."""
    raw = rng.standard_normal((size, size), np.float32)
    smooth = cv2.GaussianBlur(raw, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y)
    return np.asarray(smooth / max(float(smooth.std()), 1e-6), np.float32)


def _brushed(rng: np.random.Generator, size: int) -> Floats:
    """Draw fine parallel grooves of many lengths, in any one direction but mostly along an axis."""
    wide = int(size * 1.5)
    fine = _noise(rng, wide, rng.uniform(15, 60), 0.5) * rng.uniform(3, 8)
    coarse = _noise(rng, wide, rng.uniform(60, 140), rng.uniform(1.0, 2.5)) * rng.uniform(1, 5)
    angle = float(rng.choice([0, 90])) + float(rng.normal(0, 3) if rng.random() < 0.7 else rng.uniform(-45, 45))  # noqa: PLR2004
    turn = cv2.getRotationMatrix2D((wide / 2, wide / 2), angle, 1.0)
    turned = cv2.warpAffine(fine + coarse, turn, (wide, wide), borderMode=cv2.BORDER_REFLECT)
    start = (wide - size) // 2
    return np.asarray(turned[start : start + size, start : start + size], np.float32)


def _cast(rng: np.random.Generator, size: int) -> Floats:
    """Draw a rough skin: relief of several sizes, lit from one side."""
    relief = np.zeros((size, size), np.float32)
    for sigma in (1.0, 2.2, 5.0, 12.0):
        relief += _noise(rng, size, sigma, sigma) * sigma**0.9
    angle = rng.uniform(0, 2 * np.pi)
    dy, dx = np.gradient(relief)
    lit = dx * np.cos(angle) + dy * np.sin(angle)
    grain = _noise(rng, size, 0.6, 0.6)
    return np.asarray(lit / max(float(lit.std()), 1e-6) * rng.uniform(4, 11) + grain * rng.uniform(1, 4), np.float32)


def _plated(rng: np.random.Generator, size: int) -> Floats:
    """Draw a smooth skin that mirrors its surroundings softly, with a little orange peel."""
    mirrored = _noise(rng, size, size / rng.uniform(4, 8), size / rng.uniform(4, 8)) * rng.uniform(2, 12)
    peel = _noise(rng, size, rng.uniform(3, 7), rng.uniform(3, 7)) * rng.uniform(0.3, 2.0)
    return np.asarray(mirrored + peel, np.float32)


_TEXTURES = {Finish.BRUSHED: _brushed, Finish.CAST: _cast, Finish.PLATED: _plated}
