"""Adviser and people, week by week: counts and costs worked out by hand, then from a record."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from inspector.cli.main import app
from inspector.domain import AdvisedPart, Decision, Disposition, PastReviews, Person, QualitySpan, Role, would
from inspector.language import DEFAULT_GLOSSARY
from inspector.reports import AdviceWeek, Costs, advice_table, advice_weeks
from inspector.reports.reviews import Share
from inspector.reports.words import ReportWords
from inspector.runtime.quality import quality_of
from inspector.settings import load_line
from inspector.store import Database, RecordStore, SqlReviews
from tests.support.shifts import LINE, NIGHT, STATION, fill, inspection

BERLIN = ZoneInfo("Europe/Berlin")
COSTS = Costs(false_hold=2, scrap=10, escape=500, currency="EUR")
MEI = Person("mei", Role.QUALITY)
LINES = Path(__file__).parents[3] / "line_configs"
A, R, H, S = Decision.ACCEPT, Decision.REWORK, Decision.HOLD, Decision.SCRAP


def part(opinion: Decision, person: Decision | None, *, label: str = "spur", at: datetime = NIGHT) -> AdvisedPart:
    return AdvisedPart("P", at, (label,), opinion, H if person else opinion, person, "mei" if person else "")


def week(*parts: AdvisedPart, costs: Costs | None = COSTS) -> AdviceWeek:
    (found,) = advice_weeks(parts, BERLIN, costs)
    return found


def test_agreement_is_counted_twice_exactly_and_on_release() -> None:
    found = week(part(A, A), part(R, S), part(H, S), part(A, S), part(S, A, label="open"), part(A, None), part(H, None))
    assert (found.advised, found.released) == (7, 1)
    assert found.same == Share(1, 5)
    assert found.alike == Share(3, 5)
    assert found.classes == {"open": Share(0, 1), "spur": Share(3, 4)}
    assert [(each.opinion, each.person) for each in found.disagreements] == [(A, S), (S, A)]


def test_costs_are_those_of_what_people_decided_about() -> None:
    # Good: one accepted, one it would scrap, one it would hold. Bad: one it would accept, one it would rework.
    found = week(part(A, A), part(S, A), part(H, A), part(A, S), part(R, S), part(A, None))
    assert found.cost_of_rules == 3 * 2
    assert found.cost_of_opinions == 0 + 10 + 2 + 500 + 0
    assert week(part(A, A), costs=None).cost_of_rules is None


def test_a_week_begins_on_monday_at_the_lines_midnight() -> None:
    sunday = datetime(2026, 11, 22, 22, 59, tzinfo=UTC)  # 23:59 in Berlin
    weeks = advice_weeks([part(A, A, at=sunday), part(A, A, at=sunday + timedelta(minutes=1))], BERLIN)
    assert [each.monday for each in weeks] == [date(2026, 11, 16), date(2026, 11, 23)]
    assert advice_weeks([], BERLIN) == []


def test_the_table_shows_costs_only_where_they_are_known() -> None:
    words = ReportWords("en", DEFAULT_GLOSSARY)
    assert advice_table([week(part(A, A))], words, "EUR").rows[0][-2:] == ("2.00 EUR", "0.00 EUR")
    plain = advice_table([week(part(A, None), costs=None)], words)
    assert plain.rows == (("2026-11-16", "1", "1", "0", "–", "–"),)
    assert len(plain.head) == len(plain.rows[0])


# --- from a record ----------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Sixty parts a minute apart, every other one held with a spur; the last six held ones are advised on."""
    reports = [
        inspection(number, NIGHT + timedelta(minutes=number), label="spur" if number % 2 else "", length=0.3)
        for number in range(60)
    ]
    opened, _ = fill(tmp_path, reports)
    record = RecordStore(opened, line=LINE, station=STATION)
    held = [report for report in reports if report.verdict.outcome.name == "REVIEW"][-6:]
    for report, (advice, person, reason) in zip(
        held,
        [
            (Disposition(H, would(A), "", "advisor"), A, "within_limits"),
            (Disposition(H, would(A), "", "advisor"), S, "defect_confirmed"),
            (Disposition(H, "likely_nonconforming", "", "advisor"), A, "unclear"),
            (Disposition(A, "similar_parts", "", "advisor"), None, ""),
            (Disposition(S, "policy", "", "advisor"), None, ""),
            (None, R, "repairable"),
        ],
        strict=True,
    ):
        if advice is not None:
            record.dispose(report.id, advice)
        if person is not None:
            assert record.decide(MEI, report.id, Disposition(person, reason, "", "mei"))
    return opened


def test_the_record_gives_each_opinion_beside_the_persons_word(database: Database) -> None:
    reviews = SqlReviews(database, line=LINE, station=STATION)
    found = reviews.advised(NIGHT, NIGHT + timedelta(hours=1))
    assert [(each.opinion, each.advised, each.person) for each in found] == [
        (A, H, A), (A, H, S), (H, H, None), (A, A, None), (S, S, None),
    ]  # fmt: skip
    assert {each.labels for each in found} == {("spur",)}
    assert reviews.advised(NIGHT, NIGHT + timedelta(minutes=10)) == []
    assert SqlReviews(database, line="another", station=STATION).advised(NIGHT, NIGHT + timedelta(hours=1)) == []
    database.close()


def test_people_teach_what_they_decided_with_how_often_it_recurred(database: Database) -> None:
    reviews = SqlReviews(database, line=LINE, station=STATION)
    assert isinstance(reviews, PastReviews)
    found = reviews.after(0, 10)
    assert [each.decision for each in found] == [A, S, R], "whoever could not tell decided nothing"
    assert [each.report.trigger.sequence for each in found] == [49, 51, 59]
    assert [each.recurrences for each in found] == [{("spur", ""): 25}] * 3
    assert [each.decision for each in reviews.after(found[0].number, 10)] == [S, R]
    assert [each.decision for each in reviews.after(0, 2)] == [S, R], "the newest"
    assert reviews.after(found[-1].number, 10) == []
    database.close()


def test_the_command_and_the_quality_page_tell_it(tmp_path: Path, database: Database) -> None:
    database.close()
    text = (LINES / "virtual-board.yaml").read_text(encoding="utf-8")
    file = tmp_path / "line.yaml"
    costs = "\ndisposition: {advise: true, costs: {false_hold: 2, scrap: 10, escape: 500}}\n"
    text = re.sub(
        r"^line: .*$", f"line: {LINE}", re.sub(r"^station: .*$", f"station: {STATION}", text, flags=re.M), flags=re.M
    )
    file.write_text(text + costs, encoding="utf-8")
    settings = load_line(file, data=tmp_path / "var")
    own = tmp_path / "var" / settings.line
    own.mkdir(parents=True)
    (tmp_path / "record.db").rename(own / "record.db")
    done = CliRunner().invoke(
        app, ["language", "agreement", "--line", str(file), "--data", str(tmp_path / "var"), "--weeks", "520", "--json"]
    )
    assert done.exit_code == 0, done.output
    body = json.loads(done.output)
    (told,) = body["weeks"]
    assert (told["advised"], told["same"], told["cost_of_opinions"]) == (5, {"number": 1, "of": 2}, 500)
    view = quality_of(settings, QualitySpan.DAY, "zh", now=NIGHT + timedelta(hours=1))
    assert body["currency"] == "EUR"
    assert {table.key for table in view.tables} >= {"advice"}
