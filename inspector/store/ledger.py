"""What came from the MES: the current order, and the audit of every command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import insert, select
from sqlmodel import col

from inspector.store.database import Database
from inspector.store.tables import CommandRow, OrderRow

__all__ = ["AuditedCommand", "Ledger"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class AuditedCommand:
    """One command as it came, and what was answered; both as JSON text."""

    received_at: datetime
    name: str
    by: str
    body: str
    answer: str


class Ledger:
    """Orders and commands of one station; safe to use from several threads."""

    def __init__(
        self, database: Database, *, line: str = "", station: str = "", clock: Callable[[], datetime] = _now
    ) -> None:
        self._database, self._station, self._clock = database, f"{line}/{station}", clock

    def take_order(self, body: str) -> bool:
        """Remember this order as the current one; False where it is so already. Raises ``StoreError``."""
        if self.current_order() == body:
            return False
        with self._database.write() as connection:
            row = {"station": self._station, "received_at": self._clock(), "body": body}
            connection.execute(insert(OrderRow), row)
        return True

    def current_order(self) -> str | None:
        """Return the newest order, None where there never was one; raises ``StoreError``."""
        query = (
            select(col(OrderRow.body))
            .where(col(OrderRow.station) == self._station)
            .order_by(col(OrderRow.id).desc())
            .limit(1)
        )
        with self._database.read() as connection:
            body: str | None = connection.execute(query).scalar_one_or_none()
        return body

    def audit(self, name: str, by: str, body: str, answer: str) -> None:
        """Write one command down; raises ``StoreError``."""
        row = {
            "station": self._station,
            "received_at": self._clock(),
            "name": name,
            "by": by,
            "body": body.replace("\0", ""),
            "answer": answer,
        }
        with self._database.write() as connection:
            connection.execute(insert(CommandRow), row)

    def commands(self, limit: int) -> Sequence[AuditedCommand]:
        """Return the newest commands, newest first; raises ``StoreError``."""
        query = (
            select(
                col(CommandRow.received_at),
                col(CommandRow.name),
                col(CommandRow.by),
                col(CommandRow.body),
                col(CommandRow.answer),
            )
            .where(col(CommandRow.station) == self._station)
            .order_by(col(CommandRow.id).desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [AuditedCommand(*row) for row in connection.execute(query)]
