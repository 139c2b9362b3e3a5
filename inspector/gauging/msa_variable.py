"""Measurement system analysis of a measuring gauge: R&R, bias, linearity, stability.

Source: AIAG, Measurement Systems Analysis, 4th edition (2010): chapter III-B (crossed study by analysis of variance,
appendix A), III-A (bias, linearity, stability). The acceptance classes are those of chapter II-D.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import f as f_distribution
from scipy.stats import t as t_distribution

__all__ = [
    "Acceptance",
    "AnovaRow",
    "Bias",
    "GaugeStudy",
    "Linearity",
    "Reading",
    "Stability",
    "bias",
    "gauge_study",
    "linearity",
    "stability",
]

ALPHA = 0.05
ACCEPTED_BELOW, MAY_BE_ACCEPTED_UP_TO = 10.0, 30.0
FEWEST_CATEGORIES = 5
CATEGORY_FACTOR = math.sqrt(2)
SPREADS = 6.0
LONGEST_RUN = 9


class Acceptance(StrEnum):
    """What the AIAG manual says of a measurement system."""

    ACCEPTABLE = "acceptable"
    CONDITIONAL = "may be acceptable"
    UNACCEPTABLE = "not acceptable"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a crossed study."""

    part: str
    appraiser: str
    value: float


@dataclass(frozen=True, slots=True)
class AnovaRow:
    """One line of the analysis of variance; ``f`` and ``p`` are None for the error."""

    source: str
    degrees: int
    squares: float
    mean_square: float
    f: float | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True)
class GaugeStudy:
    """A crossed gauge R&R study by analysis of variance; standard deviations in the unit of the readings.

    Attributes
    ----------
    anova
        The table with the interaction, as the manual prints it.
    pooled
        Whether the interaction was not significant (p > 0.05) and went into the repeatability.
    repeatability, reproducibility, interaction, grr, part_variation, total
        Standard deviations; reproducibility counts appraisers and interaction.
    categories
        Number of distinct categories, cut off to a whole number.
    percent_of_total
        100 GRR / total variation.
    percent_of_tolerance
        100 x 6 GRR / tolerance, None without a tolerance.
    """

    parts: int
    appraisers: int
    trials: int
    anova: tuple[AnovaRow, ...]
    pooled: bool
    repeatability: float
    reproducibility: float
    interaction: float
    grr: float
    part_variation: float
    total: float
    categories: int
    percent_of_total: float
    percent_of_tolerance: float | None
    acceptance: Acceptance


def gauge_study(readings: Sequence[Reading], *, tolerance: float | None = None) -> GaugeStudy:
    """Return the crossed study; raises ``ValueError`` where it is not balanced or too small.

    It is classed by its share of the tolerance where there is one, else of the total variation.
    """
    if tolerance is not None and not tolerance > 0:
        raise ValueError(f"the tolerance must be greater than 0, got {tolerance}")
    cube = _cube(readings)
    parts, appraisers, trials = cube.shape
    anova = _anova(cube)
    part, appraiser, interaction, error, _ = anova
    pooled = interaction.p is not None and interaction.p > ALPHA
    noise = error.mean_square
    if pooled:
        noise = (interaction.squares + error.squares) / (interaction.degrees + error.degrees)
    against = noise if pooled else interaction.mean_square
    of_interaction = 0.0 if pooled else max((interaction.mean_square - noise) / trials, 0.0)
    of_appraiser = max((appraiser.mean_square - against) / (parts * trials), 0.0)
    of_part = max((part.mean_square - against) / (appraisers * trials), 0.0)
    grr = noise + of_appraiser + of_interaction
    total = grr + of_part
    percent = 100 * math.sqrt(grr / total) if total else 0.0
    of_tolerance = None if tolerance is None else 100 * SPREADS * math.sqrt(grr) / tolerance
    return GaugeStudy(
        parts=parts,
        appraisers=appraisers,
        trials=trials,
        anova=anova,
        pooled=pooled,
        repeatability=math.sqrt(noise),
        reproducibility=math.sqrt(of_appraiser + of_interaction),
        interaction=math.sqrt(of_interaction),
        grr=math.sqrt(grr),
        part_variation=math.sqrt(of_part),
        total=math.sqrt(total),
        categories=int(CATEGORY_FACTOR * math.sqrt(of_part / grr)) if grr else 0,
        percent_of_total=percent,
        percent_of_tolerance=of_tolerance,
        acceptance=_class(percent if of_tolerance is None else of_tolerance),
    )


def _class(percent: float) -> Acceptance:
    if percent < ACCEPTED_BELOW:
        return Acceptance.ACCEPTABLE
    return Acceptance.CONDITIONAL if percent <= MAY_BE_ACCEPTED_UP_TO else Acceptance.UNACCEPTABLE


def _cube(readings: Sequence[Reading]) -> NDArray[np.float64]:
    """Return the readings as (parts, appraisers, trials)."""
    cells: dict[tuple[str, str], list[float]] = {}
    for reading in readings:
        cells.setdefault((reading.part, reading.appraiser), []).append(reading.value)
    parts = list(dict.fromkeys(reading.part for reading in readings))
    appraisers = list(dict.fromkeys(reading.appraiser for reading in readings))
    if min(len(parts), len(appraisers)) < 2:  # noqa: PLR2004
        raise ValueError(f"at least 2 parts and 2 appraisers are needed, got {len(parts)} and {len(appraisers)}")
    counts = {cell: len(values) for cell, values in cells.items()}
    wanted = max(counts.values())
    for part in parts:
        for appraiser in appraisers:
            if counts.get((part, appraiser), 0) != wanted:
                raise ValueError(
                    f"the study is not balanced: appraiser {appraiser} measured part {part} "
                    f"{counts.get((part, appraiser), 0)} times, others {wanted} times"
                )
    if wanted < 2:  # noqa: PLR2004
        raise ValueError("each appraiser must measure each part at least twice")
    return np.array([[cells[part, appraiser] for appraiser in appraisers] for part in parts], np.float64)


def _anova(cube: NDArray[np.float64]) -> tuple[AnovaRow, AnovaRow, AnovaRow, AnovaRow, AnovaRow]:
    parts, appraisers, trials = cube.shape
    grand = cube.mean()
    cell, by_part, by_appraiser = cube.mean(axis=2), cube.mean(axis=(1, 2)), cube.mean(axis=(0, 2))
    squares = {
        "part": appraisers * trials * float(((by_part - grand) ** 2).sum()),
        "appraiser": parts * trials * float(((by_appraiser - grand) ** 2).sum()),
        "part x appraiser": trials * float(((cell - by_part[:, None] - by_appraiser[None, :] + grand) ** 2).sum()),
        "repeatability": float(((cube - cell[:, :, None]) ** 2).sum()),
    }
    degrees = {
        "part": parts - 1,
        "appraiser": appraisers - 1,
        "part x appraiser": (parts - 1) * (appraisers - 1),
        "repeatability": parts * appraisers * (trials - 1),
    }
    against = {"part": "part x appraiser", "appraiser": "part x appraiser", "part x appraiser": "repeatability"}
    mean = {name: squares[name] / degrees[name] for name in squares}

    def row(name: str) -> AnovaRow:
        other = against.get(name)
        ratio = mean[name] / mean[other] if other and mean[other] > 0 else None
        chance = (
            None if ratio is None or other is None else float(f_distribution.sf(ratio, degrees[name], degrees[other]))
        )
        return AnovaRow(name, degrees[name], squares[name], mean[name], ratio, chance)

    total = AnovaRow("total", cube.size - 1, float(((cube - grand) ** 2).sum()), 0.0)
    return row("part"), row("appraiser"), row("part x appraiser"), row("repeatability"), total


@dataclass(frozen=True, slots=True)
class Bias:
    """Readings of one part against its reference value.

    ``low`` and ``high`` bound the bias with 95 % confidence; it is acceptable where 0 lies between them.
    """

    readings: int
    reference: float
    mean: float
    bias: float
    repeatability: float
    t: float
    p: float
    low: float
    high: float
    acceptable: bool


def bias(values: Sequence[float], reference: float) -> Bias:
    """Return the bias with its t test (independent sample method); raises ``ValueError`` below 2 readings."""
    readings = np.array(values, np.float64)
    if len(readings) < 2:  # noqa: PLR2004
        raise ValueError(f"at least 2 readings are needed, got {len(readings)}")
    off, spread = float(readings.mean()) - reference, float(readings.std(ddof=1))
    error, degrees = spread / math.sqrt(len(readings)), len(readings) - 1
    reach = float(t_distribution.ppf(1 - ALPHA / 2, degrees)) * error
    t = off / error if error else math.copysign(math.inf, off) if off else 0.0
    return Bias(
        readings=len(readings),
        reference=reference,
        mean=float(readings.mean()),
        bias=off,
        repeatability=spread,
        t=t,
        p=float(2 * t_distribution.sf(abs(t), degrees)),
        low=off - reach,
        high=off + reach,
        acceptable=off - reach <= 0 <= off + reach,
    )


@dataclass(frozen=True, slots=True)
class Linearity:
    """How the bias changes over the range: bias = ``slope`` x reference + ``intercept``.

    ``slope_p`` and ``intercept_p`` test them against 0. It is acceptable where the line of zero bias lies within
    the 95 % band of the fit at every reference.
    """

    readings: int
    slope: float
    intercept: float
    spread: float
    r_squared: float
    slope_p: float
    intercept_p: float
    mean_bias: Mapping[float, float]
    band: Mapping[float, tuple[float, float]]
    acceptable: bool


def linearity(pairs: Sequence[tuple[float, float]]) -> Linearity:
    """Return the regression of bias on the reference, from (reference, value) pairs; raises ``ValueError``."""
    data = np.array(pairs, np.float64).reshape(-1, 2)
    x, y = data[:, 0], data[:, 1] - data[:, 0]
    levels = sorted(set(x.tolist()))
    if len(levels) < 2 or len(data) < 4:  # noqa: PLR2004
        raise ValueError(f"at least 2 references and 4 readings are needed, got {len(levels)} and {len(data)}")
    n, degrees = len(x), len(x) - 2
    middle, width = float(x.mean()), float(((x - x.mean()) ** 2).sum())
    slope = float(((x - middle) * (y - y.mean())).sum()) / width
    intercept = float(y.mean()) - slope * middle
    rest = float(((y - intercept - slope * x) ** 2).sum())
    spread = math.sqrt(rest / degrees)
    scatter = float(((y - y.mean()) ** 2).sum())
    reach = float(t_distribution.ppf(1 - ALPHA / 2, degrees))

    def chance(value: float, error: float) -> float:
        return float(2 * t_distribution.sf(abs(value) / error, degrees)) if error else float(value == 0)

    band = {
        at: (intercept + slope * at - far, intercept + slope * at + far)
        for at in levels
        for far in [reach * spread * math.sqrt(1 / n + (at - middle) ** 2 / width)]
    }
    return Linearity(
        readings=n,
        slope=slope,
        intercept=intercept,
        spread=spread,
        r_squared=1 - rest / scatter if scatter else 1.0,
        slope_p=chance(slope, spread / math.sqrt(width)),
        intercept_p=chance(intercept, spread * math.sqrt(1 / n + middle**2 / width)),
        mean_bias={at: float(y[x == at].mean()) for at in levels},
        band=band,
        acceptable=all(low <= 0 <= high for low, high in band.values()),
    )


@dataclass(frozen=True, slots=True)
class Stability:
    """Averages and standard deviations of the same part over time, in control limits of three sigma.

    ``alarms`` names each subgroup that lies beyond a limit, and each run of nine averages on one side.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    centre: float
    mean_limits: tuple[float, float]
    spread_limits: tuple[float, float]
    alarms: tuple[str, ...]
    stable: bool


def stability(groups: Mapping[str, Sequence[float]]) -> Stability:
    """Return the average and standard deviation chart of subgroups in order of time; raises ``ValueError``.

    Limits from the mean standard deviation over c4 (AIAG SPC, 2nd edition, appendix; c4 by the gamma function).
    """
    sizes = {len(values) for values in groups.values()}
    if len(sizes) != 1 or min(sizes) < 2 or len(groups) < 2:  # noqa: PLR2004
        raise ValueError("at least 2 subgroups of the same size, of 2 or more readings, are needed")
    (size,) = sizes
    data = np.array(list(groups.values()), np.float64)
    means, spreads = data.mean(axis=1), data.std(axis=1, ddof=1)
    c4 = math.sqrt(2 / (size - 1)) * math.exp(gammaln(size / 2) - gammaln((size - 1) / 2))
    centre, usual = float(means.mean()), float(spreads.mean())
    reach = 3 * usual / (c4 * math.sqrt(size))
    swing = 3 * usual * math.sqrt(1 - c4**2) / c4
    low, high, most = centre - reach, centre + reach, usual + swing
    least = max(usual - swing, 0.0)
    names = tuple(groups)
    alarms = [
        f"{name}: average beyond the limits" for name, mean in zip(names, means, strict=True) if not low <= mean <= high
    ]
    alarms += [
        f"{name}: spread beyond the limits" for name, s in zip(names, spreads, strict=True) if not least <= s <= most
    ]
    run, before = 0, 0
    for name, mean in zip(names, means, strict=True):
        side = int(np.sign(mean - centre))
        run = run + 1 if side and side == before else 1
        before = side
        if run == LONGEST_RUN:
            alarms.append(f"{name}: {LONGEST_RUN} averages on one side")
    return Stability(
        names=names,
        means=tuple(means.tolist()),
        spreads=tuple(spreads.tolist()),
        centre=centre,
        mean_limits=(low, high),
        spread_limits=(least, most),
        alarms=tuple(alarms),
        stable=not alarms,
    )
