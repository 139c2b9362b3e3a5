"""Opening, migrating and breaking the database of the record."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from inspector.domain import DiskFull, OutboxMessage, StoreError
from inspector.store import Database, RecordStore, SqlOutbox
from inspector.store.tables import metadata
from tests.support.reports import failed, passed


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def test_models_and_migrations_agree(tmp_path: Path) -> None:
    database = Database(url(tmp_path / "record.db"))
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, metadata) == []
    database.close()


def test_opening_makes_folders_and_is_idempotent(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "record.db"
    for _ in range(2):
        database = Database(url(file))
        RecordStore(database).record(passed(), pixels=None, texts={}, messages=[])
        database.close()
    database = Database(url(file))
    assert RecordStore(database).counts().total == 2
    database.close()


def test_the_pragmas_are_set_on_every_connection(tmp_path: Path) -> None:
    database = Database(url(tmp_path / "record.db"), synchronous="FULL")
    with database.read() as first, database.read() as second:
        for connection in (first, second):
            asked = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
            assert asked == ["wal", 2]
            assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    database.close()


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    database = Database(url(tmp_path / "record.db"))
    record = RecordStore(database)
    record.record(passed(), pixels=None, texts={}, messages=[])
    with database.write() as connection:
        connection.execute(text("DELETE FROM inspection"))
        assert record.counts().total == 1
    assert record.counts().total == 0
    database.close()


@pytest.mark.parametrize("address", ["record.db", "", "nonsense://x/y", "sqlite:/x"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(StoreError, match="address"):
        Database(address)


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "record.db").mkdir()
    with pytest.raises(StoreError, match=r"record\.db.*unable to open.*Check that the path is a file"):
        Database(url(tmp_path / "record.db"))


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    with pytest.raises(StoreError, match=r"the folder of the record .*var/record\.db cannot be made.*store\.url"):
        Database(url(tmp_path / "var" / "record.db"))


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "record.db"
    file.write_bytes(b"quarterly figures\n" * 500)
    before = file.read_bytes()
    with pytest.raises(StoreError, match=r"record\.db.*not a database.*move it away"):
        Database(url(file))
    assert file.read_bytes() == before


def test_a_damaged_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    file = tmp_path / "record.db"
    database = Database(url(file))
    record = RecordStore(database)
    for number in range(200):
        record.record(failed(number), pixels=None, texts={}, messages=[])
    database.close()
    content = bytearray(file.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"record\.db.*damaged.*backup"):
        RecordStore(Database(url(file))).latest(200)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "record.db"
    Database(url(file)).close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match=r"newer version of this program.*Install that version"):
        Database(url(file))


def test_a_file_locked_by_another_program_is_waited_for_and_then_named(tmp_path: Path) -> None:
    file = tmp_path / "record.db"
    database = Database(url(file), busy_timeout_s=0.1)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"record\.db.*locked.*Another program"):
        RecordStore(database).record(passed(), pixels=None, texts={}, messages=[])
    other.execute("ROLLBACK")
    other.close()
    assert RecordStore(database).record(passed(), pixels=None, texts={}, messages=[])
    database.close()


def test_a_message_that_cannot_be_queued_leaves_no_inspection_behind(tmp_path: Path) -> None:
    database = Database(url(tmp_path / "record.db"))
    record = RecordStore(database)
    record.record(passed(1), pixels=None, texts={}, messages=[OutboxMessage("same", "t", "{}")])
    with pytest.raises(StoreError, match="UNIQUE"):
        record.record(failed(2), pixels=None, texts={}, messages=[OutboxMessage("same", "t", "{}")])
    assert record.counts().total == 1
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM defect")).scalar() == 0
    database.close()


def fill(record: RecordStore, limit: int = 5000) -> int:
    """Record until it raises; return how many were recorded."""
    for number in range(limit):
        report = failed(number)
        messages = [OutboxMessage(str(report.id), "t", "{}")]
        if not record.record(report, pixels=None, texts={"en": "x" * 2000}, messages=messages):
            raise AssertionError("recorded twice")
    raise AssertionError("the disk never filled")


def whole(database: Database) -> int:
    """Return how many inspections there are, having checked that each is complete."""
    with database.read() as connection:
        count = {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()  # noqa: S608
            for table in ("inspection", "outbox", "defect", "measurement")
        }
    assert count["outbox"] == count["inspection"]
    assert count["defect"] == 2 * count["inspection"]
    assert count["measurement"] == 6 * count["inspection"]
    return count["inspection"]


def test_a_full_database_says_so_and_keeps_only_whole_inspections(tmp_path: Path) -> None:
    database = Database(url(tmp_path / "record.db"))
    record = RecordStore(database)
    with database.write() as connection:
        connection.execute(text("PRAGMA max_page_count = 120"))
    with pytest.raises(DiskFull, match=r"record\.db.*full.*Free space"):
        fill(record)
    kept = whole(database)
    assert kept > 10
    with database.write() as connection:
        connection.execute(text("PRAGMA max_page_count = 10000"))
    assert record.record(passed(), pixels=None, texts={}, messages=[])
    assert record.counts().total == kept + 1
    database.close()


def test_a_full_disk_says_so_and_keeps_only_whole_inspections(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(disk)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("a small file system cannot be mounted here")
    try:
        database = Database(url(disk / "record.db"))
        record = RecordStore(database)
        with pytest.raises(DiskFull, match=r"disk/record\.db.*Free space"):
            fill(record)
        kept = whole(database)
        assert kept > 10
        assert len(SqlOutbox(database).pending(0, 10_000)) == kept
        database.close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)
