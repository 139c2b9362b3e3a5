"""What the office wants of the line: the desired state in a small file, which the line follows.

A file and not a message: a line that starts again, after a kill too, is held when it was held, and so are lots.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inspector.domain import (
    Command,
    HoldLine,
    HoldLot,
    ReleaseLine,
    ReleaseLot,
    SelectRecipe,
    StartChallengeTest,
    StoreError,
    TriggerOnce,
)

__all__ = ["Control", "ControlFollower", "Controlled"]

log = logging.getLogger(__name__)

FILE = "control.json"
LOOK_EVERY_S = 0.2
NOTHING: dict[str, Any] = {
    "held": None,
    "released_by": "",
    "lot": "",
    "held_lots": {},
    "recipe": None,
    "trial": None,
    "challenge": None,
}
KNOWN_BEFORE = NOTHING.keys() - {"trial", "challenge", "lot", "held_lots"}  # a file of an earlier version has no more
LOST = {**NOTHING, "held": {"by": "inspector", "reason": f"{FILE} cannot be read: hold again what has to be held"}}
"""What stands where nobody knows any more what was held: nothing goes on until a person has looked."""

Controlled = HoldLine | ReleaseLine | HoldLot | ReleaseLot | SelectRecipe | TriggerOnce | StartChallengeTest


class Control:
    """The office's end: commands become the desired state; safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._file, self._turn = folder / FILE, threading.Lock()

    def apply(self, command: Controlled) -> None:
        """Make it so; raises ``StoreError``."""
        with self._writing() as state:
            match command:
                case HoldLine(by=by, reason=reason):
                    state["held"] = {"by": by, "reason": reason}
                case ReleaseLine(by=by):
                    state |= {"held": None, "released_by": by}
                case HoldLot(lot=lot, by=by, reason=reason):
                    state["held_lots"] = {**state["held_lots"], lot: {"by": by, "reason": reason}}
                case ReleaseLot(lot=lot):
                    state["held_lots"] = {name: how for name, how in state["held_lots"].items() if name != lot}
                case SelectRecipe(recipe=recipe, by=by):
                    state["recipe"] = {"recipe": recipe, "by": by}
                case TriggerOnce(by=by):
                    state["trial"] = {"by": by, "number": _next(state["trial"])}
                case StartChallengeTest(by=by):
                    state["challenge"] = {"by": by, "number": _next(state["challenge"])}

    def make_lot(self, lot: str) -> None:
        """Say which lot is made from now on, empty where it is not known; raises ``StoreError``."""
        if lot != self.lot():
            with self._writing() as state:
                state["lot"] = lot

    def held(self) -> HoldLine | None:
        """Return why the line is held, None where it is not."""
        held = self._state()["held"]
        return HoldLine(**held) if held else None

    def lot(self) -> str:
        """Return the lot that is made now, empty where it is not known."""
        return str(self._state()["lot"])

    def held_lots(self) -> Sequence[HoldLot]:
        """Return which lots are held, by whom and why; the one held first comes first."""
        return [HoldLot(lot, **how) for lot, how in self._state()["held_lots"].items()]

    def _state(self) -> dict[str, Any]:
        state = _read(self._file)
        return LOST if state is None else state

    @contextmanager
    def _writing(self) -> Iterator[dict[str, Any]]:
        """Yield the state to be changed, alone with it; on the platter before it gets its name."""
        unfinished = self._file.with_suffix(".part")
        with self._turn:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                # The line's own process holds itself, and so does a shell: none may write over another's hold.
                with self._file.with_suffix(".lock").open("w") as alone:
                    fcntl.flock(alone, fcntl.LOCK_EX)
                    state = dict(self._state())
                    yield state
                    with unfinished.open("w", encoding="utf-8") as file:
                        json.dump(state, file)
                        file.flush()
                        os.fsync(file.fileno())
                    unfinished.replace(self._file)
            except OSError as error:
                raise StoreError(
                    f"the line cannot be told: {self._file} cannot be written: {error.strerror}",
                    remedy="Check the folder's permissions and the free space",
                ) from error


class ControlFollower:
    """The line's end, a ``CommandSource``: yields what changed, and at the start what differs from a fresh line."""

    def __init__(self, folder: Path, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._file, self._look_every_s = folder / FILE, look_every_s
        # What was asked once of an earlier process is over: only states are taken up again.
        state = _read(self._file) or NOTHING
        self._seen = {**NOTHING, "trial": state["trial"], "challenge": state["challenge"]}
        self._read_once = False

    async def commands(self) -> AsyncIterator[Command]:
        """Yield each change once."""
        while True:
            for command in self.changes():
                yield command
            await asyncio.sleep(self._look_every_s)

    def changes(self) -> list[Command]:
        """Return what changed since the last look; for lots ``lot_on_hold`` answers."""
        state = _read(self._file)
        if state is None and not self._read_once:
            state = LOST
        self._read_once = True
        # A file that is gone says nothing: who removes it lets nothing go.
        if state is None or state is NOTHING or state == self._seen:
            return []
        before, stopped, self._seen = self._seen, self.lot_on_hold(), state
        if (lot := self.lot_on_hold()) != stopped:
            log.warning("lot %s is held: none of its parts passes" if lot else "no held lot is made any more%s", lot)
        changes: list[Command] = []
        if state["recipe"] and state["recipe"] != before["recipe"]:
            changes.append(SelectRecipe(**state["recipe"]))
        if state["held"] and not before["held"]:
            changes.append(HoldLine(**state["held"]))
        if before["held"] and not state["held"]:
            changes.append(ReleaseLine(by=state["released_by"]))
        if state["trial"] and state["trial"] != before["trial"]:
            changes.append(TriggerOnce(by=state["trial"]["by"]))
        if state["challenge"] and state["challenge"] != before["challenge"]:
            changes.append(StartChallengeTest(by=state["challenge"]["by"]))
        return changes

    def lot_on_hold(self) -> str:
        """Return the lot that is made now where it is held, else nothing; as of the last look, so it costs nothing."""
        lot = str(self._seen["lot"])
        return lot if lot in self._seen["held_lots"] else ""


def _next(asked: dict[str, Any] | None) -> int:
    return int(asked["number"]) + 1 if asked else 1


def _read(file: Path) -> dict[str, Any] | None:
    """Return the state, that of a fresh line where there is no file; None where it cannot be read."""
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(state, dict) and KNOWN_BEFORE <= state.keys() <= NOTHING.keys():
            return {**NOTHING, **state}
    except FileNotFoundError:
        return NOTHING
    except (OSError, ValueError) as error:
        log.debug("%s: %s", file, error)
    log.warning("%s cannot be read", file)
    return None
