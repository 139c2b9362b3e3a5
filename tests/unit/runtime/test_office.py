from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from inspector.domain import (
    Decision,
    Detections,
    DiskFull,
    Disposition,
    FaultCode,
    HoldLine,
    InspectionReport,
    Lamp,
    LampState,
    LanguageError,
    LineStatus,
    Messages,
    OutboxMessage,
    Outcome,
    PastReviews,
    Person,
    Reason,
    RecordedPart,
    ReportText,
    ReviewedPart,
    StoreError,
    Verdict,
    Writing,
    opinion_of,
)
from inspector.runtime import office as office_module
from inspector.runtime.advising import AdviceDesk, stop_by_policy
from inspector.runtime.control import Control, ControlFollower
from inspector.runtime.office import Office, default_disposition
from inspector.runtime.signals import SignalReceiver, SignalSender, status_from_json, status_to_json
from inspector.runtime.spool import Spool
from inspector.runtime.status import StatusKeeper
from tests.unit.runtime.fakes import MODEL, frame, trigger

NOW = datetime(2026, 1, 2, tzinfo=UTC)
STATUS = LineStatus("l", True, "default", {lamp: LampState(True, NOW) for lamp in Lamp})
PASSED = InspectionReport(trigger(1), Verdict(Outcome.PASS, (), "default"))


@dataclass
class Record:
    """An archive in memory that can be told to refuse."""

    error: StoreError | None = None
    parts: list[RecordedPart] = field(default_factory=list)
    messages: list[OutboxMessage] = field(default_factory=list)
    opinions: list[Disposition] = field(default_factory=list)
    lots: list[str] = field(default_factory=list)

    def record(
        self,
        report: InspectionReport,
        *,
        pixels: object,
        texts: Mapping[str, str],
        messages: Messages,
        disposition: Disposition | None = None,
        lot: str = "",
    ) -> bool:
        if self.error:
            raise self.error
        if any(part.report.id == report.id for part in self.parts):
            return False
        self.parts.append(RecordedPart(report, texts, None, NOW, disposition))
        self.lots.append(lot)
        self.messages += messages(None) if callable(messages) else messages
        return True

    def latest(self, limit: int) -> Sequence[RecordedPart]:
        return self.parts[::-1][:limit]

    def part(self, part_id: str) -> Sequence[RecordedPart]:
        return [part for part in self.parts[::-1] if part.report.trigger.part_id == part_id]

    def dispose(self, report_id: UUID, disposition: Disposition) -> None:
        self.opinions.append(disposition)
        self.parts = [
            replace(part, disposition=disposition) if part.report.id == report_id else part for part in self.parts
        ]


@dataclass
class Board:
    """A screen in memory."""

    parts: list[RecordedPart] = field(default_factory=list)
    status: LineStatus = STATUS

    def part_recorded(self, part: RecordedPart) -> None:
        self.parts.append(part)

    def status_changed(self, status: LineStatus) -> None:
        self.status = status


class Author:
    """Speaks English only, and says where it had to hurry."""

    def compose(
        self, report: InspectionReport, languages: Sequence[str], *, hurry: bool = False
    ) -> Mapping[str, ReportText]:
        text = ReportText(f"part {report.trigger.part_id}", "template" if hurry else "scribe 1")
        return {language: text for language in languages if language == "en"}


@dataclass
class Desk:
    spool: Spool
    record: Record
    board: Board
    office: Office
    notified: list[None]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(office_module, "RETRY_S", 0.0)
    spool, record, board, notified = Spool(tmp_path), Record(), Board(), []
    office = Office(
        spool=spool,
        archive=record,  # type: ignore[arg-type]
        board=board,
        author=Author(),
        languages=("en", "zh"),
        compose=lambda report, _disposition, _texts, _picture: (OutboxMessage(str(report.id), "t", "{}"),),
        written=lambda: notified.append(None),
        status=STATUS,
        mes=lambda: LampState(False, NOW, "no broker"),
        lot=lambda: "LOT-7",
    )
    return Desk(spool, record, board, office, notified)


def answered(desk: Desk, report: InspectionReport) -> None:
    desk.spool.opened(report)
    desk.spool.answered(report, frame(report.trigger))


def test_an_answered_part_is_recorded_once_shown_and_sent(desk: Desk) -> None:
    answered(desk, PASSED)
    assert desk.office.record_waiting() == 1
    assert desk.office.record_waiting() == 0
    assert [part.report.id for part in desk.board.parts] == [PASSED.id]
    assert [message.msg_id for message in desk.record.messages] == [str(PASSED.id)]
    assert len(desk.notified) == 1


def test_a_part_is_recorded_with_the_lot_that_is_made_now(desk: Desk) -> None:
    answered(desk, PASSED)
    desk.office.record_waiting()
    assert desk.record.lots == ["LOT-7"]


def test_a_part_that_waits_for_its_lot_is_recorded_in_it_and_has_no_decision_of_its_own(desk: Desk) -> None:
    # The order has changed by the time the part is recorded: the verdict says which lot it was of.
    report = replace(PASSED, verdict=PASSED.verdict.withheld("L-8"))
    answered(desk, report)
    assert desk.office.record_waiting() == 1
    assert desk.record.lots == ["L-8"]
    assert desk.record.parts[0].disposition is None


def test_a_part_found_twice_is_recorded_once(desk: Desk) -> None:
    for _ in range(2):
        answered(desk, PASSED)
        desk.office.record_waiting()
    assert len(desk.record.parts) == len(desk.board.parts) == 1


def test_a_text_that_cannot_be_written_costs_the_text_only(desk: Desk) -> None:
    answered(desk, PASSED)
    desk.office.record_waiting()
    assert desk.record.parts[0].texts == {"en": "part 000001"}
    assert desk.record.parts[0].engines == {"en": "scribe 1"}


def test_when_many_parts_wait_the_template_writes_so_that_recording_catches_up(desk: Desk) -> None:
    for number in range(8):
        answered(desk, InspectionReport(trigger(number), Verdict(Outcome.PASS, (), "default")))
    assert desk.office.record_waiting() == 8
    engines = [part.engines["en"] for part in desk.record.parts]
    assert engines == ["scribe 1"] * office_module.UNHURRIED + ["template"] * (8 - office_module.UNHURRIED)


def test_parts_wait_in_the_journal_while_the_record_is_full_and_keep_their_order(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.record.error = DiskFull("no room", remedy="Free some")
    reports = [replace(PASSED, trigger=trigger(n), id=PASSED.id.__class__(int=n)) for n in (1, 2, 3)]
    for report in reports:
        answered(desk, report)
    for _ in range(3):
        assert desk.office.record_waiting() == 0
    assert desk.spool.backlog() == 3
    desk.record.error = None
    assert desk.office.record_waiting() == 3
    assert [part.report.trigger.sequence for part in desk.board.parts] == [1, 2, 3]
    assert caplog.text.count("does not take them") == caplog.text.count("takes parts again") == 1


def test_open_parts_are_held_and_decided_ones_are_not() -> None:
    passed = PASSED.verdict
    review = passed.raised_to(Outcome.REVIEW, Reason(Outcome.REVIEW, "guard_band", "length"))
    failed = passed.raised_to(Outcome.FAIL, Reason(Outcome.FAIL, "not_allowed", "open"))
    held = default_disposition(replace(PASSED, verdict=review))
    assert held is not None
    assert (held.decision, held.reason_code) == (Decision.HOLD, "guard_band")
    fault = default_disposition(replace(PASSED, verdict=Verdict.unknown(FaultCode.CAMERA_LOST, "gone")))
    assert fault is not None
    assert (fault.decision, fault.reason_code) == (Decision.HOLD, "camera_lost")
    assert default_disposition(PASSED) is None
    assert default_disposition(replace(PASSED, verdict=failed)) is None


def test_the_screen_sees_the_line_and_the_mes_lamp(desk: Desk) -> None:
    desk.office.heard(STATUS)
    assert desk.board.status.ready
    assert desk.board.status.lamps[Lamp.MES].detail == "no broker"


def test_the_screen_sees_who_writes(desk: Desk) -> None:
    desk.office._writing = lambda: Writing("scribe 1", 7, {"late": 2})
    desk.office.heard(STATUS)
    assert desk.board.status.writing == Writing("scribe 1", 7, {"late": 2})


def test_a_silent_line_is_shown_as_gone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.office.heard(STATUS)
    monkeypatch.setattr(office_module, "SILENT_AFTER_S", -1.0)
    desk.office.heard(None)
    assert not desk.board.status.ready
    assert desk.board.status.lamps[Lamp.CAMERA].good is None


# --- signals and lamps ------------------------------------------------------------------------------------


def test_the_latest_of_several_signals_arrives(tmp_path: Path) -> None:
    receiver, sender = SignalReceiver(tmp_path), SignalSender(tmp_path)
    try:
        assert receiver.wait(0.0) is None
        for recipe in ("a", "b", "c"):
            sender.send(replace(STATUS, recipe=recipe))
        heard = receiver.wait(5.0)
        assert heard is not None
        assert heard.recipe == "c"
    finally:
        sender.close()
        receiver.close()


def test_a_sender_nobody_listens_to_goes_on(tmp_path: Path) -> None:
    sender = SignalSender(tmp_path)
    sender.send(STATUS)
    sender.close()


def test_a_full_queue_never_blocks_the_sender(tmp_path: Path) -> None:
    receiver, sender = SignalReceiver(tmp_path), SignalSender(tmp_path)
    try:
        for _ in range(5000):
            sender.send(STATUS)
    finally:
        sender.close()
        receiver.close()


def test_a_status_survives_the_wire() -> None:
    assert status_from_json(status_to_json(STATUS)) == STATUS


def test_a_lamp_keeps_its_since_until_it_really_changes() -> None:
    told: list[LineStatus] = []
    keeper = StatusKeeper(STATUS, told.append)
    keeper.lamp(Lamp.CAMERA, True, "warm")
    assert told[-1].lamps[Lamp.CAMERA].since == NOW
    keeper.lamp(Lamp.CAMERA, False, "gone")
    assert told[-1].lamps[Lamp.CAMERA].since > NOW
    count = len(told)
    keeper.lamp(Lamp.CAMERA, False, "gone")
    assert len(told) == count


def test_a_camera_fault_shows_and_the_next_good_part_clears_it() -> None:
    told: list[LineStatus] = []
    keeper = StatusKeeper(STATUS, told.append)
    keeper.inspected(InspectionReport(trigger(), Verdict.unknown(FaultCode.CAMERA_LOST, "the plug is out")))
    assert told[-1].lamps[Lamp.CAMERA] == replace(told[-1].lamps[Lamp.CAMERA], good=False, detail="the plug is out")

    keeper.inspected(replace(PASSED, detections=Detections((), MODEL)))
    assert told[-1].lamps[Lamp.CAMERA].good is True


# --- the second opinion ---------------------------------------------------------------------------------------

ACCEPT = Disposition(Decision.ACCEPT, "likely_conforming", "likely conforming", "advisor")
OPEN = InspectionReport(
    trigger(5), Verdict(Outcome.REVIEW, (Reason(Outcome.REVIEW, "guard_band", "length"),), "default")
)


class Reviews:
    """Nobody has decided anything."""

    def after(self, number: int, limit: int) -> Sequence[ReviewedPart]:
        return []


@dataclass
class Adviser:
    """Says the same about everything it is asked about, or nothing at all."""

    says: Disposition | None = ACCEPT
    remembered: list[InspectionReport] = field(default_factory=list)
    learnt: list[ReviewedPart] = field(default_factory=list)
    begun_anew: int = 0

    def remember(self, report: InspectionReport) -> None:
        self.remembered.append(report)

    def learn(self, part: ReviewedPart) -> None:
        self.learnt.append(part)

    def start_anew(self) -> None:
        self.begun_anew += 1

    def advise(self, report: InspectionReport) -> Disposition:
        if self.says is None:
            raise LanguageError("no opinion")
        return self.says


@dataclass
class Told:
    """What an office has said about open parts, and to whom."""

    mes: list[Disposition | None] = field(default_factory=list)
    plc: list[tuple[int, Disposition]] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)


def advised(desk: Desk, adviser: Adviser, *, at: datetime = NOW, reviews: PastReviews | None = None) -> Told:
    """Let the desk's office ask this adviser; return what it tells."""
    told = Told()

    def compose(report: InspectionReport, disposition: Disposition | None, *_: object) -> tuple[OutboxMessage, ...]:
        told.mes.append(disposition)
        return ()

    desk.office._compose = compose
    desk.office._advice = AdviceDesk(
        adviser,
        latest=desk.record.latest,
        reviews=reviews or Reviews(),
        stop=told.stops.append,
        tell=lambda trigger, disposition: told.plc.append((trigger.sequence, disposition)),
        deadline=timedelta(seconds=2),
        clock=lambda: at,
    )
    return told


def test_an_open_part_keeps_both_opinions_and_the_message_says_the_last(desk: Desk) -> None:
    told = advised(desk, Adviser())
    answered(desk, OPEN)
    desk.office.record_waiting()
    assert desk.record.opinions == [ACCEPT]
    assert told.mes == [ACCEPT]
    assert told.plc == [(5, ACCEPT)]
    assert desk.board.parts[0].disposition == ACCEPT


def test_parts_that_are_not_open_are_remembered_and_not_advised_on(desk: Desk) -> None:
    adviser = Adviser()
    told = advised(desk, adviser)
    lost = InspectionReport(trigger(6), Verdict.unknown(FaultCode.CAMERA_LOST, "cable"))
    waiting = InspectionReport(trigger(7), PASSED.verdict.withheld("L-9"))
    for report in (PASSED, lost, waiting):
        answered(desk, report)
    desk.office.record_waiting()
    assert desk.record.opinions == []
    assert [item and item.decision for item in told.mes] == [None, Decision.HOLD, None]
    assert told.plc == []  # an opinion releases no part of a held lot
    assert {report.id for report in adviser.remembered} == {PASSED.id, lost.id, waiting.id}


def test_without_advice_the_rules_hold_stands(desk: Desk) -> None:
    told = advised(desk, Adviser(None))
    answered(desk, OPEN)
    desk.office.record_waiting()
    assert desk.record.opinions == []
    assert told.mes == [default_disposition(OPEN)]
    assert told.plc == []


def test_advice_that_a_crash_cut_off_is_added_later_and_once(desk: Desk) -> None:
    advised(desk, Adviser())
    desk.record.parts.append(RecordedPart(OPEN, {}, None, NOW, default_disposition(OPEN)))
    for _ in range(2):
        answered(desk, OPEN)
        desk.office.record_waiting()
    assert desk.record.opinions == [ACCEPT]


def test_the_history_starts_with_what_is_recorded(desk: Desk) -> None:
    desk.record.parts.append(RecordedPart(PASSED, {}, None, NOW))
    adviser = Adviser()
    advised(desk, adviser)
    answered(desk, OPEN)
    desk.office.record_waiting()
    assert [report.id for report in adviser.remembered] == [PASSED.id, OPEN.id]


STOP = Disposition(Decision.STOP_LINE, "policy", "likely: it would accept, the policy says stop the line", "advisor")
HOLD = Disposition(Decision.HOLD, "would_accept", "it would accept, the line says hold", "advisor")


def test_a_hold_is_not_told_to_the_plc_again(desk: Desk) -> None:
    told = advised(desk, Adviser(HOLD))
    answered(desk, OPEN)
    desk.office.record_waiting()
    assert (desk.record.opinions, told.plc) == ([HOLD], [])


def test_a_release_is_told_once_the_record_has_it(desk: Desk) -> None:
    told = advised(desk, Adviser())
    answered(desk, OPEN)
    desk.record.error = StoreError("the server is away")
    desk.office.record_waiting()
    assert told.plc == []
    desk.record.error = None
    desk.office.record_waiting()
    assert told.plc == [(5, ACCEPT)]


def test_advice_after_its_deadline_releases_nothing(desk: Desk) -> None:
    late = OPEN.trigger.at + timedelta(seconds=2.1)
    told = advised(desk, Adviser(), at=late)
    answered(desk, OPEN)
    desk.office.record_waiting()
    (said,) = desk.record.opinions
    assert (said.decision, opinion_of(said)) == (Decision.HOLD, Decision.ACCEPT)
    assert told.plc == []
    assert advised(desk, Adviser(STOP), at=late).stops == []
    assert desk.office._advice is not None
    assert desk.office._advice.on(replace(OPEN, id=UUID(int=7))) == STOP, "it may still tighten"


def test_a_stop_holds_the_line_once_even_where_the_record_refuses_the_part(desk: Desk) -> None:
    adviser = Adviser(STOP)
    told = advised(desk, adviser)
    answered(desk, OPEN)
    desk.record.error = StoreError("the server is away")
    for _ in range(3):
        desk.office.record_waiting()
    assert len(told.stops) == adviser.begun_anew == 1
    assert told.plc == [(5, STOP)], "what tightens does not wait for the record"
    desk.record.error = None
    desk.office.record_waiting()
    assert (len(told.stops), told.plc) == (1, [(5, STOP)])
    assert desk.record.opinions == [STOP]


def test_what_led_to_a_stop_before_this_start_is_not_counted_again(desk: Desk) -> None:
    stopped = replace(OPEN, id=UUID(int=9))
    desk.record.parts.append(RecordedPart(stopped, {}, None, NOW, STOP))
    adviser = Adviser(HOLD)
    advised(desk, adviser)
    answered(desk, OPEN)
    desk.office.record_waiting()
    assert adviser.begun_anew == 1


def test_new_decisions_of_people_are_learnt_before_the_next_part(desk: Desk) -> None:
    decisions = [ReviewedPart(number, OPEN, Decision.SCRAP, "defect_confirmed", {}) for number in (3, 4)]

    class Growing:
        def after(self, number: int, limit: int) -> Sequence[ReviewedPart]:
            return [part for part in decisions if part.number > number][-limit:]

    adviser = Adviser()
    advised(desk, adviser, reviews=Growing())
    for identity in (1, 2):
        answered(desk, replace(OPEN, id=UUID(int=identity)))
        desk.office.record_waiting()
        decisions.append(ReviewedPart(9, OPEN, Decision.ACCEPT, "within_limits", {}))
    assert [part.number for part in adviser.learnt] == [3, 4, 9]


def test_the_policys_stop_is_a_hold_that_the_line_obeys_and_the_trail_names(tmp_path: Path) -> None:
    acts: list[tuple[str, ...]] = []

    class Trail:
        def add(self, person: Person, act: str, subject: str = "", detail: str = "") -> None:
            acts.append((person.name, act, subject, detail))

    follower = ControlFollower(tmp_path)
    stop_by_policy(Control(tmp_path), Trail(), "line-1")("part 7: open on 3 of the latest 5 parts")  # type: ignore[arg-type]
    assert follower.changes() == [HoldLine("policy", "part 7: open on 3 of the latest 5 parts")]
    assert acts == [("policy", "hold_line", "line-1", "part 7: open on 3 of the latest 5 parts")]
