"""The PLC asks for the challenge test: the samples run, and it is told what came of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from inspector.domain import LineStatus
from inspector.runtime.challenge import BY_PLC, Challenge, Due
from inspector.runtime.station import challenged
from inspector.runtime.status import StatusKeeper
from tests.fakes.trigger_source import FakeTriggerSource
from tests.unit.runtime.test_challenge import Rig

STATUS = StatusKeeper(LineStatus(line="line-1", ready=True, recipe="fine", lamps={}), lambda *_: None)


class AskingPlc(FakeTriggerSource):
    """Asks once; ``told`` is what it heard, with the number of its request."""

    def __init__(self) -> None:
        super().__init__()
        self.request: int | None = None
        self.told: list[tuple[int, bool | None]] = []
        self.readiness: list[bool] = []

    async def set_ready(self, ready: bool, *, fault: int = 0) -> None:
        self.readiness.append(ready)
        await super().set_ready(ready, fault=fault)

    def challenge_asked(self) -> int | None:
        return self.request

    async def tell_challenge(self, request: int, passed: bool | None) -> None:
        self.told.append((request, passed))
        self.request = None


def without_samples(rig: Rig) -> Challenge:
    rig.challenge._samples = ()
    return rig.challenge


async def test_it_is_run_with_ready_down_and_its_outcome_told(tmp_path: Path) -> None:
    rig, plc = Rig(tmp_path), AskingPlc()
    await challenged(rig.challenge, plc, STATUS)
    assert (len(rig.asked), plc.told) == (3, []), "what runs for its own reason answers nobody"
    plc.request = 7
    await challenged(rig.challenge, plc, STATUS)
    assert len(rig.asked) == 6
    assert plc.told == [(7, True)]
    assert plc.readiness == [False, False]
    assert rig.challenge.last is not None
    assert (rig.challenge.last.by, rig.challenge.last.why) == (BY_PLC, "asked")
    await challenged(rig.challenge, plc, STATUS)
    assert len(rig.asked) == 6, "it is not run again"


async def test_a_failed_one_holds_the_line_and_a_second_request_can_let_it_go(tmp_path: Path) -> None:
    rig, plc = Rig(tmp_path, due=Due(every=timedelta(days=1))), AskingPlc()
    rig.says["bad"] = "pass"
    plc.request = 1
    await challenged(rig.challenge, plc, STATUS)
    assert plc.told == [(1, False)]
    assert "bad" in rig.held[0]
    rig.says["bad"] = "fail"
    plc.request = 2
    await challenged(rig.challenge, plc, STATUS)
    assert plc.told == [(1, False), (2, True)]
    assert rig.released == 1


async def test_a_line_without_samples_says_so(tmp_path: Path) -> None:
    plc = AskingPlc()
    for challenge in (None, without_samples(Rig(tmp_path))):
        plc.request = 1
        await challenged(challenge, plc, STATUS)
    assert plc.told == [(1, None), (1, None)]
    assert plc.readiness == []


async def test_a_source_that_cannot_ask_is_left_alone(tmp_path: Path) -> None:
    rig, source = Rig(tmp_path), FakeTriggerSource()
    await challenged(rig.challenge, source, STATUS)
    assert len(rig.asked) == 3
