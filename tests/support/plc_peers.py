"""A PLC and a line in processes of their own, connected in any of the ways, with a bad cable between."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from multiprocessing.connection import Connection
from typing import Any, Literal
from urllib.parse import urlsplit

from inspector.domain import FaultCode, Outcome, PlcLost, Reason, Trigger, Verdict
from inspector.plc.client import OpcUaHandshake, Updates
from inspector.plc.link import hush_library
from inspector.plc.modbus import ModbusHandshake
from inspector.plc.server import OpcUaServerHandshake
from inspector.plc.simulated_plc import SimulatedPlc
from inspector.plc.simulation import PlcDecision, SimulationPlan
from inspector.plc.source import Handshake
from tests.support.modbus_plc import ModbusRegisters

HEARTBEAT_S = 0.2
DEADLINE_S = 0.8
WAIT_S = 2.0
LINE_TIMEOUT_S = 0.8
PASS = Verdict(Outcome.PASS, (), "default")
FAIL = Verdict(Outcome.FAIL, (Reason(Outcome.FAIL, "above_usl", "length", label="spur"),), "default")


class Way(StrEnum):
    """How PLC and line are connected; the first three are the ways of the client role."""

    POLLING = "polling"
    SUBSCRIPTION = "subscription"
    AUTO = "auto"
    SERVER = "the line is the server"
    MODBUS = "Modbus TCP"


def is_bad(life: int, sequence: int) -> bool:
    """Say which parts are bad: a verdict of the part before, or of the PLC's life before, would show."""
    return (life + sequence) % 2 == 0


# --- the PLC, in a process of its own ---------------------------------------------------------------------


def run_plc(plan: SimulationPlan, way: Way, wire: Connection) -> None:
    """Be a PLC until SIGTERM.

    Every decision goes to ``wire`` at once, so that a kill loses none; what comes from there turns a switch.
    """
    hush_library()
    asyncio.run(_plc(plan, way, wire))


async def _plc(plan: SimulationPlan, way: Way, wire: Connection) -> None:
    stopped = asyncio.Event()
    turning: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)

    def decided(decision: PlcDecision) -> None:
        wire.send((decision, plc.statistics.mismatches, plc.statistics.protocol_errors))

    def ordered() -> None:
        try:
            name, on = wire.recv()
        except EOFError:
            loop.remove_reader(wire.fileno())
            return
        task = loop.create_task(plc.switch(name, on))
        turning.add(task)
        task.add_done_callback(turning.discard)

    memory = ModbusRegisters(urlsplit(plan.url).port or 0) if way is Way.MODBUS else None
    async with SimulatedPlc(plan, memory, on_decision=decided) as plc:
        loop.add_reader(wire.fileno(), ordered)
        wire.send("ready")
        ends = [asyncio.ensure_future(plc.done()), asyncio.ensure_future(stopped.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()


# --- the line, in a process of its own --------------------------------------------------------------------


def handshake(url: str, way: Way, **options: Any) -> OpcUaHandshake | OpcUaServerHandshake | ModbusHandshake:
    """Return the trigger source for this way of connecting."""
    options = {"station": "cell-1", "heartbeat_ms": HEARTBEAT_S * 1000, "timeout_s": LINE_TIMEOUT_S, **options}
    if way is Way.SERVER:
        return OpcUaServerHandshake(url, **options)
    if way is Way.MODBUS:
        return ModbusHandshake("127.0.0.1", port=urlsplit(url).port or 0, max_retry_s=0.2, **options)
    return OpcUaHandshake(url, max_retry_s=0.2, updates=Updates(way.value), **options)


def run_line(url: str, way: Way, seed: int, slow_share: float, told: Connection) -> None:
    """Be a line that answers truly, at times too late; what it is about to answer goes to ``told`` before."""
    hush_library()
    asyncio.run(_line(handshake(url, way), random.Random(seed), slow_share, told))


async def _line(source: Handshake, dice: random.Random, slow_share: float, told: Connection) -> None:
    told.send("ready")
    state = await source.survey()
    if state.pending is not None:
        with suppress(PlcLost):
            await source.answer(state.pending, Verdict.unknown(FaultCode.CRASH, "the line was restarted"))
    await source.set_ready(True)
    async for trigger in source.triggers():
        slow = dice.random() < slow_share
        await asyncio.sleep(1.2 * DEADLINE_S if slow else dice.uniform(0, 0.015))
        # The recipe carries the PLC's life: everything the verdict hangs on was latched with the trigger.
        life = int(trigger.recipe.removeprefix("#"))
        if trigger.part_id not in {"", f"{trigger.sequence:06d}"}:
            told.send(f"SeqNo {trigger.sequence} came with the part id {trigger.part_id!r}")
        verdict = _verdict(trigger, life)
        told.send((life, trigger.sequence, int(verdict.wire)))
        with suppress(PlcLost):
            await source.answer(trigger, verdict)


def _verdict(trigger: Trigger, life: int) -> Verdict:
    if trigger.overrun:
        return Verdict.unknown(FaultCode.OVERRUN, "came too early")
    return FAIL if is_bad(life, trigger.sequence) else PASS


# --- processes and cable ----------------------------------------------------------------------------------


class Peer:
    """A process whose words are handed to ``hear`` in the event loop, also those from before it was killed.

    ``method`` is how it is started: ``spawn`` gives it the environment of this moment.
    """

    def __init__(
        self,
        target: Callable[..., None],
        *arguments: Any,
        hear: Callable[[Any], None],
        method: Literal["forkserver", "spawn"] = "forkserver",
    ) -> None:
        # Forked off a server that has everything imported: they are started hundreds of times.
        context: Any = multiprocessing.get_context(method)
        context.set_forkserver_preload([__name__])
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=target, args=(*arguments, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._loop = asyncio.get_running_loop()
        self._hear = hear
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def send(self, number: signal.Signals) -> None:
        if self._process.pid is not None and self._process.is_alive():
            os.kill(self._process.pid, number)

    def order(self, *words: Any) -> None:
        """Say something to it; nobody listens where it is gone."""
        with suppress(OSError):
            self._ours.send(words)

    async def end(self, number: signal.Signals) -> None:
        """Send this signal, and wait until it is gone and everything that it said was heard."""
        self.send(signal.SIGCONT)
        self.send(number)
        await asyncio.to_thread(self._process.join, 20)
        self._process.kill()
        await asyncio.to_thread(self._thread.join)
        await asyncio.sleep(0)
        self._process.join()
        self._process.close()
        self._ours.close()

    def _listen(self) -> None:
        while True:
            try:
                said = self._ours.recv()
            except (EOFError, OSError):
                return
            self._loop.call_soon_threadsafe(self._hear, said)


class Wire:
    """A TCP proxy before the PLC: its connections can be cut, its bytes delayed or swallowed for a while."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.delay_s = 0.0
        self._whole = asyncio.Event()
        self._whole.set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Listen; return the address that stands for the PLC's."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return f"opc.tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def close(self) -> None:
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection."""
        for end in self._ends:
            end.transport.abort()

    def swallow(self) -> None:
        """Let nothing through, and tell nobody."""
        self._whole.clear()

    def mend(self) -> None:
        self.delay_s = 0.0
        self._whole.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._whole.wait()
            there = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        self._ends |= {writer, there[1]}
        try:
            await asyncio.gather(self._carry(reader, there[1]), self._carry(there[0], writer))
        finally:
            for end in (writer, there[1]):
                self._ends.discard(end)
                end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await asyncio.sleep(self.delay_s)
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
