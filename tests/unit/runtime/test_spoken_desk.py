"""Spoken commands go through the same desks as the keys of the screen, over a real record and a real trail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inspector.domain import (
    AcknowledgeAlarm,
    Ask,
    AskLot,
    AskPart,
    AuditEntry,
    Decision,
    Desks,
    Disposition,
    HoldLine,
    HoldLot,
    InspectionReport,
    Lamp,
    LampState,
    LineError,
    LineStatus,
    NotAllowed,
    OutboxMessage,
    Override,
    PartQuery,
    PartQuestion,
    Person,
    Query,
    ReleaseLine,
    ReleaseLot,
    Remark,
    ReviewError,
    Role,
    SelectRecipe,
    StartChallengeTest,
    StoreError,
    VoiceError,
)
from inspector.language import DEFAULT_GLOSSARY, Glossary
from inspector.runtime.control import Control
from inspector.runtime.linedesk import RunningLineDesk
from inspector.runtime.review import RecordReviewDesk
from inspector.runtime.spoken_desk import SpokenDesk
from inspector.runtime.talk_desk import LineVoiceDesk
from inspector.runtime.trials import TrialStore
from inspector.runtime.wiring.talk import build_voice_desk
from inspector.settings import Voice, load_line
from inspector.store import RecordStore, SqlAuditTrail
from inspector.voice import Answers, Meaning, PartAnswers, Refused
from tests.support.shifts import LINE, NIGHT, fill, inspection

JAN, MEI, ENG = Person("jan", Role.OPERATOR), Person("mei", Role.QUALITY), Person("eve", Role.ENGINEER)
BY = "spoken command"
CONFIG = Path(__file__).resolve().parents[3] / "line_configs" / "virtual-board.yaml"
NAMES, ZONES = Glossary(), {"connector": (0.0, 0.0, 3.0, 13.3)}


class Office:
    """The desks of a line with two held parts and one that passed."""

    def __init__(self, folder: Path) -> None:
        held: list[InspectionReport] = [inspection(number, NIGHT, label="spur", length=0.3) for number in (1, 2)]
        self.passed = inspection(3, NIGHT)
        self.database, images = fill(folder, [*held, self.passed])
        self.held = [report.trigger.part_id for report in held]
        record = RecordStore(self.database, images, line=LINE)
        self.trail = SqlAuditTrail(self.database)
        self.lamp = LampState(True, datetime(2026, 11, 22, tzinfo=UTC))
        self.messages: list[str] = []
        self.control = Control(folder)
        review = RecordReviewDesk(
            record, self.trail, compose=self._compose, decided=lambda: None, held_lots=self.control.held_lots
        )
        self.review = review
        self.line = line = RunningLineDesk(
            control=self.control,
            trail=self.trail,
            status=self.status,
            recipes=("default", "fine"),
            connections=(),
            trials=TrialStore(folder),
        )
        parts = PartAnswers(NAMES.name, ZONES)
        order = "WO-7 · board · 200"
        answers = Answers(record, parts, record, self.status, lambda: order, held_lots=line.held_lots)
        self.desk = SpokenDesk(line=line, review=review, record=record, status=self.status, answer=answers.answer)
        self.record = record

    def status(self) -> LineStatus:
        return LineStatus(LINE, True, "default", {Lamp.PLC: self.lamp})

    def _compose(self, report: InspectionReport, disposition: object) -> Sequence[OutboxMessage]:
        self.messages.append(report.trigger.part_id)
        return []

    def acts(self) -> list[tuple[str, str, str]]:
        return [(entry.who, entry.act, entry.subject) for entry in reversed(self.trail.latest(100))]

    def decision(self, part: str) -> Decision | None:
        newest = self.record.part(part)[0].disposition
        return newest.decision if newest is not None else None


class FullTrail(SqlAuditTrail):
    """Takes nothing any more."""

    def add(self, person: Person, act: str, subject: str = "", detail: str = "") -> AuditEntry:
        raise StoreError("the disk is full")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_the_line_is_held_and_released(office: Office) -> None:
    assert office.desk.objection(ReleaseLine("mei")) == "the line is not held"
    office.desk.apply(HoldLine("jan", BY), JAN)
    assert office.control.held() == HoldLine("jan", BY)
    assert office.desk.objection(ReleaseLine("mei")) == ""
    with pytest.raises(NotAllowed):
        office.desk.apply(ReleaseLine("jan"), JAN)
    assert office.control.held() is not None
    office.desk.apply(ReleaseLine("mei"), MEI)
    assert office.control.held() is None
    assert office.acts() == [
        ("jan", "hold_line", LINE), ("jan", "release_line_refused", LINE), ("mei", "release_line", LINE),
    ]  # fmt: skip


def test_a_line_without_samples_cannot_prove_itself(office: Office) -> None:
    with pytest.raises(LineError, match="no samples"):
        office.desk.apply(StartChallengeTest("mei"), MEI)


def test_a_recipe_is_selected_by_whoever_may(office: Office) -> None:
    assert office.desk.objection(SelectRecipe("nonesuch", "eve")) == "there is no recipe nonesuch"
    assert office.desk.objection(SelectRecipe("fine", "eve")) == ""
    office.desk.apply(SelectRecipe("fine", "eve"), ENG)
    with pytest.raises(NotAllowed):
        office.desk.apply(SelectRecipe("fine", "mei"), MEI)


@pytest.mark.parametrize(
    ("decision", "person"), [(Decision.ACCEPT, MEI), (Decision.REWORK, JAN), (Decision.SCRAP, JAN)]
)
def test_a_held_part_is_decided_about(office: Office, decision: Decision, person: Person) -> None:
    part = office.held[0]
    command = Override(part, decision, person.name, BY)
    assert office.desk.objection(command) == ""
    office.desk.apply(command, person)
    assert office.decision(part) is decision
    assert office.messages == [part]
    assert (person.name, "review", part) in office.acts()
    assert office.desk.objection(command) == f"part {part} is not held"


def test_an_operator_accepts_nothing(office: Office) -> None:
    part = office.held[0]
    with pytest.raises(NotAllowed):
        office.desk.apply(Override(part, Decision.ACCEPT, "jan", BY), JAN)
    assert office.decision(part) is Decision.HOLD


def test_a_part_that_passed_is_held_and_then_waits_for_a_person(office: Office) -> None:
    part = office.passed.trigger.part_id
    assert office.desk.objection(Override(part, Decision.ACCEPT, "mei", BY)) == f"part {part} is not held"
    hold = Override(part, Decision.HOLD, "jan", BY)
    assert office.desk.objection(hold) == ""
    office.desk.apply(hold, JAN)
    assert office.decision(part) is Decision.HOLD
    assert office.desk.objection(Override(part, Decision.ACCEPT, "mei", BY)) == ""
    assert ("jan", "hold_part", part) in office.acts()


def test_a_part_that_was_never_inspected(office: Office) -> None:
    with pytest.raises(VoiceError, match="no inspection of part 9999"):
        office.desk.apply(Override("9999", Decision.HOLD, "jan", BY), JAN)


def test_alarms_are_acknowledged_where_there_are_some(office: Office) -> None:
    assert office.desk.objection(AcknowledgeAlarm("jan")) == "there is no alarm"
    office.lamp = LampState(False, office.lamp.since, "no answer")
    assert office.desk.objection(AcknowledgeAlarm("jan")) == ""
    office.desk.apply(AcknowledgeAlarm("jan"), JAN)
    assert ("jan", "acknowledge_alarm", LINE) in office.acts()


def test_a_lot_is_held_by_anybody_and_released_by_whoever_may(office: Office) -> None:
    assert office.desk.objection(ReleaseLot("L12", "mei")) == "lot L12 is not held"
    assert office.desk.objection(HoldLot("L12", "jan", BY)) == ""
    office.desk.apply(HoldLot("L12", "jan", BY), JAN)
    assert office.control.held_lots() == [HoldLot("L12", "jan", BY)]
    assert office.control.held() is None
    assert office.desk.objection(ReleaseLot("L12", "mei")) == ""
    with pytest.raises(NotAllowed):
        office.desk.apply(ReleaseLot("L12", "jan"), JAN)
    assert office.control.held_lots() == [HoldLot("L12", "jan", BY)]
    office.desk.apply(ReleaseLot("L12", "mei"), MEI)
    assert office.control.held_lots() == []
    with pytest.raises(LineError, match="lot L12 is not held"):
        office.desk.apply(ReleaseLot("L12", "mei"), MEI)
    lot = f"{LINE}/L12"
    assert office.acts() == [
        ("jan", "hold_lot", lot), ("jan", "release_lot_refused", lot), ("mei", "release_lot", lot),
    ]  # fmt: skip


def test_a_lot_is_held_even_where_that_cannot_be_written_down_and_not_released(office: Office, tmp_path: Path) -> None:
    desk = RunningLineDesk(
        control=office.control,
        trail=FullTrail(office.database),
        status=office.status,
        recipes=(),
        connections=(),
        trials=TrialStore(tmp_path),
    )
    with pytest.raises(StoreError):
        desk.act(JAN, HoldLot("L12", "jan", BY))
    assert office.control.held_lots() == [HoldLot("L12", "jan", BY)]
    with pytest.raises(StoreError):
        desk.act(MEI, ReleaseLot("L12", "mei"))
    assert office.control.held_lots() == [HoldLot("L12", "jan", BY)]


@pytest.mark.parametrize("lot", ["", "  ", "L" * 129])
def test_what_is_no_lot_is_not_held(office: Office, lot: str) -> None:
    with pytest.raises(LineError, match="no lot"):
        office.desk.apply(HoldLot(lot, "jan"), JAN)
    assert office.control.held_lots() == []


def test_no_part_of_a_held_lot_is_accepted_and_its_own_hold_outlives_the_lots(office: Office) -> None:
    report = inspection(10, NIGHT, label="spur", length=0.3)
    hold = Disposition(Decision.HOLD, "guard_band", "open by the rules", "rules")
    office.record.record(report, pixels=None, texts={}, messages=[], disposition=hold, lot="L12")
    part, accept = report.trigger.part_id, Override(report.trigger.part_id, Decision.ACCEPT, "mei", BY)
    office.desk.apply(HoldLot("L12", "jan", BY), JAN)
    with pytest.raises(ReviewError, match="lot L12 is held"):
        office.desk.apply(accept, MEI)
    assert office.decision(part) is Decision.HOLD
    office.desk.apply(ReleaseLot("L12", "mei"), MEI)
    assert office.decision(part) is Decision.HOLD
    office.desk.apply(accept, MEI)
    assert office.decision(part) is Decision.ACCEPT


def test_a_remark_needs_no_more_than_its_entry_in_the_trail(office: Office) -> None:
    assert office.desk.objection(Remark("spur", "jan")) == ""
    office.desk.apply(Remark("spur", "jan"), JAN)
    assert office.acts() == []


def test_questions_are_answered_from_the_record(office: Office) -> None:
    assert office.desk.answer(Query.COUNTS, "en").startswith("3 parts: 1 passed")
    assert office.desk.answer(Query.NEXT_ORDER, "en") == "To be made: WO-7 · board · 200."
    assert office.desk.answer(Query.NEXT_ORDER, "zh") == "待生产：WO-7 · board · 200。"
    assert office.desk.answer(Query.STATUS, "en").startswith(f"{LINE} is ready")
    assert office.held[0] in office.desk.answer(Ask(Query.WHY, office.held[0]), "en")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("query", [item for item in PartQuery if item is not PartQuery.WHY])
def test_a_spoken_question_about_a_part_has_the_typed_ones_answer(
    office: Office, query: PartQuery, language: str
) -> None:
    part, question = office.record.part(office.held[0])[0], PartQuestion(query, "spur", "")
    typed = PartAnswers(NAMES.name, ZONES).answer(part, question, language).text
    said = office.desk.answer(AskPart(office.held[0], question), language)
    assert said.endswith(typed)
    assert office.held[0] in said.removesuffix(typed)  # which part was understood is read back


def test_the_figures_of_a_part_are_the_records(office: Office) -> None:
    largest = PartQuestion(PartQuery.LARGEST)
    assert office.desk.answer(AskPart(office.held[0], largest), "en") == (
        "Part P-00001. There is one: spur, length 0.300 ± 0.020 mm."
    )
    assert office.desk.answer(AskPart("", largest), "en") == (
        "Part P-00003. No finding was found. Nothing was found on this part."
    )
    assert office.desk.answer(AskPart("9999", largest), "en") == "There is no inspection of part 9999 in the record."


def test_before_the_first_part_there_is_no_last_one(tmp_path: Path) -> None:
    database, _ = fill(tmp_path, [])
    record = RecordStore(database, line=LINE)
    answers = Answers(record, PartAnswers(NAMES.name, ZONES), record)
    assert answers.answer(AskPart("", PartQuestion(PartQuery.WHERE)), "zh") == "还没有检测过零件。"


def test_the_rejects_of_a_lot_are_counted(office: Office) -> None:
    for number, (length, lot) in enumerate([(0.5, "4711"), (0.3, "4711"), (0.0, "4711"), (0.5, "4712")], 10):
        report = inspection(number, NIGHT, label="spur" if length else "", length=length)
        office.record.record(report, pixels=None, texts={}, messages=[], disposition=None, lot=lot)
    assert office.record.lots(9) == ["4712", "4711"]
    assert office.record.lots(1) == ["4712"]
    counted = "Lot 4711: 1 of 3 parts rejected, 1 to review, 0 not inspected."
    assert office.desk.answer(AskLot("4711"), "en") == f"{counted} It is not held."
    assert office.desk.answer(AskLot("4712"), "zh") == "批次4712：1件中不合格1，待复检0，未检测0。该批次未扣留。"
    assert office.desk.answer(AskLot("4713"), "en") == "There is no part of lot 4713 in the record. It is not held."


def test_a_held_lot_is_told_of(office: Office) -> None:
    office.line.act(JAN, HoldLot("4713", "jan", BY))
    assert office.desk.answer(AskLot("4713"), "en").endswith("It is held by jan.")
    assert office.desk.answer(AskLot("4713"), "zh").endswith("该批次已扣留，扣留人：jan。")
    assert office.desk.answer(Query.STATUS, "en").endswith("Held lots: 4713.")


async def test_the_lots_are_known_anew_at_every_press(office: Office, tmp_path: Path) -> None:
    spoken = build_voice_desk(
        load_line(CONFIG).model_copy(update={"voice": Voice()}),
        tmp_path,
        desks=Desks(line=office.line),
        review=office.review,
        record=office.record,
        lots=office.record,
        trail=office.trail,
        status=office.status,
        order=lambda: "",
        terms=DEFAULT_GLOSSARY,
    )
    assert isinstance(spoken, LineVoiceDesk)

    async def understood(number: str) -> Meaning | Refused:
        return (await spoken.words("en")).interpreter.understand(f"how many rejects in lot {number}")

    assert isinstance(await understood("4711"), Refused)
    office.control.make_lot("4711")  # an order has come
    assert await understood("4711") == Meaning("lot_rejects", (("lot", "4711"),))
    assert isinstance(await understood("4713"), Refused)
    report = inspection(10, NIGHT)
    office.record.record(report, pixels=None, texts={}, messages=[], disposition=None, lot="L-4713")
    assert await understood("4713") == Meaning("lot_rejects", (("lot", "L-4713"),))
    assert isinstance(await understood("5005"), Refused)
    office.line.act(JAN, HoldLot("5005", "jan"))  # of which no part was seen, and which has to be released some day
    assert await understood("5005") == Meaning("lot_rejects", (("lot", "5005"),))
