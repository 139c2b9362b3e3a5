"""Parts that wait for a person, and the person's decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from inspector.domain.live import RecordedPart
from inspector.domain.people import Person
from inspector.domain.record import InspectionReport
from inspector.domain.types import Decision, Disposition

__all__ = [
    "RECURRENCE_WINDOW",
    "REVIEW_REASONS",
    "AdvisedPart",
    "PastReviews",
    "ReviewDesk",
    "ReviewedPart",
    "findings_by_zone",
    "opinion_of",
    "would",
]

_WOULD = "would_"

RECURRENCE_WINDOW = 50
"""How many of the latest parts say how often a finding recurs."""

REVIEW_REASONS: tuple[str, ...] = (
    "false_alarm",
    "within_limits",
    "cosmetic",
    "repairable",
    "defect_confirmed",
    "unclear",
)
"""Why a person decides as they do; stable words that the statistics and the training read."""


@runtime_checkable
class ReviewDesk(Protocol):
    """The queue of held parts."""

    def waiting(self, limit: int) -> Sequence[RecordedPart]:
        """Return held parts, the one that has waited longest first; raises ``StoreError``."""
        ...

    def decide(self, person: Person, report_id: UUID, decision: Decision, reason: str, text: str = "") -> None:
        """Decide about a held part; the verdict it was held with stays as it is.

        Decision, message to the MES and the entry in the trail become visible together.

        Raises
        ------
        NotAllowed
            This person may not decide so; that is in the trail as well.
        AlreadyDecided
            Somebody else was quicker, or the part is not held.
        ReviewError
            There is no such reason, or the part is to be accepted while its lot is held.
        StoreError
            Nothing was written.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ReviewedPart:
    """A part that the rules left open, and what a person decided about it.

    Attributes
    ----------
    number
        Grows from decision to decision.
    recurrences
        (Class, zone) of its findings -> on how many of the ``RECURRENCE_WINDOW`` parts up to it such a finding was.
    """

    number: int
    report: InspectionReport
    decision: Decision
    reason_code: str
    recurrences: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class AdvisedPart:
    """A part at REVIEW that the adviser spoke on, and what a person said of it.

    Attributes
    ----------
    opinion, advised
        What the adviser thought right, and what the line let come of it.
    person, by
        The person's latest decision and name; None where nobody has decided, or could not tell.
    """

    part_id: str
    at: datetime
    labels: tuple[str, ...]
    opinion: Decision
    advised: Decision
    person: Decision | None
    by: str


@runtime_checkable
class PastReviews(Protocol):
    """People's decisions about parts at REVIEW, to learn from."""

    def after(self, number: int, limit: int) -> Sequence[ReviewedPart]:
        """Return the newest decisions with a larger number, at most ``limit``, oldest first; raises ``StoreError``."""
        ...


def findings_by_zone(report: InspectionReport) -> frozenset[tuple[str, str]]:
    """Return the (class, zone) pairs of everything that was found on this part, tolerated or not."""
    if report.detections is None:
        return frozenset()
    zones = {measurement.detection: measurement.zone for measurement in report.measurements}
    return frozenset((item.label, zones.get(index, "")) for index, item in enumerate(report.detections.items))


def would(decision: Decision) -> str:
    """Return the reason code of an adviser that holds a part although it would decide so."""
    return f"{_WOULD}{decision.name.lower()}"


def opinion_of(advice: Disposition) -> Decision:
    """Return what an adviser thinks right, whatever the line lets come of it; ``would`` the other way round."""
    if not advice.reason_code.startswith(_WOULD):
        return advice.decision
    return Decision[advice.reason_code.removeprefix(_WOULD).upper()]
