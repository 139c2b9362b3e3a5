"""A later disposition reaches the PLC while the part's own result stands there, and never anything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from inspector.domain import Decision, Disposition, Trigger
from inspector.runtime.station import Amending
from tests.contracts.test_trigger_source_contract import PASS, PLC_RIGS, REVIEW, OpcUaRig

pytestmark = pytest.mark.timeout(240)

ACCEPT = Disposition(Decision.ACCEPT, "similar_parts", "", "advisor")
SCRAP = Disposition(Decision.SCRAP, "policy", "", "advisor")
UNKNOWN, OK = 3, 1
LONG_S, ACK_S, BEAT_S = 120.0, 30.0, 1.0


@pytest.fixture(params=PLC_RIGS)
async def patient(request: pytest.FixtureRequest) -> AsyncIterator[OpcUaRig]:
    """A PLC that leaves a result standing while its Disposition is hold."""
    async with AsyncExitStack() as stack:
        rig = PLC_RIGS[request.param](stack, patience_s=LONG_S, timeout_s=ACK_S, heartbeat_s=BEAT_S)
        await rig.open()
        yield rig


@pytest.fixture(params=["opcua", "modbus"])
async def hasty(request: pytest.FixtureRequest) -> AsyncIterator[OpcUaRig]:
    """A PLC that takes every result at once."""
    async with AsyncExitStack() as stack:
        rig = PLC_RIGS[request.param](stack, timeout_s=ACK_S, heartbeat_s=BEAT_S)
        await rig.open()
        yield rig


async def amend(rig: OpcUaRig, trigger: Trigger, disposition: Disposition) -> bool:
    assert isinstance(rig.source, Amending)
    return await rig.source.amend(trigger.sequence, trigger.at, disposition)


async def test_a_plc_that_waits_reads_the_later_disposition_of_that_part_alone(patient: OpcUaRig) -> None:
    start = asyncio.create_task(patient.start(3))
    triggers = patient.source.triggers()
    for verdict, later in ((REVIEW, ACCEPT), (REVIEW, SCRAP)):
        trigger = await anext(triggers)
        await patient.source.answer(trigger, verdict)
        assert await amend(patient, trigger, later)
    await patient.source.answer(await anext(triggers), PASS)
    await start
    seen = await patient.seen(3)
    assert [(sequence, verdict, disposition) for sequence, verdict, disposition, _ in seen] == [
        (1, UNKNOWN, Decision.ACCEPT),
        (2, UNKNOWN, Decision.SCRAP),
        (3, OK, Decision.ACCEPT),
    ]
    assert patient.plc.statistics.protocol_errors == patient.plc.statistics.mismatches == 0


@pytest.mark.parametrize("patient", ["modbus"], indirect=True)
async def test_a_decision_that_is_there_already_is_not_waited_for(
    patient: OpcUaRig, caplog: pytest.LogCaptureFixture
) -> None:
    start = asyncio.create_task(patient.start(1))
    trigger = await anext(patient.source.triggers())
    await patient.source.answer(trigger, REVIEW, SCRAP)
    await start
    assert [row[2] for row in await patient.seen(1)] == [Decision.SCRAP]
    assert "did not acknowledge" not in caplog.text


@pytest.mark.parametrize("patient", ["opcua"], indirect=True)
async def test_what_is_not_of_the_part_that_stands_there_is_not_written(patient: OpcUaRig) -> None:
    start = asyncio.create_task(patient.start(1))
    trigger = await anext(patient.source.triggers())
    assert not await amend(patient, trigger, SCRAP), "there is no result yet"
    await patient.source.answer(trigger, REVIEW)
    others = (
        replace(trigger, sequence=2),
        replace(trigger, at=trigger.at - timedelta(hours=1)),  # the same number, in an earlier life of the PLC
    )
    for other in others:
        assert not await amend(patient, other, SCRAP)
    assert await amend(patient, trigger, ACCEPT)
    await start
    assert [row[2] for row in await patient.seen(1)] == [Decision.ACCEPT]


async def test_once_the_next_part_is_there_nothing_is_written_any_more(hasty: OpcUaRig) -> None:
    start = asyncio.create_task(hasty.start(2))
    triggers = hasty.source.triggers()
    first = await anext(triggers)
    await hasty.source.answer(first, REVIEW)
    second = await anext(triggers)
    assert not await amend(hasty, first, SCRAP)
    assert not await amend(hasty, second, SCRAP)
    await hasty.source.answer(second, REVIEW)
    assert not await amend(hasty, first, SCRAP)
    await start
    assert [row[2] for row in await hasty.seen(2)] == [Decision.HOLD, Decision.HOLD]


@pytest.mark.parametrize("patient", ["opcua"], indirect=True)
async def test_after_a_loss_nothing_of_before_is_written(patient: OpcUaRig) -> None:
    start = asyncio.create_task(patient.start(1))
    triggers = patient.source.triggers()
    before = await anext(triggers)
    await patient.source.answer(before, REVIEW)
    await start
    await patient.lose()
    assert not await amend(patient, before, SCRAP)
    # The PLC comes back and counts from the same number again.
    start = asyncio.create_task(patient.start(1))
    again = await anext(triggers)
    await patient.source.answer(again, REVIEW)
    assert (again.sequence, again.at > before.at) == (before.sequence, True)
    assert not await amend(patient, before, SCRAP)
    assert await amend(patient, again, ACCEPT)
    await start
    assert [row[2] for row in await patient.seen(1)] == [Decision.ACCEPT]
