"""One database for a whole plant: stations write side by side, each with its own order, and servers fail."""

from __future__ import annotations

import gc
import multiprocessing
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from inspector.domain import Decision, Disposition, InspectionReport, OutboxMessage, Queue, StoreError
from inspector.store import Database, RecordStore, SqlOutbox
from inspector.store.tables import metadata
from tests.support.postgres import Postgres
from tests.support.reports import failed, passed

STATIONS = [("line-1", "top"), ("line-1", "bottom"), ("line-2", "top")]
EACH = 25


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'plant.db'}"
    return str(request.getfixturevalue("postgres").empty())


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def messages(name: str) -> list[OutboxMessage]:
    return [OutboxMessage(name, "t", "{}"), OutboxMessage(f"{name}-event", "e", "{}", queue=Queue.EVENTS)]


def station(url: str, line: str, name: str, begin: Callable[[], object]) -> None:
    """What one station does, in a process of its own; two threads of it write at once."""
    database = Database(url)
    record = RecordStore(database, line=line, station=name)
    begin()

    def write(kind: str) -> None:
        for number in range(EACH):
            report = passed(number) if number % 5 else failed(number)
            record.record(report, pixels=None, texts={}, messages=messages(f"{line}-{name}-{kind}-{number}"))

    threads = [threading.Thread(target=write, args=(kind,)) for kind in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.close()


def test_stations_side_by_side_start_at_once_and_number_without_gaps(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(len(STATIONS) + 1)
    writers = [
        context.Process(target=station, args=(url, line, name, together.wait), daemon=True) for line, name in STATIONS
    ]
    for writer in writers:
        writer.start()
    together.wait(60)
    database = Database(url)
    outboxes = {
        (line, name, queue): SqlOutbox(database, line=line, station=name, queue=queue)
        for line, name in STATIONS
        for queue in (Queue.RESULTS, Queue.EVENTS)
    }
    # A reader never sees a number before one that is lower: commits follow the order of the numbers.
    seen = dict.fromkeys(outboxes, 0)
    while any(last < 2 * EACH for last in seen.values()):
        for key, outbox in outboxes.items():
            new = [message.seq for message in outbox.pending(seen[key], 1000)]
            assert new == list(range(seen[key] + 1, seen[key] + 1 + len(new)))
            seen[key] += len(new)
        assert any(writer.is_alive() for writer in writers) or all(not writer.exitcode for writer in writers)
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert RecordStore(database).counts().total == len(STATIONS) * 2 * EACH
    database.close()


def at(name: str) -> InspectionReport:
    report = passed()
    return replace(report, trigger=replace(report.trigger, station=name))


def test_a_station_reads_and_acknowledges_its_own_only(database: Database) -> None:
    records = {name: RecordStore(database, line="line-1", station=name) for name in ("top", "bottom")}
    for number, record in enumerate(records.values()):
        record.record(at(list(records)[number]), pixels=None, texts={}, messages=messages("same"))
    top, bottom = (SqlOutbox(database, line="line-1", station=name) for name in records)
    top.acknowledge(1)
    assert [message.seq for message in top.pending(0, 10)] == []
    assert [message.seq for message in bottom.pending(0, 10)] == [1]
    events = SqlOutbox(database, line="line-1", station="top", queue=Queue.EVENTS)
    assert [message.msg_id for message in events.pending(0, 10)] == ["same-event"]
    assert [part.report.trigger.station for part in records["bottom"].latest(5)] == ["bottom"]
    assert records["top"].counts().total == 1


def test_a_refused_transaction_leaves_no_hole_in_the_numbers(database: Database) -> None:
    record, outbox = RecordStore(database), SqlOutbox(database)
    record.record(passed(1), pixels=None, texts={}, messages=messages("a"))
    with pytest.raises(StoreError):
        record.record(passed(2), pixels=None, texts={}, messages=[OutboxMessage("b", "t", "{}"), *messages("a")])
    record.record(passed(3), pixels=None, texts={}, messages=messages("c"))
    assert [(message.seq, message.msg_id) for message in outbox.pending(0, 10)] == [(1, "a"), (2, "c")]


def test_a_decision_and_its_message_are_written_together_or_not_at_all(database: Database) -> None:
    record = RecordStore(database)
    report = failed()
    record.record(report, pixels=None, texts={}, messages=messages("a"))
    accept = Disposition(Decision.ACCEPT, "false_reject", "", "operator 7")
    with pytest.raises(StoreError):
        record.dispose(report.id, accept, messages("a"))
    assert record.dispositions(report.id) == []
    record.dispose(report.id, accept, messages("b"))
    assert [decision for _, decision in record.dispositions(report.id)] == [accept]
    assert [message.msg_id for message in SqlOutbox(database).pending(1, 10)] == ["b"]


def test_a_nul_from_the_plc_does_not_stop_the_record(database: Database) -> None:
    record = RecordStore(database)
    assert record.record(passed(1, part_id="AB\0C"), pixels=None, texts={}, messages=[])
    assert [part.report.trigger.part_id for part in record.part("AB\0C")] == ["AB\0C"]


def test_models_and_migrations_agree_on_a_server(postgres: Postgres) -> None:
    database = Database(postgres.empty())
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []
    database.close()


def test_messages_of_an_older_record_keep_their_numbers(tmp_path: Path) -> None:
    file = tmp_path / "record.db"
    Database(f"sqlite:///{file}", revision="0001").close()
    with sqlite3.connect(file) as old:
        old.execute(
            "INSERT INTO inspection VALUES (1, 'r', 'p', 'cell-1', 'board-line-1', 1, '2026-01-01', '2026-01-01', "
            "'PASS', 'NONE', 'OK', 'default', '', '', '', 1.0, '{}', NULL, '{}')"
        )
        old.executemany(
            "INSERT INTO outbox VALUES (?, ?, 't', '{}', '2026-01-01', ?)",
            [(7, "a", "2026-01-02"), (8, "b", None), (9, "c", None)],
        )
    old.close()
    database = Database(f"sqlite:///{file}")
    outbox = SqlOutbox(database, line="board-line-1", station="cell-1")
    RecordStore(database, line="board-line-1", station="cell-1").tell([OutboxMessage("d", "t", "{}")])
    assert [(message.seq, message.msg_id) for message in outbox.pending(0, 10)] == [(8, "b"), (9, "c"), (10, "d")]
    database.close()


# The driver leaves a connection that died under it to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_that_is_gone_is_said_and_its_return_is_found(postgres: Postgres) -> None:
    database = Database(postgres.empty(), busy_timeout_s=2)
    record = RecordStore(database)
    record.record(passed(1), pixels=None, texts={}, messages=messages("a"))
    postgres.stop()
    try:
        with pytest.raises(StoreError, match=r"cannot .* the record postgresql.*server runs"):
            record.record(passed(2), pixels=None, texts={}, messages=messages("b"))
    finally:
        postgres.start()
    assert record.record(passed(2), pixels=None, texts={}, messages=messages("b"))
    assert [message.msg_id for message in SqlOutbox(database).pending(0, 10)] == ["a", "b"]
    database.close()
    gc.collect()


def test_an_absent_server_is_named_without_its_password() -> None:
    with pytest.raises(StoreError, match=r"postgresql.*127\.0\.0\.1.*store\.url") as caught:
        Database("postgresql://127.0.0.1:1/plant", username="inspector", password="geheim", busy_timeout_s=2)  # noqa: S106
    assert "geheim" not in str(caught.value)


def test_a_full_server_is_a_full_disk(postgres: Postgres) -> None:
    database = Database(postgres.empty())
    full = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file'; END $$"
    with (
        pytest.raises(StoreError, match=r"could not extend file.*Free space") as caught,
        database.write() as connection,
    ):
        connection.execute(text(full))
    assert type(caught.value).__name__ == "DiskFull"
    database.close()
