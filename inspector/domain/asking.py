"""Questions about one part, answered from its record alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

__all__ = ["PartAnswer", "PartDesk", "PartQuery", "PartQuestion"]


class PartQuery(StrEnum):
    """What can be asked about one part."""

    IS_THERE = "is_there"
    HOW_MANY = "how_many"
    LARGEST = "largest"
    WHERE = "where"
    WHY = "why"
    LIMIT = "limit"
    """How far the values are from their limits."""


@dataclass(frozen=True, slots=True)
class PartQuestion:
    """One question; ``label`` and ``zone`` narrow it to findings of a class, in or near a zone, where they are said."""

    query: PartQuery
    label: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """What the record says.

    Attributes
    ----------
    findings
        Numbers of the findings that the answer is about: places in ``Detections.items``.
    question
        What was understood; None where the answer is that it was not, and what can be asked.
    """

    text: str
    findings: tuple[int, ...] = ()
    question: PartQuestion | None = None


@runtime_checkable
class PartDesk(Protocol):
    """Where questions about a part are asked."""

    def ask(self, report_id: UUID, text: str, language: str) -> PartAnswer | None:
        """Return the answer, None where the record has no such inspection; raises ``StoreError``."""
        ...

    def examples(self, language: str) -> Sequence[str]:
        """Return questions that are understood."""
        ...
