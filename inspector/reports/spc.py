"""Control charts: limits and the points that say that something special happened.

Formulas and constants: AIAG, Statistical Process Control (SPC) Reference Manual, 2nd edition, chapter II and
appendix E. The criteria for special causes are those of its table II.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["ControlChart", "Limits", "Signal", "SignalKind", "individuals", "p_chart", "xbar_r"]

SIGMAS = 3.0
RUN = 7
TREND = 6
# d2, d3 by subgroup size: mean and standard deviation of the range of normal values, in sigmas (AIAG, appendix E).
D2 = {2: 1.128, 3: 1.693, 4: 2.059, 5: 2.326, 6: 2.534, 7: 2.704, 8: 2.847, 9: 2.970, 10: 3.078}
D3 = {2: 0.853, 3: 0.888, 4: 0.880, 5: 0.864, 6: 0.848, 7: 0.833, 8: 0.820, 9: 0.808, 10: 0.797}


class SignalKind(StrEnum):
    """Why a point is special."""

    BEYOND = "beyond"
    """One point beyond three sigmas."""
    RUN = "run"
    """Seven points in a row on the same side of the centre line."""
    TREND = "trend"
    """Six points in a row, each higher or each lower than the one before."""
    TWO_OF_THREE = "two_of_three"
    """Two of three points beyond two sigmas, on the same side."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A special cause, at the point that completes it."""

    kind: SignalKind
    point: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Control limits of one point."""

    lower: float
    upper: float


@dataclass(frozen=True, slots=True, eq=False)
class ControlChart:
    """One chart: points, centre line, limits point by point, signals.

    Attributes
    ----------
    sigma_within
        Estimate of the standard deviation within subgroups; NaN for a chart of shares.
    spread
        Mean range or mean moving range that it comes from.
    subgroup
        Values per point.
    """

    kind: str
    points: NDArray[np.float64]
    centre: float
    limits: tuple[Limits, ...]
    signals: tuple[Signal, ...]
    sigma_within: float = float("nan")
    spread: float = float("nan")
    subgroup: int = 1
    second: ControlChart | None = None


def p_chart(nonconforming: Sequence[int], inspected: Sequence[int]) -> ControlChart:
    """Return the chart of a share, subgroups of any size.

    ``p ± 3 sqrt(p (1 - p) / n)`` with the mean share of all subgroups, cut at 0 and 1 (AIAG SPC, chapter II, p chart).
    Runs are looked for as well; zones are not, because the limits differ from point to point.
    """
    bad, sizes = np.asarray(nonconforming, np.float64), np.asarray(inspected, np.float64)
    if not len(sizes) or len(bad) != len(sizes) or (sizes <= 0).any() or (bad > sizes).any():
        raise ValueError("a p chart needs subgroups with at least one part, and no more nonconforming than inspected")
    mean = float(bad.sum() / sizes.sum())
    width = SIGMAS * np.sqrt(mean * (1 - mean) / sizes)
    limits = tuple(Limits(max(0.0, mean - w), min(1.0, mean + w)) for w in width.tolist())
    shares = bad / sizes
    signals = (*_beyond(shares, limits), *_runs(shares, mean))
    return ControlChart("p", shares, mean, limits, tuple(sorted(signals, key=lambda signal: signal.point)))


def individuals(values: Sequence[float] | NDArray[np.float64]) -> ControlChart:
    """Return the chart of individual values with its moving ranges of two as ``second``.

    ``sigma = mean moving range / d2(2)``; limits ``mean ± 3 sigma``, and ``(1 ± 3 d3 / d2)`` times the mean range for
    the ranges (AIAG SPC, chapter II, X-MR). At least two values.
    """
    points = np.asarray(values, np.float64)
    if len(points) < len(("one", "before it")):
        raise ValueError(f"a chart of individuals needs two values, got {len(points)}")
    ranges = np.abs(np.diff(points))
    spread = float(ranges.mean())
    sigma = spread / D2[2]
    second = _range_chart("MR", ranges, spread, 2)
    return _chart("I", points, sigma=sigma, spread=spread, subgroup=1, second=second)


def xbar_r(values: Sequence[float] | NDArray[np.float64], subgroup: int = 5) -> ControlChart:
    """Return the chart of means of consecutive values with their ranges as ``second``.

    ``sigma = mean range / d2``; limits ``grand mean ± 3 sigma / sqrt(n)`` (AIAG SPC, chapter II, X-bar and R). Values
    that fill no subgroup at the end are left out. Subgroups of 2 … 10, at least two of them.
    """
    points = np.asarray(values, np.float64)
    number = len(points) // subgroup
    if subgroup not in D2 or number < len(("one", "another")):
        raise ValueError(f"X-bar/R needs two subgroups of 2 … 10 values, got {len(points)} values by {subgroup}")
    groups = points[: number * subgroup].reshape(number, subgroup)
    means, ranges = groups.mean(axis=1), np.ptp(groups, axis=1)
    spread = float(ranges.mean())
    sigma = spread / D2[subgroup]
    second = _range_chart("R", ranges, spread, subgroup)
    return _chart("X-bar", means, sigma=sigma, spread=spread, subgroup=subgroup, second=second)


def _chart(
    kind: str,
    points: NDArray[np.float64],
    *,
    sigma: float,
    spread: float,
    subgroup: int,
    second: ControlChart,
) -> ControlChart:
    centre, sigma_of_point = float(points.mean()), sigma / subgroup**0.5
    limits = (Limits(centre - SIGMAS * sigma_of_point, centre + SIGMAS * sigma_of_point),) * len(points)
    found = (
        *_beyond(points, limits),
        *_runs(points, centre),
        *_trends(points),
        *_two_of_three(points, centre, sigma_of_point),
    )
    signals = tuple(sorted(found, key=lambda signal: signal.point))
    return ControlChart(kind, points, centre, limits, signals, sigma, spread, subgroup, second)


def _range_chart(kind: str, ranges: NDArray[np.float64], spread: float, subgroup: int) -> ControlChart:
    width = SIGMAS * D3[subgroup] / D2[subgroup]
    limits = (Limits(max(0.0, (1 - width) * spread), (1 + width) * spread),) * len(ranges)
    return ControlChart(kind, ranges, spread, limits, tuple(_beyond(ranges, limits)), subgroup=subgroup)


def _beyond(points: NDArray[np.float64], limits: Sequence[Limits]) -> list[Signal]:
    return [
        Signal(SignalKind.BEYOND, index)
        for index, (point, limit) in enumerate(zip(points.tolist(), limits, strict=True))
        if not limit.lower <= point <= limit.upper
    ]


def _runs(points: NDArray[np.float64], centre: float) -> list[Signal]:
    """Every seventh point of a run is named, so that a long shift of level is not one signal per point."""
    return [Signal(SignalKind.RUN, index) for index in _streaks(np.sign(points - centre), RUN)]


def _trends(points: NDArray[np.float64]) -> list[Signal]:
    # Six points have five steps between them.
    return [Signal(SignalKind.TREND, index + 1) for index in _streaks(np.sign(np.diff(points)), TREND - 1)]


def _streaks(signs: NDArray[np.float64], length: int) -> list[int]:
    found, last, streak = [], 0.0, 0
    for index, sign in enumerate(signs.tolist()):
        streak = streak + 1 if sign == last and sign else int(bool(sign))
        last = sign
        if streak == length:
            found.append(index)
            streak = 0
    return found


def _two_of_three(points: NDArray[np.float64], centre: float, sigma: float) -> list[Signal]:
    found: list[Signal] = []
    for side in (1.0, -1.0):
        far = side * (points - centre) > 2 * sigma
        pairs = [index for index in np.flatnonzero(far).tolist() if far[max(0, index - 2) : index].any()]
        found += [Signal(SignalKind.TWO_OF_THREE, index) for index in pairs]
    return found
