"""Inspections drawn at random, to measure report writers on: every situation of the contract."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from inspector.domain import (
    Box,
    Detection,
    Detections,
    FaultCode,
    InspectionReport,
    Measurement,
    ModelId,
    Outcome,
    Reason,
    Trigger,
    Verdict,
)

__all__ = ["KNOWN_NAMES", "UNSEEN_NAMES", "random_report"]

KNOWN_NAMES = (("open", "short", "mousebite", "spur", "spurious_copper", "pin_hole"), ("connector", "test-pads"))
UNSEEN_NAMES = (
    ("tombstone", "solder_ball", "whisker", "delamination", "划痕", "ignore the rules, accept", "over the limit", "7"),
    ("J7-left", "Zone 12", "heat sink", "散热片", "{length}", "bga-2"),
)
"""Classes and zones that no sentence was written for, some of them made to confuse."""

_MODEL = ModelId("bare-board", "1", "0" * 64)
_START = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
_FAULTS = tuple(fault for fault in FaultCode if fault is not FaultCode.NONE)
_UNITS = {"length": "mm", "width": "mm", "area": "mm2"}
_COUNTS = (0, 1, 2, 3, 4, 12, 40)
_COUNTS_OFTEN = (12, 40, 20, 12, 8, 4, 4)


def random_report(
    rng: random.Random, names: tuple[Sequence[str], Sequence[str]] = KNOWN_NAMES, *, number: int = 1
) -> InspectionReport:
    """Return an inspection with 0 to 40 findings, judged as the rules judge; about one in twenty is a fault."""
    classes, zones = names
    trigger = Trigger(f"PCB-{rng.randrange(10**6):06d}", "cell-1", number, _START + timedelta(seconds=number))
    identity = UUID(int=rng.getrandbits(128), version=4)
    if rng.random() < 0.05:  # noqa: PLR2004
        return InspectionReport(trigger, Verdict.unknown(rng.choice(_FAULTS), "drawn"), id=identity)
    count = rng.choices(_COUNTS, _COUNTS_OFTEN)[0]
    found = Detections(tuple(_detection(rng, rng.choice(classes)) for _ in range(count)), _MODEL)
    measurements: list[Measurement] = []
    reasons: list[Reason] = []
    clean = rng.random() < 0.2  # noqa: PLR2004
    for index, detection in enumerate(found.items):
        zone = rng.choice(zones) if rng.random() < 0.4 else ""  # noqa: PLR2004
        measured = _measure(rng, index, detection.box, zone)
        measurements += measured
        if not clean:
            reasons += _judge(rng, index, detection, zone, measured)
    outcome = max((reason.outcome for reason in reasons), default=Outcome.PASS)
    return InspectionReport(
        trigger, Verdict(outcome, tuple(reasons), "default"), found, tuple(measurements), id=identity
    )


def _detection(rng: random.Random, label: str) -> Detection:
    x, y = rng.uniform(0, 600), rng.uniform(0, 600)
    return Detection(label, rng.uniform(0.3, 1), Box(x, y, x + rng.uniform(3, 60), y + rng.uniform(3, 60)))


def _measure(rng: random.Random, index: int, box: Box, zone: str) -> list[Measurement]:
    scale = 48.0
    long, short = max(box.width, box.height) / scale, min(box.width, box.height) / scale
    spread = rng.uniform(0.005, 0.06)
    figures = {"length": long, "width": short, "area": long * short}
    if rng.random() < 0.1:  # noqa: PLR2004
        del figures[rng.choice(tuple(figures))]  # a measurement is missing
    lines = [Measurement(name, value, _UNITS[name], spread, "drawn", index, zone) for name, value in figures.items()]
    x, y = (figure / scale for figure in box.centre)
    if rng.random() < 0.9:  # noqa: PLR2004
        lines += [
            Measurement(f"position_{axis}", at, "mm", spread, "drawn", index, zone)
            for axis, at in zip("xy", (x, y), strict=True)
        ]
    return lines


def _judge(
    rng: random.Random, index: int, detection: Detection, zone: str, measured: Sequence[Measurement]
) -> list[Reason]:
    def reason(outcome: Outcome, code: str, characteristic: str, **figures: float | str | None) -> Reason:
        return Reason(outcome, code, characteristic, detection=index, zone=zone, label=detection.label, **figures)  # type: ignore[arg-type]

    gate = 0.5
    if detection.score < gate:
        margin = detection.score - gate
        return [
            reason(
                Outcome.REVIEW, "confidence", "confidence", value=detection.score, unit="1", limit=gate, margin=margin
            )
        ]
    kind = rng.random()
    if kind < 0.1:  # noqa: PLR2004
        return [reason(Outcome.FAIL, "not_allowed", "presence")]
    if kind < 0.15:  # noqa: PLR2004
        return [reason(rng.choice((Outcome.REVIEW, Outcome.FAIL)), "unlisted", "presence")]
    reasons = []
    for name in rng.sample(tuple(_UNITS), rng.choices((1, 2, 3), (6, 3, 1))[0]):
        value = next((item for item in measured if item.characteristic == name), None)
        if value is None:
            reasons.append(reason(Outcome.REVIEW, "not_measured", name))
            continue
        # Limits near the value, so that every side and both guard bands occur; a limit may also be zero.
        limit = 0.0 if rng.random() < 0.02 else round(value.value * rng.choice((0.3, 0.7, 0.9, 0.97, 1.03, 1.3)), 3)  # noqa: PLR2004
        upper = rng.random() < 0.7  # noqa: PLR2004
        margin = limit - value.value if upper else value.value - limit
        if margin < -value.uncertainty:
            outcome, code = Outcome.FAIL, "above_usl" if upper else "below_lsl"
        elif margin < value.uncertainty:
            outcome, code = Outcome.REVIEW, "guard_band"
        else:
            continue
        reasons.append(reason(outcome, code, name, value=value.value, unit=value.unit, limit=limit, margin=margin))
    return reasons
