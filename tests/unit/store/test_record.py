"""What the record adds to its ports: decisions over time, backlog, and reports that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from inspector.domain import Decision, Disposition, OutboxMessage, StoreError
from inspector.store import Backlog, Database, RecordStore, SqlOutbox
from tests.support.reports import failed, faulted, passed

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
HOLD = Disposition(Decision.HOLD, "confidence", "to be looked at", "rules")
ACCEPT = Disposition(Decision.ACCEPT, "false_reject", "scratch on the lens", "operator 7")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'record.db'}")
    yield database
    database.close()


@pytest.fixture
def record(database: Database) -> RecordStore:
    return RecordStore(database, line="board-line-1", clock=lambda: NOW)


def test_the_newest_decision_counts_and_the_earlier_stay(record: RecordStore) -> None:
    report = failed()
    record.record(report, pixels=None, texts={}, messages=[], disposition=HOLD)
    record.dispose(report.id, ACCEPT)
    assert record.latest(1)[0].disposition == ACCEPT
    assert record.dispositions(report.id) == [(NOW, HOLD), (NOW, ACCEPT)]


def test_a_decision_on_an_unknown_inspection_is_refused(record: RecordStore) -> None:
    with pytest.raises(StoreError, match="no inspection"):
        record.dispose(uuid4(), ACCEPT)


def test_the_columns_are_readable_by_other_tools(record: RecordStore, database: Database) -> None:
    record.record(failed(3), pixels=None, texts={"zh": "开路"}, messages=[])
    record.record(faulted(4), pixels=None, texts={}, messages=[])
    with database.read() as connection:
        rows = connection.execute(text("SELECT line, part_id, outcome, verdict, fault, texts FROM inspection")).all()
        defects = connection.execute(text("SELECT label, x0, zone FROM defect ORDER BY detection")).all()
    assert rows == [
        ("board-line-1", "PART-00003", "FAIL", "NOK", "NONE", '{"zh": "开路"}'),
        ("board-line-1", "PART-00004", "REVIEW", "UNKNOWN", "CAMERA_LOST", "{}"),
    ]
    assert defects == [("open", 10.0, ""), ("spur", 100.5, "connector")]


def test_the_questions_of_the_screen_are_answered_by_indices(record: RecordStore, database: Database) -> None:
    questions = (
        "SELECT * FROM inspection WHERE part_id = 'x' ORDER BY id DESC",
        "SELECT outcome, fault, count(*) FROM inspection WHERE line = 'l' AND station = 's' AND recorded_at >= '2026' "
        "GROUP BY outcome, fault",
        "SELECT * FROM outbox WHERE stream = 'l/s/results' AND acknowledged_at IS NULL AND seq > 5 "
        "ORDER BY seq LIMIT 10",
        "SELECT * FROM inspection ORDER BY id DESC LIMIT 1",
        "SELECT * FROM inspection WHERE report_id = 'x'",
    )
    with database.read() as connection:
        for question in questions:
            (first, *_) = connection.execute(text(f"EXPLAIN QUERY PLAN {question}")).all()
            assert "USING" in first[-1] or "LIMIT 1" in question, f"{question}: {first[-1]}"


def test_a_naive_time_is_refused(database: Database) -> None:
    naive = RecordStore(database, clock=lambda: datetime(2026, 3, 1, 8, 0))  # noqa: DTZ001
    with pytest.raises(StoreError, match="time zone"):
        naive.record(passed(), pixels=None, texts={}, messages=[])


def test_an_altered_report_is_named(record: RecordStore, database: Database) -> None:
    record.record(passed(), pixels=None, texts={}, messages=[])
    with database.write() as connection:
        connection.execute(text("UPDATE inspection SET report = '{}'"))
    with pytest.raises(StoreError, match=r"inspection 1 in the record .*record\.db cannot be read"):
        record.latest(1)


def test_the_backlog_tells_number_and_age(record: RecordStore, database: Database) -> None:
    outbox = SqlOutbox(database, line="board-line-1", clock=lambda: NOW + timedelta(hours=1))
    assert outbox.backlog() == Backlog(0, None, 0)
    for number in range(3):
        record.record(passed(number), pixels=None, texts={}, messages=[OutboxMessage(f"m{number}", "t", "{}")])
    outbox.acknowledge(1)
    assert outbox.backlog() == Backlog(2, NOW, 1, per_minute=1)
    soon = SqlOutbox(database, line="board-line-1", clock=lambda: NOW + timedelta(seconds=30))
    assert soon.backlog().written_per_minute == 3
    outbox.set_aside(2, "too large")
    later = SqlOutbox(database, line="board-line-1", clock=lambda: NOW + timedelta(hours=2))
    assert later.backlog() == Backlog(2, NOW, 1, refused=1)


def test_only_what_was_acknowledged_long_ago_is_forgotten(record: RecordStore, database: Database) -> None:
    for number in range(3):
        record.record(passed(number), pixels=None, texts={}, messages=[OutboxMessage(f"m{number}", "t", "{}")])
    SqlOutbox(database, line="board-line-1", clock=lambda: NOW).acknowledge(1)
    SqlOutbox(database, line="board-line-1", clock=lambda: NOW + timedelta(days=2)).acknowledge(2)
    later = SqlOutbox(database, line="board-line-1", clock=lambda: NOW + timedelta(days=3))
    assert later.forget(timedelta(days=2)) == 1
    assert later.backlog() == Backlog(1, NOW, 1, per_minute=0)


def test_what_has_waited_in_vain_can_be_dropped_and_the_rest_stays(record: RecordStore, database: Database) -> None:
    for number in range(3):
        record.record(passed(number), pixels=None, texts={}, messages=[OutboxMessage(f"m{number}", "t", "{}")])
    SqlOutbox(database, line="board-line-1", clock=lambda: NOW).acknowledge(1)
    later = SqlOutbox(database, line="board-line-1", clock=lambda: NOW + timedelta(days=3))
    assert later.expire(timedelta(days=3)) == 0
    assert later.expire(timedelta(days=2)) == 2
    assert later.backlog() == Backlog(0, None, 1)
