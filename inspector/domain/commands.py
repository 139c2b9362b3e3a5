"""What people say and press: questions, overrides and acts, from the screen and from the voice alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from inspector.domain.asking import PartQuestion
from inspector.domain.types import Decision

__all__ = [
    "AcknowledgeAlarm",
    "Ask",
    "AskLot",
    "AskPart",
    "Command",
    "HoldLine",
    "HoldLot",
    "Override",
    "Query",
    "ReleaseLine",
    "ReleaseLot",
    "Remark",
    "SelectRecipe",
    "StartChallengeTest",
    "Transcript",
    "TriggerOnce",
]


class Query(StrEnum):
    """A question that changes nothing."""

    STATUS = "status"
    COUNTS = "counts"
    YIELD = "yield"
    LAST_DEFECT = "last_defect"
    WHY = "why"
    COMPARE = "compare"
    NEXT_ORDER = "next_order"


@dataclass(frozen=True, slots=True)
class Ask:
    """A question about one part, or about two to compare; ids as the record knows them."""

    query: Query
    part_id: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class AskLot:
    """How a lot does: how many of its parts were rejected, and whether it is held."""

    lot: str


@dataclass(frozen=True, slots=True)
class AskPart:
    """A question about what was found on one part; ``part_id`` as the record knows it, empty for the newest."""

    part_id: str
    question: PartQuestion


@dataclass(frozen=True, slots=True)
class Override:
    """A person's decision on one part."""

    part_id: str
    decision: Decision
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class SelectRecipe:
    """Change what the line makes."""

    recipe: str
    by: str


@dataclass(frozen=True, slots=True)
class HoldLine:
    """Stop accepting triggers until released; open to everybody."""

    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """Accept triggers again."""

    by: str


@dataclass(frozen=True, slots=True)
class HoldLot:
    """Let no part of a lot pass until released; open to everybody."""

    lot: str
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseLot:
    """Let a held lot go on; what a part's own verdict says stays."""

    lot: str
    by: str


@dataclass(frozen=True, slots=True)
class AcknowledgeAlarm:
    """Say that the alarms shown have been seen; it clears no cause."""

    by: str


@dataclass(frozen=True, slots=True)
class StartChallengeTest:
    """Let the line prove itself on parts with known defects."""

    by: str


@dataclass(frozen=True, slots=True)
class TriggerOnce:
    """Take and inspect one picture while the line is held, for setting up; no part, and in no record."""

    by: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a person saw, for the record."""

    text: str
    by: str


Command = (
    Query
    | Ask
    | AskLot
    | AskPart
    | Override
    | SelectRecipe
    | HoldLine
    | ReleaseLine
    | HoldLot
    | ReleaseLot
    | AcknowledgeAlarm
    | StartChallengeTest
    | TriggerOnce
    | Remark
)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser heard; ``confidence`` is 0 … 1, ``final`` False for a partial."""

    text: str
    confidence: float
    final: bool
