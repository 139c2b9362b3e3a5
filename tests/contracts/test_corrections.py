"""People's corrections of report texts in SQLite and PostgreSQL: nothing is overwritten, everything is read back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain import (
    LONGEST_CORRECTION,
    NOBODY,
    CorrectionDesk,
    InspectionReport,
    LanguageError,
    MomentKind,
    NotAllowed,
    PastCorrections,
    Person,
    ReportText,
    Role,
    TextCorrection,
    corrected_text,
    kept_texts,
)
from inspector.runtime.corrections import RecordCorrectionDesk
from inspector.store import Database, RecordStore, SqlAuditTrail, SqlCorrections, SqlHistory
from inspector.store import corrections as module
from tests.support.shifts import LINE, NIGHT, STATION, inspection

MEI, JAN = Person("mei", Role.QUALITY), Person("jan", Role.OPERATOR)
MORNING = datetime(2026, 11, 23, 6, tzinfo=UTC)
TEXTS = kept_texts({"en": ReportText("A spur.", "report-writer 0.1.0"), "zh": ReportText("毛刺。", "template")})


class Clock:
    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def record(database: Database) -> RecordStore:
    return RecordStore(database, line=LINE, station=STATION)


@pytest.fixture
def corrections(database: Database) -> SqlCorrections:
    return SqlCorrections(database, line=LINE, station=STATION, clock=Clock())


def add(record: RecordStore, number: int = 1) -> InspectionReport:
    report = inspection(number, NIGHT + timedelta(minutes=number), label="spur", length=0.3)
    record.record(report, pixels=None, texts=TEXTS, messages=[])
    return report


def test_a_correction_stands_beside_the_text_and_the_later_one_holds(
    database: Database, record: RecordStore, corrections: SqlCorrections
) -> None:
    report = add(record)
    first = corrections.add(JAN, report.id, "en", " A burr. ")
    second = corrections.add(MEI, report.id, "en", "A burr, rubbed off.")
    chinese = corrections.add(MEI, report.id, "zh", "毛刺，已去除。")
    assert first == TextCorrection(report.id, "en", "A burr.", "jan", MORNING + timedelta(minutes=1))
    part = record.of_report(report.id)
    assert part is not None
    assert part.texts == {"en": "A spur.", "zh": "毛刺。"}
    assert part.engines == {"en": "report-writer 0.1.0", "zh": "template"}
    assert part.corrections == {"en": second, "zh": chinese}
    assert list(record.corrections(report.id)) == [first, second, chinese]
    file = SqlHistory(database, record, line=LINE, station=STATION).file(report.id)
    assert file is not None
    assert [(item.who, item.what, item.detail) for item in file.moments if item.kind is MomentKind.CORRECTED] == [
        ("jan", "en", "A burr."),
        ("mei", "en", "A burr, rubbed off."),
        ("mei", "zh", "毛刺，已去除。"),
    ]


def test_it_is_in_the_trail_word_for_word_and_nothing_goes_to_the_mes(
    database: Database, record: RecordStore, corrections: SqlCorrections
) -> None:
    report = add(record)
    corrections.add(JAN, report.id, "zh", "毛刺，很小。")
    trail = SqlAuditTrail(database)
    (entry,) = trail.latest(10)
    assert (entry.who, entry.role, entry.act) == ("jan", "operator", "correct_text")
    assert (entry.subject, entry.detail) == ("P-00001", "zh: 毛刺，很小。")
    assert trail.verify() is None
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM outbox").scalar() == 0


def test_the_same_text_twice_changes_nothing(
    database: Database, record: RecordStore, corrections: SqlCorrections
) -> None:
    report = add(record)
    first = corrections.add(JAN, report.id, "en", "A burr.")
    assert corrections.add(MEI, report.id, "en", "A burr. ") == first
    assert len(record.corrections(report.id)) == len(SqlAuditTrail(database).latest(10)) == 1


def test_what_was_written_is_no_correction_but_can_be_taken_back(
    record: RecordStore, corrections: SqlCorrections
) -> None:
    report = add(record)
    with pytest.raises(LanguageError, match="was written"):
        corrections.add(JAN, report.id, "en", "A spur.")
    corrections.add(JAN, report.id, "en", "A burr.")
    corrections.add(MEI, report.id, "en", "A spur.")
    assert [item.text for item in record.corrections(report.id)] == ["A burr.", "A spur."]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", ""),
        ("en", "   "),
        ("en", "two\nlines"),
        ("en", "two\u2028lines"),
        ("en", "a\ttab"),
        ("en", "nul\0"),
        ("en", "turned \u202e round"),
        ("en", "half a \ud800 sign"),
        ("en", "x" * (LONGEST_CORRECTION + 1)),
        ("fr", "une bavure"),
        ("en:engine", "a person"),
        ("", "x"),
    ],
)
def test_what_is_no_text_for_this_report_is_refused_and_leaves_nothing(
    database: Database, record: RecordStore, corrections: SqlCorrections, language: str, text: str
) -> None:
    report = add(record)
    with pytest.raises(LanguageError):
        corrections.add(JAN, report.id, language, text)
    assert list(record.corrections(report.id)) == []
    assert list(SqlAuditTrail(database).latest(10)) == []


def test_an_inspection_without_a_text_has_nothing_to_correct(record: RecordStore, corrections: SqlCorrections) -> None:
    report = inspection(1, NIGHT)
    record.record(report, pixels=None, texts={}, messages=[])
    with pytest.raises(LanguageError, match="no report in 'en'"):
        corrections.add(JAN, report.id, "en", "Fine.")


def test_an_inspection_of_nobody_or_of_another_line_is_not_there(
    database: Database, record: RecordStore, corrections: SqlCorrections
) -> None:
    report = add(record)
    other = SqlCorrections(database, line="other", station=STATION)
    assert corrections.add(JAN, uuid4(), "en", "A burr.") is None
    assert other.add(JAN, report.id, "en", "A burr.") is None
    corrections.add(JAN, report.id, "en", "A burr.")
    assert list(other.corrections()) == []


def test_all_are_read_back_in_order_page_by_page_and_since_a_moment(
    record: RecordStore, corrections: SqlCorrections, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(corrections, PastCorrections)
    monkeypatch.setattr(module, "PAGE", 2)
    reports = [add(record, number) for number in range(3)]
    made = [
        corrections.add(JAN, report.id, language, f"{language} {round_}")
        for round_ in range(2)
        for report in reports
        for language in ("en", "zh")
    ]
    read = list(corrections.corrections())
    assert [correction for _, correction in read] == made
    assert [report.id for report, _ in read] == [correction.report_id for _, correction in read]
    assert read[0][0].detections is not None
    seventh = made[6]
    assert seventh is not None
    assert [correction for _, correction in corrections.corrections(seventh.at)] == made[6:]
    assert list(corrections.corrections(seventh.at + timedelta(days=1))) == []


def test_of_many_who_write_the_same_at_once_one_is_kept(
    database: Database, record: RecordStore, corrections: SqlCorrections
) -> None:
    report = add(record)
    kept: list[TextCorrection | None] = []

    def write() -> None:
        kept.append(corrections.add(JAN, report.id, "en", "A burr."))

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert kept == [kept[0]] * 6
    assert len(record.corrections(report.id)) == 1
    assert SqlAuditTrail(database).verify() is None


def test_who_may_not_changes_nothing_and_the_trail_says_so(
    database: Database, record: RecordStore, corrections: SqlCorrections
) -> None:
    report = add(record)
    trail = SqlAuditTrail(database)
    desk = RecordCorrectionDesk(corrections, trail)
    assert isinstance(desk, CorrectionDesk)
    with pytest.raises(NotAllowed):
        desk.correct(NOBODY, report.id, "en", "A burr.")
    assert trail.latest(1)[0].act == "correct_text_refused"
    assert list(record.corrections(report.id)) == []
    assert desk.correct(JAN, report.id, "en", "A burr.") == record.corrections(report.id)[0]


@given(text=st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=LONGEST_CORRECTION))
def test_every_printable_line_is_kept_as_it_was(text: str) -> None:
    if not text.strip():
        with pytest.raises(LanguageError):
            corrected_text(text)
    else:
        assert corrected_text(text) == text.strip()
