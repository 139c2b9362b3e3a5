"""A PLC asks for the challenge test through its registers, and reads what came of that very request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from inspector.plc.challenge_request import ChallengeState
from inspector.plc.handshake import Name
from inspector.runtime.station import Challenging
from tests.contracts.test_trigger_source_contract import PASS, PLC_RIGS, OpcUaRig, answer_all

pytestmark = pytest.mark.timeout(240)

LONG_S, BEAT_S = 120.0, 2.0


@pytest.fixture(params=PLC_RIGS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[OpcUaRig]:
    async with AsyncExitStack() as stack:
        rig = PLC_RIGS[request.param](stack, timeout_s=LONG_S, heartbeat_s=BEAT_S, challenge=True)
        await rig.open()
        yield rig


async def ask(rig: OpcUaRig, raised: bool) -> None:
    await rig.plc._registers.write(Name.START_CHALLENGE, raised)


async def reads(rig: OpcUaRig, state: ChallengeState) -> None:
    registers = rig.plc._registers
    told = await registers.until(lambda: registers[Name.CHALLENGE_STATE] == state, LONG_S)
    assert told, f"{registers[Name.CHALLENGE_STATE]}, not {state!r}"


async def test_the_answer_stands_until_the_plc_has_read_it(rig: OpcUaRig) -> None:
    assert isinstance(rig.source, Challenging)
    await rig.start(0)
    assert rig.source.challenge_asked() is None
    for passed, answer in ((True, ChallengeState.PASSED), (False, ChallengeState.FAILED)):
        await ask(rig, True)
        await reads(rig, ChallengeState.ASKED)
        request = rig.source.challenge_asked()
        assert request is not None
        await rig.source.tell_challenge(request, passed)
        await reads(rig, answer)
        assert rig.source.challenge_asked() is None, "one request is one run"
        await ask(rig, False)
        await reads(rig, ChallengeState.NONE)


async def test_parts_go_on_while_the_plc_waits_for_the_test(rig: OpcUaRig) -> None:
    assert isinstance(rig.source, Challenging)
    await rig.start(1)
    await ask(rig, True)
    await reads(rig, ChallengeState.ASKED)
    await answer_all(rig, PASS)
    assert [result[:2] for result in await rig.seen(1)] == [(1, PASS.wire)]
    request = rig.source.challenge_asked()
    assert request is not None
    await rig.source.tell_challenge(request, None)
    await reads(rig, ChallengeState.NO_SAMPLES)
