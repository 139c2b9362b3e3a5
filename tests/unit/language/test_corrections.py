"""What people wrote in place of a text becomes slotted sentences again, or is refused with a reason."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.domain import Box, FaultCode, InspectionReport
from inspector.language import Glossary
from inspector.language.brief import Brief, Kind, briefs_of
from inspector.language.checker import check_sentence
from inspector.language.corpus import random_sentence
from inspector.language.corrections import AMBIGUOUS, BRACES, FREE_NAME, OUTSIDE, UNALIGNED, examples_of, unslot
from inspector.language.examples import CORRECTION
from inspector.language.records import KNOWN_NAMES, random_report
from inspector.language.slots import fill, join_sentences, printed, slots_in
from tests.support.screen import part

SPUR = ("spur", 0.97, Box(100, 100, 120, 110))
NAMES = Glossary()


@pytest.fixture
def report() -> InspectionReport:
    return part(17, None, boxes=[SPUR], limits={0: ("above_usl", 0.35)}, zones={0: "connector"}).report


def briefs(report: InspectionReport) -> tuple[Brief, ...]:
    found = briefs_of(report)
    assert found is not None
    return found


def told(report: InspectionReport, language: str, slotted: list[str], glossary: Glossary = NAMES) -> str:
    filled = [fill(brief, text, language, glossary) for brief, text in zip(briefs(report), slotted, strict=True)]
    return join_sentences(filled, language)


EN = [
    "{part} is rejected because of a defect.",
    "Beside the pads {class} grew in zone {zone}, near x {x}, y {y}: {first} {first.value}, {first.distance} over the"
    " {first.limit} limit.",
    "The line removes it.",
]
ZH = [
    "{part}不合格：发现缺陷。",
    "焊盘旁有{class}，位于区域 {zone}，位置 X {x}、Y {y}："
    "{first} {first.value}，超出上限 {first.limit} 达 {first.distance}。",
    "该件被剔除。",
]


@pytest.mark.parametrize(("language", "slotted"), [("en", EN), ("zh", ZH)])
def test_a_corrected_text_is_told_by_its_slots_again(
    report: InspectionReport, language: str, slotted: list[str]
) -> None:
    text = told(report, language, slotted)
    assert re.search(r"0\.417", text)
    found = examples_of(report, language, f" {text} ")
    assert [example.text for example in found.accepted] == slotted
    assert {example.source for example in found.accepted} == {CORRECTION}
    assert [example.brief for example in found.accepted] == list(briefs(report))
    assert not found.refused


def test_the_names_are_those_of_the_line(report: InspectionReport) -> None:
    burr = Glossary({"spur": {"en": "burr no. 7", "zh": "飞边"}, "connector": {"en": "J. 7 plug"}})
    for language, slotted in (("en", EN), ("zh", ZH)):
        found = examples_of(report, language, told(report, language, slotted, burr), glossary=burr)
        assert [example.text for example in found.accepted] == slotted
    assert "missing slot" in examples_of(report, "zh", told(report, "zh", ZH, burr)).refused


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("0.417 ± 0.033 mm", "0.42 mm"), "unit"),
        (("over the", "3 over the"), "digit"),
        (("over the", "under the"), "wrong claim"),
        ((" in zone connector", ""), "missing slot"),
        (("Beside the pads", "Beside the {x}"), BRACES),
        (("Beside the pads", "Beside the spur"), "repeated slot"),
        (("The line removes it", "The line rejects this spur"), FREE_NAME),
        (("The line removes it", "The line removes it from the connector"), FREE_NAME),
        (("The line removes it", "It moves on"), "verdict"),
    ],
)
def test_a_sentence_that_says_something_else_is_refused_alone(
    report: InspectionReport, change: tuple[str, str], why: str
) -> None:
    text = told(report, "en", EN)
    assert change[0] in text
    found = examples_of(report, "en", text.replace(*change))
    assert found.refused == {why: 1}
    assert len(found.accepted) == 2


@pytest.mark.parametrize(
    "text", ["", "Spur.", "One. Two. Three. Four.", "Part “PCB-000017” is rejected, and the line removes it."]
)
def test_a_text_with_other_sentences_is_refused_whole(report: InspectionReport, text: str) -> None:
    found = examples_of(report, "en", text)
    assert (found.accepted, found.refused) == ((), {UNALIGNED: 1})


def test_what_is_outside_the_contract_teaches_nothing(report: InspectionReport) -> None:
    assert examples_of(report, "de", "Der Grat ist zu lang.").refused == {OUTSIDE: 1}


def test_two_values_that_read_the_same_cannot_be_told_apart(report: InspectionReport) -> None:
    same = Glossary({"spur": {"en": "burr"}, "connector": {"en": "burr"}})
    found = examples_of(report, "en", told(report, "en", EN, same), glossary=same)
    assert found.refused[AMBIGUOUS] == 1


def test_the_text_of_a_fault_is_a_single_piece() -> None:
    lost = part(3, None, fault=FaultCode.CAMERA_LOST).report
    slotted = "{part} was not inspected, because {cause}. {remedy}. It stays on hold."
    found = examples_of(lost, "en", told(lost, "en", [slotted]))
    assert [example.text for example in found.accepted] == [slotted]


def apart(brief: Brief, text: str, language: str) -> bool:
    """Whether the values read differently, and no word of the sentence is one."""
    values = [value.casefold() for value in printed(brief, language, NAMES).values() if value]
    words = re.sub(r"\{[a-z.]+\}", "|", text).casefold()
    return len(set(values)) == len(values) and not any(value in words for value in values)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**32), st.sampled_from(["en", "zh"]))
def test_slots_filled_and_taken_out_again_are_the_same_sentence(seed: int, language: str) -> None:
    rng = random.Random(seed)
    for brief in briefs_of(random_report(rng, KNOWN_NAMES)) or ():
        text = random_sentence(brief, language, rng)
        if apart(brief, text, language):
            assert unslot(brief, fill(brief, text, language, NAMES), language, NAMES) == (text, "")


def test_hardly_a_sentence_is_left_out_for_its_names() -> None:
    rng = random.Random(8)
    there = kept = 0
    for number in range(150):
        drawn = random_report(rng, KNOWN_NAMES, number=number)
        asked = briefs_of(drawn)
        if asked is None:
            continue
        for language in ("en", "zh"):
            slotted = [random_sentence(brief, language, rng) for brief in asked]
            found = examples_of(drawn, language, told(drawn, language, slotted))
            there += len(slotted)
            kept += len(found.accepted)
            for example in found.accepted:
                assert check_sentence(example.brief, example.text, language) is None
                assert example.brief.kind is not Kind.OPENING or "part" in slots_in(example.text)
    assert kept / there > 0.85, f"{kept} of {there}"
