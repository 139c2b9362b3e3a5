"""The acts of people on the running line: who may, what is written down, and how the line is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path

from inspector.domain import (
    AcknowledgeAlarm,
    Act,
    Alarm,
    AuditTrail,
    Connection,
    HoldLine,
    HoldLot,
    Lamp,
    LineCommand,
    LineError,
    LineStatus,
    NotAllowed,
    Person,
    ReleaseLine,
    ReleaseLot,
    SelectRecipe,
    StartChallengeTest,
    Trial,
    TriggerOnce,
    hold_of,
    lot_subject,
    may,
)
from inspector.runtime.control import Control
from inspector.runtime.trials import TrialStore

__all__ = ["RunningLineDesk"]

LONGEST_REASON = 200
LONGEST_LOT = 128
ACTS: dict[type, Act] = {
    HoldLine: Act.HOLD_LINE,
    ReleaseLine: Act.RELEASE_LINE,
    HoldLot: Act.HOLD_LOT,
    ReleaseLot: Act.RELEASE_LOT,
    SelectRecipe: Act.SELECT_RECIPE,
    AcknowledgeAlarm: Act.ACKNOWLEDGE_ALARM,
    TriggerOnce: Act.TRIGGER_ONCE,
    StartChallengeTest: Act.START_CHALLENGE_TEST,
}


class RunningLineDesk:
    """A ``LineDesk``; safe to use from several threads.

    Parameters
    ----------
    status
        Returns the line's latest word of itself, with every lamp.
    challenged
        Whether the line has samples to prove itself on.
    """

    def __init__(
        self,
        *,
        control: Control,
        trail: AuditTrail,
        status: Callable[[], LineStatus],
        recipes: Collection[str],
        connections: Sequence[Connection],
        trials: TrialStore,
        challenged: bool = False,
    ) -> None:
        self._challenged = challenged
        self._control, self._trail, self._status = control, trail, status
        self._recipes, self._connections, self._trials = tuple(recipes), tuple(connections), trials
        self._turn = threading.Lock()
        self._seen: dict[tuple[Lamp, datetime], str] = {}

    def recipes(self) -> Sequence[str]:
        """Return the names that can be selected."""
        return self._recipes

    def held(self) -> HoldLine | None:
        """Return why the line is held, None where it is not."""
        return self._control.held()

    def lot(self) -> str:
        """Return the lot that is made now, empty where it is not known."""
        return self._control.lot()

    def held_lots(self) -> Sequence[HoldLot]:
        """Return which lots are held, by whom and why; the one held first comes first."""
        return self._control.held_lots()

    def alarms(self) -> Sequence[Alarm]:
        """Return the connections that are lost now."""
        with self._turn:
            return [
                Alarm(lamp, state.since, state.detail, self._seen.get((lamp, state.since), ""))
                for lamp, state in self._status().lamps.items()
                if state.good is False
            ]

    def challenged(self) -> bool:
        """Return whether the line has samples to prove itself on."""
        return self._challenged

    def connections(self) -> Sequence[Connection]:
        """Return what the line is connected to."""
        return self._connections

    def trial(self) -> Trial | None:
        """Return the last picture taken by hand, None where there is none."""
        return self._trials.latest()

    def trial_picture(self) -> Path | None:
        """Return its file."""
        return self._trials.picture()

    def act(self, person: Person, command: LineCommand) -> None:
        """Do it; raises ``NotAllowed``, ``LineError`` or ``StoreError``."""
        act = ACTS[type(command)]
        subject, detail = self._said(command)
        if not may(person, act):
            self._trail.add(person, f"{act}_refused", subject, detail)
            raise NotAllowed(
                f"{person.name} ({person.role}) may not: {act}", remedy="Ask somebody whose role allows it to log in"
            )
        self._check(command)
        if isinstance(command, HoldLine | HoldLot):
            # Stopping comes first, whatever the record says.
            self._control.apply(command)
            self._trail.add(person, act, subject, detail)
            return
        self._trail.add(person, act, subject, detail)
        if isinstance(command, AcknowledgeAlarm):
            with self._turn:
                lost = {lamp: state.since for lamp, state in self._status().lamps.items() if state.good is False}
                self._seen = {key: by for key, by in self._seen.items() if lost.get(key[0]) == key[1]}
                for key in lost.items():
                    self._seen.setdefault(key, person.name)
        else:
            self._control.apply(command)

    def _said(self, command: LineCommand) -> tuple[str, str]:
        match command:
            case HoldLine(reason=reason):
                return self._status().line, reason[:LONGEST_REASON]
            case HoldLot(lot=lot, reason=reason):
                return lot_subject(self._status().line, lot[:LONGEST_LOT]), reason[:LONGEST_REASON]
            case ReleaseLot(lot=lot):
                return lot_subject(self._status().line, lot[:LONGEST_LOT]), ""
            case SelectRecipe(recipe=recipe):
                return self._status().line, f"{self._status().recipe} -> {recipe[:LONGEST_REASON]}"
            case AcknowledgeAlarm():
                return self._status().line, ", ".join(alarm.lamp.value for alarm in self.alarms())
            case _:
                return self._status().line, ""

    def _check(self, command: LineCommand) -> None:
        match command:
            case HoldLine(reason=reason) | HoldLot(reason=reason) if len(reason) > LONGEST_REASON:
                raise LineError("the reason is too long", remedy=f"Write at most {LONGEST_REASON} characters")
            case SelectRecipe(recipe=recipe) if recipe not in self._recipes:
                raise LineError(f"there is no recipe {recipe!r}", remedy=f"There are {', '.join(self._recipes)}")
            case ReleaseLine() if self.held() is None:
                raise LineError("the line is not held")
            case HoldLot(lot=lot) if not lot.strip() or len(lot) > LONGEST_LOT:
                raise LineError("that is no lot", remedy=f"Write its name, at most {LONGEST_LOT} characters")
            case ReleaseLot(lot=lot) if hold_of(lot, self.held_lots()) is None:
                raise LineError(f"lot {lot[:LONGEST_LOT]} is not held")
            case TriggerOnce() if self.held() is None:
                raise LineError("a picture is taken by hand only while the line is held", remedy="Hold the line first")
            case StartChallengeTest() if not self._challenged:
                raise LineError("this line has no samples", remedy="Add 'challenge: {samples: …}' to its YAML")
            case AcknowledgeAlarm() if not self.alarms():
                raise LineError("there is no alarm")
            case _:
                return
