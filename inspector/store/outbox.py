"""The ordered queue between the record and the MES, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlmodel import col

from inspector.domain import OutboxMessage
from inspector.store.database import Database
from inspector.store.tables import OutboxRow

__all__ = ["Backlog", "SqlOutbox"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What still waits for the consumer; ``oldest`` is when the oldest was written, None where nothing waits."""

    messages: int
    oldest: datetime | None
    acknowledged: int


class SqlOutbox:
    """The outbox table of one database; rows get in by ``RecordStore.record``."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = _now) -> None:
        self._database = database
        self._clock = clock

    def pending(self, after: int, limit: int) -> Sequence[OutboxMessage]:
        """Return unacknowledged messages with ``seq > after``, in order; raises ``StoreError``."""
        query = (
            select(col(OutboxRow.seq), col(OutboxRow.msg_id), col(OutboxRow.topic), col(OutboxRow.body))
            .where(col(OutboxRow.acknowledged_at).is_(None), col(OutboxRow.seq) > after)
            .order_by(col(OutboxRow.seq))
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [OutboxMessage(row.msg_id, row.topic, row.body, seq=row.seq) for row in rows]

    def acknowledge(self, upto: int) -> None:
        """Mark every message with ``seq <= upto`` as safely at the consumer; raises ``StoreError``."""
        change = (
            update(OutboxRow)
            .where(col(OutboxRow.acknowledged_at).is_(None), col(OutboxRow.seq) <= upto)
            .values(acknowledged_at=self._clock())
        )
        with self._database.write() as connection:
            connection.execute(change)

    def backlog(self) -> Backlog:
        """Return how much waits and since when; raises ``StoreError``."""
        waiting = col(OutboxRow.acknowledged_at).is_(None)
        with self._database.read() as connection:
            messages = connection.execute(select(func.count()).select_from(OutboxRow).where(waiting)).scalar_one()
            acknowledged = connection.execute(select(func.count()).select_from(OutboxRow).where(~waiting)).scalar_one()
            oldest = connection.execute(
                select(col(OutboxRow.created_at)).where(waiting).order_by(col(OutboxRow.seq)).limit(1)
            ).scalar_one_or_none()
        return Backlog(messages=messages, oldest=oldest, acknowledged=acknowledged)

    def forget(self, older_than: timedelta) -> int:
        """Remove messages acknowledged longer ago than this; return how many; raises ``StoreError``."""
        with self._database.write() as connection:
            gone = connection.execute(
                delete(OutboxRow).where(col(OutboxRow.acknowledged_at) < self._clock() - older_than)
            )
        return gone.rowcount
