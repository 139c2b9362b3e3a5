"""The handshake under real faults: a PLC in its own process that is killed, frozen, silent or hasty."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any

import pytest
from asyncua import Client, ua

from inspector.domain import FaultCode, LampState, Outcome, PlcLost, Trigger, Verdict
from inspector.plc.client import OpcUaHandshake
from inspector.plc.simulated_plc import serve
from inspector.plc.simulation import SimulationPlan

pytestmark = pytest.mark.timeout(170)

PASS = Verdict(Outcome.PASS, (), "default")
HEARTBEAT_S = 0.1


class PlcProcess:
    """A simulated PLC in a process of its own."""

    def __init__(self, **plan: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._reports, theirs = context.Pipe()
        self.plan = SimulationPlan(**{"url": free_url(), "heartbeat_s": HEARTBEAT_S, **plan})
        self._process = context.Process(target=serve, args=(self.plan, theirs), daemon=True)
        self._process.start()
        theirs.close()

    async def report(self, event: str) -> dict[str, Any]:
        """Wait for this event, passing over the ones before."""
        while True:
            said = await asyncio.to_thread(self._receive)
            if said["event"] == event:
                return said

    def _receive(self) -> dict[str, Any]:
        if not self._reports.poll(120):
            raise TimeoutError("the simulated PLC says nothing")
        return self._reports.recv()

    def send(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    async def stop(self) -> dict[str, Any]:
        """End it in good order and return its statistics."""
        self.send(signal.SIGTERM)
        said = await self.report("stopped")
        self.close()
        return said["statistics"]

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.close()

    def close(self) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._process.join(10)
        self._process.close()
        self._reports.close()


class PlcProcesses:
    """Starts simulated PLCs and leaves none behind."""

    def __init__(self) -> None:
        self._started: list[PlcProcess] = []

    async def start(self, **plan: Any) -> PlcProcess:
        plc = PlcProcess(**plan)
        self._started.append(plc)
        await plc.report("ready")
        return plc

    def close(self) -> None:
        for plc in self._started:
            try:
                plc.close()
            except ValueError:
                continue  # closed by the test


def free_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return f"opc.tcp://127.0.0.1:{found.getsockname()[1]}/"


@pytest.fixture
def plcs() -> Iterator[PlcProcesses]:
    processes = PlcProcesses()
    yield processes
    processes.close()


class Lamp:
    """Waits for what the operator would see."""

    def __init__(self) -> None:
        self.states: list[LampState] = []
        self._changed = asyncio.Condition()
        self._told: set[asyncio.Task[None]] = set()

    def __call__(self, state: LampState) -> None:
        self.states.append(state)
        task = asyncio.get_running_loop().create_task(self._tell())
        self._told.add(task)
        task.add_done_callback(self._told.discard)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def shows(self, good: bool, *, times: int = 1) -> LampState:
        """Wait until it has shown this for the ``times``-th time."""
        async with self._changed:
            await self._changed.wait_for(lambda: [state.good for state in self.states].count(good) >= times)
        return self.states[-1]


@asynccontextmanager
async def line(url: str, **options: Any) -> AsyncIterator[tuple[OpcUaHandshake, Lamp]]:
    lamp = Lamp()
    source = OpcUaHandshake(
        url, station="cell-1", heartbeat_ms=HEARTBEAT_S * 1000, max_retry_s=0.2, on_lamp=lamp, **options
    )
    try:
        yield source, lamp
    finally:
        await source.close()


@asynccontextmanager
async def raw(url: str) -> AsyncIterator[Client]:
    async with Client(url) as client:
        yield client


async def switch(client: Client, name: str, on: bool) -> None:
    await client.get_node(f"ns=2;s=Simulation.{name}").write_value(on, ua.VariantType.Boolean)


async def register(client: Client, name: str) -> Any:
    return await client.get_node(f"ns=2;s=Handshake.{name}").read_value()


async def holds(client: Client, path: str, value: Any) -> None:
    """Wait until a variable holds this value."""
    node = client.get_node(f"ns=2;s={path}")
    while await node.read_value() != value:  # noqa: ASYNC110 - another process is watched
        await asyncio.sleep(0.01)


async def answer(source: OpcUaHandshake, count: int) -> list[Trigger]:
    taken: list[Trigger] = []
    async for trigger in source.triggers():
        await source.answer(trigger, Verdict.unknown(FaultCode.OVERRUN, "early") if trigger.overrun else PASS)
        taken.append(trigger)
        if len(taken) == count:
            break
    return taken


# --- the good case ----------------------------------------------------------------------------------------


async def test_forty_parts_come_out_even(plcs: PlcProcesses) -> None:
    plc = await plcs.start(parts=40, bad=frozenset({7}))
    async with line(plc.plan.url) as (source, _):
        assert (await source.survey()).pending is None
        await source.set_ready(True)
        await answer(source, 40)
        await plc.report("done")
    counts = await plc.stop()
    assert (counts["triggers"], counts["verdicts"], counts["ok"], counts["good"]) == (40, 40, 40, 40)
    assert counts["escapes"] == 1, "an OK for the part that is known to be bad"
    assert sum(counts[name] for name in ("late", "timeouts", "mismatches", "protocol_errors", "overruns")) == 0


# --- the PLC goes away ------------------------------------------------------------------------------------


async def test_a_plc_that_is_not_there_is_waited_for(plcs: PlcProcesses) -> None:
    url = free_url()
    async with line(url) as (source, lamp):
        await source.set_ready(True)
        lost = await lamp.shows(False)
        assert url in lost.detail
        assert not source.connected
        plc = await plcs.start(url=url, parts=2)
        assert [trigger.sequence for trigger in await answer(source, 2)] == [1, 2]
        assert [good for good, _ in groupby(lamp.states, lambda state: state.good)] == [False, True]
        await plc.report("done")


async def test_a_killed_plc_gets_no_verdict_of_before(plcs: PlcProcesses) -> None:
    plc = await plcs.start()
    url = plc.plan.url
    async with line(url) as (source, lamp):
        await source.set_ready(True)
        triggers = source.triggers()
        old = await anext(triggers)
        plc.kill()
        await lamp.shows(False)
        with pytest.raises(PlcLost, match="SeqNo 1"):
            await source.answer(old, PASS)
        again = await plcs.start(url=url, parts=1)
        new = await anext(triggers)
        assert new.sequence == old.sequence, "the PLC counts from 1 again"
        with pytest.raises(PlcLost):
            await source.answer(old, PASS)
        await source.answer(new, Verdict.unknown(FaultCode.BAD_FRAME, "dark"))
        await again.report("done")
    counts = await again.stop()
    assert (counts["ok"], counts["unknown"], counts["mismatches"]) == (0, 1, 0)


async def test_a_frozen_plc_is_noticed_and_its_part_never_passes(plcs: PlcProcesses) -> None:
    plc = await plcs.start(parts=2)
    async with line(plc.plan.url, timeout_s=0.5) as (source, lamp):
        await source.set_ready(True)
        triggers = source.triggers()
        old = await anext(triggers)
        plc.send(signal.SIGSTOP)
        await lamp.shows(False)
        with pytest.raises(PlcLost):
            await source.answer(old, PASS)
        plc.send(signal.SIGCONT)
        new = await anext(triggers)
        assert new.sequence == 2
        await source.answer(new, PASS)
        await plc.report("done")
    counts = await plc.stop()
    assert (counts["triggers"], counts["ok"], counts["good"], counts["not_good"]) == (2, 1, 1, 1)
    assert counts["unknown"] == 1, "the part of before is told to be UNKNOWN, its PASS is not replayed"


async def test_a_write_into_a_frozen_plc_is_not_repeated(plcs: PlcProcesses) -> None:
    plc = await plcs.start(parts=1, deadline_s=0.1)
    async with line(plc.plan.url, timeout_s=0.5) as (source, _):
        await source.set_ready(True)
        old = await anext(source.triggers())
        plc.send(signal.SIGSTOP)
        with pytest.raises(PlcLost):
            await source.answer(old, PASS)
        plc.send(signal.SIGCONT)
        await plc.report("done")
    counts = await plc.stop()
    assert (counts["triggers"], counts["good"], counts["not_good"]) == (1, 0, 1)


async def test_a_plc_program_that_stops_drops_ready_until_it_runs_again(plcs: PlcProcesses) -> None:
    plc = await plcs.start(parts=3)
    async with line(plc.plan.url) as (source, lamp), raw(plc.plan.url) as client:
        await source.set_ready(True)
        triggers = source.triggers()
        old = await anext(triggers)
        await switch(client, "StopHeartbeat", True)
        lost = await lamp.shows(False)
        assert "heartbeat" in lost.detail
        await holds(client, "Handshake.Ready", False)
        await holds(client, "Handshake.FaultCode", FaultCode.PLC_LOST)
        with pytest.raises(PlcLost):
            await source.answer(old, PASS)
        await switch(client, "StopHeartbeat", False)
        await lamp.shows(True, times=2)
        assert [(await anext(triggers)).sequence] == [2]
        assert await register(client, "Fault") is False
    counts = await plc.stop()
    assert (counts["ok"], counts["unknown"]) == (0, 1)


# --- the PLC breaks the rules -----------------------------------------------------------------------------


async def test_a_result_that_is_never_acknowledged_is_taken_back(plcs: PlcProcesses) -> None:
    plc = await plcs.start(parts=2)
    async with line(plc.plan.url, timeout_s=0.3) as (source, _), raw(plc.plan.url) as client:
        await switch(client, "WithholdAck", True)
        await source.set_ready(True)
        triggers = source.triggers()
        await source.answer(await anext(triggers), PASS)
        await holds(client, "Handshake.ResultValid", False)
        await switch(client, "WithholdAck", False)
        second = await anext(triggers)
        assert second.sequence == 2
        await source.answer(second, PASS)
        await plc.report("done")
        await holds(client, "Handshake.Fault", False)


async def test_a_trigger_while_busy_gets_a_verdict_of_its_own(plcs: PlcProcesses) -> None:
    plc = await plcs.start(parts=4, overruns=frozenset({3}))
    async with line(plc.plan.url) as (source, _):
        await source.set_ready(True)
        triggers = source.triggers()
        seen: list[tuple[int, bool]] = []
        held: Trigger | None = None
        async for trigger in triggers:
            seen.append((trigger.sequence, trigger.overrun))
            if trigger.sequence == 2:
                held = trigger
                continue
            if held is not None:
                await source.answer(held, PASS)
                held = None
            await source.answer(trigger, Verdict.unknown(FaultCode.OVERRUN, "early") if trigger.overrun else PASS)
            if len(seen) == 4:
                break
        await plc.report("done")
    counts = await plc.stop()
    assert seen == [(1, False), (2, False), (3, True), (4, False)]
    assert (counts["verdicts"], counts["ok"], counts["unknown"], counts["overruns"]) == (4, 3, 1, 1)
    assert counts["mismatches"] == 0


async def test_an_overrun_is_found_however_quick_the_answer_is(plcs: PlcProcesses) -> None:
    plc = await plcs.start(parts=20, overruns=frozenset({4, 9, 14}))
    async with line(plc.plan.url) as (source, _):
        await source.set_ready(True)
        taken = await answer(source, 20)
        await plc.report("done")
    counts = await plc.stop()
    raised_early = [trigger.sequence for trigger in taken if trigger.overrun]
    assert set(raised_early) <= {4, 9, 14}
    assert (counts["verdicts"], counts["unknown"], counts["ok"]) == (20, len(raised_early), 20 - len(raised_early))
    assert counts["overruns"] == len(raised_early)


async def test_reset_gives_up_the_part_in_work(plcs: PlcProcesses) -> None:
    plc = await plcs.start(parts=2)
    async with line(plc.plan.url) as (source, _), raw(plc.plan.url) as client:
        await source.set_ready(True)
        triggers = source.triggers()
        old = await anext(triggers)
        await switch(client, "Reset", True)
        await holds(client, "Handshake.Busy", False)
        with pytest.raises(PlcLost, match="reset"):
            await source.answer(old, PASS)
        await switch(client, "Reset", False)
        new = await anext(triggers)
        assert new.sequence == 2
        await source.answer(new, PASS)
        await plc.report("done")
    counts = await plc.stop()
    assert (counts["good"], counts["not_good"], counts["ok"]) == (1, 1, 1)


# --- the line goes away -----------------------------------------------------------------------------------


async def test_a_new_line_finds_the_part_that_the_old_one_had_taken(plcs: PlcProcesses) -> None:
    plc = await plcs.start(parts=3)
    async with line(plc.plan.url) as (source, _):
        await source.set_ready(True)
        triggers = source.triggers()
        await source.answer(await anext(triggers), PASS)
        lost = await anext(triggers)
    async with line(plc.plan.url) as (source, _):
        state = await source.survey()
        assert state.pending is not None
        assert (state.pending.sequence, state.pending.part_id) == (lost.sequence, lost.part_id)
        assert not state.result_valid
        await source.answer(state.pending, Verdict.unknown(FaultCode.CRASH, "the line was restarted"))
        await source.set_ready(True)
        assert [trigger.sequence for trigger in await answer(source, 1)] == [3]
        await plc.report("done")
        after = await source.survey()
        assert after == state, "it tells of the start"
    counts = await plc.stop()
    assert (counts["triggers"], counts["verdicts"], counts["ok"], counts["unknown"]) == (3, 3, 2, 1)


async def test_without_a_survey_the_pending_part_is_answered_unknown(plcs: PlcProcesses) -> None:
    plc = await plcs.start(parts=2)
    async with line(plc.plan.url) as (source, _):
        await source.set_ready(True)
        await anext(source.triggers())
    async with line(plc.plan.url) as (source, _):
        await source.set_ready(True)
        assert [trigger.sequence for trigger in await answer(source, 1)] == [2]
        await plc.report("done")
    counts = await plc.stop()
    assert (counts["ok"], counts["unknown"]) == (1, 1)


async def test_the_plc_gives_a_part_up_when_no_line_comes(plcs: PlcProcesses) -> None:
    plc = await plcs.start(parts=2, wait_s=0.5)
    async with line(plc.plan.url) as (source, _):
        await source.set_ready(True)
        await anext(source.triggers())
    async with raw(plc.plan.url) as client:
        await holds(client, "Statistics.timeouts", 1)
        await holds(client, "Statistics.heartbeat_losses", 1)
        await holds(client, "Handshake.Trigger", False)
    async with line(plc.plan.url) as (source, _):
        assert (await source.survey()).pending is None
        await source.set_ready(True)
        assert [trigger.sequence for trigger in await answer(source, 1)] == [2]
        await plc.report("done")
    counts = await plc.stop()
    assert (counts["good"], counts["not_good"], counts["timeouts"]) == (1, 1, 1)
