"""Figures of heat maps: how well they tell good from bad parts, pixels, and regions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label
from scipy.stats import rankdata

__all__ = ["auroc", "per_region_overlap"]

PRO_LIMIT = 0.3
PRO_STEPS = 60


def auroc(good: NDArray[np.floating], bad: NDArray[np.floating]) -> float | None:
    """Return the chance that a bad one is hotter than a good one (Mann and Whitney); None without one of them."""
    if not len(good) or not len(bad):
        return None
    ranks = rankdata(np.concatenate([good, bad]))
    return float((ranks[len(good) :].sum() - len(bad) * (len(bad) + 1) / 2) / (len(good) * len(bad)))


def per_region_overlap(heats: Sequence[NDArray[np.float32]], truths: Sequence[NDArray[np.bool_]]) -> float | None:
    """Return the per-region overlap (PRO, arXiv:1911.02357, section 4.2) up to a false-positive rate of 0.3.

    For each rate, the share of every true region that is above the threshold, averaged over regions; integrated
    over the rate and divided by 0.3. None where no region is true.
    """
    normal = np.sort(np.concatenate([heat[~truth] for heat, truth in zip(heats, truths, strict=True)]))[::-1]
    regions: list[NDArray[np.float32]] = []
    for heat, truth in zip(heats, truths, strict=True):
        numbered, count = label(truth)
        regions += [heat[numbered == number] for number in range(1, count + 1)]
    if not regions or not len(normal):
        return None
    rates = np.linspace(0, PRO_LIMIT, PRO_STEPS + 1)
    thresholds = normal[np.minimum((rates * len(normal)).astype(int), len(normal) - 1)]
    ordered = [np.sort(region) for region in regions]
    overlaps = [
        np.mean([1 - np.searchsorted(region, threshold, side="right") / len(region) for region in ordered])
        for threshold in thresholds
    ]
    return float(np.trapezoid(overlaps, rates) / PRO_LIMIT)
