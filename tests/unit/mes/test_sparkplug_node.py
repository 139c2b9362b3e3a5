"""The Sparkplug node alone, against a broker whose every answer the test gives."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain import (
    BrokerLost,
    ConfigurationError,
    Lamp,
    LampState,
    LineStatus,
    MesError,
    OutboxMessage,
    StoreError,
)
from inspector.mes.sparkplug import EdgeNode, NodeName
from inspector.mes.sparkplug_metrics import DEVICE, NODE, REBIRTH
from inspector.mes.sparkplug_payload import DataType, Metric, encode, values
from tests.support.brokers import eventually

NAME = NodeName("g", "n", "d")
NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
STATUS = LineStatus("line-1", True, "default", dict.fromkeys(Lamp, LampState(True, NOW)))


class Memory:
    """An outbox of ``count`` inspections."""

    def __init__(self, count: int) -> None:
        self.messages = [self.row(seq) for seq in range(1, count + 1)]
        self.acknowledged: list[int] = []
        self.refuses = 0

    @staticmethod
    def row(seq: int) -> OutboxMessage:
        body = {"at": 1_000 + seq, "values": {"Inspection/ID": f"m{seq}"}}
        return OutboxMessage(f"m{seq}", NAME.topic("DDATA"), json.dumps(body), seq)

    def pending(self, after: int, limit: int) -> Sequence[OutboxMessage]:
        done = self.acknowledged[-1] if self.acknowledged else 0
        return [message for message in self.messages if message.seq > max(after, done)][:limit]

    def newest(self) -> OutboxMessage | None:
        return self.messages[-1] if self.messages else None

    def acknowledge(self, upto: int) -> None:
        if self.refuses:
            self.refuses -= 1
            raise StoreError("disk full")
        self.acknowledged.append(upto)

    def set_aside(self, seq: int, reason: str) -> None: ...


@dataclass
class Wire:
    """A connection that remembers what was said; ``dies_after`` so many messages."""

    dies_after: int = 10_000
    receive_maximum: int = 100
    said: list[str] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    left: bool = False

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, correlation: bytes = b"", qos: int = 1
    ) -> int:
        if len(self.said) >= self.dies_after:
            raise BrokerLost("gone")
        assert (retain, qos) == (False, 0)
        self.said.append(topic.split("/")[2])
        if self.said[-1] == "DDATA":
            self.data.append(payload)
        return len(self.said)

    def subscribe(self, topic: str) -> None:
        self.asked.append(topic)

    def leave(self) -> None:
        self.left = True

    def problem(self, detail: str) -> None: ...


Make = Callable[..., EdgeNode]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[EdgeNode] = []

    def start(outbox: Memory, **options: object) -> EdgeNode:
        numbers = itertools.count()
        node = EdgeNode(
            outbox, NAME, next_birth=lambda: next(numbers), status=lambda: STATUS, **{"poll_s": 0.02, **options}  # type: ignore[arg-type]
        )  # fmt: skip
        made.append(node)
        node.start()
        return node

    yield start
    for node in made:
        node.stop()


def is_past(payload: bytes) -> bool:
    historical = bytes([5 << 3, 1])  # field 5, true: in every metric, or in none
    assert payload.count(historical) in {0, len(DEVICE)}
    return historical in payload


def test_an_inspection_leaves_the_outbox_when_a_later_subscription_is_answered(make: Make) -> None:
    outbox, wire = Memory(3), Wire()
    node = make(outbox)
    node.connected(wire)
    assert eventually(lambda: wire.said == ["NBIRTH", "DBIRTH", "DDATA", "DDATA", "DDATA"])
    assert eventually(lambda: wire.asked == [NAME.topic("NCMD")] * 2)
    node.subscribed(wire, "", NAME.topic("NCMD"))  # the first: asked before any data
    assert not eventually(lambda: bool(outbox.acknowledged), 0.2)
    node.subscribed(wire, "", NAME.topic("NCMD"))
    assert eventually(lambda: outbox.acknowledged == [3])


def test_an_acknowledgement_that_the_record_refuses_is_tried_again(make: Make) -> None:
    outbox, wire = Memory(4), Wire()
    outbox.refuses = 2
    node = make(outbox, window=2)
    node.connected(wire)
    assert eventually(lambda: len(wire.data) == 2)
    for _ in range(2):
        node.subscribed(wire, "", NAME.topic("NCMD"))
    assert eventually(lambda: outbox.acknowledged == [2])
    assert eventually(lambda: len(wire.data) == 4)


def test_what_was_not_answered_is_said_again_as_history(make: Make) -> None:
    outbox, first, second = Memory(0), Wire(), Wire()
    node = make(outbox)
    node.connected(first)
    assert eventually(lambda: first.said == ["NBIRTH", "DBIRTH"])
    outbox.messages += [Memory.row(1), Memory.row(2)]
    node.notify()
    assert eventually(lambda: len(first.data) == 2)
    assert [is_past(payload) for payload in first.data] == [False, False]
    node.lost()
    node.connected(second)
    assert eventually(lambda: len(second.data) == 2)
    assert [is_past(payload) for payload in second.data] == [True, True]


def test_a_connection_that_breaks_while_telling_loses_nothing(make: Make) -> None:
    outbox, first, second = Memory(5), Wire(dies_after=4), Wire()
    node = make(outbox)
    node.connected(first)
    assert eventually(lambda: len(first.data) == 2)
    node.lost()
    node.connected(second)
    assert eventually(lambda: len(second.data) == 5)


def test_no_more_is_on_its_way_than_the_window(make: Make) -> None:
    outbox, wire = Memory(10), Wire()
    node = make(outbox, window=3)
    node.connected(wire)
    assert eventually(lambda: len(wire.data) == 3)
    assert not eventually(lambda: len(wire.data) > 3, 0.2)
    for _ in range(2):
        node.subscribed(wire, "", NAME.topic("NCMD"))
    assert eventually(lambda: len(wire.data) == 6)


def test_an_unreadable_row_is_left_out_and_those_behind_it_are_told(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    outbox, wire = Memory(3), Wire()
    outbox.messages[1] = OutboxMessage("m2", "t", "[]", 2)
    node = make(outbox)
    node.connected(wire)
    assert eventually(lambda: len(wire.data) == 2)
    assert "outbox message 2 is left out" in caplog.text
    for _ in range(2):
        node.subscribed(wire, "", NAME.topic("NCMD"))
    assert eventually(lambda: outbox.acknowledged == [3])


def test_a_primary_host_that_goes_takes_the_connection_with_it(make: Make) -> None:
    wire = Wire()
    node = make(Memory(0), host="h")
    node.connected(wire)
    assert eventually(lambda: wire.asked == [NAME.topic("NCMD"), "spBv1.0/STATE/h"])
    node.received(wire, "spBv1.0/STATE/h", b'{"online": true, "timestamp": 5}')
    assert eventually(lambda: wire.said == ["NBIRTH", "DBIRTH"])
    node.received(wire, "spBv1.0/STATE/h", b'{"online": false, "timestamp": 4}')
    node.received(wire, NAME.topic("NCMD"), encode([Metric(REBIRTH, DataType.BOOLEAN, True, 1)], at=1))
    assert eventually(lambda: wire.said == ["NBIRTH", "DBIRTH"] * 2)
    assert not wire.left
    node.received(wire, "spBv1.0/STATE/h", b'{"online": false, "timestamp": 5}')
    assert eventually(lambda: wire.left)


def test_a_birth_whose_number_cannot_be_kept_has_the_next_one_all_the_same() -> None:
    numbers: Iterator[int] = iter([254])

    def next_birth() -> int:
        try:
            return next(numbers)
        except StopIteration:
            raise StoreError("disk full") from None

    node = EdgeNode(Memory(0), NAME, next_birth=next_birth, status=lambda: STATUS)
    deaths = [values(node.presence().offline)["bdSeq"] for _ in range(3)]
    assert deaths == [254, 255, 0]


def test_the_node_has_no_two_metrics_of_one_alias() -> None:
    aliases = [described.alias for described in (*NODE, *DEVICE)]
    assert len(set(aliases)) == len(aliases)


@pytest.mark.parametrize("name", [("", "n", "d"), ("g/h", "n", "d"), ("g", "n+", "d"), ("g", "n", "#")])
def test_a_name_that_is_no_level_of_a_topic_is_refused(name: tuple[str, str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"mes\.sparkplug\.\w+ .*cannot be part of an MQTT topic"):
        NodeName(*name)


@given(st.dictionaries(st.text(min_size=1), st.booleans() | st.text() | st.floats(allow_nan=False) | st.none()))
def test_plain_values_are_read_as_they_were_written(metrics: dict[str, bool | str | float | None]) -> None:
    kinds = {bool: DataType.BOOLEAN, str: DataType.STRING, float: DataType.DOUBLE, type(None): DataType.STRING}
    data = encode([Metric(name, kinds[type(value)], value, 1) for name, value in metrics.items()], at=1, seq=0)
    assert values(data) == metrics


@given(st.binary(max_size=60))
def test_any_bytes_are_a_payload_or_said_to_be_none(data: bytes) -> None:
    with suppress(MesError):
        assert isinstance(values(data), dict)
