"""A PLC and a line in processes of their own, a bad cable between, somebody who breaks all three, and the books."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import random
import signal
import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from asyncua import Client, ua

from inspector.domain import FaultCode, Outcome, PlcLost, Reason, Trigger, Verdict, WireVerdict
from inspector.plc.client import OpcUaHandshake, Updates
from inspector.plc.link import hush_library
from inspector.plc.simulated_plc import SimulatedPlc
from inspector.plc.simulation import PlcDecision, SimulationPlan

log = logging.getLogger(__name__)

HEARTBEAT_S = 0.2
DEADLINE_S = 0.8
WAIT_S = 2.0
LINE_TIMEOUT_S = 0.8
STUCK_S = 120.0
PASS = Verdict(Outcome.PASS, (), "default")
FAIL = Verdict(Outcome.FAIL, (Reason(Outcome.FAIL, "above_usl", "length", label="spur"),), "default")


def is_bad(life: int, sequence: int) -> bool:
    """Say which parts are bad: a verdict of the part before, or of the PLC's life before, would show."""
    return (life + sequence) % 2 == 0


# --- the PLC, in a process of its own ---------------------------------------------------------------------


def run_plc(plan: SimulationPlan, told: Connection) -> None:
    """Be a PLC until SIGTERM; every decision goes to ``told`` at once, so that a kill loses none."""
    hush_library()
    asyncio.run(_plc(plan, told))


async def _plc(plan: SimulationPlan, told: Connection) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)

    def decided(decision: PlcDecision) -> None:
        told.send((decision, plc.statistics.mismatches, plc.statistics.protocol_errors))

    async with SimulatedPlc(plan, on_decision=decided) as plc:
        told.send("ready")
        ends = [asyncio.ensure_future(plc.done()), asyncio.ensure_future(stopped.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()


# --- the line, in a process of its own --------------------------------------------------------------------


def run_line(url: str, updates: Updates, seed: int, slow_share: float, told: Connection) -> None:
    """Be a line that answers truly, at times too late; what it is about to answer goes to ``told`` before."""
    hush_library()
    asyncio.run(_line(url, updates, random.Random(seed), slow_share, told))


async def _line(url: str, updates: Updates, dice: random.Random, slow_share: float, told: Connection) -> None:
    source = OpcUaHandshake(
        url,
        station="cell-1",
        heartbeat_ms=HEARTBEAT_S * 1000,
        timeout_s=LINE_TIMEOUT_S,
        max_retry_s=0.2,
        updates=updates,
    )
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
    """A process whose words are handed to ``hear`` in the event loop, also those from before it was killed."""

    def __init__(self, target: Callable[..., None], *arguments: Any, hear: Callable[[Any], None]) -> None:
        # Forked off a server that has everything imported: they are started hundreds of times.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self._ours, theirs = context.Pipe(duplex=False)
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


# --- the books --------------------------------------------------------------------------------------------


@dataclass
class Books:
    """What PLC and line said, and what of it must not be."""

    decided: dict[tuple[int, int], PlcDecision] = field(default_factory=dict)
    given: set[tuple[int, int, int]] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    mismatches: dict[int, int] = field(default_factory=dict)
    protocol_errors: dict[int, int] = field(default_factory=dict)
    injected: Counter[str] = field(default_factory=Counter)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _telling: set[asyncio.Task[None]] = field(default_factory=set)

    def line_says(self, said: Any) -> None:
        if isinstance(said, tuple):
            self.given.add(said)
        elif said != "ready":
            self.complaints.append(said)

    def plc_says(self, life: int, said: Any) -> None:
        if isinstance(said, tuple):
            decision, self.mismatches[life], self.protocol_errors[life] = said
            if (life, decision.sequence) in self.decided:
                self.complaints.append(f"part {decision.sequence} of life {life} was decided on twice")
            self.decided[life, decision.sequence] = decision
            task = asyncio.get_running_loop().create_task(self._tell())
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def reach(self, decisions: int) -> None:
        """Wait until so many parts were decided on."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.decided) >= decisions)

    def wrong(self) -> list[str]:
        """Return every verdict that the PLC took although it was another part's, untrue or never given."""
        found = []
        for (life, sequence), decision in self.decided.items():
            bad, verdict = is_bad(life, sequence), decision.verdict
            untrue = (verdict == WireVerdict.OK and bad) or (verdict == WireVerdict.NOK and not bad)
            foreign = verdict in {WireVerdict.OK, WireVerdict.NOK} and (life, sequence, verdict) not in self.given
            accepted_else = decision.good and verdict != WireVerdict.OK
            if untrue or foreign or accepted_else:
                found.append(f"life {life}: {decision}")
        return found

    def late(self) -> list[str]:
        """Return every part that the PLC let through after its deadline."""
        return [
            f"life {life}: {decision}"
            for (life, _), decision in self.decided.items()
            if decision.good and decision.waited_s > DEADLINE_S
        ]

    def summary(self) -> Mapping[str, Any]:
        kinds = Counter(WireVerdict(decision.verdict).name for decision in self.decided.values())
        ended_late = sum(decision.verdict == WireVerdict.OK and not decision.good for decision in self.decided.values())
        return {
            "decisions": len(self.decided),
            "good": sum(decision.good for decision in self.decided.values()),
            "good_but_refused_as_late": ended_late,
            "by_verdict": dict(kinds),
            "mismatches": sum(self.mismatches.values()),
            "protocol_errors": sum(self.protocol_errors.values()),
            "wrong": len(self.wrong()),
            "late": len(self.late()),
            "complaints": self.complaints,
            "injected": dict(self.injected),
        }


# --- the plant and who breaks it --------------------------------------------------------------------------


class Plant:
    """PLC, cable and line; each can be broken and comes back, the line with one of these ways to hear of triggers."""

    def __init__(self, books: Books, *, updates: Sequence[Updates], seed: int, slow_share: float) -> None:
        self.books, self._updates, self._slow_share = books, updates, slow_share
        self.dice = random.Random(seed)
        self.life = 0
        with socket.create_server(("127.0.0.1", 0)) as found:
            self._port = found.getsockname()[1]
        self.wire = Wire(self._port)

    async def __aenter__(self) -> Plant:
        self._line_url = await self.wire.start()
        await self._start_plc()
        self._start_line()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.wire.mend()
        await self.plc.end(signal.SIGTERM)
        await self.line.end(signal.SIGKILL)
        await self.wire.close()

    async def _start_plc(self) -> None:
        self.life = life = self.life + 1
        plan = SimulationPlan(
            url=f"opc.tcp://127.0.0.1:{self._port}/",
            deadline_s=DEADLINE_S,
            wait_s=WAIT_S,
            heartbeat_s=HEARTBEAT_S,
            recipe_id=life,
        )
        ready = asyncio.Event()

        def hear(said: Any) -> None:
            ready.set()
            self.books.plc_says(life, said)

        self.plc = Peer(run_plc, plan, hear=hear)
        async with asyncio.timeout(STUCK_S):
            await ready.wait()

    def _start_line(self) -> None:
        seed = self.dice.randrange(2**31)
        self.line = Peer(
            run_line, self._line_url, self.dice.choice(self._updates), seed, self._slow_share, hear=self.books.line_says
        )

    # --- faults -------------------------------------------------------------------------------------------

    async def freeze(self, lasting_s: float) -> None:
        self.plc.send(signal.SIGSTOP)
        await asyncio.sleep(lasting_s)
        self.plc.send(signal.SIGCONT)

    async def kill_plc(self, lasting_s: float) -> None:
        await self.plc.end(signal.SIGKILL)
        await self._start_plc()

    async def stop_plc(self, lasting_s: float) -> None:
        await self.plc.end(signal.SIGTERM)
        await asyncio.sleep(lasting_s)
        await self._start_plc()

    async def kill_line(self, lasting_s: float) -> None:
        await self.line.end(signal.SIGKILL)
        self._start_line()

    async def cut(self, lasting_s: float) -> None:
        self.wire.cut()

    async def slow(self, lasting_s: float) -> None:
        self.wire.delay_s = self.dice.uniform(0.005, 0.15)
        await asyncio.sleep(lasting_s)
        self.wire.mend()

    async def swallow(self, lasting_s: float) -> None:
        self.wire.swallow()
        await asyncio.sleep(lasting_s)
        self.wire.mend()

    def switch(self, name: str, *, once: bool = False) -> Callable[[float], Awaitable[None]]:
        """Return the fault that this switch of the simulated PLC is."""

        async def turn(lasting_s: float) -> None:
            with suppress(OSError, TimeoutError, ua.UaError):
                async with Client(f"opc.tcp://127.0.0.1:{self._port}/", timeout=5) as client:
                    node = client.get_node(f"ns=2;s=Simulation.{name}")
                    await node.write_value(True, ua.VariantType.Boolean)
                    if not once:
                        await asyncio.sleep(lasting_s)
                        await node.write_value(False, ua.VariantType.Boolean)

        return turn


async def break_things(
    plant: Plant, faults: Mapping[str, Callable[[float], Awaitable[None]]], calm: int, longest_s: float
) -> None:
    """Inject one of these faults after another, in another order every time, each after ``calm`` parts or so."""
    books = plant.books
    while True:
        for name in plant.dice.sample(sorted(faults), len(faults)):
            await books.reach(len(books.decided) + plant.dice.randint(1, 2 * calm))
            log.info("%s after %d decisions", name, len(books.decided))
            await faults[name](plant.dice.uniform(0.05, longest_s))
            books.injected[name] += 1


async def rehearse(
    decisions: int,
    *,
    seed: int,
    calm: int,
    updates: Sequence[Updates],
    slow_share: float = 0.005,
    longest_s: float = 1.5,
) -> Books:
    """Run parts until so many were decided on, breaking PLC, cable and line all the while; return the books.

    Raises ``TimeoutError`` where nothing is decided on for minutes: then somebody has not come back.
    """
    books = Books()
    async with Plant(books, updates=updates, seed=seed, slow_share=slow_share) as plant:
        in_the_plc = {
            "PLC frozen": plant.freeze,
            "PLC killed": plant.kill_plc,
            "PLC stopped": plant.stop_plc,
            "heartbeat stopped": plant.switch("StopHeartbeat"),
            "never acknowledged": plant.switch("WithholdAck"),
            "reset": plant.switch("Reset"),
            "trigger too early": plant.switch("Overrun", once=True),
            "trigger storm": plant.switch("Storm", once=True),
            "no part id": plant.switch("Unnamed"),
        }
        elsewhere = {
            "connection cut": plant.cut,
            "connection slow": plant.slow,
            "connection swallows": plant.swallow,
            "line killed": plant.kill_line,
        }
        breaking = [
            asyncio.create_task(break_things(plant, faults, calm, longest_s)) for faults in (in_the_plc, elsewhere)
        ]
        try:
            while (so_far := len(books.decided)) < decisions:
                async with asyncio.timeout(STUCK_S):
                    await books.reach(so_far + 1)
                for task in breaking:
                    if task.done():
                        task.result()
        finally:
            for task in breaking:
                task.cancel()
            await asyncio.gather(*breaking, return_exceptions=True)
    return books
