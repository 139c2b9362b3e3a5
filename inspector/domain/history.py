"""Looking back: which parts there were, and everything the record knows of one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from inspector.domain.live import RecordedPart
from inspector.domain.record import InspectionReport
from inspector.domain.types import Decision, FaultCode, Outcome

__all__ = [
    "HistoryPage",
    "HistoryQuery",
    "HistoryReader",
    "HistoryRow",
    "Moment",
    "MomentKind",
    "PartFile",
    "PartKind",
    "Place",
    "kind_of_part",
    "number_of_part",
]

LONGEST_NUMBER = 18  # digits that fit a signed 64-bit column


class PartKind(StrEnum):
    """What became of a part, as people sort them."""

    PASS = "pass"  # noqa: S105 - a verdict
    REVIEW = "review"
    FAIL = "fail"
    FAULT = "fault"
    """It could not be inspected."""


def kind_of_part(report: InspectionReport) -> PartKind:
    """Return what became of this part."""
    if report.verdict.fault is not FaultCode.NONE:
        return PartKind.FAULT
    return {Outcome.PASS: PartKind.PASS, Outcome.REVIEW: PartKind.REVIEW, Outcome.FAIL: PartKind.FAIL}[
        report.verdict.outcome
    ]


def number_of_part(part_id: str) -> int | None:
    """Return the last number in a part's id (``PCB-000017`` -> 17), which is what people call it by."""
    digits = re.findall(r"[0-9]+", part_id)
    return int(digits[-1]) if digits and len(digits[-1]) <= LONGEST_NUMBER else None


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """What is looked for; what is None or empty excludes nothing.

    Attributes
    ----------
    since, until
        Time of the trigger, ``since <= at < until``.
    part
        The whole id, or digits only: the last number in the id, leading zeros aside.
    label, size_from, size_to
        A finding of this class whose longer side lies between these, in mm; one finding has to meet all three.
    """

    since: datetime | None = None
    until: datetime | None = None
    part: str = ""
    lot: str = ""
    label: str = ""
    size_from: float | None = None
    size_to: float | None = None
    kind: PartKind | None = None

    @property
    def about_findings(self) -> bool:
        """Whether a finding has to meet something."""
        return bool(self.label) or self.size_from is not None or self.size_to is not None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: time of the trigger and number of the row."""

    at: datetime
    key: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}_{self.key}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Return the place of ``str``; raises ``ValueError``."""
        at, separator, key = text.rpartition("_")
        moment = datetime.fromisoformat(at)
        if not separator or moment.tzinfo is None:
            raise ValueError(f"not a place in the record: {text!r}")
        return cls(moment, int(key))


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One inspection in a list; ``largest_mm`` is the longer side of its largest finding."""

    report_id: UUID
    part_id: str
    at: datetime
    kind: PartKind
    fault: FaultCode
    recipe: str
    lot: str
    labels: tuple[str, ...]
    largest_mm: float | None
    decision: Decision | None
    decided_by: str
    total_ms: float
    pictured: bool


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Inspections, newest trigger first; ``older`` is where the next page begins, None at the end."""

    rows: tuple[HistoryRow, ...]
    older: Place | None


class MomentKind(StrEnum):
    """What can happen to a part."""

    TRIGGERED = "triggered"
    ANSWERED = "answered"
    """The verdict was written to the PLC."""
    RECORDED = "recorded"
    HELD = "held"
    """Held by the rules."""
    ADVISED = "advised"
    """The second opinion."""
    DECIDED = "decided"
    """A person's decision."""
    REFUSED = "refused"
    """A person who may not decide so tried to."""
    CORRECTED = "corrected"
    """A person wrote the report's text anew."""
    LOT_HELD = "lot_held"
    """Somebody held the whole lot."""
    LOT_RELEASED = "lot_released"
    QUEUED = "queued"
    """A message to the MES was written."""
    DELIVERED = "delivered"
    """The MES, or its broker, has it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to a part; ``what`` is a word of the record, ``detail`` free text."""

    at: datetime
    kind: MomentKind
    who: str = ""
    what: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PartFile:
    """Everything the record knows of one inspection; ``others`` are the part's other inspections, newest first."""

    part: RecordedPart
    lot: str
    moments: tuple[Moment, ...]
    others: tuple[RecordedPart, ...]


@runtime_checkable
class HistoryReader(Protocol):
    """Looking things up; every method raises ``StoreError``."""

    def search(self, query: HistoryQuery, *, older_than: Place | None = None, limit: int = 50) -> HistoryPage:
        """Return one page of what meets the query."""
        ...

    def every(self, query: HistoryQuery, *, most: int) -> Iterator[HistoryRow]:
        """Yield everything that meets the query, newest first, at most so many."""
        ...

    def find(self, report_id: UUID) -> RecordedPart | None:
        """Return one inspection; None where the record has none."""
        ...

    def file(self, report_id: UUID) -> PartFile | None:
        """Return all of one inspection; None where the record has none."""
        ...

    def labels(self) -> Sequence[str]:
        """Return the classes that were ever found, by name."""
        ...
