"""What becomes of a part that the rules left open: advice in time, the line stopped by its policy, the PLC told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from inspector.domain import (
    Act,
    Advisor,
    AuditTrail,
    Decision,
    Disposition,
    FaultCode,
    HoldLine,
    InspectionReport,
    LanguageError,
    Outcome,
    PastReviews,
    Person,
    RecordedPart,
    ReviewedPart,
    Role,
    Trigger,
    would,
)
from inspector.runtime.control import Control

__all__ = ["AdviceDesk", "Adviser", "stop_by_policy"]

log = logging.getLogger(__name__)

REMEMBERED = 100
LEARNT_AT_ONCE = 500
POLICY = Person("policy", Role.GUEST)


class Adviser(Advisor, Protocol):
    """An adviser with a memory of the latest parts and of what people decided."""

    def remember(self, report: InspectionReport) -> None:
        """Take a part into the history, before it is advised on."""
        ...

    def learn(self, part: ReviewedPart) -> None:
        """Take what a person decided about a part."""
        ...

    def start_anew(self) -> None:
        """Let the policy count from here, as after a stop that it caused."""
        ...


class AdviceDesk:
    """Asks the adviser about each open part once, and sees to what follows.

    Parameters
    ----------
    latest
        Returns the newest recorded parts, newest first.
    reviews
        What people decided, to learn from.
    stop
        Holds the line for a reason; raises ``StoreError``.
    tell
        Tells the PLC's side what is to happen to the part of this trigger; may be lost.
    deadline
        Advice that is older than this, from the trigger on, releases nothing: the part has gone on as held.
    """

    def __init__(
        self,
        adviser: Adviser,
        *,
        latest: Callable[[int], Sequence[RecordedPart]],
        reviews: PastReviews,
        stop: Callable[[str], None],
        tell: Callable[[Trigger, Disposition], None],
        deadline: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._adviser, self._latest, self._reviews = adviser, latest, reviews
        self._stop, self._tell, self._deadline, self._clock = stop, tell, deadline, clock
        self._begun = False
        self._learnt = 0
        self._given: tuple[UUID | None, Disposition | None] = (None, None)

    def on(self, report: InspectionReport) -> Disposition | None:
        """Return the advice on this part, None where the rules' own word stands; call it for every part, in order.

        The same inspection twice in a row, as after a record that refused it, gets the same answer and no second stop.
        Raises ``StoreError``.
        """
        if self._given[0] != report.id:
            if not self._begun:
                self._begin(report)
            self._adviser.remember(report)
            self._given = report.id, self._advice(report)
        return self._given[1]

    def recorded(self, report: InspectionReport, advice: Disposition) -> None:
        """Tell the PLC of a release, now that the record knows; a hold it has been told with the verdict."""
        if advice.decision < Decision.HOLD:
            self._tell(report.trigger, advice)

    def _begin(self, report: InspectionReport) -> None:
        """Take over what was recorded before this start; the part itself may be among it."""
        for part in reversed(self._latest(REMEMBERED)):
            if part.report.id != report.id:
                self._adviser.remember(part.report)
                if part.disposition is not None and part.disposition.decision is Decision.STOP_LINE:
                    self._adviser.start_anew()
        self._begun = True

    def _advice(self, report: InspectionReport) -> Disposition | None:
        verdict = report.verdict
        if verdict.outcome is not Outcome.REVIEW or verdict.fault is not FaultCode.NONE or verdict.held_lot:
            return None  # a held lot is nothing to have an opinion on: a person releases it
        for part in self._reviews.after(self._learnt, LEARNT_AT_ONCE):
            self._adviser.learn(part)
            self._learnt = part.number
        try:
            advice = self._adviser.advise(report)
        except LanguageError as error:
            log.warning("no advice on part %s, it stays held: %s", report.trigger.part_id, error)
            return None
        if advice.decision < Decision.HOLD and self._clock() - report.trigger.at > self._deadline:
            return Disposition(
                Decision.HOLD, would(advice.decision), f"{advice.text}: too late to release", advice.decided_by
            )
        if advice.decision is Decision.STOP_LINE:
            self._stop(f"part {report.trigger.part_id}: {advice.text}")
            self._adviser.start_anew()
        if advice.decision > Decision.HOLD:
            # What tightens need not wait for the record.
            self._tell(report.trigger, advice)
        return advice


def stop_by_policy(control: Control, trail: AuditTrail, line: str) -> Callable[[str], None]:
    """Return what holds the line as its policy's act; it raises ``StoreError``."""

    def stop(reason: str) -> None:
        # Stopping comes first, whatever the record says.
        control.apply(HoldLine(POLICY.name, reason))
        trail.add(POLICY, Act.HOLD_LINE, line, reason)

    return stop
