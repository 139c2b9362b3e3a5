"""Measurement system analysis of verdicts: how well appraisers agree with themselves, each other and the reference.

Source: AIAG, Measurement Systems Analysis, 4th edition (2010), chapter III-C (cross-tabulation method);
J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from inspector.gauging.msa_variable import Acceptance

__all__ = ["Agreement", "Appraiser", "Rating", "agreement", "kappa"]

GOOD_KAPPA, POOR_KAPPA = 0.75, 0.40
# effectiveness at least; miss rate and false alarm rate at most (table III-C 7)
ACCEPTABLE = (0.90, 0.02, 0.05)
MARGINAL = (0.80, 0.05, 0.10)


@dataclass(frozen=True, slots=True)
class Rating:
    """One verdict about one part; True is good."""

    part: str
    appraiser: str
    good: bool
    reference: bool


@dataclass(frozen=True, slots=True)
class Appraiser:
    """One appraiser against the reference.

    Attributes
    ----------
    effectiveness
        Share of parts that were judged rightly in every trial.
    repeated
        Share of parts that were judged alike in every trial, rightly or not.
    miss_rate
        Share of verdicts about bad parts that said good (an escape).
    false_alarm_rate
        Share of verdicts about good parts that said bad (a false reject).
    kappa
        Agreement with the reference beyond chance.
    """

    name: str
    effectiveness: float
    repeated: float
    miss_rate: float | None
    false_alarm_rate: float | None
    kappa: float
    acceptance: Acceptance


@dataclass(frozen=True, slots=True)
class Agreement:
    """The whole study; ``between`` is the kappa of each pair of appraisers, verdict by verdict."""

    parts: int
    trials: int
    appraisers: tuple[Appraiser, ...]
    between: Mapping[tuple[str, str], float]


def kappa(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Return Cohen's kappa of two series of verdicts; 1 where both always say the same one thing."""
    if len(first) != len(second) or not first:
        raise ValueError(f"two series of the same length are needed, got {len(first)} and {len(second)}")
    n = len(first)
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    a, b = sum(first) / n, sum(second) / n
    expected = a * b + (1 - a) * (1 - b)
    return (observed - expected) / (1 - expected) if expected < 1 else 1.0


def agreement(ratings: Sequence[Rating]) -> Agreement:
    """Return the study; raises ``ValueError`` where it is not balanced or a part has two references."""
    table: dict[str, dict[str, list[bool]]] = {}
    references: dict[str, bool] = {}
    for rating in ratings:
        table.setdefault(rating.appraiser, {}).setdefault(rating.part, []).append(rating.good)
        if references.setdefault(rating.part, rating.reference) != rating.reference:
            raise ValueError(f"part {rating.part} has two references")
    counts = {len(values) for parts in table.values() for values in parts.values()}
    if not ratings or len(counts) != 1 or any(set(parts) != set(references) for parts in table.values()):
        raise ValueError("the study is not balanced: each appraiser must judge each part equally often")
    (trials,) = counts
    series = {name: [v for part in references for v in parts[part]] for name, parts in table.items()}
    truth = [reference for reference in references.values() for _ in range(trials)]
    return Agreement(
        parts=len(references),
        trials=trials,
        appraisers=tuple(_appraiser(name, parts, references, series[name], truth) for name, parts in table.items()),
        between={(a, b): kappa(series[a], series[b]) for a, b in combinations(table, 2)},
    )


def _appraiser(
    name: str,
    parts: Mapping[str, list[bool]],
    references: Mapping[str, bool],
    said: Sequence[bool],
    truth: Sequence[bool],
) -> Appraiser:
    right = sum(all(v == references[part] for v in values) for part, values in parts.items()) / len(parts)
    alike = sum(len(set(values)) == 1 for values in parts.values()) / len(parts)
    bad = [v for v, good in zip(said, truth, strict=True) if not good]
    good = [v for v, fine in zip(said, truth, strict=True) if fine]
    miss = sum(bad) / len(bad) if bad else None
    alarm = sum(not v for v in good) / len(good) if good else None
    return Appraiser(name, right, alike, miss, alarm, kappa(said, truth), _class(right, miss or 0.0, alarm or 0.0))


def _class(effectiveness: float, miss: float, alarm: float) -> Acceptance:
    for limits, result in ((ACCEPTABLE, Acceptance.ACCEPTABLE), (MARGINAL, Acceptance.CONDITIONAL)):
        if effectiveness >= limits[0] and miss <= limits[1] and alarm <= limits[2]:
            return result
    return Acceptance.UNACCEPTABLE
