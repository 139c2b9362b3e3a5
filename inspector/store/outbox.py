"""The ordered queue between the record and the MES, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, func, select, text, update
from sqlmodel import col

from inspector.domain import OutboxMessage, Queue, Waiting
from inspector.store.database import Database
from inspector.store.tables import CounterRow, OutboxRow

__all__ = ["Backlog", "Numbers", "SqlOutbox", "stream_name", "take_numbers"]


def _now() -> datetime:
    return datetime.now(UTC)


def stream_name(line: str, station: str, queue: str) -> str:
    """Return the name under which the messages of one station and queue are numbered."""
    return f"{line}/{station}/{queue}"


def take_numbers(connection: Connection, stream: str, count: int) -> int:
    """Return the first of ``count`` numbers of the stream; others that want some wait for our commit."""
    take = (
        update(CounterRow)
        .where(col(CounterRow.stream) == stream)
        .values(last=col(CounterRow.last) + count)
        .returning(col(CounterRow.last))
    )
    last: int | None = connection.execute(take).scalar_one_or_none()
    if last is None:
        begin = text("INSERT INTO outbox_counter (stream, last) VALUES (:stream, 0) ON CONFLICT (stream) DO NOTHING")
        connection.execute(begin, {"stream": stream})
        last = int(connection.execute(take).scalar_one())
    return last - count + 1


class Numbers:
    """A counter that survives restarts and begins with 0."""

    def __init__(self, database: Database, name: str, *, line: str = "", station: str = "") -> None:
        self._database, self._stream = database, stream_name(line, station, name)

    def __call__(self) -> int:
        """Return the next number; raises ``StoreError``."""
        with self._database.write() as connection:
            return take_numbers(connection, self._stream, 1) - 1


@dataclass(frozen=True, slots=True)
class Backlog:
    """What still waits for the consumer; ``oldest`` is when the oldest was written, None where nothing waits.

    ``per_minute`` is how many were acknowledged in the last minute and ``written_per_minute`` how many were written,
    ``refused`` how many were set aside.
    """

    messages: int
    oldest: datetime | None
    acknowledged: int
    per_minute: int = 0
    refused: int = 0
    written_per_minute: int = 0


class SqlOutbox:
    """One stream of the outbox table; rows get in by ``RecordStore.record``.

    Parameters
    ----------
    line, station, queue
        Whose messages: those that a ``RecordStore`` of this line and station wrote into this queue.
    """

    def __init__(
        self,
        database: Database,
        *,
        line: str = "",
        station: str = "",
        queue: Queue = Queue.RESULTS,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._own = col(OutboxRow.stream) == stream_name(line, station, queue)
        self._clock = clock

    def pending(self, after: int, limit: int) -> Sequence[OutboxMessage]:
        """Return unacknowledged messages with ``seq > after``, in order; raises ``StoreError``."""
        query = (
            select(
                col(OutboxRow.seq),
                col(OutboxRow.msg_id),
                col(OutboxRow.topic),
                col(OutboxRow.body),
                col(OutboxRow.refused),
            )
            .where(self._own, col(OutboxRow.acknowledged_at).is_(None), col(OutboxRow.seq) > after)
            .order_by(col(OutboxRow.seq))
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [OutboxMessage(row.msg_id, row.topic, row.body, seq=row.seq, refused=row.refused or "") for row in rows]

    def holds(self, msg_id: str) -> bool:
        """Say whether this message was written, acknowledged or not, and is still kept; raises ``StoreError``."""
        query = select(col(OutboxRow.seq)).where(self._own, col(OutboxRow.msg_id) == msg_id).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def newest(self) -> OutboxMessage | None:
        """Return the last message written, acknowledged or not; None where none is kept. Raises ``StoreError``."""
        query = (
            select(col(OutboxRow.seq), col(OutboxRow.msg_id), col(OutboxRow.topic), col(OutboxRow.body))
            .where(self._own)
            .order_by(col(OutboxRow.seq).desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return OutboxMessage(row.msg_id, row.topic, row.body, seq=row.seq) if row is not None else None

    def acknowledge(self, upto: int) -> None:
        """Mark every message with ``seq <= upto`` as safely at the consumer; raises ``StoreError``."""
        change = (
            update(OutboxRow)
            .where(self._own, col(OutboxRow.acknowledged_at).is_(None), col(OutboxRow.seq) <= upto)
            .values(acknowledged_at=self._clock())
        )
        with self._database.write() as connection:
            connection.execute(change)

    def set_aside(self, seq: int, reason: str) -> None:
        """Note that this message cannot be delivered as it is, and why; raises ``StoreError``."""
        with self._database.write() as connection:
            connection.execute(update(OutboxRow).where(self._own, col(OutboxRow.seq) == seq).values(refused=reason))

    def waiting(self) -> Waiting:
        """Return how much waits and since when, off the index alone; raises ``StoreError``."""
        with self._database.read() as connection:
            return self._waiting(connection)

    def backlog(self) -> Backlog:
        """Return what waits, and how fast it comes and goes; raises ``StoreError``."""
        a_minute_ago = self._clock() - timedelta(minutes=1)
        lately = col(OutboxRow.acknowledged_at) > a_minute_ago
        refused = col(OutboxRow.refused).is_not(None)
        with self._database.read() as connection:

            def count(of: ColumnElement[bool]) -> int:
                found: int = connection.execute(
                    select(func.count()).select_from(OutboxRow).where(self._own, of)
                ).scalar_one()
                return found

            waiting = self._waiting(connection)
            return Backlog(
                messages=waiting.messages,
                oldest=waiting.oldest,
                acknowledged=count(col(OutboxRow.acknowledged_at).is_not(None)),
                per_minute=count(lately),
                refused=count(refused),
                written_per_minute=count(col(OutboxRow.created_at) > a_minute_ago),
            )

    def forget(self, older_than: timedelta) -> int:
        """Remove messages acknowledged longer ago than this; return how many; raises ``StoreError``.

        Messages that were set aside stay: somebody has to look at them.
        """
        old = col(OutboxRow.acknowledged_at) < self._clock() - older_than
        with self._database.write() as connection:
            gone = connection.execute(delete(OutboxRow).where(self._own, old, col(OutboxRow.refused).is_(None)))
        return gone.rowcount

    def expire(self, older_than: timedelta) -> int:
        """Remove messages that have waited longer than this; return how many. Raises ``StoreError``.

        For a stream that nobody promised to keep whole.
        """
        stale = col(OutboxRow.created_at) < self._clock() - older_than
        with self._database.write() as connection:
            gone = connection.execute(
                delete(OutboxRow).where(self._own, col(OutboxRow.acknowledged_at).is_(None), stale)
            )
        return gone.rowcount

    def _waiting(self, connection: Connection) -> Waiting:
        unacknowledged = (self._own, col(OutboxRow.acknowledged_at).is_(None))
        messages: int = connection.execute(
            select(func.count()).select_from(OutboxRow).where(*unacknowledged)
        ).scalar_one()
        oldest: datetime | None = connection.execute(
            select(col(OutboxRow.created_at)).where(*unacknowledged).order_by(col(OutboxRow.seq)).limit(1)
        ).scalar_one_or_none()
        return Waiting(messages, oldest)
