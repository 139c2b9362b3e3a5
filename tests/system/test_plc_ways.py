"""The same faults in every way of connecting: the PLC is a process that is our client, or speaks Modbus TCP."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from inspector.domain import FaultCode, PlcLost, Verdict, WireVerdict
from inspector.plc.simulation import PlcDecision, SimulationPlan
from inspector.plc.source import Handshake
from tests.support.plc_peers import FAIL, HEARTBEAT_S, PASS, Peer, Way, handshake, run_plc

pytestmark = pytest.mark.timeout(120)


class Rig:
    """A line here and its PLC in a process of its own."""

    def __init__(self, way: Way) -> None:
        self.way = way
        with socket.create_server(("127.0.0.1", 0)) as found:
            self._url = f"opc.tcp://127.0.0.1:{found.getsockname()[1]}/"
        self.source = self.new_line()
        self.decisions: list[PlcDecision] = []
        self._plc: Peer | None = None
        self._heard = asyncio.Event()

    def new_line(self) -> Handshake:
        self.source = handshake(self._url, self.way)
        return self.source

    async def start_plc(self, life: int = 1, parts: int | None = None, wait_s: float = 20) -> None:
        """Start it, counting from 1; its life is the RecipeId of its parts."""
        plan = SimulationPlan(
            url=self._url,
            parts=parts,
            heartbeat_s=HEARTBEAT_S,
            deadline_s=10,
            wait_s=wait_s,
            recipe_id=life,
            client=self.way is Way.SERVER,
        )
        self._plc = Peer(run_plc, plan, self.way, hear=self._hear)

    @property
    def plc(self) -> Peer:
        assert self._plc is not None
        return self._plc

    async def end_plc(self, number: signal.Signals) -> None:
        plc, self._plc = self._plc, None
        if plc is not None:
            await plc.end(number)

    def _hear(self, said: Any) -> None:
        if isinstance(said, tuple):
            self.decisions.append(said[0])
            self._heard.set()

    async def decided(self, count: int) -> list[tuple[int, int, bool]]:
        """Wait for so many decisions; return SeqNo, verdict and whether the part was let through."""
        async with asyncio.timeout(60):
            while len(self.decisions) < count:
                self._heard.clear()
                await self._heard.wait()
        return [(each.sequence, each.verdict, each.good) for each in self.decisions]

    async def lamp(self, good: bool) -> None:
        async with asyncio.timeout(60):
            while self.source.connected is not good:  # noqa: ASYNC110 - watched like an operator does
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        await self.source.close()
        await self.end_plc(signal.SIGKILL)


@pytest.fixture(params=[Way.POLLING, Way.SERVER, Way.MODBUS])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    rig = Rig(request.param)
    yield rig
    await rig.close()


async def test_a_killed_plc_gets_no_verdict_of_before(rig: Rig) -> None:
    await rig.source.set_ready(True)
    await rig.start_plc(life=1)
    triggers = rig.source.triggers()
    old = await anext(triggers)
    await rig.end_plc(signal.SIGKILL)
    await rig.lamp(False)
    with pytest.raises(PlcLost):
        await rig.source.answer(old, PASS)
    await rig.start_plc(life=2, parts=1)
    new = await anext(triggers)
    assert (old.sequence, old.recipe, new.sequence, new.recipe) == (1, "#1", 1, "#2"), "it counts from 1 again"
    with pytest.raises(PlcLost):
        await rig.source.answer(old, PASS)
    await rig.source.answer(new, FAIL)
    assert await rig.decided(1) == [(1, WireVerdict.NOK, False)]


async def test_a_frozen_plc_never_gets_the_verdict_of_before(rig: Rig) -> None:
    await rig.source.set_ready(True)
    await rig.start_plc(parts=2)
    triggers = rig.source.triggers()
    old = await anext(triggers)
    rig.plc.send(signal.SIGSTOP)
    await rig.lamp(False)
    with pytest.raises(PlcLost):
        await rig.source.answer(old, PASS)
    rig.plc.send(signal.SIGCONT)
    new = await anext(triggers)
    assert new.sequence == 2
    await rig.source.answer(new, PASS)
    assert await rig.decided(2) == [(1, WireVerdict.UNKNOWN, False), (2, WireVerdict.OK, True)]


async def test_a_write_into_a_frozen_plc_is_not_repeated(rig: Rig) -> None:
    """The outcome of the write is unknown; the PLC decides once, and by nothing else than the part's own verdict."""
    await rig.source.set_ready(True)
    await rig.start_plc(parts=1)
    old = await anext(rig.source.triggers())
    rig.plc.send(signal.SIGSTOP)
    answering = asyncio.create_task(rig.source.answer(old, FAIL))
    if rig.way is Way.SERVER:
        await answering  # the registers are here: it is written, and read when the PLC wakes
    else:
        with pytest.raises(PlcLost):
            await answering
    rig.plc.send(signal.SIGCONT)
    [(sequence, verdict, good)] = await rig.decided(1)
    assert (sequence, good) == (1, False)
    assert verdict in {WireVerdict.NOK, WireVerdict.UNKNOWN}


async def test_a_program_that_stands_still_is_noticed(rig: Rig) -> None:
    await rig.source.set_ready(True)
    await rig.start_plc(parts=2)
    triggers = rig.source.triggers()
    old = await anext(triggers)
    rig.plc.order("StopHeartbeat", True)
    await rig.lamp(False)
    with pytest.raises(PlcLost):
        await rig.source.answer(old, PASS)
    rig.plc.order("StopHeartbeat", False)
    new = await anext(triggers)
    assert new.sequence == 2
    await rig.source.answer(new, PASS)
    assert await rig.decided(2) == [(1, WireVerdict.UNKNOWN, False), (2, WireVerdict.OK, True)]


async def test_a_result_that_is_never_acknowledged_is_taken_back(rig: Rig) -> None:
    await rig.source.set_ready(True)
    await rig.start_plc(parts=2)
    triggers = rig.source.triggers()
    first = await anext(triggers)
    rig.plc.order("WithholdAck", True)
    await rig.source.answer(first, PASS)
    await rig.decided(1)
    rig.plc.order("WithholdAck", False)
    second = await anext(triggers)
    await rig.source.answer(second, FAIL)
    assert await rig.decided(2) == [(1, WireVerdict.OK, True), (2, WireVerdict.NOK, False)]


async def test_a_storm_of_triggers_lets_nothing_through_but_what_was_inspected(rig: Rig) -> None:
    await rig.source.set_ready(True)
    await rig.start_plc(wait_s=2)
    triggers = rig.source.triggers()
    first = await anext(triggers)
    rig.plc.order("Storm", True)
    await rig.source.answer(first, PASS)
    inspected = {first.sequence}
    async with asyncio.timeout(60):
        async for trigger in triggers:
            if not trigger.overrun:
                inspected.add(trigger.sequence)
            verdict = Verdict.unknown(FaultCode.OVERRUN, "early") if trigger.overrun else PASS
            await rig.source.answer(trigger, verdict)
            if not trigger.overrun and trigger.sequence > 12:
                break
    decided = await rig.decided(12)
    good = {sequence for sequence, _, good in decided if good}
    assert good <= inspected
    assert len(decided) - len(good) >= 6, "of eight that came at once most were not inspected, and none of those passed"


async def test_a_part_without_a_name_is_inspected_under_its_number(rig: Rig) -> None:
    await rig.source.set_ready(True)
    await rig.start_plc(parts=2)
    triggers = rig.source.triggers()
    first = await anext(triggers)
    rig.plc.order("Unnamed", True)
    await rig.source.answer(first, PASS)
    second = await anext(triggers)
    assert (first.part_id, second.part_id, second.sequence) == ("000001", "", 2)
    await rig.source.answer(second, PASS)
    assert await rig.decided(2) == [(1, WireVerdict.OK, True), (2, WireVerdict.OK, True)]


async def test_a_new_line_never_passes_the_part_of_the_old_one(rig: Rig) -> None:
    await rig.source.set_ready(True)
    await rig.start_plc(parts=2)
    old = await anext(rig.source.triggers())
    await rig.source.close()
    with pytest.raises(PlcLost):
        await rig.source.answer(old, PASS)
    line = rig.new_line()
    state = await line.survey()
    triggers = line.triggers()
    await line.set_ready(True)
    if rig.way is Way.SERVER:
        assert state.pending is None, "its registers begin empty: the trigger is still up, and inspected again"
        again = await anext(triggers)
        assert again.sequence == old.sequence
        await line.answer(again, FAIL)
    else:
        assert state.pending is not None
        await line.answer(state.pending, Verdict.unknown(FaultCode.CRASH, "the line was restarted"))
    new = await anext(triggers)
    assert new.sequence == 2
    await line.answer(new, PASS)
    first = WireVerdict.NOK if rig.way is Way.SERVER else WireVerdict.UNKNOWN
    assert await rig.decided(2) == [(1, first, False), (2, WireVerdict.OK, True)]
