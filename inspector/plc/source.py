"""The handshake as a trigger source, whatever protocol carries its registers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType

from inspector.domain import (
    ConfigurationError,
    Disposition,
    FaultCode,
    LampState,
    PlcError,
    PlcLost,
    Trigger,
    Verdict,
)
from inspector.plc.cycle import Cycle, PeerState, Phase, Ticket
from inspector.plc.handshake import FromInspector, FromPlc, Name, Value
from inspector.plc.heartbeat import Heartbeat
from inspector.plc.lamp import ConnectionLamp, warning_of
from inspector.plc.registers import Opener, RegisterLink
from inspector.plc.translation import result_registers, trigger_of

__all__ = ["Handshake"]

_FIRST_RETRY_S = 0.1
_RETRY_GROWTH = 2.0
# While a part is inspected only an overrun or a reset can come: reading seldom leaves the processor to the detector.
_BUSY_POLL_S = 0.025
_STILL_S = 5.0


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
        self._opener = opener
        self._defect_codes = dict(defect_codes)
        self._poll_s = poll_ms / 1000
        self._max_retry_s = max_retry_s
        self._trusted = trusted
        self._heartbeat = Heartbeat(heartbeat_ms / 1000)
        self._cycle = Cycle(
            partial(trigger_of, station=station, recipes=dict(recipes)),
            timeout_s,
            recipes=frozenset(recipes),
            default_recipe=default_recipe,
            acknowledges=acknowledges,
        )
        self._tickets: dict[int, Ticket] = {}
        self._shown: Trigger | None = None
        self._arrived: asyncio.Queue[Ticket | None] = asyncio.Queue()
        self._link: RegisterLink | None = None
        self._taken: deque[Ticket] = deque()
        self._io = asyncio.Lock()
        self._wake = asyncio.Event()
        self._synced = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failure: ConfigurationError | None = None
        self._peer_state = PeerState(None, None, False)
        self._surveyed = False
        self._still_since: float | None = None
        self._lamp = ConnectionLamp(f"waiting for {peer}", on_lamp)

    # --- the port -----------------------------------------------------------------------------------------

    async def survey(self) -> PeerState:
        """Wait for the PLC and return what its registers said; see the class for what to do with it."""
        self._surveyed = True
        self._start()
        await self._synced.wait()
        self._check_usable("survey")
        return self._peer_state

    async def triggers(self) -> AsyncIterator[Trigger]:
        """Yield each trigger once, acknowledged to the PLC; ends with ``close``."""
        self._start()
        while True:
            ticket = await self._arrived.get()
            if ticket is None:
                self._arrived.put_nowait(None)
                if self._failure is not None:
                    raise self._failure
                return
            if not ticket.lost:
                yield ticket.trigger

    async def answer(self, trigger: Trigger, verdict: Verdict, disposition: Disposition | None = None) -> None:
        """Write the verdict: the data in one request, ResultValid in the next; return when both are written.

        The acknowledgement is awaited in the background. An overrun is answered after the part before it, so
        a single consumer has to answer in the order of ``triggers``. Raises ``PlcLost`` where the trigger
        is from before a loss or a Reset, or where the write fails: then the outcome is unknown.
        """
        ticket = self._tickets.get(trigger.sequence)
        if ticket is None or ticket.trigger != trigger:
            self._check_usable("answer")
            raise self._too_late(trigger, "it is not open any more")
        await ticket.turn.wait()
        # Once begun it is finished even where the caller is cancelled: a half-written result helps nobody.
        writing = asyncio.create_task(self._answer(ticket, verdict, disposition))
        writing.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.shield(writing)

    async def _answer(self, ticket: Ticket, verdict: Verdict, disposition: Disposition | None) -> None:
        async with self._io:
            if ticket is not self._cycle.current or self._link is None:
                raise self._too_late(ticket.trigger, ticket.lost or "it is answered or given up")
            try:
                written = await self._write_result(self._link, ticket, verdict, disposition)
            except PlcError as error:
                self._lose(error)
                if isinstance(error, PlcLost):
                    raise
                raise PlcLost(error.message, remedy=error.remedy) from error
            finally:
                self._wake.set()
            if not written:
                raise self._too_late(ticket.trigger, ticket.lost)

    async def amend(self, sequence: int, at: datetime, disposition: Disposition) -> bool:
        """Write a later decision into Disposition while the result of that very trigger still stands.

        Nothing else is written. False, and nothing is written, where the PLC has acknowledged the result, was lost or
        reset since, or has another part in work: a decision is never told for another part and never told later.
        """
        async with self._io:
            link, shown = self._link, self._shown
            if link is None or shown is None or (shown.sequence, shown.at) != (sequence, at):
                return False
            try:
                self._observe(await link.read_plc())
                if self._cycle.phase is not Phase.AWAIT_ACK:
                    return False
                await link.write({Name.DISPOSITION: int(disposition.decision)})
            except PlcError as error:
                self._lose(error)
                return False
            finally:
                self._wake.set()
            return True

    async def set_ready(self, ready: bool, *, fault: int = 0) -> None:
        """Say whether the line takes triggers; written at once, or when the PLC is there."""
        self._cycle.wanted, self._cycle.line_fault = ready, fault
        self._start()
        async with self._io:
            if self._link is None or self._cycle.phase is Phase.LOST:
                return
            try:
                await self._link.write_changes(self._cycle.outputs())
            except PlcError as error:
                self._lose(error)
                self._wake.set()

    async def close(self) -> None:
        """Drop Ready, say good-bye, release the connection; safe to call twice.

        A trigger that has no result stays acknowledged in the registers, so that the next start finds it.
        """
        self._closing.set()
        self._wake.set()
        if self._task is None:
            self._finish("the line was closed")
        else:
            await self._task

    def holds(self, trigger: Trigger) -> bool:
        """Return whether this trigger was yielded and still waits for its answer."""
        ticket = self._tickets.get(trigger.sequence)
        return ticket is not None and ticket.trigger == trigger

    @property
    def connected(self) -> bool:
        """Whether the PLC is there and its heartbeat moves."""
        return bool(self._lamp.state.good)

    @property
    def lamp(self) -> LampState:
        """The state of the connection for the operator's screen."""
        return self._lamp.state

    # --- connection ---------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._task is None and not self._closing.is_set():
            self._task = asyncio.create_task(self._run(), name=f"handshake with {self.peer}")

    async def _run(self) -> None:
        """Connect, serve, and begin again after every loss, with a growing pause while nobody answers."""
        pause = _FIRST_RETRY_S
        try:
            while not self._closing.is_set():
                pause = min(pause * _RETRY_GROWTH, self._max_retry_s)
                if await self._connection():
                    pause = _FIRST_RETRY_S
                await _until(self._closing, pause)
        except ConfigurationError as error:
            self._failure = error
            self._lamp.show(False, str(error))
        finally:
            self._finish("the connection was closed")

    async def _connection(self) -> bool:
        """Live through one connection; True where it came to work at all."""
        link: RegisterLink | None = None
        worked = True
        try:
            self._link = link = await self._opener(self._wake.set)
            await self._serve(link)
        except (ConfigurationError, PlcError) as error:
            # A PLC that was right before may still be loading its program; a first look that fails is final.
            if isinstance(error, ConfigurationError) and not self._synced.is_set():
                raise
            worked = self.connected
            self._lose(error)
        finally:
            self._link = None
            if link is not None:
                await link.close(good=self._closing.is_set() and self.connected)
        return worked

    async def _serve(self, link: RegisterLink) -> None:
        """Talk to a connected PLC until it is lost or ``close`` is called."""
        self._heartbeat.restart(self._now(), trusted=self._trusted and self._still_since is None)
        if self._still_since is not None:
            self._still_since = self._now()
        async with self._io:
            await link.write({Name.READY: False})
        while not self._closing.is_set() and self._link is link:
            pause = await self._step(link)
            if pause > 0:
                await _until(self._wake, pause)
                self._wake.clear()
        if self._link is link:
            await link.write({Name.READY: False})

    async def _step(self, link: RegisterLink) -> float:
        """Read once, react, and return the seconds until the next reading."""
        async with self._io:
            if self._link is not link:
                return 0.0
            plc = await link.read_plc()
            now = self._now()
            if not self._heartbeat.alive(plc.heartbeat, now):
                await self._stand_by(link, now)
                return _BUSY_POLL_S
            self._still_since = None
            if self._cycle.phase is Phase.LOST:
                await self._resync(link)
                return 0.0
            phase = self._cycle.phase
            self._observe(plc)
            await link.write_changes(self._cycle.outputs() | self._beat(now))
            self._hand_over()
        if self._cycle.phase is Phase.BUSY:
            return _BUSY_POLL_S
        return max(self._poll_s, min(link.quiet_s, self._heartbeat.period_s / 4)) if self._cycle.phase is phase else 0.0

    async def _stand_by(self, link: RegisterLink, now: float) -> None:
        """Keep our own heartbeat going while the PLC's stands still, and connect anew after a while."""
        if self._still_since is None:
            self._still_since = now
            reason = f"the heartbeat of {self.peer} stands still"
            self._lamp.show(False, f"{reason}. Check that the PLC's program runs.")
            self._abandon(reason, withdraw=True)
            await link.write_changes(self._cycle.outputs() | self._beat(now))
        elif now - self._still_since > _STILL_S:
            # The program may live behind another connection: servers leave old ones open when they restart.
            raise PlcLost(f"the heartbeat of {self.peer} stands still")
        elif beat := self._beat(now):
            await link.write(beat)

    async def _resync(self, link: RegisterLink) -> None:
        """Begin from what the registers hold."""
        held = await link.read_all()
        plc, mine = FromPlc.of(held), FromInspector.of(held)
        first = not self._synced.is_set()
        orphan = self._cycle.resync(plc, mine, self._now())
        if orphan is not None:
            self._tickets[orphan.trigger.sequence] = orphan
        if first:
            self._peer_state = PeerState(orphan.trigger if orphan else None, mine.answered_sequence, mine.result_valid)
        await link.write_changes(self._cycle.outputs())
        self._lamp.show(True, f"connected to {self.peer}, {link.detail}", warning=warning_of(self.peer, link.detail))
        self._synced.set()
        if orphan is not None and not (first and self._surveyed):
            code = FaultCode.CRASH if first else FaultCode.PLC_LOST
            verdict = Verdict.unknown(code, "the trigger was still raised when the PLC was reached again")
            await self._write_result(link, orphan, verdict, None)

    def _beat(self, now: float) -> dict[Name, Value]:
        return {} if (count := self._heartbeat.due(now)) is None else {Name.HB_VISION: count}

    def _lose(self, error: Exception) -> None:
        self._link = None
        self._lamp.show(False, str(error))
        self._abandon(str(error), withdraw=False)

    def _abandon(self, reason: str, *, withdraw: bool) -> None:
        self._cycle.abandon(reason, withdraw=withdraw)
        self._shown = None
        self._tickets.clear()
        self._taken.clear()
        while not self._arrived.empty():
            self._arrived.get_nowait()

    def _finish(self, reason: str) -> None:
        """Wake everybody who waits: nothing more will come."""
        self._abandon(reason, withdraw=False)
        self._arrived.put_nowait(None)
        self._synced.set()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    # --- registers ----------------------------------------------------------------------------------------

    async def _write_result(
        self, link: RegisterLink, ticket: Ticket, verdict: Verdict, disposition: Disposition | None
    ) -> bool:
        """Write the data, then the flag; False where the PLC gave the part up meanwhile.

        The last look in between, which costs no round trip of its own, finds an overrun and a Reset exactly.
        """
        values = result_registers(ticket.trigger, verdict, disposition, self._defect_codes)
        plc, _ = await asyncio.gather(link.read_plc(), link.write(values))
        self._observe(plc)
        if self._cycle.is_unsettled(plc):
            self._observe(await link.read_plc())
        if ticket.lost:
            return False
        await link.write({Name.RESULT_VALID: True})
        self._tickets.pop(ticket.trigger.sequence, None)
        self._shown = ticket.trigger
        self._cycle.answered(self._now())
        return True

    def _observe(self, plc: FromPlc) -> None:
        ticket = self._cycle.observe(plc, self._now())
        if self._cycle.phase is not Phase.AWAIT_ACK:
            self._shown = None
        if ticket is not None:
            self._tickets = {sequence: held for sequence, held in self._tickets.items() if not held.lost}
            self._tickets[ticket.trigger.sequence] = ticket
            self._taken.append(ticket)

    def _hand_over(self) -> None:
        """Let the line see what was taken, now that the PLC was told so."""
        while self._taken:
            self._arrived.put_nowait(self._taken.popleft())

    def _check_usable(self, doing: str) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closing.is_set():
            raise PlcLost(f"the connection to {self.peer} was closed before {doing}")

    def _too_late(self, trigger: Trigger, why: str) -> PlcLost:
        return PlcLost(
            f"the verdict of SeqNo {trigger.sequence} was not given to {self.peer}: {why}",
            remedy="The PLC treats the part as not good; hold it.",
        )


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
