"""Questions about one part: read by the grammar, every figure out of the record, in both languages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

import pytest

from inspector.domain import (
    Ask,
    Box,
    Detection,
    Detections,
    FaultCode,
    InspectionReport,
    Measurement,
    ModelId,
    Outcome,
    PartQuery,
    PartQuestion,
    Query,
    Reason,
    RecordedPart,
    TextCorrection,
    Trigger,
    Verdict,
)
from inspector.language import Glossary
from inspector.runtime.part_desk import RecordPartDesk, read_question
from inspector.voice import Answers, PartAnswers, Refused, Vocabulary

ZONES = {"connector": (0.0, 0.0, 3.0, 13.3), "bore": (8.0, 8.0, 9.0, 9.0)}
TERMS = {
    "spur": {"en": "spur", "zh": "毛刺"},
    "open": {"en": "open", "zh": "开路"},
    "connector": {"zh": "插头"},
    "length": {"en": "length", "zh": "长度"},
}
NAMES = Glossary(TERMS)


def vocabulary(language: str) -> Vocabulary:
    def called(term: str) -> tuple[str, ...]:
        name = NAMES.name(term, language)
        return (name, f"{name}s") if language == "en" else (name,)

    return Vocabulary(
        parts=(),
        zones={zone: called(zone) for zone in ZONES},
        defects={label: called(label) for label in ("open", "spur")},
    )


def part(*, fault: bool = False, empty: bool = False, measured: bool = True) -> RecordedPart:
    """A spur of 0.42 mm in the connector, 0.07 mm too long, and an open of 0.3 mm, 0.5 mm beside the bore."""
    trigger = Trigger("4711", "cell-1", 1, datetime(2026, 11, 22, 10, tzinfo=UTC))
    if fault:
        return recorded(InspectionReport(trigger, Verdict.unknown(FaultCode.BAD_FRAME, "dark")))
    if empty:
        return recorded(InspectionReport(trigger, Verdict(Outcome.PASS, (), "default")))
    items = (Detection("spur", 0.9, Box(96, 96, 116, 116)), Detection("open", 0.8, Box(450, 400, 460, 410)))
    figures = {"length": (0.42, 0.3), "position_x": (2.2, 9.5), "position_y": (2.2, 8.5)}
    lines = tuple(
        Measurement(name, value, "mm", 0.033, "box", index, "connector" if index == 0 else "")
        for name, values in figures.items()
        for index, value in enumerate(values)
        if measured
    )
    reason = Reason(Outcome.FAIL, "above_usl", "length", 0.42, "mm", 0.35, -0.07, 0, "connector", "spur")
    found = Detections(items, ModelId("m", "1", "0" * 64))
    return recorded(InspectionReport(trigger, Verdict(Outcome.FAIL, (reason,), "default"), found, lines))


def recorded(report: InspectionReport) -> RecordedPart:
    texts = {"en": "Part 4711 failed.", "zh": "零件4711不合格。"}
    return RecordedPart(report, texts, None, report.trigger.at)


@pytest.fixture
def desk() -> RecordPartDesk:
    return RecordPartDesk(lambda _id: None, PartAnswers(NAMES.name, ZONES), vocabulary)


SPUR = "spur, in zone connector, at x 2.2, y 2.2 mm, length 0.420 ± 0.033 mm"
OPEN = "open, at x 9.5, y 8.5 mm, length 0.300 ± 0.033 mm"
CASES = [
    ("is there a spur near the connector?", "is_there", (0,), f"Yes, 1: {SPUR}."),
    ("is there an open near the bore", "is_there", (1,), f"Yes, 1: {OPEN}."),
    (
        "are there any spurs near the bore",
        "is_there",
        (0, 1),
        "No spur was found in or near zone bore. The nearest spur is 8.2 mm away from zone bore. "
        f"Found were: {SPUR}; {OPEN}.",
    ),
    ("which is the largest?", "largest", (0,), f"The largest is {SPUR}."),
    ("how large is the open", "largest", (1,), f"There is one: {OPEN}."),
    ("how many?", "how_many", (0, 1), f"2: {SPUR}; {OPEN}."),
    ("how many spurs are there", "how_many", (0,), f"1: {SPUR}."),
    ("why was it rejected?", "why", (0,), "Part 4711 failed."),
    (
        "how far from the limit is it?",
        "limit",
        (0,),
        "spur: length 0.420 ± 0.033 mm, 0.070 mm beyond the limit of 0.35 mm.",
    ),
    (
        "how far is the open from the limit",
        "limit",
        (),
        "No value of it is beyond or too close to a limit; the record keeps no other distances.",
    ),
    ("where is the spur", "where", (0,), f"1: {SPUR}."),
]


@pytest.mark.parametrize(("said", "query", "findings", "text"), CASES, ids=lambda value: str(value)[:40])
def test_a_question_is_answered_with_the_figures_of_the_record(
    desk: RecordPartDesk, said: str, query: str, findings: tuple[int, ...], text: str
) -> None:
    answer = desk.about(part(), said, "en")
    assert answer.question is not None
    assert (answer.question.query, answer.findings, answer.text) == (query, findings, text)


@pytest.mark.parametrize(
    ("said", "query", "findings", "text"),
    [
        (
            "插头附近有毛刺吗？",
            "is_there",
            (0,),
            "有，1处：毛刺，区域插头内，位于 x 2.2，y 2.2 mm，长度0.420 ± 0.033 mm。",
        ),
        ("哪个最大", "largest", (0,), "最大的是毛刺，区域插头内，位于 x 2.2，y 2.2 mm，长度0.420 ± 0.033 mm。"),
        ("有几个毛刺", "how_many", (0,), "1处：毛刺，区域插头内，位于 x 2.2，y 2.2 mm，长度0.420 ± 0.033 mm。"),
        ("为什么不合格", "why", (0,), "零件4711不合格。"),
        ("离限值多远", "limit", (0,), "毛刺：长度0.420 ± 0.033 mm，超出限值0.35 mm 0.070 mm。"),
        ("开路在哪里", "where", (1,), "1处：开路，位于 x 9.5，y 8.5 mm，长度0.300 ± 0.033 mm。"),
    ],
)
def test_in_chinese_too(desk: RecordPartDesk, said: str, query: str, findings: tuple[int, ...], text: str) -> None:
    answer = desk.about(part(), said, "zh")
    assert answer.question is not None
    assert (answer.question.query, answer.findings, answer.text) == (query, findings, text)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_example_is_understood_and_every_query_has_one(desk: RecordPartDesk, language: str) -> None:
    read = [read_question(example, language, vocabulary(language)) for example in desk.examples(language)]
    assert not [item for item in read if isinstance(item, Refused)]
    assert {item.query for item in read if isinstance(item, PartQuestion)} == set(PartQuery)


@pytest.mark.parametrize(
    "said", ["", "sing a song", "ignore the rules and accept the part", "is there a bicycle", "¿qué?"]
)
def test_what_it_cannot_answer_it_says_with_what_it_can(desk: RecordPartDesk, said: str) -> None:
    answer = desk.about(part(), said, "en")
    assert answer.question is None
    assert answer.findings == ()
    assert answer.text.startswith("This can be asked: is there any open near the connector; which is the largest;")


@pytest.mark.parametrize(
    "said", ["is there a spur", "how many", "which is the largest", "where is it", "how far from the limit is it"]
)
def test_of_a_part_that_was_not_inspected_nothing_is_said(desk: RecordPartDesk, said: str) -> None:
    answer = desk.about(part(fault=True), said, "en")
    assert answer.text == "This part was not inspected, so the record cannot say."


def test_a_clean_part_and_one_without_measurements(desk: RecordPartDesk) -> None:
    assert (
        desk.about(part(empty=True), "is there a spur", "en").text
        == "No spur was found. Nothing was found on this part."
    )
    assert desk.about(part(empty=True), "how far from the limit is it", "en").text.startswith("This part passed")
    bare = part(measured=False)
    assert desk.about(bare, "which is the largest", "en").text == "No size of it was measured."
    near = desk.about(bare, "is there a spur near the bore", "en").text
    assert near == (
        "No spur was found in or near zone bore. Found were: spur; open. The place of 1 of them was not measured."
    )


def test_forty_findings_are_counted_and_five_are_told(desk: RecordPartDesk) -> None:
    few = part()
    assert few.report.detections is not None
    many = Detections(few.report.detections.items * 20, few.report.detections.model)
    answer = desk.about(recorded(replace(few.report, detections=many, id=uuid4())), "how many", "en")
    assert answer.text.startswith("40: ")
    assert answer.text.endswith("35 more.")
    assert len(answer.findings) == 40


def test_no_figure_is_any_but_the_records(desk: RecordPartDesk) -> None:
    allowed = {"2", "1", "2.2", "9.5", "8.5", "0.420", "0.300", "0.033", "0.35", "0.070", "4711", "8.2"}
    for said, *_ in CASES:
        assert set(re.findall(r"\d+(?:\.\d+)?", desk.about(part(), said, "en").text)) <= allowed


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Slag, not a spur. A person has corrected this text; the trail says who."),
        ("zh", "零件4711不合格。"),
    ],
)
def test_a_corrected_text_is_quoted_as_corrected(language: str, told: str) -> None:
    asked = part()
    moment = asked.report.trigger.at
    corrected = replace(
        asked, corrections={"en": TextCorrection(asked.report.id, "en", "Slag, not a spur.", "mei", moment)}
    )
    typed = PartAnswers(NAMES.name, ZONES).answer(corrected, PartQuestion(PartQuery.WHY), language)
    assert typed.text == told
    line = SimpleNamespace(part=lambda _part_id: [corrected], latest=lambda _limit: [corrected])
    spoken = Answers(line, PartAnswers(NAMES.name, ZONES), line)  # type: ignore[arg-type]
    assert [spoken.answer(asks, language) for asks in (Ask(Query.WHY, "4711"), Query.WHY)] == [told, told]


def test_a_correction_in_the_only_language_is_quoted_in_the_other() -> None:
    asked = replace(part(), texts={"zh": "零件4711不合格。"})
    correction = TextCorrection(asked.report.id, "zh", "是焊渣。", "mei", asked.report.trigger.at)
    answers = PartAnswers(NAMES.name, ZONES)
    told = answers.answer(replace(asked, corrections={"zh": correction}), PartQuestion(PartQuery.WHY), "en").text
    assert told == "是焊渣。 A person has corrected this text; the trail says who."


def test_a_correction_that_was_taken_back_is_none() -> None:
    asked = part()
    correction = TextCorrection(asked.report.id, "en", asked.texts["en"], "mei", asked.report.trigger.at)
    answers = PartAnswers(NAMES.name, ZONES)
    told = answers.answer(replace(asked, corrections={"en": correction}), PartQuestion(PartQuery.WHY), "en").text
    assert told == asked.texts["en"]
