"""The way from the record to a consumer over real brokers, with everything on the way being killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from inspector.domain import BrokerLost, LampState, MesError, OutboxMessage
from inspector.mes import MessageCounter, MqttLink, OutboxRelay, Presence, ResultMessages, Source
from inspector.store import Database, RecordStore, SqlOutbox
from tests.support.brokers import LINE, MES, MOSQUITTO, Broker, Embedded, Mosquitto, eventually, running
from tests.support.reports import failed, passed

MESSAGES = ResultMessages(
    Source(enterprise="acme", site="north", area="boards", line="line-1", cell="cell-1"), simulated=True
)
TOPICS = MESSAGES.topics
ENOUGH_S = 60.0


WAYS = {
    "mosquitto": (Mosquitto, "sqlite"),
    "mosquitto-postgres": (Mosquitto, "postgres"),
    "embedded": (Embedded, "sqlite"),
}


@pytest.fixture(params=list(WAYS))
def way(request: pytest.FixtureRequest) -> str:
    """Name broker and database; the broker of the demonstration has the demonstration's database."""
    if WAYS[request.param][0] is Mosquitto and MOSQUITTO is None:
        pytest.skip("mosquitto is not installed (Debian: apt install mosquitto)")
    return str(request.param)


@pytest.fixture
def broker(way: str, tmp_path: Path) -> Iterator[Broker]:
    with running(WAYS[way][0](tmp_path / "broker")) as broker:
        yield broker


@pytest.fixture
def url(way: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if WAYS[way][1] == "postgres":
        return str(request.getfixturevalue("postgres").empty())
    return f"sqlite:///{tmp_path / 'record.db'}"


class Line:
    """A record, its relay and what the MES would hear."""

    def __init__(self, broker: Broker, url: str, stack: ExitStack) -> None:
        self.broker, self._stack = broker, stack
        self.database = Database(url)
        stack.callback(self.database.close)
        self.record = RecordStore(self.database)
        self.outbox = SqlOutbox(self.database)
        self.lamps: list[LampState] = []
        self.expected: list[str] = []

    def inspect(self, count: int) -> None:
        for _ in range(count):
            number = len(self.expected)
            report = failed(number) if number % 10 == 0 else passed(number)
            self.record.record(report, pixels=None, texts={}, messages=[MESSAGES.result(report)])
            self.expected.append(str(report.id))

    def consumer(self, *, ack: bool = False, client_id: str = "mes", **more: Any) -> MessageCounter:
        counter = MessageCounter(
            self.broker.url,
            TOPICS.result,
            client_id=client_id,
            protocol=self.broker.protocol,  # type: ignore[arg-type]
            ack_topic=TOPICS.ack if ack else "",
            **self.broker.user(MES),
            **more,
        )
        self._stack.callback(counter.close)
        return counter

    def relay(self, **options: Any) -> tuple[OutboxRelay, MqttLink]:
        link = MqttLink(
            self.broker.url,
            client_id="line-1",
            protocol=self.broker.protocol,  # type: ignore[arg-type]
            presence=Presence(TOPICS.state, MESSAGES.state(True), MESSAGES.state(False)),
            on_lamp=self.lamps.append,
            **self.broker.user(LINE),
        )
        relay = OutboxRelay(self.outbox, ack_topic=TOPICS.ack, **options)
        link.attach(relay)
        relay.start()
        link.start()
        self._stack.callback(link.close)
        self._stack.callback(relay.stop)
        return relay, link


@pytest.fixture
def line(broker: Broker, url: str) -> Iterator[Line]:
    with ExitStack() as stack:
        yield Line(broker, url, stack)


def subscribed(consumer: MessageCounter) -> MessageCounter:
    consumer.start(ENOUGH_S)
    return consumer


@pytest.mark.parametrize("delivery", ["puback", "ack"])
def test_every_result_arrives_once_and_in_order(line: Line, delivery: str) -> None:
    consumer = subscribed(line.consumer(ack=delivery == "ack"))
    line.inspect(150)
    relay, _ = line.relay(delivery=delivery)
    line.inspect(50)
    relay.notify()
    assert relay.stop(ENOUGH_S)
    assert consumer.wait_for(200, ENOUGH_S)
    assert consumer.ids == line.expected
    assert (consumer.duplicates, consumer.gaps) == (0, 0)
    assert line.outbox.backlog().messages == 0


def test_what_arrives_is_the_result_of_the_part(line: Line) -> None:
    heard: list[dict[str, Any]] = []
    consumer = subscribed(line.consumer(on_result=heard.append))
    line.inspect(1)
    line.relay()
    assert consumer.wait_for(1, ENOUGH_S)
    (message,) = heard
    assert (message["result"], message["serial"], message["seq"]) == ("NOK", "PART-00000", 1)


@pytest.mark.parametrize("consumer_online", [True, False])
def test_a_killed_broker_loses_nothing_when_the_consumer_acknowledges(line: Line, consumer_online: bool) -> None:
    seen = threading.Event()

    def see(_message: dict[str, Any]) -> None:
        if len(consumer.ids) >= 100:
            seen.set()

    consumer = line.consumer(ack=True, on_result=see)
    line.inspect(400)
    if consumer_online:
        subscribed(consumer)
    relay, link = line.relay(delivery="ack", progress_s=0.5)
    if consumer_online:
        assert seen.wait(ENOUGH_S)
    else:
        link.wait_connected(ENOUGH_S)
    line.broker.kill()
    assert eventually(lambda: link.lamp.good is False)
    line.inspect(50)  # the record does not need the broker
    line.broker.start()
    if not consumer_online:
        subscribed(consumer)
    assert consumer.wait_for(450, ENOUGH_S)
    assert relay.stop(ENOUGH_S)
    assert consumer.ids == line.expected
    assert line.outbox.backlog().messages == 0


def test_a_relay_killed_while_draining_goes_on_where_it_was(line: Line, url: str) -> None:
    consumer = line.consumer(ack=True)
    subscribed(consumer)
    line.inspect(300)
    context = multiprocessing.get_context("spawn")
    for wanted in (60, 120, 180):
        user = line.broker.user(LINE)
        process = context.Process(
            target=_relay_until_killed,
            args=(url, line.broker.url, line.broker.protocol, user),
            daemon=True,
        )
        process.start()
        assert consumer.wait_for(wanted, ENOUGH_S)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(ENOUGH_S)
    relay, _ = line.relay(delivery="ack")
    assert relay.stop(ENOUGH_S)
    assert consumer.ids == line.expected
    assert line.outbox.backlog().messages == 0


def _relay_until_killed(database: str, url: str, protocol: str, user: dict[str, str]) -> None:
    link = MqttLink(url, client_id="line-1", protocol=protocol, **user)  # type: ignore[arg-type]
    relay = OutboxRelay(SqlOutbox(Database(database)), delivery="ack", ack_topic=TOPICS.ack, window=8)
    link.attach(relay)
    relay.start()
    link.start()
    threading.Event().wait()


def test_a_relay_stopped_while_draining_repeats_only_what_was_on_its_way(line: Line) -> None:
    consumer = subscribed(line.consumer())
    line.inspect(200)
    relay, link = line.relay(window=8)
    assert consumer.wait_for(50, ENOUGH_S)
    relay.stop()
    link.close()
    again, _ = line.relay(window=8)
    assert again.stop(ENOUGH_S)
    assert consumer.wait_for(200, ENOUGH_S)
    assert consumer.ids == line.expected
    assert consumer.duplicates <= 8


def test_a_consumer_that_was_away_gets_what_it_missed(line: Line) -> None:
    consumer = subscribed(line.consumer())
    consumer.close()
    line.inspect(30)
    relay, _ = line.relay()
    assert relay.stop(ENOUGH_S)
    later = line.consumer()
    later.start()
    assert later.wait_for(30, ENOUGH_S)
    assert later.ids == line.expected


def test_a_consumer_that_crashes_before_it_commits_gets_the_message_again(line: Line) -> None:
    class Crash(Exception):
        pass

    stored: list[str] = []

    def commit(message: dict[str, Any]) -> None:
        if len(stored) == 20 and not crashed.is_set():
            crashed.set()
            raise BrokerLost("as good as dead")
        stored.append(message["msg_id"])

    crashed = threading.Event()
    consumer = line.consumer(ack=True, on_result=commit)
    subscribed(consumer)
    line.inspect(60)
    relay, _ = line.relay(delivery="ack", progress_s=0.5)
    assert relay.stop(ENOUGH_S)
    assert crashed.is_set()
    assert stored == line.expected


def test_the_state_is_retained_and_the_will_says_offline(line: Line, tmp_path: Path) -> None:
    states: list[bool] = []
    heard = threading.Condition()

    class Watch:
        def connected(self, connection: Any) -> None:
            connection.subscribe(TOPICS.state)

        def subscribed(self, *_: Any) -> None: ...

        def lost(self) -> None: ...

        def delivered(self, *_: Any) -> None: ...

        def received(self, _connection: Any, _topic: str, payload: bytes, _envelope: Any) -> None:
            with heard:
                states.append(json.loads(payload)["online"])
                heard.notify_all()

    _, link = line.relay()
    link.wait_connected(ENOUGH_S)
    watch = MqttLink(
        line.broker.url, client_id="watch", protocol=line.broker.protocol, **line.broker.user(MES)  # type: ignore[arg-type]
    )  # fmt: skip
    watch.attach(Watch())
    watch.start()
    with heard:
        assert heard.wait_for(lambda: states[-1:] == [True], ENOUGH_S)
    link.close()
    with heard:
        assert heard.wait_for(lambda: states[-1:] == [False], ENOUGH_S)
    user = line.broker.user(LINE)
    process = multiprocessing.get_context("spawn").Process(
        target=_relay_with_presence, args=(line.broker.url, line.broker.protocol, user), daemon=True
    )
    process.start()
    with heard:
        assert heard.wait_for(lambda: states[-1:] == [True], ENOUGH_S)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(ENOUGH_S)
    with heard:
        assert heard.wait_for(lambda: states[-1:] == [False], ENOUGH_S)
    watch.close()


def _relay_with_presence(url: str, protocol: str, user: dict[str, str]) -> None:
    presence = Presence(TOPICS.state, MESSAGES.state(True), MESSAGES.state(False))
    link = MqttLink(url, client_id="line-1", protocol=protocol, presence=presence, **user)  # type: ignore[arg-type]
    link.start()
    threading.Event().wait()


def test_a_wrong_password_is_said_with_its_remedy(broker: Broker) -> None:
    user = {**broker.user(LINE), "password": "wrong"}
    link = MqttLink(broker.url, client_id="line-1", protocol=broker.protocol, **user)  # type: ignore[arg-type]
    link.start()
    try:
        assert eventually(lambda: link.lamp.good is False)
        with pytest.raises(MesError, match=r"refuses 'line-1'.*password") as caught:
            link.wait_connected(0)
        assert not isinstance(caught.value, BrokerLost)
        assert "password" in link.lamp.detail
    finally:
        link.close()


def test_a_lost_broker_is_logged_once_and_so_is_its_return(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "inspector.mes")
    _, link = line.relay()
    link.wait_connected(ENOUGH_S)
    line.broker.kill()
    assert eventually(lambda: link.lamp.good is False and "reached" in link.lamp.detail)
    line.broker.start()
    link.wait_connected(ENOUGH_S)
    said = [record.getMessage() for record in caplog.records if "line-1" in str(record.threadName)]
    assert sum("is lost" in text for text in said) == 1
    assert sum("cannot be reached" in text for text in said) <= 1
    assert sum("is back" in text for text in said) == 1


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
def test_a_denied_topic_is_surfaced_and_nothing_is_dropped(tmp_path: Path) -> None:
    with running(Mosquitto(tmp_path / "broker")) as broker, ExitStack() as stack:
        line = Line(broker, f"sqlite:///{tmp_path / 'record.db'}", stack)
        report = passed()
        message = MESSAGES.result(report)
        astray = OutboxMessage(message.msg_id, "v2/nobody/may/write/here", message.body)
        line.record.record(report, pixels=None, texts={}, messages=[astray])
        relay, link = line.relay(progress_s=0.2)
        assert eventually(lambda: link.lamp.good is False and "Not authorized" in link.lamp.detail)
        assert not relay.stop(0.5)
        assert line.outbox.backlog().messages == 1
