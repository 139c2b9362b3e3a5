"""What spoken commands do: the same acts, by the same desks, as the keys of the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from inspector.domain import (
    AcknowledgeAlarm,
    Command,
    Decision,
    LineCommand,
    LineDesk,
    LineStatus,
    Override,
    Person,
    RecordedPart,
    RecordReader,
    ReleaseLine,
    ReleaseLot,
    Remark,
    ReviewDesk,
    SelectRecipe,
    VoiceError,
    hold_of,
)

__all__ = ["PartHolder", "SpokenDesk"]

REASON = "unclear"
"""A spoken decision names no reason; a guessed one would mislead the statistics and the training."""


class PartHolder(ReviewDesk, Protocol):
    """A review desk that can also take a part back."""

    def hold(self, person: Person, report_id: UUID, reason: str, text: str = "") -> None:
        """Hold an inspected part, whatever was decided about it; raises ``NotAllowed``, ``StoreError``."""
        ...


class SpokenDesk:
    """The voice's ``Desk`` over the desks of the line.

    Parameters
    ----------
    line
        Holds, releases, selects.
    review
        Decides about held parts.
    record
        Finds them.
    status
        Returns the line's latest word of itself.
    answer
        Answers questions, in a language.
    """

    def __init__(
        self,
        *,
        line: LineDesk,
        review: PartHolder,
        record: RecordReader,
        status: Callable[[], LineStatus],
        answer: Callable[[Command, str], str],
    ) -> None:
        self._line, self._review, self._record = line, review, record
        self._status, self._answer = status, answer

    def objection(self, command: Command) -> str:
        """Return why this cannot be done now, empty where it can; raises ``StoreError``."""
        match command:
            case ReleaseLine():
                return "" if self._line.held() is not None else "the line is not held"
            case SelectRecipe(recipe=recipe):
                return "" if recipe in self._line.recipes() else f"there is no recipe {recipe}"
            case AcknowledgeAlarm():
                return "" if self._line.alarms() else "there is no alarm"
            case Override(part_id=part_id, decision=decision) if decision is not Decision.HOLD:
                return "" if _waits(self._newest(part_id)) else f"part {part_id} is not held"
            case ReleaseLot(lot=lot):
                return "" if hold_of(lot, self._line.held_lots()) else f"lot {lot} is not held"
        return "" if isinstance(command, Override | Remark | LineCommand) else "this line cannot do that"

    def apply(self, command: Command, person: Person) -> None:
        """Do it; raises ``InspectorError`` of whoever cannot."""
        match command:
            case Override(part_id=part_id, decision=decision, reason=how):
                part = self._newest(part_id)
                if part is None:
                    raise VoiceError(f"there is no inspection of part {part_id} in the record")
                if decision is Decision.HOLD:
                    self._review.hold(person, part.report.id, REASON, how)
                else:
                    self._review.decide(person, part.report.id, decision, REASON, how)
            case Remark():
                return  # that it was said, by whom, is in the trail already: nothing else is wanted
            case _ if isinstance(command, LineCommand):
                self._line.act(person, command)
            case _:
                raise VoiceError("this line cannot do that")

    def answer(self, command: Command, language: str) -> str:
        """Return the answer to a question; raises ``VoiceError``, ``StoreError``."""
        return self._answer(command, language)

    def _newest(self, part_id: str) -> RecordedPart | None:
        return next(iter(self._record.part(part_id)), None)


def _waits(part: RecordedPart | None) -> bool:
    return part is not None and part.disposition is not None and part.disposition.decision is Decision.HOLD
