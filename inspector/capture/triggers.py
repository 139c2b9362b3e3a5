"""Triggers without a PLC's handshake: numbered, time-stamped, debounced, and accounted for one by one."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from inspector.domain import ConfigurationError, Disposition, LampState, PlcLost, StoreError, Trigger, Verdict

__all__ = ["Feeder", "Fire", "LocalTriggers", "TriggerLedger"]

_log = logging.getLogger(__name__)

_KEYS_KEPT = 10_000
_UINT32 = 2**32
_RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class TriggerLedger:
    """What became of every signal; each was one of the first five.

    Attributes
    ----------
    taken
        Became a trigger with a number, overruns among them.
    refused
        Came while the line was not ready: held, or without room for the record.
    bounced
        Came within the debounce time of the one before.
    repeated
        Carried a key that had been seen already.
    missed
        Never seen as a signal of its own, but known to have been there (encoder steps between two looks).
    overruns
        Of those taken: came while a part was in work; their parts are UNKNOWN.
    answered
        Of those taken: got their verdict.
    """

    taken: int = 0
    refused: int = 0
    bounced: int = 0
    repeated: int = 0
    missed: int = 0
    overruns: int = 0
    answered: int = 0

    @property
    def open(self) -> int:
        """Triggers that wait for their verdict."""
        return self.taken - self.answered

    def differences(self) -> list[str]:
        """Name everything by which signals, parts and verdicts differ, in words."""
        named = {
            "came while the line was not ready": self.refused,
            "came too soon after the one before": self.bounced,
            "were sent twice": self.repeated,
            "were missed between two looks": self.missed,
            "came while a part was in work": self.overruns,
            "wait for their verdict": self.open,
        }
        return [f"{count} {words}" for words, count in named.items() if count]


class Fire(Protocol):
    """What a feeder calls for each signal, in the event loop."""

    def __call__(
        self, *, part_id: str = "", recipe: str = "", key: str = "", missed: int = 0, nothing: bool = False
    ) -> Trigger | None:
        """Take one signal; return its trigger, None where it was not taken (the ledger says why).

        ``missed`` others went by unseen before it; with ``nothing`` there is no signal, and only they are counted.
        """
        ...


class Feeder(Protocol):
    """Where signals come from."""

    name: str

    async def run(self, fire: Fire) -> None:
        """Call ``fire`` for each signal until cancelled; raises ``PlcLost`` where the source is away."""

    async def answered(self, trigger: Trigger, verdict: Verdict, disposition: Disposition | None) -> None:
        """Tell whoever waits for the verdict; raises ``PlcLost``."""


@dataclass(frozen=True, slots=True)
class _Peer:
    pending: Trigger | None
    answered_sequence: int | None


class LocalTriggers:
    """A ``TriggerSource`` over a feeder.

    A trigger that comes while a part is in work is yielded with ``overrun``, and answered after that part. The last
    number given and the last one answered are kept in a file, so that numbers go on after a restart, and what a killed
    line left open is told from what it had answered.

    Parameters
    ----------
    feeder
        Where signals come from.
    station
        In the triggers.
    numbers
        File of the last numbers.
    recipes
        Names a signal may ask for; another one is refused.
    debounce_s
        A signal this soon after the last one taken is the same one.
    number_parts
        Name parts that come without an identity by their number; else they have none until a code reader finds it.
    on_lamp
        Called with the state of the feeder.
    """

    def __init__(
        self,
        feeder: Feeder,
        *,
        station: str,
        numbers: Path,
        recipes: Collection[str] = (),
        debounce_s: float = 0.0,
        number_parts: bool = True,
        on_lamp: Callable[[LampState], None] | None = None,
    ) -> None:
        self._feeder, self._station, self._numbers = feeder, station, numbers
        self._recipes, self._debounce_s, self._number_parts = frozenset(recipes), debounce_s, number_parts
        self._on_lamp = on_lamp
        self._ledger = TriggerLedger()
        self._last, self._last_answered = _read(numbers)
        self._last_at = float("-inf")
        self._ready = self._closed = False
        self._keys: OrderedDict[str, None] = OrderedDict()
        self._open: list[Trigger] = []
        self._arrived: asyncio.Queue[Trigger | None] = asyncio.Queue()
        self._turn = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    @property
    def ledger(self) -> TriggerLedger:
        """The account so far."""
        return self._ledger

    async def survey(self) -> _Peer:
        """Return what the last process had answered; no trigger ever waits from before."""
        return _Peer(None, self._last_answered)

    async def triggers(self) -> AsyncIterator[Trigger]:
        """Yield each trigger once; ends with ``close``."""
        self._start()
        while (trigger := await self._arrived.get()) is not None:
            yield trigger
        self._arrived.put_nowait(None)

    async def answer(self, trigger: Trigger, verdict: Verdict, disposition: Disposition | None = None) -> None:
        """Tell the verdict; an overrun waits for the part before it. Raises ``PlcLost`` where it is not open."""
        async with self._turn:
            await self._turn.wait_for(lambda: trigger not in self._open or self._open[0] == trigger)
            if trigger not in self._open:
                raise PlcLost(
                    f"trigger {trigger.sequence} is not open", remedy="It was answered, or is of an earlier run"
                )
            self._open.remove(trigger)
            self._turn.notify_all()
            self._ledger = replace(self._ledger, answered=self._ledger.answered + 1)
            self._last_answered = trigger.sequence
            self._write()
        await self._feeder.answered(trigger, verdict, disposition)

    async def set_ready(self, ready: bool, *, fault: int = 0) -> None:
        """Say whether signals are taken."""
        self._ready = ready
        self._start()

    async def close(self) -> None:
        """Take no more; safe to call twice."""
        if self._closed:
            return
        self._closed, self._ready = True, False
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        async with self._turn:
            self._open.clear()
            self._turn.notify_all()
        self._arrived.put_nowait(None)
        if found := self._ledger.differences():
            _log.warning("triggers of %s: %s", self._feeder.name, ", ".join(found))

    def fire(
        self, *, part_id: str = "", recipe: str = "", key: str = "", missed: int = 0, nothing: bool = False
    ) -> Trigger | None:
        """Take one signal; see ``Fire``."""
        now = time.monotonic()
        if missed:
            self._count(missed=missed)
        if nothing:
            return None
        if key and key in self._keys:
            self._count(repeated=1)
            return None
        if now - self._last_at < self._debounce_s:
            self._count(bounced=1)
            return None
        if not self._ready or self._closed or (recipe and recipe not in self._recipes):
            self._count(refused=1)
            return None
        if key:
            self._keys[key] = None
            if len(self._keys) > _KEYS_KEPT:
                self._keys.popitem(last=False)
        self._last_at, self._last = now, (self._last + 1) % _UINT32
        self._write()
        name = part_id or (f"{self._station}-{self._last:08d}" if self._number_parts else "")
        overrun = bool(self._open)
        trigger = Trigger(name, self._station, self._last, datetime.now(UTC), recipe, overrun=overrun)
        self._open.append(trigger)
        self._arrived.put_nowait(trigger)
        self._count(taken=1, overruns=int(overrun))
        return trigger

    def _count(self, **more: int) -> None:
        self._ledger = replace(
            self._ledger, **{name: getattr(self._ledger, name) + count for name, count in more.items()}
        )
        lost = replace(self._ledger, answered=self._ledger.taken).differences()
        if lost and more.keys() - {"taken"}:
            self._show(True, f"{self._feeder.name}; {', '.join(lost)}")

    def _start(self) -> None:
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._feed(), name=f"triggers of {self._feeder.name}")

    async def _feed(self) -> None:
        tries = 0
        while True:
            self._show(True, self._feeder.name)
            try:
                await self._feeder.run(self.fire)
            except PlcLost as error:
                if not tries:
                    _log.warning("%s", error)
                self._show(False, str(error))
            else:
                self._show(False, f"{self._feeder.name}: ended")
                return
            await asyncio.sleep(_RETRY_S[min(tries, len(_RETRY_S) - 1)])
            tries += 1

    def _show(self, good: bool, detail: str) -> None:
        if self._on_lamp is not None:
            self._on_lamp(LampState(good, datetime.now(UTC), detail))

    def _write(self) -> None:
        unfinished = self._numbers.with_suffix(".part")
        try:
            self._numbers.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps({"taken": self._last, "answered": self._last_answered}), encoding="utf-8")
            unfinished.replace(self._numbers)
        except OSError as error:
            raise StoreError(
                f"{self._numbers}: the number of a trigger cannot be kept: {error.strerror}",
                remedy="Check the folder's permissions and the free space",
            ) from error


def _read(numbers: Path) -> tuple[int, int | None]:
    try:
        body = json.loads(numbers.read_text(encoding="utf-8"))
        return int(body["taken"]), None if body["answered"] is None else int(body["answered"])
    except FileNotFoundError:
        return 0, None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{numbers}: the last trigger number cannot be read: {error}",
            remedy="Delete the file: numbers then begin at 1 again",
        ) from error
