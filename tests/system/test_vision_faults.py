"""The handshake under faults: a PLC of another make (node-opcua) that freezes, dies, forgets and hurries."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any

import pytest
import pytest_asyncio

from inspector.domain import FaultCode, WireVerdict
from inspector.plc.vision.machine import Mode
from inspector.plc.vision.results import ResultState
from tests.support.vision import FAIL, PASS, Bench, Foreign, foreign, stand, vision

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(150)]

HEARTBEAT_MS = 200
NUMBERS = count(101)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[Bench]:
    async with vision(heartbeat_ms=HEARTBEAT_MS) as bench:
        yield bench


@pytest_asyncio.fixture(loop_scope="module")
async def bench(shared: Bench) -> Bench:
    shared.verdict = lambda _trigger: PASS
    await stand(shared, Mode.READY)
    shared.taken.clear()
    shared.reports.clear()
    return shared


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def process() -> AsyncIterator[Foreign]:
    async with foreign() as process:
        yield process


@pytest_asyncio.fixture(loop_scope="module")
async def client(process: Foreign, bench: Bench) -> AsyncIterator[Foreign]:
    """A PLC with its registers as after power-up and a heart that beats."""
    await power_up(process, bench)
    yield process
    await process.ask("disconnect")


async def power_up(client: Foreign, bench: Bench) -> None:
    assert "error" not in await client.ask("connect", url=bench.source.url)
    await client.ask("beat", ms=HEARTBEAT_MS / 4)
    await client.ask("put", values={"Trigger": False, "ResultAck": False, "Reset": False, "RecipeId": 0})
    await holds(client, Ready=True)


async def holds(client: Foreign, **values: Any) -> None:
    answer = await client.ask("holds", values=values)
    assert "error" not in answer, answer


async def trigger(client: Foreign, **more: Any) -> int:
    """Raise a part; return its SeqNo."""
    number = next(NUMBERS)
    await client.ask("put", values={"PartId": f"P{number}", "SeqNo": number, **more})
    await client.ask("put", values={"Trigger": True})
    return number


async def told(client: Foreign, number: int, verdict: WireVerdict, fault: int = 0) -> None:
    """Wait for the result of a part and check that it is this one."""
    await holds(client, ResultValid=True, ResSeqNo=number)
    await holds(client, Verdict=int(verdict), FaultCode=fault)


async def acknowledge(client: Foreign) -> None:
    await client.ask("put", values={"Trigger": False, "ResultAck": True})
    await holds(client, ResultValid=False, Busy=False)
    await client.ask("put", values={"ResultAck": False})
    await holds(client, Ready=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the line is watched like an operator does
            await asyncio.sleep(0.005)


async def test_good_and_bad_parts(bench: Bench, client: Foreign) -> None:
    bench.verdict = lambda trigger: PASS if trigger.sequence % 2 else FAIL
    for _ in range(4):
        number = await trigger(client)
        await told(client, number, WireVerdict.OK if number % 2 else WireVerdict.NOK)
        await acknowledge(client)


async def test_a_plc_that_freezes_with_a_part_gets_no_verdict_of_before(bench: Bench, client: Foreign) -> None:
    bench.go.clear()
    number = await trigger(client)
    await lost(bench, client, signal.SIGSTOP)
    client.signal(signal.SIGCONT)
    await told(client, number, WireVerdict.UNKNOWN, FaultCode.PLC_LOST)
    await acknowledge(client)


async def test_whoever_comes_after_a_plc_that_died_finds_its_part_not_good(bench: Bench, process: Foreign) -> None:
    bench.go.clear()
    async with foreign() as dying:
        await power_up(dying, bench)
        number = await trigger(dying)
        await lost(bench, dying, signal.SIGKILL)
    await process.ask("connect", url=bench.source.url)
    await process.ask("beat", ms=HEARTBEAT_MS / 4)
    await told(process, number, WireVerdict.UNKNOWN, FaultCode.PLC_LOST)
    await acknowledge(process)
    await process.ask("disconnect")


async def lost(bench: Bench, client: Foreign, fault: int) -> None:
    """Take the PLC away while the line has its part, then let the line be done."""
    await until(lambda: len(bench.taken) == 1)
    client.signal(fault)
    await until(lambda: not bench.source.connected)
    bench.go.set()
    await until(lambda: len(bench.reports) == 1)
    assert bench.reports[0].verdict.fault is FaultCode.PLC_LOST
    assert [result.state for result in bench.system.store.filtered({})][-1] is ResultState.ABORTED


async def test_an_acknowledgement_that_never_comes(bench: Bench, client: Foreign) -> None:
    number = await trigger(client)
    await told(client, number, WireVerdict.OK)
    await holds(client, ResultValid=False, Fault=True, FaultCode=int(FaultCode.PLC_ACK))
    await client.ask("put", values={"Trigger": False})
    await holds(client, Ready=True, Fault=False)
    number = await trigger(client)
    await told(client, number, WireVerdict.OK)
    await acknowledge(client)


async def test_a_trigger_too_early_is_an_overrun(bench: Bench, client: Foreign) -> None:
    bench.verdict = lambda trigger: trigger_verdict(trigger.overrun)
    bench.go.clear()
    first = await trigger(client)
    await holds(client, Busy=True)
    await client.ask("put", values={"Trigger": False})
    second = await trigger(client)
    # Both edges have to be seen before the first part is done.
    await until(lambda: bench.source._handshake._cycle._waiting.__len__() == 1)
    bench.go.set()
    await told(client, first, WireVerdict.OK)
    await client.ask("put", values={"ResultAck": True})
    await holds(client, ResultValid=False)
    await client.ask("put", values={"ResultAck": False})
    await told(client, second, WireVerdict.UNKNOWN, FaultCode.OVERRUN)
    await acknowledge(client)


def trigger_verdict(overrun: bool) -> Any:
    return PASS.faulted(FaultCode.OVERRUN, "too early") if overrun else PASS


async def test_reset_gives_the_part_up(bench: Bench, client: Foreign) -> None:
    bench.go.clear()
    await trigger(client)
    await until(lambda: len(bench.taken) == 1)
    await client.ask("put", values={"Reset": True})
    await holds(client, Busy=False, ResultValid=False)
    await client.ask("put", values={"Reset": False, "Trigger": False})
    bench.go.set()
    await holds(client, Ready=True, ResultValid=False)
    await until(lambda: len(bench.reports) == 1)
    assert bench.reports[0].verdict.fault is FaultCode.PLC_LOST
    number = await trigger(client)
    await told(client, number, WireVerdict.OK)
    await acknowledge(client)


async def test_the_same_number_twice_is_one_part(bench: Bench, client: Foreign) -> None:
    number = await trigger(client)
    await told(client, number, WireVerdict.OK)
    await acknowledge(client)
    await client.ask("put", values={"Trigger": True})
    answer = await client.ask("holds", values={"Busy": True}, within=500)
    assert answer["error"] == "not in time"
    await client.ask("put", values={"Trigger": False})
    assert len(bench.taken) == 1


async def test_a_recipe_that_the_line_does_not_run_blocks_ready(bench: Bench, client: Foreign) -> None:
    await client.ask("put", values={"RecipeId": 77})
    await holds(client, Ready=False, FaultCode=int(FaultCode.RECIPE))
    await client.ask("put", values={"RecipeId": 1})
    await holds(client, Ready=True, FaultCode=0, RecipeActive=1)


async def test_the_line_s_own_registers_refuse_the_plc(bench: Bench, client: Foreign) -> None:
    answer = await client.ask("write", node="Handshake.Verdict", type="UInt16", value=1)
    assert answer["status"] == "BadUserAccessDenied"
