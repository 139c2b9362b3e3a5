"""What makes one open part comparable with another: its doubts, and how often such findings recur on the line."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from inspector.domain import RECURRENCE_WINDOW, InspectionReport, Outcome, Reason, findings_by_zone

__all__ = ["GUARD", "Doubt", "Recurrences", "doubts_of", "uncertainty_of"]

GUARD, SCORE = "guard_band", "confidence"
_FARTHEST = 2.0

Finding = tuple[str, str]
"""Class and zone."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One open reason of a part.

    Attributes
    ----------
    kind
        Reason code and characteristic.
    position
        How far inside its limit: in expanded uncertainties for a value, as a share of the gate for a score; beyond
        it is negative.
    seen
        On how many of the latest parts such a finding was, this part among them.
    """

    kind: tuple[str, str]
    label: str
    zone: str
    position: float
    seen: int


def doubts_of(report: InspectionReport, seen: Callable[[Finding], int]) -> tuple[Doubt, ...] | None:
    """Return the part's doubts; None where one of them has no figures that mean anything."""
    doubts = []
    for reason in report.verdict.reasons:
        if reason.outcome is Outcome.PASS:
            continue
        position = _position(report, reason)
        if position is None:
            return None
        times = max(1, seen((reason.label, reason.zone)))
        doubts.append(Doubt((reason.code, reason.characteristic), reason.label, reason.zone, position, times))
    return tuple(doubts)


def uncertainty_of(report: InspectionReport, reason: Reason) -> float | None:
    """Return the expanded uncertainty of the value that this reason is about, None where there is none."""
    for item in report.measurements:
        if (item.detection, item.characteristic) == (reason.detection, reason.characteristic):
            return item.uncertainty
    return None


def _position(report: InspectionReport, reason: Reason) -> float | None:
    if reason.code not in {GUARD, SCORE}:
        return 0.0
    scale = uncertainty_of(report, reason) if reason.code == GUARD else reason.limit
    if reason.margin is None or scale is None or not math.isfinite(reason.margin) or not 0 < scale < math.inf:
        return None
    return max(-_FARTHEST, min(_FARTHEST, reason.margin / scale))


class Recurrences:
    """Counts on how many of the latest parts a finding of a class in a zone was."""

    def __init__(self) -> None:
        self._latest: deque[frozenset[Finding]] = deque(maxlen=RECURRENCE_WINDOW)
        self._times: Counter[Finding] = Counter()

    def remember(self, report: InspectionReport) -> None:
        """Take the next part."""
        if len(self._latest) == RECURRENCE_WINDOW:
            self._times -= Counter(self._latest[0])
        self._latest.append(findings_by_zone(report))
        self._times += Counter(self._latest[-1])

    def seen(self, finding: Finding) -> int:
        """Return on how many of the latest parts it was."""
        return self._times[finding]
