"""The author: an engine that is slow, hung, broken or wrong costs its sentences and nothing else."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from inspector.domain import Box, InspectionReport, LanguageError, Outcome, Reason
from inspector.domain import ReportAuthor as AuthorPort
from inspector.language.author import BUSY, DOWN, HURRY, LATE, OUTSIDE, TEMPLATE, ReportAuthor
from inspector.language.corpus import random_sentence
from inspector.language.engine import Request
from inspector.language.records import UNSEEN_NAMES, random_report
from inspector.language.template import TemplateWriter
from tests.support.screen import part

LANGUAGES = ("en", "zh")
SPUR = ("spur", 0.97, Box(100, 100, 120, 110))
GENEROUS_S = 20.0

Say = Callable[[Request, int], str]


def rightly(request: Request, attempt: int) -> str:
    return random_sentence(request.brief, request.language, random.Random(attempt))


class Engine:
    """Says what it is told to."""

    name, attempts = "scribe 1", 2

    def __init__(self, say: Say = rightly) -> None:
        self.say, self.asked, self.closed = say, 0, False
        self.gate = threading.Event()
        self.gate.set()

    def write(self, requests: Sequence[Request], *, until: float, seed: int, attempt: int) -> list[str]:
        self.asked += len(requests)
        self.gate.wait(GENEROUS_S)
        return [self.say(request, attempt) for request in requests]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def author(engine: Engine) -> Iterator[ReportAuthor]:
    author = ReportAuthor(engine, deadline_s=GENEROUS_S)
    yield author
    engine.gate.set()
    author.close()
    assert engine.closed


@pytest.fixture
def report() -> InspectionReport:
    return part(17, None, boxes=[SPUR], limits={0: ("above_usl", 0.35)}, zones={0: "connector"}).report


def test_the_engine_writes_and_is_named(author: ReportAuthor, report: InspectionReport) -> None:
    texts = author.compose(report, LANGUAGES)
    assert {text.engine for text in texts.values()} == {"scribe 1"}
    assert "0.417 ± 0.033 mm" in texts["en"].text
    assert "Part “PCB-000017”" in texts["en"].text
    assert "毛刺" in texts["zh"].text
    assert author.counts == {"scribe 1": 2}
    assert isinstance(author, AuthorPort)


def test_a_rejected_sentence_is_asked_for_again_alone(
    engine: Engine, author: ReportAuthor, report: InspectionReport
) -> None:
    engine.say = lambda request, attempt: "" if not attempt and request.language == "zh" else rightly(request, 0)
    texts = author.compose(report, LANGUAGES)
    assert texts["zh"].engine == "scribe 1"
    assert engine.asked == 3 * 2 + 3


def test_a_text_that_stays_wrong_is_the_templates_and_counted_by_its_reason(
    engine: Engine, author: ReportAuthor, report: InspectionReport
) -> None:
    engine.say = lambda request, _: rightly(request, 0).replace("{zone}", "left 3")
    texts = author.compose(report, LANGUAGES)
    assert {language: text.text for language, text in texts.items()} == {
        language: TemplateWriter().write(report, language) for language in LANGUAGES
    }
    assert {text.engine for text in texts.values()} == {TEMPLATE}
    assert sum(author.counts.values()) == 2
    assert (author.writing.engine, author.writing.written) == ("scribe 1", 0)
    assert sum(author.writing.instead.values()) == 2
    assert {text.instead for text in texts.values()} <= {"missing slot", "digit", "language"}


def test_an_engine_that_hangs_is_late_once_and_busy_after(report: InspectionReport) -> None:
    engine = Engine()
    engine.gate.clear()
    author = ReportAuthor(engine, deadline_s=0.05)
    try:
        assert author.compose(report, ["en"])["en"].instead == LATE
        assert author.compose(report, ["en"])["en"].instead == BUSY
    finally:
        engine.gate.set()
        author.close()


def test_an_engine_that_fails_is_said_once_and_so_is_its_return(
    engine: Engine, author: ReportAuthor, report: InspectionReport, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(request: Request, attempt: int) -> str:
        raise LanguageError("no model loaded")

    engine.say = broken
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert author.compose(report, ["en"])["en"].instead == DOWN
        engine.say = rightly
        assert author.compose(report, ["en"])["en"].engine == "scribe 1"
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "the template writes the reports, the engine does not",
        "the report engine scribe 1 answers again",
    ]


def test_an_error_that_is_none_of_ours_costs_the_sentence_too(
    engine: Engine, author: ReportAuthor, report: InspectionReport
) -> None:
    def broken(request: Request, attempt: int) -> str:
        raise ZeroDivisionError

    engine.say = broken
    assert author.compose(report, ["en"])["en"].instead == DOWN
    engine.say = rightly
    assert author.compose(report, ["en"])["en"].engine == "scribe 1"


def test_in_a_hurry_the_engine_is_not_asked(engine: Engine, author: ReportAuthor, report: InspectionReport) -> None:
    assert author.compose(report, ["en"], hurry=True)["en"].instead == HURRY
    assert engine.asked == 0


def test_what_the_contract_does_not_know_only_the_template_says(
    engine: Engine, author: ReportAuthor, report: InspectionReport
) -> None:
    reason = Reason(Outcome.FAIL, "new_code", "colour", detection=0, label="spur")
    told = author.compose(replace(report, verdict=replace(report.verdict, reasons=(reason,))), ["en"])["en"]
    assert (told.engine, told.instead) == (TEMPLATE, OUTSIDE)
    assert "new code" in told.text
    assert engine.asked == 0


def test_the_template_alone_gives_no_reasons(report: InspectionReport) -> None:
    author = ReportAuthor()
    text = author.compose(report, ["en", "tlh"])
    assert set(text) == {"en"}
    assert (text["en"].engine, text["en"].instead, author.counts) == (TEMPLATE, "", {TEMPLATE: 1})
    author.close()


def test_hostile_names_are_printed_and_never_read(author: ReportAuthor) -> None:
    rng = random.Random(9)
    for number in range(60):
        report = random_report(rng, UNSEEN_NAMES, number=number)
        for language, text in author.compose(report, LANGUAGES).items():
            assert "\n" not in text.text
            for slot in ("{class}", "{zone}", "{part}", "{first"):
                assert slot not in text.text, f"{language}: {text.text}"
