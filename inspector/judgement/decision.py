"""One value against its limits, one finding against its rules: pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from inspector.domain import Detection, Measurement, Outcome, Reason, SpecLimits
from inspector.judgement.rules import Recipe, Rule, effective_rules

__all__ = ["judge_finding", "judge_value"]

_DIMENSIONLESS = "1"


def judge_value(measurement: Measurement, limits: SpecLimits, *, guard_band: float = 1.0) -> tuple[Reason, ...]:
    """Return why this value does not conform, or cannot be said to; empty where it proves to conform.

    Decision rule of ISO 14253-1:2017: conformity is proven where the value lies inside the specification by
    more than the expanded uncertainty, nonconformity where it lies outside by more than that; in between
    neither is proven, and the part goes to review.
    """
    band = guard_band * measurement.uncertainty
    reasons = []
    if limits.upper is not None:
        margin = limits.upper - measurement.value
        if measurement.value - band > limits.upper:
            reasons.append(_reason(measurement, Outcome.FAIL, "above_usl", limits.upper, margin))
        elif measurement.value + band > limits.upper:
            reasons.append(_reason(measurement, Outcome.REVIEW, "guard_band", limits.upper, margin))
    if limits.lower is not None:
        margin = measurement.value - limits.lower
        if measurement.value + band < limits.lower:
            reasons.append(_reason(measurement, Outcome.FAIL, "below_lsl", limits.lower, margin))
        elif measurement.value - band < limits.lower:
            reasons.append(_reason(measurement, Outcome.REVIEW, "guard_band", limits.lower, margin))
    return tuple(reasons)


def judge_finding(
    recipe: Recipe, index: int, detection: Detection, measurements: Sequence[Measurement]
) -> tuple[Reason, ...]:
    """Return why this finding does not let the part pass; empty where the rules accept it.

    Parameters
    ----------
    index
        Place of the finding in ``Detections.items``.
    measurements
        Those of this finding.
    """
    if not _counts(recipe, detection, measurements):
        return ()
    zone = next((measurement.zone for measurement in measurements if measurement.zone), "")
    return tuple(
        replace(reason, detection=index, zone=zone, label=detection.label)
        for reason in _reasons(recipe, detection, zone, measurements)
    )


def _counts(recipe: Recipe, detection: Detection, measurements: Sequence[Measurement]) -> bool:
    """Return whether the finding lies where the recipe looks; one whose position is not known does."""
    regions = [region for region in recipe.regions if region.view == detection.view]
    place = {item.characteristic: item.value for item in measurements}
    x, y = place.get("position_x"), place.get("position_y")
    return not regions or x is None or y is None or any(region.contains(x, y) for region in regions)


def _reasons(recipe: Recipe, detection: Detection, zone: str, measurements: Sequence[Measurement]) -> Iterator[Reason]:
    score, gate = detection.score, recipe.confidence_gate
    if score < gate:
        yield Reason(
            Outcome.REVIEW,
            "confidence",
            "confidence",
            value=score,
            unit=_DIMENSIONLESS,
            limit=gate,
            margin=score - gate,
        )
        return
    rules = effective_rules(recipe.rules, detection.label, zone)
    if not rules:
        yield Reason(recipe.unlisted, "unlisted", "presence")
    for rule in rules:
        yield from _apply(rule, recipe.guard_band, measurements)


def _apply(rule: Rule, guard_band: float, measurements: Sequence[Measurement]) -> Iterator[Reason]:
    if not rule.allowed:
        yield Reason(Outcome.FAIL, "not_allowed", "presence")
    if rule.characteristic is None:
        return
    values = [measurement for measurement in measurements if measurement.characteristic == rule.characteristic]
    if not values:
        yield Reason(Outcome.REVIEW, "not_measured", rule.characteristic)
    for value in values:
        yield from judge_value(value, rule.limits, guard_band=guard_band)


def _reason(measurement: Measurement, outcome: Outcome, code: str, limit: float, margin: float) -> Reason:
    return Reason(
        outcome,
        code,
        measurement.characteristic,
        value=measurement.value,
        unit=measurement.unit,
        limit=limit,
        margin=margin,
        detection=measurement.detection,
        zone=measurement.zone,
    )
