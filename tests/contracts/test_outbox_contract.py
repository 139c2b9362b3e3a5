"""Outbox: a fake in memory, SQLite and PostgreSQL keep the same promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.domain import Outbox, OutboxMessage
from inspector.store import Database, RecordStore, SqlOutbox
from tests.support.reports import passed


class MemoryOutbox:
    """The least that keeps the promises."""

    def __init__(self) -> None:
        self._waiting: list[OutboxMessage] = []
        self._last = 0

    def put(self, msg_id: str) -> None:
        self._last += 1
        self._waiting.append(OutboxMessage(msg_id, "t", "{}", self._last))

    def pending(self, after: int, limit: int) -> Sequence[OutboxMessage]:
        return [message for message in self._waiting if message.seq > after][:limit]

    def acknowledge(self, upto: int) -> None:
        self._waiting = [message for message in self._waiting if message.seq > upto]

    def set_aside(self, seq: int, reason: str) -> None:
        self._waiting = [replace(item, refused=reason) if item.seq == seq else item for item in self._waiting]


Make = Callable[[], tuple[Outbox, Callable[[str], None]]]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Return a maker of empty outboxes, each with a function that puts one message in."""
    opened: list[Database] = []

    def memory() -> tuple[Outbox, Callable[[str], None]]:
        outbox = MemoryOutbox()
        return outbox, outbox.put

    def sql() -> tuple[Outbox, Callable[[str], None]]:
        url = f"sqlite:///{tmp_path / f'{len(opened)}.db'}"
        database = Database(url if request.param == "sqlite" else request.getfixturevalue("postgres").empty())
        opened.append(database)
        record = RecordStore(database)

        def put(msg_id: str) -> None:
            record.record(passed(), pixels=None, texts={}, messages=[OutboxMessage(msg_id, "t", "{}")])

        return SqlOutbox(database), put

    yield memory if request.param == "memory" else sql
    for database in opened:
        database.close()


def test_it_is_an_outbox(make: Make) -> None:
    assert isinstance(make()[0], Outbox)


def test_an_empty_outbox_has_nothing_pending(make: Make) -> None:
    outbox, _ = make()
    assert list(outbox.pending(0, 10)) == []
    outbox.acknowledge(10)


def test_pending_is_in_order_after_a_number_and_limited(make: Make) -> None:
    outbox, put = make()
    for name in "abcde":
        put(name)
    numbers = [message.seq for message in outbox.pending(0, 10)]
    assert numbers == sorted(set(numbers))
    assert [message.msg_id for message in outbox.pending(numbers[1], 2)] == ["c", "d"]


def test_a_number_is_never_given_twice(make: Make) -> None:
    outbox, put = make()
    put("a")
    (first,) = outbox.pending(0, 10)
    outbox.acknowledge(first.seq)
    put("b")
    (second,) = outbox.pending(0, 10)
    assert second.seq > first.seq


def test_a_message_set_aside_keeps_its_place(make: Make) -> None:
    outbox, put = make()
    for name in "abc":
        put(name)
    numbers = [message.seq for message in outbox.pending(0, 10)]
    outbox.set_aside(numbers[1], "too large")
    assert [(message.msg_id, message.refused) for message in outbox.pending(0, 10)] == [
        ("a", ""), ("b", "too large"), ("c", ""),
    ]  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(st.just("put"), st.integers(0, 12)), max_size=15))
def test_pending_is_what_was_put_and_not_acknowledged(make: Make, steps: list[str | int]) -> None:
    outbox, put = make()
    given_ids: list[str] = []
    acknowledged = 0
    for step in steps:
        if isinstance(step, int):
            upto = min(step, len(given_ids))
            outbox.acknowledge(upto)
            acknowledged = max(acknowledged, upto)
        else:
            given_ids.append(f"m{len(given_ids)}")
            put(given_ids[-1])
    assert [message.msg_id for message in outbox.pending(0, 100)] == given_ids[acknowledged:]
