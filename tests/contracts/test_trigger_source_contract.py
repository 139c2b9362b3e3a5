"""What every ``TriggerSource`` does: the fake, and OPC UA as client and as server against a real peer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from inspector.capture.triggers import Fire, LocalTriggers
from inspector.domain import (
    Decision,
    Disposition,
    FaultCode,
    Outcome,
    PlcLost,
    Reason,
    Trigger,
    TriggerSource,
    Verdict,
    WireVerdict,
)
from inspector.plc.client import OpcUaHandshake
from inspector.plc.handshake import EXTRA
from inspector.plc.modbus import ModbusHandshake
from inspector.plc.server import OpcUaServerHandshake
from inspector.plc.simulated_plc import SimulatedPlc
from inspector.plc.simulation import SimulationPlan
from inspector.plc.vision.events import Identity
from inspector.plc.vision.system import VisionSystem
from inspector.plc.vision_server import VisionServer
from tests.fakes.trigger_source import FakeTriggerSource
from tests.support.modbus_plc import ModbusRegisters

pytestmark = pytest.mark.timeout(90)

PASS = Verdict(Outcome.PASS, (), "default")
FAIL = Verdict(Outcome.FAIL, (Reason(Outcome.FAIL, "above_usl", "length", label="spur"),), "default")
REVIEW = Verdict(Outcome.REVIEW, (Reason(Outcome.REVIEW, "confidence", "score", label="open"),), "default")


class Rig(Protocol):
    """A source and the PLC behind it."""

    source: TriggerSource

    async def start(self, parts: int, *, overruns: frozenset[int] = frozenset()) -> None:
        """Let the PLC raise parts 1 … parts, each when the one before is answered."""

    async def seen(self, count: int) -> list[tuple[int, int, int, int]]:
        """Wait for so many results; return SeqNo, verdict, disposition and fault code as the PLC read them."""

    async def lose(self) -> None:
        """Cut the connection."""


class FakeRig:
    def __init__(self) -> None:
        self.source = self.fake = FakeTriggerSource()
        self._plan: list[int] = []

    async def start(self, parts: int, *, overruns: frozenset[int] = frozenset()) -> None:
        for sequence in range(1, parts + 1):
            if sequence > 1 and sequence not in overruns:
                await self._until(lambda done=sequence - 1: len(self.fake.answers) >= done)
            self.fake.raise_trigger(sequence, f"{sequence:06d}")

    async def seen(self, count: int) -> list[tuple[int, int, int, int]]:
        await self._until(lambda: len(self.fake.answers) >= count)
        return [
            (
                trigger.sequence,
                int(verdict.wire),
                int(disposition.decision if disposition else _undecided(verdict)),
                int(verdict.fault),
            )
            for trigger, verdict, disposition in self.fake.answers
        ]

    async def lose(self) -> None:
        await self.fake.lose()

    @staticmethod
    async def _until(condition: Callable[[], bool]) -> None:
        while not condition():  # noqa: ASYNC110 - the fake has nothing to wait on
            await asyncio.sleep(0)


class OpcUaRig:
    """``challenge`` says that the PLC has the registers of the challenge test; our own server always has them."""

    def __init__(
        self,
        stack: AsyncExitStack,
        *,
        patience_s: float = 0.0,
        timeout_s: float = 2.0,
        heartbeat_s: float = 0.1,
        challenge: bool = False,
    ) -> None:
        self._stack, self._challenge = stack, challenge
        self._patience_s, self._timeout_s, self._heartbeat_s = patience_s, timeout_s, heartbeat_s
        self._plc_stack = AsyncExitStack()

    async def open(self) -> None:
        # The source exists before its PLC does, as on a line where both are switched on together.
        with socket.create_server(("127.0.0.1", 0)) as found:
            self._url = f"opc.tcp://127.0.0.1:{found.getsockname()[1]}/"
        self.source = OpcUaHandshake(
            self._url,
            station="cell-1",
            nodes={name: f"ns=2;s=Handshake.{name}" for name in EXTRA} if self._challenge else {},
            max_retry_s=0.2,
            timeout_s=self._timeout_s,
            heartbeat_ms=max(500, 1000 * self._heartbeat_s),
        )
        self._stack.push_async_callback(self._plc_stack.aclose)
        self._stack.push_async_callback(self.source.close)

    async def start(self, parts: int, *, overruns: frozenset[int] = frozenset()) -> None:
        plan = SimulationPlan(
            url=self._url, parts=parts, overruns=overruns, heartbeat_s=self._heartbeat_s, patience_s=self._patience_s
        )
        self.plc = await self._plc_stack.enter_async_context(SimulatedPlc(plan))
        await self.source.set_ready(True)

    async def seen(self, count: int) -> list[tuple[int, int, int, int]]:
        results = self.plc.statistics.results
        while len(results) < count:  # noqa: ASYNC110 - the simulated PLC is watched like a real one
            await asyncio.sleep(0.01)
        return [(result.sequence, result.verdict, result.disposition, result.fault_code) for result in results]

    async def lose(self) -> None:
        await self._plc_stack.aclose()


class OpcUaServerRig(OpcUaRig):
    """Our own server; the PLC is its client."""

    async def open(self) -> None:
        self._stack.push_async_callback(self._plc_stack.aclose)
        self.source = OpcUaServerHandshake(
            "opc.tcp://127.0.0.1:0/", station="cell-1", heartbeat_ms=1000 * self._heartbeat_s, timeout_s=self._timeout_s
        )
        self._stack.push_async_callback(self.source.close)

    async def start(self, parts: int, *, overruns: frozenset[int] = frozenset()) -> None:
        url = await self.source.listening()
        plan = SimulationPlan(
            url=url,
            parts=parts,
            overruns=overruns,
            heartbeat_s=self._heartbeat_s,
            client=True,
            patience_s=self._patience_s,
        )
        self.plc = await self._plc_stack.enter_async_context(SimulatedPlc(plan))
        await self.source.set_ready(True)

    async def lose(self) -> None:
        await self._plc_stack.aclose()
        while self.source.connected:  # noqa: ASYNC110 - the lamp is watched like an operator does
            await asyncio.sleep(0.01)


class VisionServerRig(OpcUaServerRig):
    """Our own server with the machine vision system beside the registers."""

    async def open(self) -> None:
        self._stack.push_async_callback(self._plc_stack.aclose)
        self.source = VisionServer(
            partial(
                OpcUaServerHandshake,
                "opc.tcp://127.0.0.1:0/",
                station="cell-1",
                heartbeat_ms=1000 * self._heartbeat_s,
                timeout_s=self._timeout_s,
            ),
            system=VisionSystem("cell-1", ("default",), "default", str),
            identity=Identity({"default": ""}, ("line-1", "")),
        )
        self._stack.push_async_callback(self.source.close)


class ModbusRig(OpcUaRig):
    """A PLC that is a Modbus TCP server."""

    async def open(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as found:
            self._port = found.getsockname()[1]
        self.source = ModbusHandshake(
            "127.0.0.1",
            port=self._port,
            station="cell-1",
            challenge=self._challenge,
            heartbeat_ms=1000 * self._heartbeat_s,
            max_retry_s=0.2,
            timeout_s=self._timeout_s,
        )
        self._stack.push_async_callback(self._plc_stack.aclose)
        self._stack.push_async_callback(self.source.close)

    async def start(self, parts: int, *, overruns: frozenset[int] = frozenset()) -> None:
        plan = SimulationPlan(
            parts=parts, overruns=overruns, heartbeat_s=self._heartbeat_s, patience_s=self._patience_s
        )
        self.plc = await self._plc_stack.enter_async_context(SimulatedPlc(plan, ModbusRegisters(self._port)))
        await self.source.set_ready(True)


class ByHand:
    """A feeder that hears nothing and remembers what it was told."""

    name = "hand"

    def __init__(self) -> None:
        self.told: list[tuple[Trigger, Verdict, Disposition | None]] = []

    async def run(self, fire: Fire) -> None:
        await asyncio.Event().wait()

    async def answered(self, trigger: Trigger, verdict: Verdict, disposition: Disposition | None) -> None:
        self.told.append((trigger, verdict, disposition))


class LocalRig(FakeRig):
    """Triggers without a PLC."""

    def __init__(self, folder: Path) -> None:
        self.hand = ByHand()
        self.source = self.local = LocalTriggers(self.hand, station="cell-1", numbers=folder / "numbers.json")

    async def start(self, parts: int, *, overruns: frozenset[int] = frozenset()) -> None:
        await self.source.set_ready(True)
        for sequence in range(1, parts + 1):
            if sequence > 1 and sequence not in overruns:
                await self._until(lambda done=sequence - 1: len(self.hand.told) >= done)
            self.local.fire(part_id=f"{sequence:06d}")

    async def seen(self, count: int) -> list[tuple[int, int, int, int]]:
        await self._until(lambda: len(self.hand.told) >= count)
        return [
            (
                trigger.sequence,
                int(verdict.wire),
                int(disposition.decision if disposition else _undecided(verdict)),
                int(verdict.fault),
            )
            for trigger, verdict, disposition in self.hand.told
        ]

    async def lose(self) -> None:
        await self.source.close()


def _undecided(verdict: Verdict) -> Decision:
    return {WireVerdict.OK: Decision.ACCEPT, WireVerdict.UNKNOWN: Decision.HOLD}.get(verdict.wire, Decision.NONE)


PLC_RIGS = {"opcua": OpcUaRig, "opcua-server": OpcUaServerRig, "vision-server": VisionServerRig, "modbus": ModbusRig}


@pytest.fixture(params=["fake", "local", *PLC_RIGS])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    if request.param == "fake":
        yield FakeRig()
        return
    if request.param == "local":
        local = LocalRig(tmp_path)
        yield local
        await local.source.close()
        return
    async with AsyncExitStack() as stack:
        opcua = PLC_RIGS[request.param](stack)
        await opcua.open()
        yield opcua


async def answer_all(rig: Rig, *verdicts: Verdict) -> list[Trigger]:
    """Answer as many triggers as there are verdicts, in order."""
    taken: list[Trigger] = []
    async for trigger in rig.source.triggers():
        await rig.source.answer(trigger, verdicts[len(taken)])
        taken.append(trigger)
        if len(taken) == len(verdicts):
            break
    return taken


async def test_it_is_a_trigger_source(rig: Rig) -> None:
    assert isinstance(rig.source, TriggerSource)


async def test_each_trigger_comes_once_and_its_verdict_arrives(rig: Rig) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.start(4))
        taken = await answer_all(rig, PASS, FAIL, REVIEW, Verdict.unknown(FaultCode.BAD_FRAME, "dark"))
    assert [(trigger.sequence, trigger.part_id, trigger.station) for trigger in taken] == [
        (number, f"{number:06d}", "cell-1") for number in (1, 2, 3, 4)
    ]
    assert not any(trigger.overrun for trigger in taken)
    assert await rig.seen(4) == [
        (1, WireVerdict.OK, Decision.ACCEPT, 0),
        (2, WireVerdict.NOK, Decision.NONE, 0),
        (3, WireVerdict.UNKNOWN, Decision.HOLD, 0),
        (4, WireVerdict.UNKNOWN, Decision.HOLD, FaultCode.BAD_FRAME),
    ]


async def test_a_disposition_is_passed_on(rig: Rig) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.start(1))
        trigger = await anext(rig.source.triggers())
        await rig.source.answer(trigger, FAIL, Disposition(Decision.SCRAP, "open", "", "rules"))
    assert await rig.seen(1) == [(1, WireVerdict.NOK, Decision.SCRAP, 0)]


async def test_a_trigger_is_answered_once(rig: Rig) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.start(1))
        [trigger] = await answer_all(rig, FAIL)
    with pytest.raises(PlcLost):
        await rig.source.answer(trigger, PASS)
    assert [result[:2] for result in await rig.seen(1)] == [(1, WireVerdict.NOK)]


async def test_two_answers_at_once_leave_one(rig: Rig) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.start(1))
        trigger = await anext(rig.source.triggers())
        done = await asyncio.gather(
            rig.source.answer(trigger, FAIL), rig.source.answer(trigger, PASS), return_exceptions=True
        )
    assert [type(result) for result in done] == [type(None), PlcLost]
    assert [result[:2] for result in await rig.seen(1)] == [(1, WireVerdict.NOK)]


async def test_an_overrun_is_told_at_once_and_answered_after_the_part_before(rig: Rig) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.start(2, overruns=frozenset({2})))
        triggers = rig.source.triggers()
        first, second = await anext(triggers), await anext(triggers)
        assert (first.overrun, second.overrun) == (False, True)
        late = group.create_task(rig.source.answer(second, Verdict.unknown(FaultCode.OVERRUN, "came too early")))
        await rig.source.answer(first, PASS)
        await late
    assert await rig.seen(2) == [
        (1, WireVerdict.OK, Decision.ACCEPT, 0),
        (2, WireVerdict.UNKNOWN, Decision.HOLD, FaultCode.OVERRUN),
    ]


async def test_an_answer_is_finished_although_its_caller_is_cancelled(rig: Rig) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.start(2))
        triggers = rig.source.triggers()
        first = await anext(triggers)
        asking = asyncio.create_task(rig.source.answer(first, FAIL))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await rig.source.answer(await anext(triggers), PASS)
    assert [result[:2] for result in await rig.seen(2)] == [(1, WireVerdict.NOK), (2, WireVerdict.OK)]


async def test_no_verdict_of_before_a_loss_is_written(rig: Rig) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.start(1))
        trigger = await anext(rig.source.triggers())
    await rig.lose()
    with pytest.raises(PlcLost):
        await rig.source.answer(trigger, PASS)


async def test_closing_ends_the_triggers_and_refuses_answers(rig: Rig) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(rig.start(1))
        triggers = rig.source.triggers()
        trigger = await anext(triggers)
    await rig.source.close()
    await rig.source.close()
    assert [late async for late in triggers] == []
    with pytest.raises(PlcLost):
        await rig.source.answer(trigger, PASS)
