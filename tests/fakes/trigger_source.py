"""A PLC that lives in memory: the ``TriggerSource`` port without a wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from inspector.domain import Disposition, PlcLost, Trigger, Verdict


class FakeTriggerSource:
    """Yields what ``raise_trigger`` puts in and remembers what was answered."""

    def __init__(self, station: str = "cell-1") -> None:
        self.station = station
        self.ready = False
        self.fault = 0
        self.closed = False
        self.answers: list[tuple[Trigger, Verdict, Disposition | None]] = []
        self._open: list[Trigger] = []
        self._arrived: asyncio.Queue[Trigger | None] = asyncio.Queue()
        self._turn = asyncio.Condition()

    def raise_trigger(self, sequence: int, part_id: str, *, recipe: str = "") -> Trigger:
        """Put a part in front of the station; an overrun where one is still waiting for its verdict."""
        trigger = Trigger(part_id, self.station, sequence, datetime.now(UTC), recipe, overrun=bool(self._open))
        self._open.append(trigger)
        self._arrived.put_nowait(trigger)
        return trigger

    async def lose(self) -> None:
        """Lose the connection: whatever is open is given up."""
        async with self._turn:
            self._open.clear()
            while not self._arrived.empty():
                self._arrived.get_nowait()
            self._turn.notify_all()

    async def triggers(self) -> AsyncIterator[Trigger]:
        while (trigger := await self._arrived.get()) is not None:
            yield trigger
        self._arrived.put_nowait(None)

    async def answer(self, trigger: Trigger, verdict: Verdict, disposition: Disposition | None = None) -> None:
        async with self._turn:
            await self._turn.wait_for(lambda: trigger not in self._open or self._open[0] == trigger)
            if trigger not in self._open:
                raise PlcLost(f"SeqNo {trigger.sequence} is not open")
            self._open.remove(trigger)
            self.answers.append((trigger, verdict, disposition))
            self._turn.notify_all()

    async def set_ready(self, ready: bool, *, fault: int = 0) -> None:
        self.ready, self.fault = ready, fault

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.ready = False
            await self.lose()
            self._arrived.put_nowait(None)
