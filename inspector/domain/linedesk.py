"""What a person may ask of the running line, and what is told about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from inspector.domain.commands import (
    AcknowledgeAlarm,
    HoldLine,
    HoldLot,
    ReleaseLine,
    ReleaseLot,
    SelectRecipe,
    StartChallengeTest,
    TriggerOnce,
)
from inspector.domain.live import Lamp, RecordedPart
from inspector.domain.people import Person

__all__ = ["HOLD_REASONS", "Alarm", "Connection", "LineCommand", "LineDesk", "Trial", "hold_of", "lot_subject"]

HOLD_REASONS: tuple[str, ...] = ("bad_parts", "material", "machine", "set_up", "other")
"""Why a line or a lot is held; stable words that statistics read."""

LineCommand = (
    HoldLine | ReleaseLine | HoldLot | ReleaseLot | SelectRecipe | AcknowledgeAlarm | TriggerOnce | StartChallengeTest
)


def lot_subject(line: str, lot: str) -> str:
    """Return how the trail names a lot: two lines of a plant may make the same one, and each holds it for itself."""
    return f"{line}/{lot}"


def hold_of(lot: str, held_lots: Iterable[HoldLot]) -> HoldLot | None:
    """Return who holds this lot and why, None where it is not among the held ones."""
    return next((held for held in held_lots if held.lot == lot), None)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A connection that is lost; ``acknowledged_by`` is empty until somebody says that it was seen."""

    lamp: Lamp
    since: datetime
    detail: str
    acknowledged_by: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """What the line is connected to, without passwords; ``name`` is a key of the pages' words."""

    name: str
    kind: str
    address: str


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One picture taken by hand while the line is held: no part, in no record, told to nobody."""

    number: int
    by: str
    part: RecordedPart


@runtime_checkable
class LineDesk(Protocol):
    """Acts on the line, each checked against the role and written into the trail."""

    def recipes(self) -> Sequence[str]:
        """Return the names that can be selected."""
        ...

    def held(self) -> HoldLine | None:
        """Return why the line is held, None where it is not."""
        ...

    def lot(self) -> str:
        """Return the lot that is made now, empty where it is not known."""
        ...

    def held_lots(self) -> Sequence[HoldLot]:
        """Return which lots are held, by whom and why; the one held first comes first."""
        ...

    def alarms(self) -> Sequence[Alarm]:
        """Return the connections that are lost now."""
        ...

    def challenged(self) -> bool:
        """Return whether the line has samples to prove itself on."""
        ...

    def connections(self) -> Sequence[Connection]:
        """Return what the line is connected to."""
        ...

    def trial(self) -> Trial | None:
        """Return the last picture taken by hand, None where there is none."""
        ...

    def trial_picture(self) -> Path | None:
        """Return its file."""
        ...

    def act(self, person: Person, command: LineCommand) -> None:
        """Do it.

        Raises
        ------
        NotAllowed
            The role does not allow it; that is in the trail as well.
        LineError
            There is no such recipe, or line or lot are not in the state that this needs.
        StoreError
            It could not be written down; nothing was done, unless it was to hold the line or a lot.
        """
        ...
