"""One line, two ways in: the flat handshake and the methods of the machine vision system, with real clients at both."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from asyncua import Client, ua

from inspector.domain import FaultCode, Verdict, WireVerdict
from inspector.plc.simulated_plc import SimulatedPlc
from inspector.plc.simulation import SimulationPlan
from inspector.plc.vision.machine import Mode, State
from inspector.plc.vision.results import ResultState, ResultStore
from inspector.plc.vision.system import Start
from tests.support.foreign import FOREIGN
from tests.support.vision import INNER, OUTER, PASS, Bench, stand, vision

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[Bench]:
    async with vision(heartbeat_ms=800) as bench:
        yield bench


@pytest_asyncio.fixture(loop_scope="module")
async def bench(shared: Bench) -> Bench:
    """The server in Ready, with nothing under way and no PLC."""
    await until(lambda: not shared.source.connected)
    shared.verdict = lambda _trigger: PASS
    await stand(shared, Mode.READY)
    shared.taken.clear()
    shared.reports.clear()
    shared.system.store = ResultStore(50)
    return shared


def plan(bench: Bench, **more: Any) -> SimulationPlan:
    return SimulationPlan(url=bench.source.url, client=True, heartbeat_s=0.2, **more)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the line is watched like an operator does
            await asyncio.sleep(0.005)


async def start_job(client: Client, part: str = "") -> list[Any]:
    """Call StartSingleJob with the library that the server is made with."""
    machine = client.get_node(f"ns=2;s={INNER}")
    outputs: list[Any] = await machine.call_method(
        ua.NodeId(f"{INNER}.StartSingleJob", 2),
        ua.MeasIdDataType(),
        ua.PartIdDataType(Id=part),
        ua.RecipeIdExternalDataType(),
        ua.ProductIdDataType(),
        ua.Variant([], ua.VariantType.Variant, is_array=True),
    )
    return outputs


async def test_parts_of_the_handshake_show_as_jobs_with_results(bench: Bench) -> None:
    async with SimulatedPlc(plan(bench, parts=3)) as plc:
        await plc.done()
        assert [result.verdict for result in plc.statistics.results] == [WireVerdict.OK] * 3
    await until(lambda: len(bench.system.store.filtered({})) == 3)
    results = bench.system.store.filtered({"state": ResultState.COMPLETED})
    assert len({result.job for result in results}) == 3
    assert bench.system.machine.mode is Mode.READY
    # The result is known by the same name in both.
    assert [result.id for result in results] == [
        f"cell-1-{report.trigger.sequence}-{report.trigger.at:%Y%m%dT%H%M%S%fZ}" for report in bench.reports
    ]


async def test_while_the_plc_has_a_part_in_work_no_method_starts_another(bench: Bench) -> None:
    bench.go.clear()
    async with SimulatedPlc(plan(bench, parts=1)) as plc, Client(bench.source.url) as client:
        await until(lambda: bench.system.machine.mode is Mode.SINGLE_EXECUTION)
        with pytest.raises(ua.uaerrors.BadInvalidState):
            await start_job(client)
        bench.go.set()
        await plc.done()
        await until(lambda: bench.system.machine.mode is Mode.READY)
        [_job, error] = await start_job(client)
        assert error == 0


async def test_while_a_job_runs_the_handshake_is_not_ready(bench: Bench) -> None:
    async with Client(bench.source.url) as client:
        ready, beat = (client.get_node(f"ns=2;s=Handshake.{name}") for name in ("Ready", "HbPlc"))
        beating = asyncio.create_task(_beat(beat))
        await _holds(ready, True)
        bench.go.clear()
        await start_job(client)
        await _holds(ready, False)
        bench.go.set()
        await _holds(ready, True)
        beating.cancel()


async def _beat(node: Any) -> None:
    count = 0
    while True:
        count += 1
        await node.write_value(count, ua.VariantType.UInt16)
        await asyncio.sleep(0.05)


async def _holds(node: Any, wanted: bool) -> None:
    async with asyncio.timeout(60):
        while await node.read_value() is not wanted:  # noqa: ASYNC110 - as a PLC does that polls
            await asyncio.sleep(0.005)


async def test_a_part_that_is_triggered_during_a_job_is_answered_after_it(bench: Bench) -> None:
    bench.go.clear()
    async with Client(bench.source.url) as client:
        await start_job(client, "by method")
        async with SimulatedPlc(plan(bench, parts=1)) as plc:
            bench.go.set()
            await plc.done()
            assert [result.verdict for result in plc.statistics.results] == [WireVerdict.OK]
    assert [trigger.part_id == "by method" for trigger in bench.taken] == [True, False]


async def test_a_plc_that_goes_away_with_a_part_leaves_a_result_that_was_aborted(bench: Bench) -> None:
    bench.go.clear()
    plc = SimulatedPlc(plan(bench, parts=1))
    async with plc:
        await until(lambda: len(bench.taken) == 1)
    await until(lambda: not bench.source.connected)
    bench.go.set()
    await until(lambda: len(bench.reports) == 1)
    assert bench.reports[0].verdict.fault is FaultCode.PLC_LOST
    [result] = bench.system.store.filtered({})
    assert result.state is ResultState.ABORTED
    assert bench.system.machine.mode is Mode.READY


async def test_the_handshake_recovers_a_lost_camera_by_itself(bench: Bench) -> None:
    lost = Verdict.unknown(FaultCode.CAMERA_LOST, "no camera")
    bench.verdict = lambda trigger: lost if trigger.sequence < 3 else PASS
    async with SimulatedPlc(plan(bench, parts=4)) as plc:
        await plc.done()
        verdicts = [result.verdict for result in plc.statistics.results]
    assert verdicts == [WireVerdict.UNKNOWN, WireVerdict.UNKNOWN, WireVerdict.OK, WireVerdict.OK]
    await until(lambda: bench.system.machine.mode is Mode.READY)


async def test_a_client_that_halts_the_system_takes_the_handshake_s_ready(bench: Bench) -> None:
    async with Client(bench.source.url) as client:
        ready, beat = (client.get_node(f"ns=2;s=Handshake.{name}") for name in ("Ready", "HbPlc"))
        beating = asyncio.create_task(_beat(beat))
        await _holds(ready, True)
        machine = client.get_node(f"ns=2;s={OUTER}")
        await machine.call_method(ua.NodeId(f"{OUTER}.Halt", 2), ua.Variant(1, ua.VariantType.Int32), "maintenance")
        await _holds(ready, False)
        beating.cancel()


async def test_results_reach_a_client_of_the_same_library_with_their_content(bench: Bench) -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()

    class Listener:
        def event_notification(self, event: Any) -> None:
            heard.put_nowait(event)

    async with Client(bench.source.url) as client:
        kind = client.get_node("ns=3;i=1024")
        subscription = await client.create_subscription(20, Listener())
        await subscription.subscribe_events(client.get_node("ns=2;s=VisionSystem"), kind)
        [job, _error] = await start_job(client, "P9")
        async with asyncio.timeout(60):
            event = await heard.get()
    assert (event.JobId.Id, event.PartId.Id, event.ResultState) == (job.Id, "P9", 1)
    assert json.loads(event.ResultContent[0].Value) == {"result": "OK", "serial": "P9"}


async def test_who_comes_late_hears_of_a_standing_error(bench: Bench) -> None:
    await bench.source.set_ready(False, fault=FaultCode.STORAGE)
    heard: asyncio.Queue[Any] = asyncio.Queue()

    class Listener:
        def event_notification(self, event: Any) -> None:
            heard.put_nowait(event)

    async with Client(bench.source.url) as client:
        with pytest.raises(ua.uaerrors.BadInvalidState):
            await start_job(client)  # a call that fails is a condition of its own and takes nothing away
        kind = client.get_node("ns=3;i=1035")
        subscription = await client.create_subscription(20, Listener())
        await subscription.subscribe_events(client.nodes.server, kind)
        conditions = client.get_node(ua.NodeId(ua.ObjectIds.ConditionType))
        refresh = ua.NodeId(ua.ObjectIds.ConditionType_ConditionRefresh)
        await conditions.call_method(refresh, ua.Variant(subscription.subscription_id, ua.VariantType.UInt32))
        async with asyncio.timeout(60):
            event = await heard.get()
    assert (event.ErrorString, event.Retain) == ("the line reports fault 70", True)


async def test_the_older_python_client_reads_calls_and_hears(bench: Bench) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "ignore",
        str(FOREIGN / "vision_client.py"),
        bench.source.url,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(110):
        printed, _ = await process.communicate()
    assert json.loads(printed) == {
        "states": ["Operational", "Halted", "Preoperational"],
        "errors": [0, 0],
        "refused": "BadTooManyArguments",
        "changes": [
            ["VisionStateMachine", "Operational to Halted: maintenance", 100],
            ["VisionStateMachine", "Halted to Preoperational: maintenance", 100],
        ],
        "members": [
            "ConfigurationManagement",
            "RecipeManagement",
            "ResultManagement",
            "SystemState",
            "VisionStateMachine",
        ],
    }


async def test_a_manual_start_waits_for_its_client() -> None:
    async with vision(start=Start.MANUAL) as bench:
        assert bench.system.machine.state is State.PREOPERATIONAL
        await bench.source.set_ready(True)
        assert bench.system.machine.state is State.PREOPERATIONAL
        async with Client(bench.source.url) as client:
            machine = client.get_node(f"ns=2;s={OUTER}")
            assert await machine.call_method(ua.NodeId(f"{OUTER}.SelectModeAutomatic", 2)) == 0
        assert bench.system.machine.mode is Mode.INITIALIZED


async def test_a_line_that_is_not_ready_yet_refuses_to_work() -> None:
    async with vision(ready=False) as bench, Client(bench.source.url) as client:
        machine = client.get_node(f"ns=2;s={OUTER}")
        with pytest.raises(ua.uaerrors.BadInvalidState):
            await machine.call_method(ua.NodeId(f"{OUTER}.SelectModeAutomatic", 2))


async def test_it_ends_halted() -> None:
    async with vision() as bench:
        pass
    assert bench.system.machine.state is State.HALTED
