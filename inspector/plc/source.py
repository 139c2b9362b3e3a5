"""The handshake as a trigger source, whatever protocol carries its registers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType

from inspector.domain import Disposition, LampState, Trigger, Verdict
from inspector.plc.connection import Connection
from inspector.plc.cycle import Cycle, PeerState
from inspector.plc.heartbeat import Heartbeat
from inspector.plc.lamp import ConnectionLamp
from inspector.plc.registers import Opener
from inspector.plc.taken import TakenTriggers, too_late
from inspector.plc.translation import trigger_of

__all__ = ["Handshake"]


class Handshake:
    """The handshake of docs/plc.md; a ``TriggerSource``.

    The connection is made, watched and made again in the background from the first ``survey``, ``triggers``
    or ``set_ready`` on. Ready is up only while the line wants it, the PLC is connected, its heartbeat moves
    and the handshake is idle.

    *Start-up after a crash.* Call ``survey`` before ``triggers``: it waits for the PLC and tells which
    trigger a line that is gone had taken (``PeerState.pending``). That one is handed over by ``survey`` only.
    ``answer`` it like any other and everything goes on; ``triggers`` yields what comes after. A trigger that
    is raised but was never acknowledged is a normal one. Without a ``survey`` the adapter itself answers the
    pending one with UNKNOWN and ``FaultCode.CRASH``.

    *After a loss* (connection, or HbPlc still for three periods) no verdict of before is ever written:
    ``answer`` raises ``PlcLost`` for every trigger of before, and the adapter itself answers such a trigger
    with UNKNOWN and ``FaultCode.PLC_LOST`` where the PLC still has it raised. A result that was completely
    written before the connection fell stands and is acknowledged as usual.

    *Overrun.* A new SeqNo before the part in work is answered and acknowledged is yielded at once with
    ``overrun=True``; its ``answer`` waits for that.

    Parameters
    ----------
    opener
        Opens the way to the registers, again after every loss.
    peer
        The PLC in messages: ``the PLC at …``.
    station
        Name of the station in the triggers.
    recipes
        RecipeId -> recipe name; an id that is not here becomes ``#<id>`` and blocks Ready, 0 becomes the empty
        name. Without any, every id goes.
    default_recipe
        Id of the recipe that 0 stands for, told in RecipeActive.
    defect_codes
        Defect class -> DefectCode; a class that is not here becomes 65535.
    poll_ms, heartbeat_ms, timeout_s, max_retry_s
        Reading period; heartbeat period of both sides; how long the PLC's ResultAck may take; longest pause
        between two attempts to connect.
    trusted
        Whether a new connection alone counts as a living PLC until its heartbeat is due.
    acknowledges
        Whether the PLC has ResultAck; otherwise the drop of Trigger says that the result was read.
    on_lamp
        Called with the lamp's new state, in the event loop.

    Raises
    ------
    ConfigurationError
        From ``survey``, ``triggers`` and ``answer`` where a register is missing in the PLC or has the wrong type.
    """

    def __init__(
        self,
        opener: Opener,
        *,
        peer: str,
        station: str,
        recipes: Mapping[int, str] = MappingProxyType({}),
        default_recipe: int = 0,
        defect_codes: Mapping[str, int] = MappingProxyType({}),
        poll_ms: float = 5.0,
        heartbeat_ms: float = 500.0,
        timeout_s: float = 2.0,
        max_retry_s: float = 2.0,
        trusted: bool = True,
        acknowledges: bool = True,
        on_lamp: Callable[[LampState], None] | None = None,
    ) -> None:
        self.peer = peer
        self._lamp = ConnectionLamp(f"waiting for {peer}", on_lamp)
        self._cycle = Cycle(
            partial(trigger_of, station=station, recipes=dict(recipes)),
            timeout_s,
            recipes=frozenset(recipes),
            default_recipe=default_recipe,
            acknowledges=acknowledges,
        )
        self._taken = TakenTriggers(self._cycle)
        self._connection = Connection(
            opener,
            peer,
            self._cycle,
            self._taken,
            lamp=self._lamp,
            heartbeat=Heartbeat(heartbeat_ms / 1000),
            defect_codes=defect_codes,
            poll_s=poll_ms / 1000,
            max_retry_s=max_retry_s,
            trusted=trusted,
        )

    async def survey(self) -> PeerState:
        """Wait for the PLC and return what its registers said; see the class for what to do with it."""
        return await self._connection.survey()

    async def triggers(self) -> AsyncIterator[Trigger]:
        """Yield each trigger once, acknowledged to the PLC; ends with ``close``."""
        self._connection.start()
        while (ticket := await self._taken.next()) is not None:
            if not ticket.lost:
                yield ticket.trigger
        self._connection.raise_failure()

    async def answer(self, trigger: Trigger, verdict: Verdict, disposition: Disposition | None = None) -> None:
        """Write the verdict: the data in one request, ResultValid in the next; return when both are written.

        The acknowledgement is awaited in the background. An overrun is answered after the part before it, so
        a single consumer has to answer in the order of ``triggers``. Raises ``PlcLost`` where the trigger
        is from before a loss or a Reset, or where the write fails: then the outcome is unknown.
        """
        ticket = self._taken.ticket_of(trigger)
        if ticket is None:
            self._connection.check_usable("answer")
            raise too_late(self.peer, trigger, "it is not open any more")
        await ticket.turn.wait()
        # Once begun it is finished even where the caller is cancelled: a half-written result helps nobody.
        writing = asyncio.create_task(self._connection.answer(ticket, verdict, disposition))
        writing.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.shield(writing)

    async def amend(self, sequence: int, at: datetime, disposition: Disposition) -> bool:
        """Write a later decision into Disposition while the result of that very trigger still stands.

        Nothing else is written. False, and nothing is written, where the PLC has acknowledged the result, was lost or
        reset since, or has another part in work: a decision is never told for another part and never told later.
        """
        return await self._connection.amend(sequence, at, disposition)

    async def set_ready(self, ready: bool, *, fault: int = 0) -> None:
        """Say whether the line takes triggers; written at once, or when the PLC is there."""
        self._cycle.wanted, self._cycle.line_fault = ready, fault
        self._connection.start()
        await self._connection.write_outputs()

    def challenge_asked(self) -> int | None:
        """Return the number of the challenge test that the PLC waits for, None where it asks for none."""
        return self._cycle.challenge.asked

    async def tell_challenge(self, request: int, passed: bool | None) -> None:
        """Write what came of it, None where the line has no samples; nothing, where the PLC has given it up."""
        self._cycle.challenge.answer(request, passed)
        await self._connection.write_outputs()

    async def close(self) -> None:
        """Drop Ready, say good-bye, release the connection; safe to call twice.

        A trigger that has no result stays acknowledged in the registers, so that the next start finds it.
        """
        await self._connection.close()

    def holds(self, trigger: Trigger) -> bool:
        """Return whether this trigger was yielded and still waits for its answer."""
        return self._taken.ticket_of(trigger) is not None

    @property
    def connected(self) -> bool:
        """Whether the PLC is there and its heartbeat moves."""
        return bool(self._lamp.state.good)

    @property
    def lamp(self) -> LampState:
        """The state of the connection for the operator's screen."""
        return self._lamp.state
