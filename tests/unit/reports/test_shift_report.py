"""A whole report over a real record: its figures are counted by hand, its words hold to its tables."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader

from inspector.domain import Decision, Disposition, FaultCode, InspectionReport, Outcome, ReportError, SpecLimits
from inspector.language import DEFAULT_GLOSSARY
from inspector.reports import Identity, ShiftCalendar, ShiftPattern, ShiftReport, compile_shift, write_report
from inspector.reports.archive import _has_chinese
from inspector.reports.narrative import narrate, stray_numbers
from inspector.reports.page import page_of
from inspector.reports.tables import tables_of
from inspector.reports.words import ReportWords
from inspector.store import RecordStore, ShiftRecord
from tests.support.shifts import LINE, NIGHT, STATION, fill, shift_of

CALENDAR = ShiftCalendar(
    [ShiftPattern("A", time(6), time(14)), ShiftPattern("B", time(14), time(22)), ShiftPattern("C", time(22), time(6))],
    "Europe/Berlin",
)
IDENTITY = Identity({"default": "cd" * 32, "unused": "00" * 32}, "ef" * 32)
KEY = "2026-11-22/C"
BEFORE = NIGHT - timedelta(hours=8)


@pytest.fixture(scope="module")
def recorded() -> list[InspectionReport]:
    return list(shift_of(300))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, recorded: list[InspectionReport]) -> Iterator[ShiftReport]:
    folder = tmp_path_factory.mktemp("report")
    database, images = fill(folder, [*shift_of(100, BEFORE, first=900, seed=2), *recorded])
    record = RecordStore(database, images, line=LINE)
    held = next(item for item in recorded if item.verdict.outcome is Outcome.REVIEW)
    record.dispose(held.id, Disposition(Decision.REWORK, "scratch", "touched up & <b>checked</b>", "mei"))
    yield compiled(ShiftRecord(database, images, line=LINE, station=STATION))
    database.close()


def compiled(reader: ShiftRecord, *, now: datetime = NIGHT + timedelta(days=1), key: str = KEY) -> ShiftReport:
    return compile_shift(
        reader,
        CALENDAR,
        CALENDAR.shift(key),
        line=LINE,
        now=now,
        identity=IDENTITY,
        limits_for=lambda key: SpecLimits(upper=0.35) if key.label == "spur" else None,
        simulated=True,
    )


def words(language: str = "en") -> ReportWords:
    return ReportWords(language, DEFAULT_GLOSSARY)


def test_counts_are_those_of_the_parts(report: ShiftReport, recorded: list[InspectionReport]) -> None:
    assert report.counts.total == len(recorded) == 299
    clean = [item for item in recorded if item.verdict.fault is FaultCode.NONE]
    assert report.counts.passed == sum(item.verdict.outcome is Outcome.PASS for item in clean)
    assert report.counts.failed == sum(item.verdict.outcome is Outcome.FAIL for item in clean)
    assert report.counts.faults == 1
    assert sum(slot.counts.total for slot in report.slots) == 299
    assert [slot.counts.total for slot in report.slots] == [59, 60, 60, 60, 60, 0, 0, 0]


def test_the_ledger_lists_what_differs(report: ShiftReport) -> None:
    ledger = report.ledger
    assert (ledger.triggers, ledger.verdicts, ledger.written) == (300, 299, 298)
    assert [(gap.after, gap.before, gap.missing) for gap in ledger.gaps] == [(49, 51, 1)]
    assert ledger.unwritten == ("P-00040",)
    assert not ledger.complete


def test_the_end_of_production_is_a_stop(report: ShiftReport) -> None:
    assert [round(stop.seconds / 60) for stop in report.stops] == [181]


def test_the_pareto_adds_up(report: ShiftReport) -> None:
    assert report.pareto[0].label == "spur"
    assert sum(row.share for row in report.pareto) == pytest.approx(1)
    assert report.pareto[-1].cumulative == pytest.approx(1)
    assert {example.label for example in report.examples} <= {row.label for row in report.pareto}


def test_the_shift_before_is_compared(report: ShiftReport) -> None:
    assert report.previous is not None
    assert report.previous[0].key == "2026-11-22/B"
    assert report.previous[1].total == 99
    assert report.band == (("2026-11-22/B", report.previous[1].first_pass_yield),)


def test_limited_characteristics_have_a_capability(report: ShiftReport) -> None:
    spur = next(item for item in report.characteristics if item.key.label == "spur")
    assert spur.capability is not None
    assert spur.capability.ppk.value == pytest.approx((0.35 - spur.mean) / (3 * spur.deviation))
    assert all(item.capability is None for item in report.characteristics if item is not spur)


def test_people_s_decisions_are_told(report: ShiftReport) -> None:
    assert [(item.decision, item.decided_by) for item in report.overrides] == [(Decision.REWORK, "mei")]
    assert report.decisions[Decision.REWORK] == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_number_of_the_summary_stands_in_a_table(report: ShiftReport, language: str) -> None:
    spoken = words(language)
    text, tables = narrate(report, spoken), tables_of(report, spoken)
    assert stray_numbers(text, tables, (LINE, KEY)) == ()
    if language == "en":
        assert 70 <= len(text.split()) <= 150


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_number_that_stands_nowhere_is_caught(report: ShiftReport, language: str) -> None:
    spoken = words(language)
    text, tables = narrate(report, spoken), tables_of(report, spoken)
    for match in re.finditer(r"\d+(?:\.\d+)?", text):
        changed = f"{text[: match.start()]}{match[0]}7919{text[match.end() :]}"
        assert stray_numbers(changed, tables, (LINE, KEY)), match[0]


def test_a_stray_number_silences_the_summary(report: ShiftReport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.reports.page.narrate", lambda *_: "Yield rose to 101.5 %.")
    page = page_of(report, words())
    assert "101.5" not in page
    assert "narrative" in page  # the style is there, the paragraph is not
    assert '<p class="narrative">' not in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_needs_nothing_else(report: ShiftReport, language: str) -> None:
    page = page_of(report, words(language))
    links = re.findall(r"(?:src|href)=\"([^\"]*)\"|url\(([^)]*)\)", page)
    assert all(first.startswith("data:image/jpeg") for first, _ in links)
    assert "<script" not in page
    assert page.count("<svg") >= 3
    assert "touched up &amp; &lt;b&gt;checked" in page
    assert "cd" * 32 in page
    assert "00" * 32 not in page  # a recipe that no part was made with


def test_files_lie_beside_each_other(report: ShiftReport, tmp_path: Path) -> None:
    written = write_report(report, tmp_path, language="en", glossary=DEFAULT_GLOSSARY, pdf=False)
    assert written.pdf is None
    assert sorted(file.name for file in tmp_path.iterdir()) == ["2026-11-22-C.en.html", "2026-11-22-C.json"]
    data = json.loads(written.json.read_text("utf-8"))
    assert data["format"] == "shift-report/1"
    assert data["counts"]["passed"] == report.counts.passed
    assert data["derived"]["first_pass_yield"] == pytest.approx(report.counts.first_pass_yield)
    assert data["ledger"]["unwritten"] == ["P-00040"]


def test_a_folder_that_is_none_is_named(report: ShiftReport, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ReportError, match="file"):
        write_report(report, tmp_path / "file", language="en", pdf=False)


def test_a_language_it_does_not_speak_is_refused(report: ShiftReport, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="'de'"):
        write_report(report, tmp_path, language="de", pdf=False)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pdf_has_pages_numbers_and_its_fonts(report: ShiftReport, tmp_path: Path, language: str) -> None:
    try:
        import weasyprint  # noqa: F401
    except OSError:
        pytest.skip("Pango is not installed")
    if language == "zh" and not _has_chinese():
        pytest.skip("no font with Chinese is installed (fonts-noto-cjk)")
    written = write_report(report, tmp_path, language=language, glossary=DEFAULT_GLOSSARY)
    assert written.pdf is not None
    assert written.notes == ()
    document = PdfReader(io.BytesIO(written.pdf.read_bytes()))
    count = len(document.pages)
    assert [round(float(edge) / 72 * 25.4) for edge in document.pages[0].mediabox[2:]] == [210, 297]
    for number, page in enumerate(document.pages, start=1):
        assert f"{number} / {count}" in page.extract_text()
    first = document.pages[0].extract_text().replace("\n", "")
    assert ("班次质量报告" if language == "zh" else "Shift quality report") in first
    fonts = [
        font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        for page in document.pages
        for font in (entry.get_object() for entry in page["/Resources"]["/Font"].values())
    ]
    assert fonts
    assert all({"/FontFile2", "/FontFile3"} & set(font) for font in fonts)


def test_a_running_shift_says_so(tmp_path: Path) -> None:
    database, images = fill(tmp_path, list(shift_of(30)))
    running = compiled(ShiftRecord(database, images, line=LINE, station=STATION), now=NIGHT + timedelta(minutes=31))
    assert not running.finished
    assert running.stops == ()
    assert words()["unfinished"] in page_of(running, words())
    assert "so far" in narrate(running, words())
    database.close()


def test_a_shift_without_parts_is_a_report_too(tmp_path: Path) -> None:
    database, images = fill(tmp_path, [])
    empty = compiled(ShiftRecord(database, images, line=LINE, station=STATION))
    assert empty.counts.total == 0
    assert round(empty.stopped_s) == 8 * 3600
    for language in ("en", "zh"):
        assert "<table>" in page_of(empty, words(language))
    database.close()


def test_a_report_can_be_compared_with_itself(report: ShiftReport) -> None:
    assert dataclasses.replace(report).shift.span.start.astimezone(UTC) == NIGHT
