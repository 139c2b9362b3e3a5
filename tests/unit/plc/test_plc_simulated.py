"""The simulated PLC against an inspector that breaks the protocol, written by hand with a bare client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asyncua import Client, ua

from inspector.domain import ConfigurationError, PlcError, WireVerdict
from inspector.plc.handshake import HANDSHAKE, Name, Value
from inspector.plc.simulated_plc import SimulatedPlc
from inspector.plc.simulation import SimulationPlan, Statistics

pytestmark = pytest.mark.timeout(30)


class Hand:
    """An inspector moved by hand."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._beat = 0

    async def write(self, **values: Value) -> None:
        """Write these registers in one request."""
        nodes = [self.client.get_node(f"ns=2;s=Handshake.{name}") for name in values]
        types = [ua.VariantType[HANDSHAKE[Name(name)].type.value] for name in values]
        data = [ua.DataValue(ua.Variant(value, kind)) for value, kind in zip(values.values(), types, strict=True)]
        await self.client.write_values(nodes, data)

    async def holds(self, path: str, value: Any) -> None:
        node = self.client.get_node(f"ns=2;s={path}")
        while await node.read_value() != value:
            self._beat += 1
            await self.write(HbVision=self._beat)
            await asyncio.sleep(0.01)

    async def sees(self, name: str, value: Any) -> None:
        await self.holds(f"Handshake.{name}", value)

    async def take(self, sequence: int) -> None:
        await self.write(Ready=True)
        await self.sees("Trigger", True)
        await self.sees("SeqNo", sequence)
        await self.write(TriggerAck=True, Busy=True, Ready=False)

    async def clear(self) -> None:
        await self.sees("ResultAck", True)
        await self.write(ResultValid=False, TriggerAck=False, Busy=False)
        await self.sees("ResultAck", False)


@asynccontextmanager
async def rehearsal(**plan: Any) -> AsyncIterator[tuple[Hand, Statistics]]:
    plan = {"url": "opc.tcp://127.0.0.1:0/", "heartbeat_s": 0.2, "parts": 1, **plan}
    async with SimulatedPlc(SimulationPlan(**plan)) as plc, Client(plc.url) as client:
        yield Hand(client), plc.statistics


async def test_a_good_result_is_good() -> None:
    async with rehearsal() as (hand, counts):
        await hand.take(1)
        await hand.write(ResSeqNo=1, Verdict=int(WireVerdict.OK), DefectCode=0)
        await hand.write(ResultValid=True)
        await hand.clear()
        await hand.holds("Statistics.good", 1)
    assert (counts.triggers, counts.verdicts, counts.ok, counts.protocol_errors) == (1, 1, 1, 0)
    assert counts.latency_ms(0.5) > 0


async def test_an_ok_for_another_sequence_number_is_not_good() -> None:
    async with rehearsal() as (hand, counts):
        await hand.take(1)
        await hand.write(ResSeqNo=9, Verdict=int(WireVerdict.OK))
        await hand.write(ResultValid=True)
        await hand.clear()
        await hand.holds("Statistics.mismatches", 1)
    assert (counts.verdicts, counts.good, counts.not_good) == (0, 0, 1)


@pytest.mark.parametrize(
    "requests",
    [
        [{"ResSeqNo": 1, "Verdict": 1, "ResultValid": True}],
        [{"ResultValid": True}, {"ResSeqNo": 1, "Verdict": 1}],
        [{"ResSeqNo": 1}, {"ResultValid": True}, {"Verdict": 1}],
        [{"ResSeqNo": 1, "Verdict": 17}, {"ResultValid": True}],
    ],
    ids=["all in one request", "flag before data", "verdict after the flag", "a verdict that does not exist"],
)
async def test_a_result_that_was_not_complete_before_its_flag_is_not_good(requests: list[dict[str, Value]]) -> None:
    async with rehearsal() as (hand, counts):
        await hand.take(1)
        for values in requests:
            await hand.write(**values)
        await hand.holds("Statistics.not_good", 1)
    assert counts.good == 0
    assert counts.protocol_errors + counts.mismatches == 1


async def test_a_late_ok_is_read_but_not_good() -> None:
    async with rehearsal(deadline_s=0.01, parts=1) as (hand, counts):
        await hand.take(1)
        await asyncio.sleep(0.02)
        await hand.write(ResSeqNo=1, Verdict=1)
        await hand.write(ResultValid=True)
        await hand.clear()
        await hand.holds("Statistics.late", 1)
    assert (counts.ok, counts.good, counts.not_good) == (1, 0, 1)


async def test_a_result_after_the_plc_gave_the_part_up_is_late_and_acknowledged() -> None:
    async with rehearsal(wait_s=0.05, parts=2) as (hand, counts):
        await hand.take(1)
        await hand.holds("Statistics.timeouts", 1)
        await hand.write(ResSeqNo=1, Verdict=1)
        await hand.write(ResultValid=True)
        await hand.clear()
        await hand.take(2)
    assert (counts.late, counts.good, counts.verdicts, counts.triggers) == (1, 0, 0, 2)


async def test_an_ok_for_a_part_known_to_be_bad_is_an_escape() -> None:
    async with rehearsal(bad=frozenset({1})) as (hand, counts):
        await hand.take(1)
        await hand.write(ResSeqNo=1, Verdict=1)
        await hand.write(ResultValid=True)
        await hand.clear()
        await hand.holds("Statistics.escapes", 1)
    assert counts.good == 1


async def test_a_heartbeat_that_stops_is_counted_and_holds_the_triggers() -> None:
    async with rehearsal(heartbeat_s=0.05) as (hand, counts):
        await hand.write(Ready=True)
        losses = hand.client.get_node("ns=2;s=Statistics.heartbeat_losses")
        await hand.sees("Trigger", True)
        while await losses.read_value() == 0:  # noqa: ASYNC110 - another program is watched
            await asyncio.sleep(0.01)
    assert counts.heartbeat_losses == 1


async def test_the_inspector_may_not_write_what_is_the_plcs() -> None:
    async with rehearsal() as (hand, _):
        with pytest.raises(ua.UaStatusCodeError):
            await hand.write(Trigger=True)


async def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"opc.tcp://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(PlcError, match="in use") as refused:
            async with SimulatedPlc(SimulationPlan(url=url)):
                pass
    assert url in refused.value.message
    assert "another port" in refused.value.remedy


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4840", "opc.tcp://127.0.0.1", "opc.tcp://:4840", "opc.tcp://h:x", ""]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="not the address"):
        SimulatedPlc(SimulationPlan(url=url))
