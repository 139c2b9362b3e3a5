"""Defects of metal surfaces, each drawn as a change of grey level and the pixels it covers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

__all__ = ["DRAWN", "METAL_CLASSES"]

Floats = NDArray[np.float32]
Drawn = tuple[Floats, NDArray[np.bool_]]

METAL_CLASSES = ("scratch", "dent", "pit", "stain")

_EDGE_PX = 4
_VISIBLE = 0.18  # of the strongest change: what lies below is not labelled


def _place(rng: np.random.Generator, size: int) -> tuple[float, float]:
    x, y = rng.uniform(size * 0.06, size * 0.94, 2)
    return float(x), float(y)


def _sign(rng: np.random.Generator, bright: float = 0.5) -> float:
    return 1.0 if rng.random() < bright else -1.0


def _scratch(rng: np.random.Generator, size: int) -> Drawn:
    """Draw a groove along a bent line: one flank bright, the other dark, deeper here and shallower there."""
    length = size * float(np.exp(rng.uniform(np.log(0.08), np.log(0.75))))
    angle, bend = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.5)
    steps = np.linspace(0, 1, max(int(length), 8), dtype=np.float32)
    heading = angle + bend * steps + np.cumsum(rng.normal(0, 0.004, steps.size))
    x0, y0 = _place(rng, size)
    x = x0 + np.cumsum(np.cos(heading)) * length / steps.size
    y = y0 + np.cumsum(np.sin(heading)) * length / steps.size
    width = rng.uniform(0.8, 3.2)
    depth = np.clip(1 + 0.5 * np.sin(rng.uniform(2, 9) * steps + rng.uniform(0, 6)), 0.35, None)
    depth *= np.clip(np.minimum(steps, 1 - steps) * rng.uniform(6, 25), 0.15, 1)  # the tool sets down and lifts off
    ridge = np.zeros((size, size), np.float32)
    shift = 4  # sixteenths of a pixel
    for index in range(1, steps.size):
        ends = [tuple(round(float(v) * 2**shift) for v in (x[i], y[i])) for i in (index - 1, index)]
        line = float(depth[index])
        cv2.line(ridge, ends[0], ends[1], line, max(1, round(width)), cv2.LINE_AA, shift)
    ridge = np.asarray(cv2.GaussianBlur(ridge, (0, 0), max(0.45, width / 4)), np.float32)
    ridge /= max(float(ridge.max()), 1e-6)
    normal = angle + bend / 2 + np.pi / 2
    offset = np.array([[1, 0, np.cos(normal) * width * 0.8], [0, 1, np.sin(normal) * width * 0.8]], np.float32)
    flank = cv2.warpAffine(ridge, offset, (size, size))
    delta = (ridge - flank * rng.uniform(0.2, 0.8)) * _sign(rng, 0.7) * rng.uniform(28, 85)
    return np.asarray(delta, np.float32), _covered(ridge)


def _dent(rng: np.random.Generator, size: int) -> Drawn:
    """Draw a smooth hollow: the light falls off on one side and is thrown back on the other."""
    radius = rng.uniform(6, 26) * size / 320
    across, turn = rng.uniform(0.6, 1.0), rng.uniform(0, np.pi)
    u, v = _axes(size, _place(rng, size), turn)
    reach = (u / radius) ** 2 + (v / (radius * across)) ** 2
    hollow = np.exp(-(reach ** rng.uniform(1.0, 1.8)))
    light = rng.uniform(0, 2 * np.pi)
    dy, dx = np.gradient(hollow)
    shade = dx * np.cos(light) + dy * np.sin(light)
    shade /= max(float(np.abs(shade).max()), 1e-6)
    delta = shade * rng.uniform(18, 55) - hollow * rng.uniform(0, 12)
    return np.asarray(delta, np.float32), np.asarray(reach < 1.5**2 / 1.3, np.bool_)


def _pit(rng: np.random.Generator, size: int) -> Drawn:
    """Draw a small hole with a ragged edge: dark, its far rim a little bright."""
    radius = rng.uniform(1.6, 6.0) * size / 320
    u, v = _axes(size, _place(rng, size), 0.0)
    around = np.arctan2(v, u)
    edge = radius * (1 + 0.25 * np.sin(3 * around + rng.uniform(0, 6)) + 0.15 * np.sin(5 * around + rng.uniform(0, 6)))
    depth = expit((edge - np.hypot(u, v)) / 0.5)
    light = rng.uniform(0, 2 * np.pi)
    moved = np.array([[1, 0, np.cos(light) * 1.5], [0, 1, np.sin(light) * 1.5]], np.float32)
    rim = np.clip(cv2.warpAffine(depth.astype(np.float32), moved, (size, size)) - depth, 0, None)
    delta = -depth * rng.uniform(30, 85) + rim * rng.uniform(0, 40)
    return np.asarray(delta, np.float32), np.asarray(depth > 0.3, np.bool_)  # noqa: PLR2004 - share of the full depth


def _stain(rng: np.random.Generator, size: int) -> Drawn:
    """Draw a patch with a soft or drying edge that darkens or brightens what lies below it."""
    radius = rng.uniform(12, 48) * size / 320
    u, v = _axes(size, _place(rng, size), rng.uniform(0, np.pi))
    raw = cv2.GaussianBlur(rng.standard_normal((size, size), np.float32), (0, 0), radius / rng.uniform(2, 4))
    ragged = raw / max(float(raw.std()), 1e-6) * rng.uniform(0.1, 0.3)
    reach = np.hypot(u / radius, v / (radius * rng.uniform(0.5, 1.0))) + ragged
    softness = rng.uniform(0.04, 0.15)
    inside = expit((1 - reach) / softness)
    ring = np.exp(-(((reach - 0.95) / 0.1) ** 2)) * rng.uniform(0, 0.8)
    cloudy = 1 + 0.25 * ragged
    delta = (inside * cloudy + ring) * _sign(rng, 0.3) * rng.uniform(9, 34)
    mask = _one_piece(np.asarray(inside > 0.4, np.bool_))  # noqa: PLR2004 - where the eye sees its edge
    halo = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), max(2.0, radius * 0.15))  # a patch has no islands
    return np.asarray(delta * np.clip(halo * 2, 0, 1), np.float32), mask


def _axes(size: int, centre: tuple[float, float], turn: float) -> tuple[Floats, Floats]:
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    dx, dy = x - centre[0], y - centre[1]
    return (
        np.asarray(dx * np.cos(turn) + dy * np.sin(turn), np.float32),
        np.asarray(dy * np.cos(turn) - dx * np.sin(turn), np.float32),
    )


def _covered(strength: Floats) -> NDArray[np.bool_]:
    return _one_piece(np.asarray(strength > _VISIBLE * float(strength.max()), np.bool_))


def _one_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest region of a mask; where it touches the picture's edge by a sliver only, nothing."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:  # noqa: PLR2004 - the background is one
        return np.zeros_like(mask)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    width, height = stats[largest, cv2.CC_STAT_WIDTH], stats[largest, cv2.CC_STAT_HEIGHT]
    return np.asarray(labels == largest, np.bool_) if max(width, height) >= _EDGE_PX else np.zeros_like(mask)


DRAWN: Mapping[str, Callable[[np.random.Generator, int], Drawn]] = {
    "scratch": _scratch,
    "dent": _dent,
    "pit": _pit,
    "stain": _stain,
}
"""Class -> how it is drawn: (change of grey level (H, W), pixels covered (H, W))."""
