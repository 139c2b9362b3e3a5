"""What people's decisions say about the line, against counts made by hand and a published interval."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inspector.domain import Decision, Disposition, LotTally, PartKind, Person, QualitySpan, Reviewed, Role
from inspector.language import DEFAULT_GLOSSARY
from inspector.reports import lot_table, review_figures, review_tables
from inspector.reports.reviews import Found, Share
from inspector.reports.words import ReportWords
from inspector.runtime.quality import LineQuality, quality_of
from inspector.settings import load_line
from inspector.store import RecordStore, ShiftRecord
from tests.support.shifts import LINE, NIGHT, STATION, fill, inspection

WORDS = ReportWords("en", DEFAULT_GLOSSARY)
MEI = Person("mei", Role.QUALITY)
LINES = Path(__file__).parents[3] / "line_configs"
REVIEWED = [
    Reviewed(PartKind.REVIEW, ("spur",), Decision.ACCEPT, "false_alarm"),
    Reviewed(PartKind.REVIEW, ("spur", "open"), Decision.SCRAP, "defect_confirmed"),
    Reviewed(PartKind.REVIEW, ("open",), Decision.ACCEPT, "unclear"),
    Reviewed(PartKind.FAIL, ("spur",), Decision.REWORK, "repairable"),
    Reviewed(PartKind.PASS, (), Decision.SCRAP, "defect_confirmed"),
    Reviewed(PartKind.PASS, (), Decision.ACCEPT, "within_limits"),
    Reviewed(PartKind.REVIEW, ("spur",), Decision.HOLD, "voice"),
]


def test_false_rejects_and_escapes_are_counted_among_what_was_looked_at() -> None:
    figures = review_figures(REVIEWED)
    assert figures.false_rejects == Share(1, 3)
    assert figures.escapes == Share(1, 2)
    assert figures.confusion[PartKind.REVIEW, Found.UNCLEAR] == 1
    assert figures.classes["spur", Found.BAD] == 2
    assert figures.classes["", Found.BAD] == 1
    assert sum(figures.confusion.values()) == 6


def test_the_interval_is_wilsons() -> None:
    # (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) with p = 0.2, n = 20, z = 1.96, worked out by hand.
    low, high = Share(4, 20).interval
    assert (low, high) == pytest.approx((0.0807, 0.4160), abs=1e-4)


def test_the_tables_say_where_nothing_is_known() -> None:
    tables = {table.key: table for table in review_tables(review_figures([]), WORDS)}
    assert [row[-1] for row in tables["reviews"].rows] == ["–", "–"]
    tables = {table.key: table for table in review_tables(review_figures(REVIEWED), WORDS)}
    assert tables["confusion"].rows[1] == ("review", "1", "1", "1")
    assert tables["confusion_classes"].rows == (
        ("without findings", "1", "1", "0"), ("open", "0", "1", "1"), ("spur", "1", "2", "0"),
    )  # fmt: skip


def test_lots_have_their_yield() -> None:
    tallies = [
        LotTally("", PartKind.PASS, 9),
        LotTally("L1", PartKind.PASS, 3),
        LotTally("L1", PartKind.FAIL, 1),
        LotTally("L2", PartKind.FAULT, 2),
    ]
    assert lot_table(tallies, WORDS).rows == (
        ("L1", "4", "3", "0", "1", "0", "75.0 %"),
        ("L2", "2", "0", "0", "0", "2", "0.0 %"),
    )


def test_the_record_tells_people_from_rules_and_advisor(tmp_path: Path) -> None:
    reports = [inspection(n, NIGHT + timedelta(seconds=n), label="spur", length=0.3) for n in range(3)]
    database, _ = fill(tmp_path, reports)
    record = RecordStore(database, line=LINE)
    record.dispose(reports[1].id, Disposition(Decision.ACCEPT, "inside", "", "advisor 1"))
    record.decide(MEI, reports[2].id, Disposition(Decision.ACCEPT, "false_alarm", "", "mei"))
    reader = ShiftRecord(database, line=LINE, station=STATION)
    span = (NIGHT, NIGHT + timedelta(hours=1))
    assert reader.reviewed(*span) == [Reviewed(PartKind.REVIEW, ("spur",), Decision.ACCEPT, "false_alarm")]
    assert reader.lots(*span) == [LotTally("", PartKind.REVIEW, 3)]
    database.close()


def test_every_span_and_language_of_a_line(tmp_path: Path) -> None:
    settings = load_line(LINES / "virtual-board.yaml", data=tmp_path)
    assert settings.store.url is not None
    folder = Path(settings.store.url.removeprefix("sqlite:///")).parent
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    reports = [
        inspection(n, now - timedelta(seconds=60 + n), label="spur" if n % 2 else "", length=0.3 + n / 1000)
        for n in range(60)
    ]
    fill(folder, reports, line=settings.line)[0].close()
    view = quality_of(settings, QualitySpan.DAY, "en", now=now)
    assert view.parts == 60
    keys = {table.key for table in view.tables}
    assert keys >= {"counts", "hours", "pareto", "characteristics", "reviews", "confusion"}
    assert {figure.section for figure in view.figures} >= {"hours", "pareto", "characteristics"}
    # By a process of its own, and without a calendar.
    plain = LineQuality(settings.model_copy(update={"shifts": None}))
    chinese = plain.view(QualitySpan.WEEK, "zh")
    assert chinese.parts == 60
    assert "帕累托" in {table.key: table.title for table in chinese.tables}["pareto"]
