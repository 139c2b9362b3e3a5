"""The connection to the PLC's registers: made, watched and made again, with every exchange over it in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from inspector.domain import ConfigurationError, Disposition, FaultCode, PlcError, PlcLost, Verdict
from inspector.plc.cycle import Cycle, PeerState, Phase, Ticket
from inspector.plc.handshake import FromInspector, FromPlc, Name, Value
from inspector.plc.heartbeat import Heartbeat
from inspector.plc.lamp import ConnectionLamp, warning_of
from inspector.plc.registers import Opener, RegisterLink
from inspector.plc.taken import TakenTriggers, too_late
from inspector.plc.translation import result_registers

__all__ = ["Connection"]

_FIRST_RETRY_S = 0.1
_RETRY_GROWTH = 2.0
# While a part is inspected only an overrun or a reset can come: reading seldom leaves the processor to the detector.
_BUSY_POLL_S = 0.025
_STILL_S = 5.0


class Connection:
    """Lives in the background from ``start`` to ``close``; what it reads drives ``cycle`` and fills ``taken``.

    Parameters
    ----------
    opener, peer
        Opens the way to the registers, again after every loss; the PLC in messages.
    cycle, taken
        What to write, and what was taken.
    lamp
        Tells the operator how the connection fares.
    heartbeat
        Of both sides.
    defect_codes
        Defect class -> DefectCode.
    poll_s, max_retry_s
        Reading period; longest pause between two attempts to connect.
    trusted
        Whether a new connection alone counts as a living PLC until its heartbeat is due.
    """

    def __init__(
        self,
        opener: Opener,
        peer: str,
        cycle: Cycle,
        taken: TakenTriggers,
        *,
        lamp: ConnectionLamp,
        heartbeat: Heartbeat,
        defect_codes: Mapping[str, int],
        poll_s: float,
        max_retry_s: float,
        trusted: bool,
    ) -> None:
        self._opener, self._peer = opener, peer
        self._cycle, self._taken = cycle, taken
        self._lamp, self._heartbeat = lamp, heartbeat
        self._defect_codes = dict(defect_codes)
        self._poll_s = poll_s
        self._max_retry_s = max_retry_s
        self._trusted = trusted
        self._link: RegisterLink | None = None
        self._io = asyncio.Lock()
        self._wake = asyncio.Event()
        self._synced = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failure: ConfigurationError | None = None
        self._peer_state = PeerState(None, None, False)
        self._surveyed = False
        self._still_since: float | None = None

    # --- what the line asks for ---------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect, the first time this is called."""
        if self._task is None and not self._closing.is_set():
            self._task = asyncio.create_task(self._run(), name=f"handshake with {self._peer}")

    async def survey(self) -> PeerState:
        """Wait for the PLC and return what its registers said; the caller answers what is pending."""
        self._surveyed = True
        self.start()
        await self._synced.wait()
        self.check_usable("survey")
        return self._peer_state

    def check_usable(self, doing: str) -> None:
        """Raise what the connection failed of, or ``PlcLost`` after ``close``."""
        self.raise_failure()
        if self._closing.is_set():
            raise PlcLost(f"the connection to {self._peer} was closed before {doing}")

    def raise_failure(self) -> None:
        """Raise the ``ConfigurationError`` that ended it, if one did."""
        if self._failure is not None:
            raise self._failure

    async def answer(self, ticket: Ticket, verdict: Verdict, disposition: Disposition | None) -> None:
        """Write the result of the ticket whose turn it is; raises ``PlcLost`` where it was given up or is lost now."""
        async with self._io:
            if ticket is not self._cycle.current or self._link is None:
                raise too_late(self._peer, ticket.trigger, ticket.lost or "it is answered or given up")
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
                raise too_late(self._peer, ticket.trigger, ticket.lost)

    async def amend(self, sequence: int, at: datetime, disposition: Disposition) -> bool:
        """Write Disposition while the result of that very trigger stands; return whether it was written."""
        async with self._io:
            link = self._link
            if link is None or not self._taken.is_shown(sequence, at):
                return False
            try:
                self._taken.observe(await link.read_plc(), self._now())
                if self._cycle.phase is not Phase.AWAIT_ACK:
                    return False
                await link.write({Name.DISPOSITION: int(disposition.decision)})
            except PlcError as error:
                self._lose(error)
                return False
            finally:
                self._wake.set()
            return True

    async def write_outputs(self) -> None:
        """Write what the cycle wants written at once; where the PLC is away, its return does it."""
        async with self._io:
            if self._link is None or self._cycle.phase is Phase.LOST:
                return
            try:
                await self._link.write_changes(self._cycle.outputs())
            except PlcError as error:
                self._lose(error)
                self._wake.set()

    async def close(self) -> None:
        """Drop Ready, say good-bye, release the connection; safe to call twice."""
        self._closing.set()
        self._wake.set()
        if self._task is None:
            self._finish("the line was closed")
        else:
            await self._task

    # --- its life -----------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Connect, serve, and begin again after every loss, with a growing pause while nobody answers."""
        pause = _FIRST_RETRY_S
        try:
            while not self._closing.is_set():
                pause = min(pause * _RETRY_GROWTH, self._max_retry_s)
                if await self._connected_once():
                    pause = _FIRST_RETRY_S
                await _until(self._closing, pause)
        except ConfigurationError as error:
            self._failure = error
            self._lamp.show(False, str(error))
        finally:
            self._finish("the connection was closed")

    async def _connected_once(self) -> bool:
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
            worked = bool(self._lamp.state.good)
            self._lose(error)
        finally:
            self._link = None
            if link is not None:
                await link.close(good=self._closing.is_set() and bool(self._lamp.state.good))
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
            self._taken.observe(plc, self._now())
            await link.write_changes(self._cycle.outputs() | self._beat(now))
            self._taken.hand_over()
        if self._cycle.phase is Phase.BUSY:
            return _BUSY_POLL_S
        return max(self._poll_s, min(link.quiet_s, self._heartbeat.period_s / 4)) if self._cycle.phase is phase else 0.0

    async def _stand_by(self, link: RegisterLink, now: float) -> None:
        """Keep our own heartbeat going while the PLC's stands still, and connect anew after a while."""
        if self._still_since is None:
            self._still_since = now
            reason = f"the heartbeat of {self._peer} stands still"
            self._lamp.show(False, f"{reason}. Check that the PLC's program runs.")
            self._taken.abandon(reason, withdraw=True)
            await link.write_changes(self._cycle.outputs() | self._beat(now))
        elif now - self._still_since > _STILL_S:
            # The program may live behind another connection: servers leave old ones open when they restart.
            raise PlcLost(f"the heartbeat of {self._peer} stands still")
        elif beat := self._beat(now):
            await link.write(beat)

    async def _resync(self, link: RegisterLink) -> None:
        """Begin from what the registers hold."""
        held = await link.read_all()
        plc, mine = FromPlc.of(held), FromInspector.of(held)
        first = not self._synced.is_set()
        orphan = self._taken.resync(plc, mine, self._now())
        if first:
            self._peer_state = PeerState(orphan.trigger if orphan else None, mine.answered_sequence, mine.result_valid)
        await link.write_changes(self._cycle.outputs())
        self._lamp.show(True, f"connected to {self._peer}, {link.detail}", warning=warning_of(self._peer, link.detail))
        self._synced.set()
        if orphan is not None and not (first and self._surveyed):
            code = FaultCode.CRASH if first else FaultCode.PLC_LOST
            verdict = Verdict.unknown(code, "the trigger was still raised when the PLC was reached again")
            await self._write_result(link, orphan, verdict, None)

    async def _write_result(
        self, link: RegisterLink, ticket: Ticket, verdict: Verdict, disposition: Disposition | None
    ) -> bool:
        """Write the data, then the flag; False where the PLC gave the part up meanwhile.

        The last look in between, which costs no round trip of its own, finds an overrun and a Reset exactly.
        """
        values = result_registers(ticket.trigger, verdict, disposition, self._defect_codes)
        plc, _ = await asyncio.gather(link.read_plc(), link.write(values))
        self._taken.observe(plc, self._now())
        if self._cycle.is_unsettled(plc):
            self._taken.observe(await link.read_plc(), self._now())
        if ticket.lost:
            return False
        await link.write({Name.RESULT_VALID: True})
        self._taken.answered(ticket, self._now())
        return True

    def _beat(self, now: float) -> dict[Name, Value]:
        return {} if (count := self._heartbeat.due(now)) is None else {Name.HB_VISION: count}

    def _lose(self, error: Exception) -> None:
        self._link = None
        self._lamp.show(False, str(error))
        self._taken.abandon(str(error), withdraw=False)

    def _finish(self, reason: str) -> None:
        """Wake everybody who waits: nothing more will come."""
        self._taken.end(reason)
        self._synced.set()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
