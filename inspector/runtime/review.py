"""The queue of held parts over the record: who may decide, what is said about it, and to whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from inspector.domain import (
    REVIEW_REASONS,
    Act,
    AlreadyDecided,
    AuditTrail,
    Decision,
    Disposition,
    HoldLot,
    InspectionReport,
    NotAllowed,
    OutboxMessage,
    Person,
    RecordedPart,
    ReviewError,
    hold_of,
    may,
    may_decide,
)
from inspector.store import RecordStore

__all__ = ["RecordReviewDesk"]

LONGEST_TEXT = 500


class RecordReviewDesk:
    """A ``ReviewDesk`` over the record.

    Parameters
    ----------
    compose
        Makes the messages for the MES from a report and its new disposition.
    decided
        Called after each commit, so that the relay need not poll.
    held_lots
        Returns the lots that are held: none of their parts is accepted one by one.
    """

    def __init__(
        self,
        record: RecordStore,
        trail: AuditTrail,
        *,
        compose: Callable[[InspectionReport, Disposition], Sequence[OutboxMessage]],
        decided: Callable[[], None],
        held_lots: Callable[[], Sequence[HoldLot]] = tuple,
    ) -> None:
        self._record, self._trail = record, trail
        self._compose, self._decided, self._held_lots = compose, decided, held_lots

    def waiting(self, limit: int) -> Sequence[RecordedPart]:
        """Return held parts, the one that has waited longest first; raises ``StoreError``."""
        return self._record.waiting(limit)

    def hold(self, person: Person, report_id: UUID, reason: str, text: str = "") -> None:
        """Hold an inspected part, whatever was decided about it; raises ``NotAllowed``, ``AlreadyDecided``."""
        part = self._record.of_report(report_id)
        name = part.report.trigger.part_id if part is not None else str(report_id)
        if not may(person, Act.HOLD_PART):
            self._trail.add(person, "hold_part_refused", name)
            raise NotAllowed(f"{person.name} ({person.role}) may not hold parts", remedy="Ask somebody who may")
        if part is None:
            raise AlreadyDecided(f"there is no part {name} in the record")
        disposition = Disposition(Decision.HOLD, reason, text, person.name)
        self._record.dispose(report_id, disposition, self._compose(part.report, disposition))
        self._trail.add(person, Act.HOLD_PART, name, text)
        self._decided()

    def decide(self, person: Person, report_id: UUID, decision: Decision, reason: str, text: str = "") -> None:
        """Decide about a held part; raises ``NotAllowed``, ``AlreadyDecided`` or ``StoreError``."""
        part = self._record.of_report(report_id)
        name = part.report.trigger.part_id if part is not None else str(report_id)
        if not may_decide(person, decision):
            self._trail.add(person, "review_refused", name, decision.name.lower())
            raise NotAllowed(
                f"{person.name} ({person.role}) may not decide {decision.name.lower()}",
                remedy="Ask somebody from quality or engineering to log in",
            )
        if reason not in REVIEW_REASONS or len(text) > LONGEST_TEXT:
            raise ReviewError(f"{reason!r} is not a reason", remedy=f"Use one of {', '.join(REVIEW_REASONS)}")
        if part is None:
            raise AlreadyDecided(f"there is no part {name} in the record")
        if decision is Decision.ACCEPT:
            lot = self._record.lot_of(report_id)
            if hold_of(lot, self._held_lots()):
                raise ReviewError(f"part {name} cannot be accepted: lot {lot} is held", remedy="Release the lot first")
        disposition = Disposition(decision, reason, text, person.name)
        if not self._record.decide(person, report_id, disposition, self._compose(part.report, disposition)):
            raise AlreadyDecided(f"part {name} is not held any more", remedy="Look at the queue again")
        self._decided()
