"""The relay alone, against a broker whose every answer the test gives."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from inspector.domain import BrokerLost, MesError, OutboxMessage, StoreError
from inspector.mes import OutboxRelay
from tests.support.brokers import eventually

ACK = "b/ack"


class Memory:
    """An outbox of ``count`` messages."""

    def __init__(self, count: int) -> None:
        self.messages = [OutboxMessage(f"m{seq}", "b/result", '{"a": 1}', seq) for seq in range(1, count + 1)]
        self.acknowledged: list[int] = []
        self.broken = False

    def pending(self, after: int, limit: int) -> Sequence[OutboxMessage]:
        if self.broken:
            raise StoreError("cannot read the record")
        done = self.acknowledged[-1] if self.acknowledged else 0
        return [message for message in self.messages if message.seq > max(after, done)][:limit]

    def acknowledge(self, upto: int) -> None:
        self.acknowledged.append(upto)

    def set_aside(self, seq: int, reason: str) -> None:
        self.messages = [replace(item, refused=reason) if item.seq == seq else item for item in self.messages]


class Wire:
    """A connection that remembers what was published."""

    def __init__(self, receive_maximum: int = 100) -> None:
        self.receive_maximum = receive_maximum
        self.sent: list[dict[str, int]] = []
        self.subscriptions: list[str] = []
        self.problems: list[str] = []
        self.dead = False
        self._numbers = itertools.count(1)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        if self.dead:
            raise BrokerLost("gone")
        self.sent.append(json.loads(payload))
        return next(self._numbers)

    def subscribe(self, topic: str) -> None:
        self.subscriptions.append(topic)

    def problem(self, detail: str) -> None:
        self.problems.append(detail)

    @property
    def seqs(self) -> list[int]:
        return [message["seq"] for message in self.sent]


@pytest.fixture
def relays() -> Iterator[list[OutboxRelay]]:
    made: list[OutboxRelay] = []
    yield made
    for relay in made:
        relay.stop()


def start(relays: list[OutboxRelay], outbox: Memory, **options: object) -> OutboxRelay:
    relay = OutboxRelay(outbox, ack_topic=ACK, **{"poll_s": 0.05, **options})  # type: ignore[arg-type]
    relays.append(relay)
    relay.start()
    return relay


def say(relay: OutboxRelay, wire: Wire, **word: object) -> None:
    relay.received(wire, ACK, json.dumps(word).encode())


def test_the_window_bounds_what_is_on_its_way(relays: list[OutboxRelay]) -> None:
    outbox, wire = Memory(20), Wire()
    relay = start(relays, outbox, window=4)
    relay.connected(wire)
    assert eventually(lambda: wire.seqs == [1, 2, 3, 4])
    for number in (1, 2):
        relay.delivered(wire, number, "")
    assert eventually(lambda: wire.seqs == [1, 2, 3, 4, 5, 6])


def test_the_broker_may_ask_for_a_smaller_window(relays: list[OutboxRelay]) -> None:
    wire = Wire(receive_maximum=2)
    start(relays, Memory(20), window=64).connected(wire)
    assert eventually(lambda: len(wire.sent) == 2)
    assert wire.seqs == [1, 2]


def test_a_late_answer_holds_back_those_after_it(relays: list[OutboxRelay]) -> None:
    outbox, wire = Memory(3), Wire()
    relay = start(relays, outbox)
    relay.connected(wire)
    assert eventually(lambda: len(wire.sent) == 3)
    relay.delivered(wire, 2, "")
    relay.delivered(wire, 3, "")
    relay.delivered(wire, 1, "")
    assert relay.stop(10)
    assert outbox.acknowledged[-1] == 3
    assert all(upto in {1, 3} for upto in outbox.acknowledged)


def test_answers_of_an_earlier_connection_count_for_nothing(relays: list[OutboxRelay]) -> None:
    outbox, first, second = Memory(3), Wire(), Wire()
    relay = start(relays, outbox)
    relay.connected(first)
    assert eventually(lambda: len(first.sent) == 3)
    relay.lost()
    relay.connected(second)
    assert eventually(lambda: second.seqs == [1, 2, 3])
    for number in (1, 2, 3):
        relay.delivered(first, number, "")
    assert not relay.stop(0.2)
    assert outbox.acknowledged == []


def test_a_connection_that_dies_under_a_publish_is_survived(relays: list[OutboxRelay]) -> None:
    outbox, first, second = Memory(3), Wire(), Wire()
    first.dead = True
    relay = start(relays, outbox)
    relay.connected(first)
    relay.lost()
    relay.connected(second)
    assert eventually(lambda: second.seqs == [1, 2, 3])


def test_puback_alone_is_nothing_to_an_acknowledging_consumer(relays: list[OutboxRelay]) -> None:
    outbox, wire = Memory(3), Wire()
    relay = start(relays, outbox, delivery="ack")
    relay.connected(wire)
    assert eventually(lambda: len(wire.sent) == 3)
    assert wire.subscriptions == [ACK]
    for number in (1, 2, 3):
        relay.delivered(wire, number, "")
    say(relay, wire, upto=2, msg_id="m2")
    assert eventually(lambda: outbox.acknowledged == [2])
    say(relay, wire, upto=3)
    assert relay.stop(10)
    assert outbox.acknowledged == [2, 3]


def test_silence_sends_everything_after_the_last_acknowledgement_again(relays: list[OutboxRelay]) -> None:
    outbox, wire = Memory(4), Wire()
    relay = start(relays, outbox, delivery="ack", progress_s=0.2)
    relay.connected(wire)
    assert eventually(lambda: len(wire.sent) == 4)
    say(relay, wire, upto=1, msg_id="m1")
    assert eventually(lambda: len(wire.sent) >= 7)
    assert wire.seqs[:7] == [1, 2, 3, 4, 2, 3, 4]
    assert wire.sent[6]["oldest_seq"] == 2


def test_sending_again_respects_what_the_broker_takes_at_once(relays: list[OutboxRelay]) -> None:
    wire = Wire(receive_maximum=3)
    relay = start(relays, Memory(9), delivery="ack", progress_s=0.1)
    relay.connected(wire)
    assert eventually(lambda: len(wire.sent) == 3)
    threading.Event().wait(0.5)  # several rounds of silence
    assert wire.seqs == [1, 2, 3]
    relay.delivered(wire, 1, "")
    assert eventually(lambda: len(wire.sent) == 4)
    assert wire.seqs[3] == 1


@pytest.mark.parametrize(
    "payload", [b"", b"\xff", b"[]", b"3", b'{"upto": "x"}', b'{"upto": null}', b'{"seq": 3}', b'{"upto": -4}']
)
def test_what_is_no_acknowledgement_is_none(relays: list[OutboxRelay], payload: bytes) -> None:
    outbox, wire = Memory(3), Wire()
    relay = start(relays, outbox, delivery="ack")
    relay.connected(wire)
    assert eventually(lambda: len(wire.sent) == 3)
    relay.received(wire, ACK, payload)
    relay.received(wire, "b/other", b'{"upto": 3}')
    assert not relay.stop(0.2)
    assert outbox.acknowledged == []


def test_an_acknowledgement_from_another_database_is_not_believed(relays: list[OutboxRelay]) -> None:
    outbox, wire = Memory(3), Wire()
    relay = start(relays, outbox, delivery="ack")
    relay.connected(wire)
    assert eventually(lambda: len(wire.sent) == 3)
    say(relay, wire, upto=2, msg_id="of-another-record")
    say(relay, wire, upto=5000, msg_id="of-another-record")
    assert not relay.stop(0.2)
    assert outbox.acknowledged == []


@pytest.mark.parametrize("with_id", [True, False])
def test_a_consumer_ahead_of_a_restarted_relay_is_caught_up_with(relays: list[OutboxRelay], with_id: bool) -> None:
    outbox, wire = Memory(30), Wire()
    relay = start(relays, outbox, delivery="ack", window=4, progress_s=0.1)
    relay.connected(wire)
    for _ in range(200):
        say(relay, wire, upto=25, **({"msg_id": "m25"} if with_id else {}))
        if eventually(lambda: bool(wire.seqs) and wire.seqs[-1] > 25, 0.05):
            break
    say(relay, wire, upto=30, msg_id="m30")
    assert relay.stop(10)
    assert outbox.acknowledged[-1] == 30


def test_a_refused_message_is_shown_kept_and_tried_again(relays: list[OutboxRelay]) -> None:
    outbox, wire = Memory(2), Wire()
    relay = start(relays, outbox, progress_s=0.05)
    relay.connected(wire)
    assert eventually(lambda: len(wire.sent) == 2)
    relay.delivered(wire, 1, "Not authorized")
    assert eventually(lambda: wire.seqs == [1, 2, 1, 2])
    assert "Not authorized" in wire.problems[-1]
    relay.delivered(wire, 3, "")
    relay.delivered(wire, 4, "")
    assert relay.stop(10)
    assert outbox.acknowledged[-1] == 2
    assert wire.problems[-1] == ""


@pytest.mark.parametrize("here", [True, False])
def test_a_message_refused_for_what_it_is_gives_its_place_to_a_dead_letter(
    relays: list[OutboxRelay], here: bool
) -> None:
    class Picky(Wire):
        """Refuses the second message: at once, as the client library does, or by its answer, as a broker does."""

        def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
            said = json.loads(payload)
            poison = said["seq"] == 2 and "a" in said
            if poison and here:
                raise MesError("no message for that topic")
            number = super().publish(topic, payload, retain=retain)
            relay.delivered(self, number, "Packet too large" if poison else "")
            return number

    outbox, wire = Memory(3), Picky()
    relay = start(relays, outbox, progress_s=0.02)
    relay.connected(wire)
    assert eventually(lambda: outbox.acknowledged[-1:] == [3])
    letters = [message for message in wire.sent if message.get("schema") == "dead-letter/1"]
    assert {(letter["seq"], letter["msg_id"], letter["topic"]) for letter in letters} == {(2, "m2", "b/result")}
    assert outbox.messages[1].refused


def test_a_missing_right_never_costs_a_message(relays: list[OutboxRelay]) -> None:
    outbox, wire = Memory(1), Wire()
    relay = start(relays, outbox, progress_s=0.01)
    relay.connected(wire)
    for number in range(1, 12):
        assert eventually(lambda: len(wire.sent) == number)  # noqa: B023
        relay.delivered(wire, number, "Not authorized")
    assert outbox.messages[0].refused == ""


def test_a_body_that_is_no_json_object_reaches_the_consumer_as_what_it_is(relays: list[OutboxRelay]) -> None:
    outbox, wire = Memory(2), Wire()
    outbox.messages[0] = OutboxMessage("m1", "b/result", "not json", 1)
    start(relays, outbox).connected(wire)
    assert eventually(lambda: len(wire.sent) == 2)
    assert wire.sent[0] == {"schema": "unreadable/1", "msg_id": "m1", "body": "not json", "seq": 1, "oldest_seq": 1}
    assert wire.sent[1] == {"a": 1, "seq": 2, "oldest_seq": 1}


def test_an_unreadable_outbox_is_said_once_and_waited_for(
    relays: list[OutboxRelay], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    outbox, wire = Memory(2), Wire()
    outbox.broken = True
    relay = start(relays, outbox, poll_s=0.02)
    relay.connected(wire)
    assert eventually(lambda: "cannot use the outbox" in caplog.text)
    outbox.broken = False
    assert eventually(lambda: len(wire.sent) == 2)
    assert caplog.text.count("cannot use the outbox") == 1
    assert eventually(lambda: "reads the outbox again" in caplog.text)


def test_what_another_process_wrote_is_found_without_a_notice(relays: list[OutboxRelay]) -> None:
    outbox, wire = Memory(0), Wire()
    start(relays, outbox).connected(wire)
    outbox.messages.append(OutboxMessage("m1", "b/result", "{}", 1))
    assert eventually(lambda: wire.seqs == [1])


def test_stopping_without_a_broker_keeps_its_deadline(relays: list[OutboxRelay]) -> None:
    assert not start(relays, Memory(2)).stop(0.1)
    assert start(relays, Memory(0)).stop(10)


def test_acknowledging_needs_a_topic() -> None:
    with pytest.raises(ValueError, match="topic of the acknowledgements"):
        OutboxRelay(Memory(0), delivery="ack")


def test_a_backlog_is_paced_while_the_line_is_at_work_and_only_then(relays: list[OutboxRelay]) -> None:
    outbox, wire = Memory(12), Wire()
    now = 0.0
    relay = start(relays, outbox, window=4, busy_rate=4.0, clock=lambda: now)

    def confirm(upto: int) -> None:
        for number in range(1, upto + 1):
            relay.delivered(wire, number, "")

    relay.notify()  # the line has recorded a part: four of a backlog, and then a second of peace
    relay.connected(wire)
    assert eventually(lambda: wire.seqs == [1, 2, 3, 4])
    confirm(4)
    assert not eventually(lambda: len(wire.sent) > 4, 0.3)
    now = 1.1
    assert eventually(lambda: wire.seqs == [1, 2, 3, 4, 5, 6, 7, 8])
    now = 10.0  # no part for a long time
    confirm(8)
    assert eventually(lambda: wire.seqs == list(range(1, 13)))


def test_without_a_backlog_nothing_is_paced(relays: list[OutboxRelay]) -> None:
    outbox, wire = Memory(3), Wire()
    relay = start(relays, outbox, window=4, busy_rate=0.001)
    relay.connected(wire)
    relay.notify()
    assert eventually(lambda: wire.seqs == [1, 2, 3])
    outbox.messages.append(OutboxMessage("m4", "b/result", "{}", 4))
    for number in (1, 2, 3):
        relay.delivered(wire, number, "")
    relay.notify()
    assert eventually(lambda: wire.seqs == [1, 2, 3, 4])


def test_a_word_about_what_a_restored_record_has_lost_covers_what_it_still_had(relays: list[OutboxRelay]) -> None:
    outbox, wire = Memory(8), Wire()
    outbox.acknowledged.append(5)  # 6 to 8 were under way when the backup was made, and 9 to 12 came after it
    relay = start(relays, outbox, delivery="ack", progress_s=0.05)
    relay.connected(wire)
    outbox.messages.append(OutboxMessage("m1009", "b/result", '{"a": 1}', 1009))
    assert eventually(lambda: {6, 7, 8, 1009} <= set(wire.seqs))
    assert outbox.acknowledged == [5]
    say(relay, wire, upto=12, msg_id="lost")
    assert eventually(lambda: outbox.acknowledged[-1] == 12)
    say(relay, wire, upto=1009, msg_id="m1009")
    assert relay.stop(20)
    assert outbox.acknowledged[-1] == 1009


def test_a_word_about_another_message_of_the_same_number_counts_for_nothing(relays: list[OutboxRelay]) -> None:
    outbox, wire = Memory(8), Wire()
    relay = start(relays, outbox, delivery="ack")
    relay.connected(wire)
    assert eventually(lambda: len(wire.sent) == 8)
    for upto in (5, 12):  # in the middle, and beyond all that was ever given
        say(relay, wire, upto=upto, msg_id="another database's")
    assert not relay.stop(0.2)
    assert outbox.acknowledged == []
