"""Our OPC UA server as a machine vision system of OPC 40100-1, with the flat handshake beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from asyncua import Server

from inspector.domain import Disposition, InspectionReport, LampState, Trigger, Verdict
from inspector.plc.cycle import PeerState
from inspector.plc.server import OpcUaServerHandshake
from inspector.plc.vision.calls import Calls
from inspector.plc.vision.events import Announcer, Identity
from inspector.plc.vision.install import install
from inspector.plc.vision.instance import place
from inspector.plc.vision.system import VisionSystem

__all__ = ["VisionServer"]


_REFRESH_SEVERITY = 1


class VisionServer:
    """A ``TriggerSource`` whose parts come by the handshake or by the methods of ``Objects/VisionSystem``.

    Both share one line: while a method's job runs the handshake is not ready, and a part that the PLC triggered
    shows as the state SingleExecution. Every report has to be given to ``publish``, which raises its ResultReady.

    Parameters
    ----------
    handshake
        Makes the handshake; called with ``also``, what adds our nodes to its server.
    system
        The vision system itself.
    identity
        How recipes and the configuration are named.
    continuous_s
        Shortest time from the result of one inspection of a continuous job to the next.
    """

    def __init__(
        self,
        handshake: Callable[..., OpcUaServerHandshake],
        *,
        system: VisionSystem,
        identity: Identity,
        continuous_s: float = 0.0,
    ) -> None:
        self._handshake = handshake(also=self._add)
        self.system = system
        self._identity = identity
        self._continuous_s = continuous_s
        self._announcer: Announcer | None = None
        self._jobs: asyncio.Queue[Trigger] = asyncio.Queue()
        self._telling = asyncio.Lock()
        self._line: tuple[bool, int] = (False, 0)
        self._shown: tuple[str | None, ...] = ()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- the port -----------------------------------------------------------------------------------------

    async def survey(self) -> PeerState:
        """Wait until our server listens; its registers begin empty, so that nothing is left from before.

        Raises ``ConfigurationError`` where it cannot listen.
        """
        listening = asyncio.create_task(self._handshake.listening())
        failing = asyncio.create_task(self._handshake.survey())
        await asyncio.wait({listening, failing}, return_when=asyncio.FIRST_COMPLETED)
        for task in (listening, failing):
            if task.done():
                task.result()
            task.cancel()
        await asyncio.gather(listening, failing, return_exceptions=True)
        return PeerState(None, None, result_valid=False)

    async def triggers(self) -> AsyncIterator[Trigger]:
        """Yield each trigger once, whoever raised it; ends with ``close``."""
        parts = aiter(self._handshake.triggers())
        part, job = asyncio.create_task(_next(parts)), asyncio.create_task(self._jobs.get())
        try:
            while True:
                await asyncio.wait({part, job}, return_when=asyncio.FIRST_COMPLETED)
                if part.done():
                    raised, part = part.result(), asyncio.create_task(_next(parts))
                    if raised is None:
                        return
                    if self._handshake.holds(raised):
                        self.system.part_arrived(raised)
                        self._soon(self._tell())  # the part does not wait for it
                        yield raised
                else:
                    started, job = job.result(), asyncio.create_task(self._jobs.get())
                    if self.system.owns(started):
                        yield started
        finally:
            part.cancel()
            job.cancel()
            await asyncio.gather(part, job, return_exceptions=True)

    async def answer(self, trigger: Trigger, verdict: Verdict, disposition: Disposition | None = None) -> None:
        """Give the verdict to whoever raised the trigger; raises ``PlcLost`` where it was given up."""
        if not self.system.owns(trigger):
            await self._handshake.answer(trigger, verdict, disposition)

    async def amend(self, sequence: int, at: datetime, disposition: Disposition) -> bool:
        """Write a later decision while the result of the PLC's own trigger still stands in the registers."""
        return await self._handshake.amend(sequence, at, disposition)

    def challenge_asked(self) -> int | None:
        """Return the number of the challenge test that the PLC of the handshake waits for."""
        return self._handshake.challenge_asked()

    async def tell_challenge(self, request: int, passed: bool | None) -> None:
        """Write what came of it into the handshake's registers."""
        await self._handshake.tell_challenge(request, passed)

    def publish(self, report: InspectionReport) -> None:
        """Make the result of a finished part and tell everybody, soon; after ``answer``."""
        self.system.finished(report)
        self._soon(self._tell())

    async def set_ready(self, ready: bool, *, fault: int = 0) -> None:
        """Say whether the line takes parts; the state machine follows."""
        self._line = (ready, fault)
        self.system.line(ready, fault)
        await self._tell()

    async def close(self) -> None:
        """Halt, drop Ready, close every connection and stop listening; safe to call twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._announcer is not None:
            self.system.shut_down()
            await self._tell()
        await self._handshake.close()

    async def listening(self) -> str:
        """Wait until the server listens; return its address."""
        return await self._handshake.listening()

    @property
    def url(self) -> str:
        """Where it listens, the real port included once it does."""
        return self._handshake.url

    @property
    def connected(self) -> bool:
        """Whether the PLC of the handshake is there and its heartbeat moves."""
        return self._handshake.connected

    @property
    def lamp(self) -> LampState:
        """The state of the handshake's connection for the operator's screen."""
        return self._handshake.lamp

    # --- the address space --------------------------------------------------------------------------------

    async def _add(self, server: Server, space: int) -> None:
        since = datetime.now(UTC)
        server.iserver.bind_condition_methods = _REFRESH_SEVERITY  # ConditionRefresh: who comes late hears what stands
        await server.iserver.setup_condition_methods()
        instance = await place(server, await install(server), space, self._identity.recipes)
        announcer = Announcer(instance, self._identity)
        Calls(instance, self.system, announcer=announcer, identity=self._identity, since=since, tell=self._tell).link()
        await announcer.show_fixed(since)
        self._announcer = announcer
        await self._tell()

    async def _tell(self) -> None:
        """Bring out what has happened: variables first, then events, then whether the PLC may trigger."""
        system, announcer = self.system, self._announcer
        async with self._telling:
            if announcer is not None:
                notices, system.notices[:] = list(system.notices), []
                shown = (system.machine.state, system.machine.mode, *system.prepared)
                if shown != self._shown:
                    self._shown = shown
                    await announcer.show(system.machine, system.prepared)
                for notice in notices:
                    await announcer.tell(notice)
            while system.arrivals:
                self._jobs.put_nowait(system.arrivals.pop(0))
            if system.due:
                job, system.due = system.due, ""
                self._soon(self._go_on(job))
            ready, fault = self._line
            await self._handshake.set_ready(ready and system.takes_parts, fault=fault)

    def _soon(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _go_on(self, job: str) -> None:
        await asyncio.sleep(self._continuous_s)
        self.system.go_on(job)
        await self._tell()


async def _next(parts: AsyncIterator[Trigger]) -> Trigger | None:
    try:
        return await anext(parts)
    except StopAsyncIteration:
        return None
