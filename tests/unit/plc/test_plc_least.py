"""A PLC with the six registers that are needed and no more, and one that publishes seldom or often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asyncua import Server, ua

from inspector.domain import ConfigurationError, LampState, Outcome, Trigger, Verdict
from inspector.plc.client import OpcUaHandshake, Updates
from inspector.plc.handshake import HANDSHAKE, REQUIRED, Name
from inspector.plc.simulated_plc import SimulatedPlc
from inspector.plc.simulation import SimulationPlan

pytestmark = pytest.mark.timeout(60)

PASS = Verdict(Outcome.PASS, (), "default")
ABSENT = frozenset(HANDSHAKE) - REQUIRED


@asynccontextmanager
async def least() -> AsyncIterator[tuple[str, Any]]:
    """Serve a PLC with only the required registers; the second thing returned writes one."""
    plc = Server()
    await plc.init()
    plc.set_endpoint("opc.tcp://127.0.0.1:0/")
    plc.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await plc.register_namespace("urn:small:plc")
    nodes = {}
    for name in REQUIRED:
        kind = ua.VariantType[HANDSHAKE[name].type.value]
        node_id = ua.NodeId(ua.String(f"Handshake.{name}"), ua.Int16(2))
        nodes[name] = await plc.nodes.objects.add_variable(node_id, f"2:{name}", HANDSHAKE[name].type.initial, kind)
        await nodes[name].set_writable()

    async def holds(name: Name, value: Any) -> None:
        while await nodes[name].read_value() != value:  # noqa: ASYNC110 - a PLC's program looks every cycle
            await asyncio.sleep(0.005)

    async def put(name: Name, value: Any) -> None:
        await nodes[name].write_value(value, ua.VariantType[HANDSHAKE[name].type.value])

    async with plc:
        assert plc.bserver is not None
        yield f"opc.tcp://127.0.0.1:{plc.bserver.port}/", (holds, put)


async def test_six_registers_are_enough() -> None:
    async with least() as (url, (holds, put)):
        source = OpcUaHandshake(url, station="cell-1", absent=ABSENT)
        try:
            await source.set_ready(True)
            triggers = source.triggers()
            for sequence in (1, 2):
                await holds(Name.READY, True)
                await put(Name.SEQ_NO, sequence)
                await put(Name.TRIGGER, True)
                trigger: Trigger = await anext(triggers)
                assert (trigger.sequence, trigger.part_id, trigger.recipe) == (sequence, "", "")
                await source.answer(trigger, PASS)
                await holds(Name.RESULT_VALID, True)
                await holds(Name.RES_SEQ_NO, sequence)
                await holds(Name.VERDICT, 1)
                await put(Name.TRIGGER, False)
                await holds(Name.RESULT_VALID, False)
        finally:
            await source.close()


async def test_a_raised_trigger_of_before_counts_as_taken_where_nothing_says_otherwise() -> None:
    async with least() as (url, (_, put)):
        await put(Name.SEQ_NO, 7)
        await put(Name.TRIGGER, True)
        source = OpcUaHandshake(url, station="cell-1", absent=ABSENT)
        try:
            state = await source.survey()
        finally:
            await source.close()
    assert state.pending is not None
    assert state.pending.sequence == 7


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_a_needed_register_cannot_be_absent(name: Name) -> None:
    with pytest.raises(ConfigurationError, match=name):
        OpcUaHandshake("opc.tcp://127.0.0.1:4840/", station="cell-1", absent=[name])


def test_an_unknown_register_cannot_be_absent() -> None:
    with pytest.raises(ConfigurationError, match="Triggr"):
        OpcUaHandshake("opc.tcp://127.0.0.1:4840/", station="cell-1", absent=["Triggr"])


# --- subscription or polling ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("updates", "granted_ms", "told"),
    [
        (Updates.AUTO, 5.0, "subscribed (5 ms)"),
        (Updates.AUTO, 10.0, "subscribed (10 ms)"),
        (Updates.AUTO, 500.0, "polled (it would publish every 500 ms)"),
        (Updates.SUBSCRIPTION, 100.0, "subscribed (100 ms)"),
        (Updates.POLLING, 5.0, "security: none)"),
    ],
)
async def test_the_interval_that_the_plc_grants_decides(
    updates: Updates, granted_ms: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lamps: list[LampState] = []
    async with SimulatedPlc(SimulationPlan(url="opc.tcp://127.0.0.1:0/", parts=3, heartbeat_s=0.2)) as plc:
        service = plc._registers._server.iserver.subscription_service  # type: ignore[union-attr]
        create = service.create_subscription

        async def revise(parameters: Any, *rest: Any, **more: Any) -> Any:
            parameters.RequestedPublishingInterval = max(parameters.RequestedPublishingInterval, granted_ms)
            return await create(parameters, *rest, **more)

        monkeypatch.setattr(service, "create_subscription", revise)
        source = OpcUaHandshake(plc.url, station="cell-1", updates=updates, heartbeat_ms=200, on_lamp=lamps.append)
        try:
            await source.set_ready(True)
            triggers = source.triggers()
            for sequence in (1, 2, 3):
                trigger = await anext(triggers)
                assert trigger.sequence == sequence
                await source.answer(trigger, PASS)
            await plc.done()
        finally:
            await source.close()
        assert (plc.statistics.good, plc.statistics.mismatches, plc.statistics.protocol_errors) == (3, 0, 0)
    assert told in lamps[0].detail
