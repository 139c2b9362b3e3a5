"""The effective edge blur of a camera: an edge of the target's squares, fitted with the integral of a Gaussian."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import ndtr

from inspector.gauging.target import Target

__all__ = ["edge_blur"]

Floats = NDArray[np.float64]

_ENDS = 0.25  # of a side, kept off the corners
_REACH_PX = 5.0
_LEAST_REACH_PX = 2.5
_FEWEST_PIXELS = 40
_FEWEST_EDGES = 8
_LARGEST_SIGMA_PX = 5.0
_MOST_EDGES = 80


def edge_blur(
    image: NDArray[np.uint8], corners: Floats, numbers: NDArray[np.int64], target: Target
) -> tuple[float, float] | None:
    """Return the blur (standard deviation, px) of the target's edges and its standard uncertainty.

    Each side between two neighbouring corners is fitted by itself; the median of them is taken, and the
    uncertainty is their spread (1.4826 MAD) over the root of their number, and at least a tenth of the spread, because
    blur varies over the image. None where fewer than eight sides are long enough.

    Parameters
    ----------
    image
        Grey, (H, W).
    corners, numbers
        As ``find_target`` gives them.
    """
    at = dict(zip(numbers.tolist(), corners, strict=True))
    across = target.columns - 1
    margin = (target.square_mm - target.marker_mm) / 2 / target.square_mm if target.kind == "charuco" else 0.4
    found = []
    pairs = [
        (at[number], at[other])
        for number in at
        for other in ([number + 1] if (number + 1) % across else []) + [number + across]
        if other in at
    ]
    for start, end in pairs[:: max(len(pairs) // _MOST_EDGES, 1)]:
        sigma = _side(image, start, end, margin)
        if sigma is not None:
            found.append(sigma)
    if len(found) < _FEWEST_EDGES:
        return None
    middle = float(np.median(found))
    spread = 1.4826 * float(np.median(np.abs(np.array(found) - middle)))
    return middle, max(spread / len(found) ** 0.5, spread / 10)


def _side(image: NDArray[np.uint8], start: Floats, end: Floats, margin: float) -> float | None:
    side = end - start
    length = float(np.linalg.norm(side))
    reach = min(_REACH_PX, 0.9 * margin * length)
    if reach < _LEAST_REACH_PX:
        return None
    low = np.floor(np.minimum(start, end) - reach).astype(int)
    high = np.ceil(np.maximum(start, end) + reach).astype(int)
    if (low < 0).any() or high[0] > image.shape[1] or high[1] > image.shape[0]:
        return None
    rows, columns = np.mgrid[low[1] : high[1], low[0] : high[0]]
    step = np.column_stack([columns.ravel() + 0.5 - start[0], rows.ravel() + 0.5 - start[1]])
    s = step @ side / length
    t = (step[:, 1] * side[0] - step[:, 0] * side[1]) / length
    kept = (s > _ENDS * length) & (s < (1 - _ENDS) * length) & (np.abs(t) < reach)
    if int(kept.sum()) < _FEWEST_PIXELS:
        return None
    values = image[low[1] : high[1], low[0] : high[0]].ravel()[kept].astype(np.float64)
    s, t = s[kept] / length - 0.5, t[kept]

    def residuals(p: Floats) -> Floats:
        return np.asarray(p[0] + p[1] * ndtr((t - p[2] - p[3] * s) / p[4]) - values, np.float64)

    rise = float(values[t > 0].mean() - values[t < 0].mean())
    fit = least_squares(residuals, [float(values[t < 0].mean()), rise, 0.0, 0.0, 1.0], method="lm", max_nfev=200)
    sigma = abs(float(fit.x[4]))
    return sigma if fit.success and 0 < sigma < _LARGEST_SIGMA_PX else None
