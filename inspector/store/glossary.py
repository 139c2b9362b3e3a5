"""The changes of a line's glossary: never altered, each with its entry in the trail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import func, insert, select
from sqlmodel import col

from inspector.domain import Person, TermChange
from inspector.store.audit import append_act
from inspector.store.database import Database
from inspector.store.tables import GlossaryRow

__all__ = ["SqlGlossary"]

ACT = "change_term"


def _now() -> datetime:
    return datetime.now(UTC)


class SqlGlossary:
    """The changes of one line's names; safe to use from several threads and processes."""

    def __init__(self, database: Database, *, line: str, clock: Callable[[], datetime] = _now) -> None:
        self._database, self._line, self._clock = database, line, clock

    def add(self, person: Person, term: str, language: str, name: str) -> TermChange:
        """Keep a change, and the act in the trail, in one transaction; raises ``StoreError``."""
        at = self._clock()
        with self._database.write() as connection:
            row = {"line": self._line, "term": term, "language": language, "name": name, "who": person.name, "at": at}
            version = connection.execute(insert(GlossaryRow), row).inserted_primary_key[0]  # type: ignore[index]
            append_act(connection, person, ACT, term, f"{language}: {name}", at=at)
        return TermChange(version, at, person.name, term, language, name)

    def version(self) -> int:
        """Return the number of the newest change, 0 before the first; raises ``StoreError``."""
        newest = select(func.max(col(GlossaryRow.id))).where(col(GlossaryRow.line) == self._line)
        with self._database.read() as connection:
            return connection.execute(newest).scalar() or 0

    def changes(self, limit: int | None = None) -> Sequence[TermChange]:
        """Return the newest changes, newest first; raises ``StoreError``."""
        table = GlossaryRow.__table__  # type: ignore[attr-defined]
        query = select(table).where(table.c.line == self._line).order_by(table.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return [
                TermChange(row.id, row.at, row.who, row.term, row.language, row.name)
                for row in connection.execute(query)
            ]
