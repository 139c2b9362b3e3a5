"""What the office wants of the line: the desired state in a small file, which the line follows.

A file and not a message: a line that starts again, after a kill too, is held when it was held.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from inspector.domain import Command, HoldLine, ReleaseLine, SelectRecipe, StartChallengeTest, StoreError, TriggerOnce

__all__ = ["Control", "ControlFollower"]

log = logging.getLogger(__name__)

FILE = "control.json"
LOOK_EVERY_S = 0.2
NOTHING: dict[str, Any] = {"held": None, "released_by": "", "recipe": None, "trial": None, "challenge": None}
KNOWN_BEFORE = NOTHING.keys() - {"trial", "challenge"}  # a file of an earlier version has no more


class Control:
    """The office's end: commands become the desired state; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._file, self._turn = folder / FILE, threading.Lock()

    def apply(self, command: HoldLine | ReleaseLine | SelectRecipe | TriggerOnce | StartChallengeTest) -> None:
        """Make it so; raises ``StoreError``."""
        with self._turn:
            state = _read(self._file) or NOTHING
            match command:
                case HoldLine(by=by, reason=reason):
                    state = {**state, "held": {"by": by, "reason": reason}}
                case ReleaseLine(by=by):
                    state = {**state, "held": None, "released_by": by}
                case SelectRecipe(recipe=recipe, by=by):
                    state = {**state, "recipe": {"recipe": recipe, "by": by}}
                case TriggerOnce(by=by):
                    number = state["trial"]["number"] + 1 if state["trial"] else 1
                    state = {**state, "trial": {"by": by, "number": number}}
                case StartChallengeTest(by=by):
                    number = state["challenge"]["number"] + 1 if state["challenge"] else 1
                    state = {**state, "challenge": {"by": by, "number": number}}
            unfinished = self._file.with_suffix(".part")
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                unfinished.write_text(json.dumps(state), encoding="utf-8")
                unfinished.replace(self._file)
            except OSError as error:
                raise StoreError(
                    f"the line cannot be told: {self._file} cannot be written: {error.strerror}",
                    remedy="Check the folder's permissions and the free space",
                ) from error

    def held(self) -> HoldLine | None:
        """Return why the line is held, None where it is not."""
        held = (_read(self._file) or NOTHING)["held"]
        return HoldLine(**held) if held else None


class ControlFollower:
    """The line's end, a ``CommandSource``: yields what changed, and at the start what differs from a fresh line."""

    def __init__(self, folder: Path, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._file, self._look_every_s = folder / FILE, look_every_s
        # What was asked once of an earlier process is over: only states are taken up again.
        state = _read(self._file) or NOTHING
        self._seen = {**NOTHING, "trial": state["trial"], "challenge": state["challenge"]}

    async def commands(self) -> AsyncIterator[Command]:
        """Yield each change once."""
        while True:
            for command in self.changes():
                yield command
            await asyncio.sleep(self._look_every_s)

    def changes(self) -> list[Command]:
        """Return what changed since the last look."""
        state = _read(self._file)
        if state is None or state == self._seen:
            return []
        before, self._seen = self._seen, state
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


def _read(file: Path) -> dict[str, Any] | None:
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(state, dict) and KNOWN_BEFORE <= state.keys() <= NOTHING.keys():
            return {**NOTHING, **state}
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.debug("%s: %s", file, error)
    log.warning("%s cannot be read; the line stays as it is", file)
    return None
