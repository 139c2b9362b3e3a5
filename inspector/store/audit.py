"""The trail of acts as a table: each entry holds the hash of the one before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text
from sqlmodel import col

from inspector.domain import GENESIS, AuditEntry, AuditFlaw, Person, audit_hash, check_trail
from inspector.store.database import Database
from inspector.store.tables import AuditRow

__all__ = ["SqlAuditTrail", "append_act"]

PAGE = 1000


def _now() -> datetime:
    return datetime.now(UTC)


class SqlAuditTrail:
    """An ``AuditTrail`` in a database, whose triggers refuse changes; safe to use from several threads."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = _now) -> None:
        self._database = database
        self._clock = clock

    def add(self, person: Person, act: str, subject: str = "", detail: str = "") -> AuditEntry:
        """Append one act; raises ``StoreError``."""
        with self._database.write() as connection:
            return append_act(connection, person, act, subject, detail, at=self._clock())

    def latest(self, limit: int, *, before: int | None = None) -> Sequence[AuditEntry]:
        """Return the newest entries, newest first; raises ``StoreError``."""
        query = select(AuditRow.__table__).order_by(col(AuditRow.number).desc()).limit(limit)  # type: ignore[attr-defined]
        if before is not None:
            query = query.where(col(AuditRow.number) < before)
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def verify(self, head: str | None = None) -> AuditFlaw | None:
        """Return the first flaw of the trail, None where there is none; raises ``StoreError``."""
        with self._database.read() as connection:
            return check_trail(_all(connection), head=head)


def append_act(
    connection: Connection, person: Person, act: str, subject: str = "", detail: str = "", *, at: datetime
) -> AuditEntry:
    """Append one act inside a transaction that writes; the act and what it did become visible together."""
    if connection.dialect.name == "postgresql":
        # Two writers must not follow the same entry; SQLite has one writer at a time anyway.
        connection.execute(text("LOCK TABLE audit IN EXCLUSIVE MODE"))
    newest = connection.execute(
        select(col(AuditRow.number), col(AuditRow.hash)).order_by(col(AuditRow.number).desc()).limit(1)
    ).first()
    number, previous = (newest[0], newest[1]) if newest is not None else (0, GENESIS)
    entry = AuditEntry(number + 1, at.astimezone(UTC), person.name, person.role, act, subject, detail, previous, "")
    entry = replace(entry, role=str(person.role), hash=audit_hash(entry))
    connection.execute(insert(AuditRow), {name: getattr(entry, name) for name in entry.__slots__})
    return entry


def _all(connection: Connection) -> Iterator[AuditEntry]:
    after = 0
    while True:
        query = select(AuditRow.__table__).where(col(AuditRow.number) > after)  # type: ignore[attr-defined]
        rows = connection.execute(query.order_by(col(AuditRow.number)).limit(PAGE)).all()
        yield from (_entry(row) for row in rows)
        if len(rows) < PAGE:
            return
        after = rows[-1].number


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(**{name: getattr(row, name) for name in AuditEntry.__slots__})
