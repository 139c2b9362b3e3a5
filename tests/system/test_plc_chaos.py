"""Many parts with faults of every kind in between: the PLC never lets a bad part through."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest
from asyncua import ua

from inspector.domain import FaultCode, Outcome, PlcLost, Reason, Trigger, Verdict
from inspector.plc.client import OpcUaHandshake, Updates
from tests.system.test_plc_faults import PlcProcess, PlcProcesses, raw, switch

PASS = Verdict(Outcome.PASS, (), "default")
FAIL = Verdict(Outcome.FAIL, (Reason(Outcome.FAIL, "above_usl", "length", label="spur"),), "default")
HEARTBEAT_S = 0.1
DEADLINE_S = 0.5
FAULTS = ("freeze", "disconnect", "heartbeat", "withhold", "reset", "overrun", "slow")


@pytest.fixture
def plcs() -> Iterator[PlcProcesses]:
    processes = PlcProcesses()
    yield processes
    processes.close()


def is_bad(sequence: int) -> bool:
    """Say which parts are bad: neighbours differ, so that a verdict of the part before would show."""
    return sequence % 2 == 0


class Chaos:
    """A line that answers truly, and somebody who breaks things around it."""

    def __init__(self, plc: PlcProcess, source: OpcUaHandshake, seed: int) -> None:
        self._plc, self._source, self._dice = plc, source, random.Random(seed)
        self._slow = False
        self.injected: dict[str, int] = dict.fromkeys(FAULTS, 0)

    async def answer(self) -> None:
        async for trigger in self._source.triggers():
            if self._slow:
                self._slow = False
                await asyncio.sleep(1.2 * DEADLINE_S)
            with suppress(PlcLost):
                await self._source.answer(trigger, self._verdict(trigger))

    @staticmethod
    def _verdict(trigger: Trigger) -> Verdict:
        if trigger.overrun:
            return Verdict.unknown(FaultCode.OVERRUN, "came too early")
        return FAIL if is_bad(trigger.sequence) else PASS

    async def break_things(self, calm_s: float) -> None:
        """Inject one fault after another, in another order every time."""
        while True:
            for fault in self._dice.sample(FAULTS, len(FAULTS)):
                await asyncio.sleep(self._dice.uniform(0.5, 1.5) * calm_s)
                await self._inject(fault, self._dice.uniform(0.1, 0.9))
                self.injected[fault] += 1

    async def _inject(self, fault: str, lasting_s: float) -> None:
        if fault == "freeze":
            self._plc.send(signal.SIGSTOP)
            await asyncio.sleep(lasting_s)
            self._plc.send(signal.SIGCONT)
        elif fault == "disconnect":
            link = self._source._link
            if link is not None:
                link._client.disconnect_socket()
        elif fault == "slow":
            self._slow = True
        else:
            name = {"heartbeat": "StopHeartbeat", "withhold": "WithholdAck", "reset": "Reset", "overrun": "Overrun"}
            with suppress(OSError, TimeoutError, ua.UaError):
                async with raw(self._plc.plan.url) as client:
                    await switch(client, name[fault], True)
                    if fault != "overrun":
                        await asyncio.sleep(lasting_s)
                        await switch(client, name[fault], False)


async def rehearse(plcs: PlcProcesses, parts: int, *, seed: int, calm_s: float, updates: Updates) -> Chaos:
    bad = frozenset(sequence for sequence in range(1, parts + 1) if is_bad(sequence))
    plc = await plcs.start(parts=parts, bad=bad, deadline_s=DEADLINE_S, wait_s=2.0, heartbeat_s=HEARTBEAT_S)
    source = OpcUaHandshake(
        plc.plan.url,
        station="cell-1",
        heartbeat_ms=HEARTBEAT_S * 1000,
        timeout_s=0.4,
        max_retry_s=0.2,
        updates=updates,
    )
    chaos = Chaos(plc, source, seed)
    try:
        await source.set_ready(True)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(chaos.answer()), group.create_task(chaos.break_things(calm_s))]
            await finished(plc)
            for task in tasks:
                task.cancel()
    finally:
        await source.close()
    plc.send(signal.SIGCONT)
    counts = await plc.stop()
    assert counts["triggers"] == counts["good"] + counts["not_good"] == parts, "every part is decided on once"
    assert counts["escapes"] == 0, "no bad part was let through"
    assert counts["protocol_errors"] == 0, "data stood before their flag"
    assert counts["good"] > 0, "good parts went through between the faults"
    return chaos


async def finished(plc: PlcProcess) -> None:
    """Wait for the last part; the test's own time limit bounds it."""
    while True:
        with suppress(TimeoutError):
            await plc.report("done")
            return


@pytest.mark.timeout(170)
@pytest.mark.parametrize("updates", [Updates.POLLING, Updates.SUBSCRIPTION])
async def test_no_bad_part_is_let_through_whatever_breaks(plcs: PlcProcesses, updates: Updates) -> None:
    chaos = await rehearse(plcs, 100, seed=5, calm_s=0.1, updates=updates)
    assert sum(chaos.injected.values()) >= 3


@pytest.mark.soak
@pytest.mark.timeout(7200)
async def test_ten_thousand_parts_with_faults(plcs: PlcProcesses) -> None:
    chaos = await rehearse(plcs, 10_000, seed=11, calm_s=0.3, updates=Updates.POLLING)
    assert min(chaos.injected.values()) >= 10
