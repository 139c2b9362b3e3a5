from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from inspector.domain import (
    BadFrame,
    CameraLost,
    DetectionError,
    DiskFull,
    FaultCode,
    GaugingError,
    InspectorError,
    Outcome,
    PlcLost,
    Reason,
    Stage,
    Verdict,
    WireVerdict,
)
from inspector.runtime.line import Line, StageHungError
from tests.unit.runtime.fakes import Hang, Journal, Plc, Stages, frame, trigger


@pytest.fixture
def hang() -> Iterator[Hang]:
    hang = Hang()
    yield hang
    hang.let_go.set()


def a_line(
    plc: Plc,
    stages: Stages,
    journal: Journal,
    *,
    deadline_s: float = 5.0,
    patience_s: float = 60,
    lot_on_hold: Callable[[], str] = lambda: "",
) -> Line:
    return Line(
        triggers=plc, camera=stages, detector=stages, gauge=stages, judge=stages, journal=journal,
        deadline_s=deadline_s, patience_s=patience_s, lot_on_hold=lot_on_hold,
    )  # fmt: skip


def raises(error: BaseException) -> object:
    def act() -> None:
        raise error

    return act


async def test_every_trigger_gets_one_verdict_and_one_record_in_order() -> None:
    plc, journal = Plc([trigger(n) for n in range(1, 21)]), Journal()
    await a_line(plc, Stages(), journal).run()
    assert [of.sequence for of, _ in plc.answers] == list(range(1, 21))
    assert {verdict.wire for _, verdict in plc.answers} == {WireVerdict.OK}
    assert [report.trigger.sequence for report in journal.answered_reports] == list(range(1, 21))


async def test_no_part_passes_while_its_lot_is_held_and_what_failed_by_itself_stays() -> None:
    plc, journal, stages = Plc([trigger(n) for n in range(1, 5)]), Journal(), Stages()
    bad = Verdict(Outcome.FAIL, (Reason(Outcome.FAIL, "not_allowed", "class"),), "default")
    own = iter([bad, *[Verdict(Outcome.PASS, (), "default")] * 3])
    stages.judge = lambda *_: next(own)  # type: ignore[method-assign]
    held = iter(["L-9", "L-9", "", ""])
    line = a_line(plc, stages, journal, lot_on_hold=lambda: next(held))
    await line.run()
    assert [verdict.wire for _, verdict in plc.answers] == [
        WireVerdict.NOK, WireVerdict.UNKNOWN, WireVerdict.OK, WireVerdict.OK,
    ]  # fmt: skip
    assert [report.verdict.held_lot for report in journal.answered_reports] == ["", "L-9", "", ""]


async def test_the_samples_and_a_picture_by_hand_are_not_of_the_held_lot() -> None:
    line = a_line(Plc(), Stages(), Journal(), lot_on_hold=lambda: "L-9")
    assert (await line.prove(frame(trigger()))).verdict.outcome is Outcome.PASS
    assert (await line.trial(trigger())).report.verdict.outcome is Outcome.PASS


@pytest.mark.parametrize(("told", "recorded"), [("", "read-17"), ("000001", "000001")])
async def test_a_part_that_the_plc_does_not_name_gets_the_identity_read_off_it(told: str, recorded: str) -> None:
    plc, journal = Plc([replace(trigger(), part_id=told)]), Journal()
    await a_line(plc, Stages(read_part_id="read-17"), journal).run()
    (report,) = journal.answered_reports
    assert report.trigger.part_id == recorded
    assert plc.answers[0][0].part_id == told  # the PLC gets its own trigger back


async def test_the_journal_knows_of_a_part_before_and_after_each_step() -> None:
    plc, journal = Plc([trigger()]), Journal()
    await a_line(plc, Stages(), journal).run()
    assert [step for step, _ in journal.steps] == ["opened", "judged", "answered"]
    opened, judged, answered = (report for _, report in journal.steps)
    assert opened.verdict.fault is FaultCode.CRASH
    assert judged.verdict.outcome is answered.verdict.outcome is Outcome.PASS
    assert opened.id == judged.id == answered.id
    assert set(answered.timings.stages) == set(Stage)
    assert answered.timings.total_ms >= sum(answered.timings.stages.values()) * 0.99


@pytest.mark.parametrize(
    ("stage", "error", "fault"),
    [
        ("grab", BadFrame("torn"), FaultCode.BAD_FRAME),
        ("grab", CameraLost("gone"), FaultCode.CAMERA_LOST),
        ("detect", DetectionError("odd"), FaultCode.DETECTOR),
        ("measure", GaugingError("odd"), FaultCode.GAUGE),
        ("judge", InspectorError("odd"), FaultCode.JUDGE),
    ],
)
async def test_a_failing_stage_is_an_unknown_verdict_and_the_line_goes_on(
    stage: str, error: InspectorError, fault: FaultCode
) -> None:
    stages, plc, journal = Stages({stage: raises(error)}), Plc([trigger(1), trigger(2)]), Journal()  # type: ignore[dict-item]
    await a_line(plc, stages, journal).run()
    assert [verdict.fault for _, verdict in plc.answers] == [fault, fault]
    assert {verdict.wire for _, verdict in plc.answers} == {WireVerdict.UNKNOWN}
    assert len(journal.answered_reports) == 2


async def test_a_crashing_stage_answers_and_records_before_the_line_ends() -> None:
    stages, plc, journal = (
        Stages({"detect": raises(ZeroDivisionError("oops"))}),
        Plc([trigger(1), trigger(2)]),
        Journal(),
    )  # type: ignore[dict-item]
    with pytest.raises(ZeroDivisionError):
        await a_line(plc, stages, journal).run()
    assert [(of.sequence, verdict.fault) for of, verdict in plc.answers] == [(1, FaultCode.CRASH)]
    assert "oops" in journal.answered_reports[0].verdict.reasons[0].note


async def test_a_late_stage_is_unknown_at_the_deadline_and_cannot_change_it_later(hang: Hang) -> None:
    plc, journal = Plc([trigger(1)]), Journal()
    line = a_line(plc, Stages({"detect": hang}), journal, deadline_s=0.05)
    await line.run()
    hang.let_go.set()
    assert [verdict.fault for _, verdict in plc.answers] == [FaultCode.DEADLINE]
    assert journal.answered_reports[0].verdict.fault is FaultCode.DEADLINE


async def test_parts_behind_a_busy_stage_are_unknown_at_once(hang: Hang) -> None:
    plc, journal = Plc([trigger(n) for n in range(1, 9)]), Journal()
    await a_line(plc, Stages({"grab": hang}), journal, deadline_s=0.05).run()
    assert [verdict.fault for _, verdict in plc.answers] == [FaultCode.DEADLINE] * 8
    assert len(journal.answered_reports) == 8


async def test_a_hung_stage_makes_the_line_give_up_after_answering(hang: Hang) -> None:
    plc, journal = Plc([trigger(n) for n in range(1, 9)]), Journal()
    with pytest.raises(StageHungError):
        await a_line(plc, Stages({"grab": hang}), journal, deadline_s=0.05, patience_s=0.0).run()
    assert [verdict.fault for _, verdict in plc.answers] == [FaultCode.DEADLINE, FaultCode.CRASH]
    assert len(journal.answered_reports) == 2


async def test_an_overrun_trigger_gets_its_unknown_without_inspection() -> None:
    seen: list[str] = []
    stages, plc = Stages({"grab": lambda: seen.append("grab")}), Plc([trigger(1), trigger(2, overrun=True)])
    await a_line(plc, stages, Journal()).run()
    assert [verdict.fault for _, verdict in plc.answers] == [FaultCode.NONE, FaultCode.OVERRUN]
    assert seen == ["grab"]


async def test_a_verdict_that_never_reached_the_plc_is_recorded_as_unknown() -> None:
    plc, journal = Plc([trigger(1)], error=PlcLost("gone")), Journal()
    await a_line(plc, Stages(), journal).run()
    (report,) = journal.answered_reports
    assert report.verdict.fault is FaultCode.PLC_LOST
    assert report.verdict.wire is WireVerdict.UNKNOWN


@pytest.mark.parametrize("step", ["opened", "judged"])
async def test_no_part_passes_unrecorded_when_the_disk_is_full(step: str) -> None:
    plc, journal = Plc([trigger(1)]), Journal(errors={step: DiskFull("no room")})
    await a_line(plc, Stages(), journal).run()
    assert [verdict.fault for _, verdict in plc.answers] == [FaultCode.STORAGE]


async def test_a_picture_by_hand_waits_for_the_part_in_work_and_the_next_part_for_the_picture(hang: Hang) -> None:
    journal = Journal()
    line = a_line(Plc(), Stages(at={"detect": hang}), journal)
    part = asyncio.create_task(line.inspect(trigger(1)))
    await asyncio.to_thread(hang.reached.wait, 30)
    by_hand = asyncio.create_task(line.trial(trigger(0)))
    following = asyncio.create_task(line.inspect(trigger(2)))
    await asyncio.sleep(0)  # both have asked
    hang.let_go.set()
    reports = await part, (await by_hand).report, await following
    assert {report.verdict.fault for report in reports} == {FaultCode.NONE}
    assert [report.trigger.sequence for report in journal.answered_reports] == [1, 2], "the picture is no part"
