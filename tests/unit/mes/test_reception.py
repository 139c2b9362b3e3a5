"""The rules of a consumer: whatever arrives in whatever order, it stores each message once and in order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain import StoreError
from inspector.mes import reception
from inspector.mes.reception import Reception

DOCS = Path(__file__).resolve().parents[3] / "docs" / "mes.md"


def payload(seq: int, oldest: int = 1, msg_id: str = "") -> bytes:
    return json.dumps({"seq": seq, "msg_id": msg_id or f"m{seq}", "oldest_seq": oldest}).encode()


def word(reception: Reception) -> dict[str, Any]:
    return dict(json.loads(reception.acknowledgement()))


@given(arrivals=st.lists(st.integers(1, 12), max_size=60), restart_after=st.integers(0, 60))
def test_what_is_stored_is_always_the_first_so_many_messages(arrivals: list[int], restart_after: int) -> None:
    stored: list[int] = []
    consumer = Reception(lambda message: stored.append(message["seq"]))
    for number, seq in enumerate(arrivals):
        if number == restart_after:
            consumer = Reception(
                lambda message: stored.append(message["seq"]), already=[(one, f"m{one}") for one in stored]
            )
        before = list(stored)
        answer = consumer.received(payload(seq))
        assert answer is (seq in stored)
        assert stored in (before, [*before, seq])
        assert stored == list(range(1, len(stored) + 1))
        assert word(consumer)["upto"] == len(stored)


def test_a_message_that_was_not_committed_is_not_acknowledged_and_taken_when_it_comes_again() -> None:
    stored: list[int] = []

    def commit(message: dict[str, Any]) -> None:
        if not stored and not failures:
            failures.append(1)
            raise StoreError("disk full")
        stored.append(message["seq"])

    failures: list[int] = []
    consumer = Reception(commit)
    with pytest.raises(StoreError):
        consumer.received(payload(1))
    assert word(consumer) == {"upto": 0}
    assert consumer.received(payload(2)) is False
    assert consumer.received(payload(1)) is True
    assert word(consumer) == {"upto": 1, "msg_id": "m1"}
    assert stored == [1]


def test_the_first_message_ever_is_the_oldest_that_the_line_still_has() -> None:
    consumer = Reception(lambda _message: None)
    assert consumer.received(payload(9, oldest=7)) is False
    assert consumer.received(payload(7, oldest=7)) is True
    assert consumer.received(payload(12, oldest=12)) is True  # 8 to 11 will not come again
    assert consumer.gaps == 1


def test_a_line_with_a_new_database_begins_again_below() -> None:
    consumer = Reception(lambda _message: None, already=[(40, "old")])
    assert consumer.received(payload(1, msg_id="new")) is True
    assert word(consumer) == {"upto": 1, "msg_id": "new"}


def test_a_restored_line_goes_on_further_up_and_may_tell_what_is_known_by_a_new_number() -> None:
    stored: list[int] = []
    consumer = Reception(
        lambda message: stored.append(message["seq"]), already=[(one, f"m{one}") for one in range(1, 9)]
    )
    assert consumer.received(payload(5, oldest=5)) is True  # was under way when the backup was made
    assert word(consumer) == {"upto": 8, "msg_id": "m8"}
    assert consumer.received(payload(1001, oldest=1001, msg_id="m7")) is True  # was still in the journal then
    assert word(consumer) == {"upto": 1001, "msg_id": "m7"}
    assert consumer.received(payload(1002, oldest=1001, msg_id="new")) is True
    assert stored == [1002]
    assert (consumer.gaps, consumer.duplicates) == (0, 2)


@pytest.mark.parametrize("junk", [b"", b"\xff", b"[]", b"{}", b'{"seq": "x", "msg_id": "m", "oldest_seq": 1}', b"1"])
def test_what_is_no_message_is_counted_and_left(junk: bytes) -> None:
    consumer = Reception(lambda _message: None)
    assert consumer.received(junk) is False
    assert consumer.unreadable == 1


def test_a_reader_that_does_not_acknowledge_takes_what_comes() -> None:
    consumer = Reception(lambda _message: None, refuse_gaps=False)
    assert [consumer.received(payload(seq)) for seq in (5, 9, 9)] == [True, True, True]
    assert (consumer.count, consumer.gaps, consumer.duplicates) == (2, 2, 1)


def test_the_documentation_shows_this_very_file() -> None:
    source = Path(reception.__file__).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 62
    assert f"```python\n{source}```" in DOCS.read_text(encoding="utf-8")
