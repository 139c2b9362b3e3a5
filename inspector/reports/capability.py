"""How well a process fits between its limits: Cp, Cpk, Pp, Ppk, and how sure that is.

Sources: ISO 22514-2 (definitions), AIAG SPC Reference Manual, 2nd edition, chapter IV. Confidence intervals:
chi-squared for Cp and Pp; for Cpk and Ppk the normal approximation of A. F. Bissell, How reliable is your capability
index?, Applied Statistics 39 (1990), 331-340.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from inspector.domain import SpecLimits
from inspector.reports.spc import ControlChart

__all__ = ["LEAST_VALUES", "Capability", "Index", "capability", "spread_index", "worst_side_index"]

LEAST_VALUES = 25
CONFIDENCE = 0.95
NORMAL_UP_TO = 5000  # scipy's p-value of the Shapiro-Wilk test is good up to here
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Index:
    """A capability index with its two-sided 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Capability:
    """The four indices; Cp and Pp need both limits and are None otherwise.

    ``normality`` is the p-value of the Shapiro-Wilk test, None where there are too many values for it. All four indices
    assume a normal distribution.
    """

    cp: Index | None
    cpk: Index
    pp: Index | None
    ppk: Index
    normality: float | None

    @property
    def looks_normal(self) -> bool | None:
        """Whether the values contradict a normal distribution at 5 %."""
        return None if self.normality is None else self.normality >= ALPHA


def capability(values: NDArray[np.float64], chart: ControlChart, limits: SpecLimits) -> Capability | None:
    """Return the capability of these values.

    Cp and Cpk use the deviation within subgroups of the chart, Pp and Ppk that of all values (n - 1). None where there
    are fewer than 25 values, no limit, or no variation.
    """
    number = len(values)
    overall = float(values.std(ddof=1)) if number > 1 else 0.0
    within = chart.sigma_within
    bounded = limits.lower is not None or limits.upper is not None
    if number < LEAST_VALUES or not bounded or overall <= 0 or not within > 0:
        return None
    mean = float(values.mean())
    freedom = _freedom_within(chart, number)
    return Capability(
        cp=spread_index(limits, within, freedom),
        cpk=worst_side_index(limits, mean, within, number, freedom),
        pp=spread_index(limits, overall, number - 1),
        ppk=worst_side_index(limits, mean, overall, number, number - 1),
        normality=float(stats.shapiro(values).pvalue) if number <= NORMAL_UP_TO else None,
    )


def spread_index(limits: SpecLimits, sigma: float, freedom: float) -> Index | None:
    """Return ``(USL - LSL) / 6 sigma``; the interval scales it by ``sqrt(chi2 / freedom)`` at both tails."""
    if limits.lower is None or limits.upper is None:
        return None
    value = (limits.upper - limits.lower) / (6 * sigma)
    tails = stats.chi2.ppf([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], freedom)
    low, high = (value * float(np.sqrt(tail / freedom)) for tail in tails)
    return Index(value, low, high)


def worst_side_index(limits: SpecLimits, mean: float, sigma: float, number: int, freedom: float) -> Index:
    """Return the distance from the mean to the nearer limit in three sigmas.

    Interval (Bissell): ``± z sqrt(1 / (9 n) + index² / (2 freedom))``.
    """
    sides = [
        *([(limits.upper - mean) / (3 * sigma)] if limits.upper is not None else []),
        *([(mean - limits.lower) / (3 * sigma)] if limits.lower is not None else []),
    ]
    value = min(sides)
    z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
    half = z * (1 / (9 * number) + value**2 / (2 * freedom)) ** 0.5
    return Index(value, value - half, value + half)


def _freedom_within(chart: ControlChart, number: int) -> float:
    """Degrees of freedom that an estimate from ranges is worth.

    About 0.62 (n - 1) for moving ranges of two, 0.9 k (m - 1) for k subgroups of m: what the range loses against
    the standard deviation.
    """
    if chart.subgroup == 1:
        return 0.62 * (number - 1)
    return 0.9 * len(chart.points) * (chart.subgroup - 1)
