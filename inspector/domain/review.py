"""Parts that wait for a person, and the person's decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable
from uuid import UUID

from inspector.domain.live import RecordedPart
from inspector.domain.people import Person
from inspector.domain.types import Decision

__all__ = ["REVIEW_REASONS", "ReviewDesk"]

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
        StoreError
            Nothing was written.
        """
        ...
