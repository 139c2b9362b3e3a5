"""The triggers taken from the PLC and not answered yet: handed to the line, found again, given up together."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime

from inspector.domain import PlcLost, Trigger
from inspector.plc.cycle import Cycle, Phase, Ticket
from inspector.plc.handshake import FromInspector, FromPlc

__all__ = ["TakenTriggers", "too_late"]


class TakenTriggers:
    """What the line has in hand while ``cycle`` runs: its tickets, and the trigger whose result stands."""

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle
        self._open: dict[int, Ticket] = {}
        self._untold: deque[Ticket] = deque()
        self._arrived: asyncio.Queue[Ticket | None] = asyncio.Queue()
        self._shown: Trigger | None = None

    # --- for the line -------------------------------------------------------------------------------------

    async def next(self) -> Ticket | None:
        """Wait for the next one that was handed over; None, for everybody, once nothing more will come."""
        ticket = await self._arrived.get()
        if ticket is None:
            self._arrived.put_nowait(None)
        return ticket

    def ticket_of(self, trigger: Trigger) -> Ticket | None:
        """Return the ticket of this very trigger, None where it does not wait for an answer."""
        ticket = self._open.get(trigger.sequence)
        return ticket if ticket is not None and ticket.trigger == trigger else None

    def is_shown(self, sequence: int, at: datetime) -> bool:
        """Return whether it is this trigger's result that stands in the registers."""
        return self._shown is not None and (self._shown.sequence, self._shown.at) == (sequence, at)

    # --- for the connection -------------------------------------------------------------------------------

    def resync(self, plc: FromPlc, mine: FromInspector, now: float) -> Ticket | None:
        """Start from what the registers hold; return a raised trigger that nobody is going to answer."""
        orphan = self._cycle.resync(plc, mine, now)
        if orphan is not None:
            self._open[orphan.trigger.sequence] = orphan
        return orphan

    def observe(self, plc: FromPlc, now: float) -> None:
        """Go on with what was read; ``hand_over`` is for after the PLC was told."""
        ticket = self._cycle.observe(plc, now)
        if self._cycle.phase is not Phase.AWAIT_ACK:
            self._shown = None
        if ticket is not None:
            self._open = {sequence: held for sequence, held in self._open.items() if not held.lost}
            self._open[ticket.trigger.sequence] = ticket
            self._untold.append(ticket)

    def hand_over(self) -> None:
        """Let the line see what was taken, now that the PLC was told so."""
        while self._untold:
            self._arrived.put_nowait(self._untold.popleft())

    def answered(self, ticket: Ticket, now: float) -> None:
        """Note that the result of the current one stands in the registers, ResultValid included."""
        self._open.pop(ticket.trigger.sequence, None)
        self._shown = ticket.trigger
        self._cycle.answered(now)

    def abandon(self, reason: str, *, withdraw: bool) -> None:
        """Give everything up because the PLC is away; ``withdraw`` as for ``Cycle.abandon``."""
        self._cycle.abandon(reason, withdraw=withdraw)
        self._shown = None
        self._open.clear()
        self._untold.clear()
        while not self._arrived.empty():
            self._arrived.get_nowait()

    def end(self, reason: str) -> None:
        """Give everything up and wake everybody who waits: nothing more will come."""
        self.abandon(reason, withdraw=False)
        self._arrived.put_nowait(None)


def too_late(peer: str, trigger: Trigger, why: str) -> PlcLost:
    """Return what an answer raises that did not reach the PLC."""
    return PlcLost(
        f"the verdict of SeqNo {trigger.sequence} was not given to {peer}: {why}",
        remedy="The PLC treats the part as not good; hold it.",
    )
