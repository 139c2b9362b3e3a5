"""Copies of a SQLite record: taken while the line writes, and made fit to be the record again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import or_, update
from sqlmodel import col

from inspector.domain import AuditFlaw, DiskFull, Person, Queue, StoreError
from inspector.store.audit import SqlAuditTrail, append_act
from inspector.store.database import MIGRATIONS, Database
from inspector.store.tables import CounterRow

__all__ = ["RecordCopy", "check_schema", "copy_record", "let_go", "take_up_record"]

PAGES = 4096  # between two looks at the progress


@dataclass(frozen=True, slots=True)
class RecordCopy:
    """What a copy holds: parts, entries of the trail, and the hash of the newest (empty where there is none)."""

    parts: int
    acts: int
    head: str


def copy_record(record: Path, copy: Path, progress: Callable[[int, int], None]) -> RecordCopy:
    """Copy the record as it is at one moment, whoever writes meanwhile; ``progress`` hears of pages, done and all.

    Raises
    ------
    StoreError
        There is no record, it cannot be read, or it is damaged.
    """
    try:
        with closing(_opened(record)) as source, closing(sqlite3.connect(copy)) as target:
            # A transaction held open: without it each write of the line would begin the copy anew.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(target, pages=PAGES, progress=lambda _, left, pages: progress(pages - left, pages))
            found = target.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise StoreError(f"the record {record} is damaged: {found}", remedy="Restore the last backup")
            parts = target.execute("SELECT count(*) FROM inspection").fetchone()[0]
            newest = target.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    except sqlite3.Error as error:
        kind = DiskFull if error.sqlite_errorname == "SQLITE_FULL" else StoreError
        raise kind(f"the record {record} cannot be copied to {copy}: {error}", remedy="Check both disks") from error
    return RecordCopy(parts, *(newest or (0, "")))


def check_schema(record: Path) -> None:
    """Raise ``StoreError`` where a newer version of this program has written the record, or it is none."""
    try:
        with closing(_opened(record)) as source:
            revision = source.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    except sqlite3.Error as error:
        raise StoreError(f"{record} is no record of a line: {error}", remedy="Name another one") from error
    if revision not in {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}:
        raise StoreError(
            f"{record} was written by a newer version of this program (its schema is {revision})",
            remedy="Install that version first",
        )


def take_up_record(copy: Path, *, head: str, skip: int, by: Person, subject: str, detail: str) -> AuditFlaw | None:
    """Make a copy fit to be the record again; return what is wrong with its trail, None where it is whole.

    The trail has to have the entry ``head`` (empty: any), and gets one more. All messages to come are numbered ``skip``
    further on, so that no number is used twice. Raises ``StoreError``.
    """
    with closing(Database(f"sqlite:///{copy}")) as database:
        flaw = SqlAuditTrail(database).verify(head or None)
        if flaw is None:
            own = or_(*(col(CounterRow.stream).endswith(f"/{queue}") for queue in Queue))
            with database.write() as connection:
                connection.execute(update(CounterRow).where(own).values(last=col(CounterRow.last) + skip))
                append_act(connection, by, "restore", subject, detail, at=datetime.now(UTC))
    return flaw


def let_go(record: Path) -> None:
    """Make a record that nobody has open one file, so that it can be moved; a damaged one stays as it is.

    Raises ``StoreError`` where a program has it open.
    """
    try:
        with closing(_opened(record)) as source:
            source.execute("PRAGMA journal_mode = DELETE").fetchone()  # only granted to who is alone
    except sqlite3.Error as error:
        if error.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise StoreError(f"the record {record} is in use", remedy="Stop every program that has it open") from error


def _opened(record: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{record.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
