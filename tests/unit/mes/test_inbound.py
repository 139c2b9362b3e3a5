"""Orders and commands from the MES: what is carried out, what is refused, and that both are audited and answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from inspector.domain import MesError
from inspector.mes import Inbound, MqttLink, Order, Source, Topics
from inspector.mes.link import Envelope
from tests.support.brokers import LINE, MES, MOSQUITTO, PASSWORDS, Mosquitto, eventually, running

NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
SOURCE = Source(enterprise="acme", site="north", area="boards", line="line-1", cell="cell-1")
TOPICS = Topics(SOURCE)


class Desk:
    """A clerk that remembers; there is one recipe."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.done: list[tuple[str, Any]] = []
        self.audited: list[tuple[str, str, str, dict[str, Any]]] = []

    def order(self, order: Order) -> None:
        self.orders.append(order)

    def command(self, name: str, command: Any) -> tuple[str, dict[str, Any] | None]:
        if name == "recipe" and command.recipe != "default":
            raise MesError(f"there is no recipe {command.recipe}")
        self.done.append((name, command))
        return "done", {"passed": 3} if name == "query" else None

    def audit(self, name: str, by: str, body: str, answer: str) -> None:
        self.audited.append((name, by, body, json.loads(answer)))


class Wire:
    receive_maximum = 100

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any], bytes]] = []
        self.subscriptions: list[str] = []
        self.problems: list[str] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, correlation: bytes = b"") -> int:
        assert not retain
        self.sent.append((topic, json.loads(payload), correlation))
        return len(self.sent)

    def subscribe(self, topic: str) -> None:
        self.subscriptions.append(topic)

    def problem(self, detail: str) -> None:
        self.problems.append(detail)


class Case:
    def __init__(self, allowed: frozenset[str]) -> None:
        self.desk, self.wire = Desk(), Wire()
        self.inbound = Inbound(SOURCE, self.desk, allowed=allowed, clock=lambda: NOW)
        self.inbound.start()

    def say(self, name: str, body: Any = None, envelope: Envelope = Envelope(), **fields: Any) -> dict[str, Any]:  # noqa: B008
        """Give a command and return its answer."""
        before = len(self.wire.sent)
        payload = body if isinstance(body, bytes) else json.dumps({"ts": NOW.isoformat(), "by": "shift lead", **fields})
        raw = payload if isinstance(payload, bytes) else payload.encode()
        self.inbound.received(self.wire, TOPICS.command(name), raw, envelope)
        assert eventually(lambda: len(self.wire.sent) > before)
        return self.wire.sent[-1][1]


@pytest.fixture
def case() -> Iterator[Case]:
    case = Case(frozenset({"hold", "release", "recipe", "query"}))
    yield case
    case.inbound.close()


def test_it_asks_for_orders_and_commands(case: Case) -> None:
    case.inbound.connected(case.wire)
    assert case.wire.subscriptions == [TOPICS.order, f"{TOPICS.base}/cmd/+"]
    case.inbound.subscribed(case.wire, "Not authorized", f"{TOPICS.base}/cmd/+")
    assert "cmd/+: Not authorized" in case.wire.problems[0]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("hold", {"reason": "solder paste"}),
        ("release", {}),
        ("recipe", {"recipe": "default"}),
        ("query", {"what": "counts"}),
    ],
)
def test_a_command_is_carried_out_audited_and_answered(case: Case, name: str, fields: dict[str, Any]) -> None:
    answer = case.say(name, correlation="c-1", **fields)
    assert (answer["ok"], answer["command"], answer["correlation"]) == (True, name, "c-1")
    assert [done for done, _ in case.desk.done] == [name]
    (audited,) = case.desk.audited
    assert audited[:2] == (name, "shift lead")
    assert audited[3] == answer
    assert (answer["data"] is not None) is (name == "query")


@pytest.mark.parametrize(
    ("name", "body", "fields", "why"),
    [
        ("explode", None, {}, "no command explode"),
        ("hold", b"", {}, "JSON"),
        ("hold", b"\xff\xfe", {}, "JSON"),
        ("hold", b"[]", {}, "message"),
        ("hold", b'{"by": "x"}', {}, "ts: Field required"),
        ("hold", None, {"by": ""}, "by"),
        ("hold", None, {"because": "x"}, "because: Extra inputs"),
        ("hold", None, {"ts": "2026-03-01T06:00:00"}, "ts"),
        ("release", None, {"ts": (NOW - timedelta(minutes=2)).isoformat()}, "120 s ago"),
        ("release", None, {"ts": (NOW + timedelta(hours=1)).isoformat()}, "not carried out"),
        ("recipe", None, {}, "recipe: Field required"),
        ("recipe", None, {"recipe": "other"}, "no recipe other"),
        ("query", None, {"what": "everything"}, "what"),
        ("hold", b" " * 70_000, {}, "more than 65536 bytes"),
    ],
)
def test_what_is_wrong_is_refused_with_the_reason_and_audited(
    case: Case, name: str, body: bytes | None, fields: dict[str, Any], why: str
) -> None:
    answer = case.say(name, body, **fields)
    assert not answer["ok"]
    assert why in answer["detail"]
    assert case.desk.done == []
    assert case.desk.audited[0][0] == name


def test_a_retained_command_is_refused(case: Case) -> None:
    assert "retained" in case.say("release", envelope=Envelope(retained=True))["detail"]
    assert case.desk.done == []


def test_what_the_line_does_not_take_from_the_mes_is_refused() -> None:
    case = Case(frozenset({"hold"}))
    assert "does not take the command release" in case.say("release")["detail"]
    assert case.say("hold")["ok"]
    case.inbound.close()


@pytest.mark.parametrize(
    ("wanted", "used"),
    [
        ("mes/answers/7", "mes/answers/7"),
        ("", TOPICS.answer),
        (TOPICS.result, TOPICS.answer),
        ("$SYS/x", TOPICS.answer),
        ("a/#", TOPICS.answer),
    ],
)
def test_the_answer_goes_where_it_is_wanted_but_never_among_our_own_messages(
    case: Case, wanted: str, used: str
) -> None:
    case.say("hold", envelope=Envelope(response_topic=wanted, correlation=b"\x07"))
    topic, _, correlation = case.wire.sent[0]
    assert (topic, correlation) == (used, b"\x07")


def test_our_own_answers_are_not_heard_as_commands(case: Case) -> None:
    case.inbound.received(case.wire, TOPICS.answer, b"{}", Envelope())
    assert case.say("hold")["ok"]
    assert len(case.wire.sent) == 1


def test_an_order_is_taken_and_a_bad_one_leaves_the_one_before(case: Case) -> None:
    for payload in (b'{"workorder": "4711", "lot": "L-9", "quantity": 100}', b"nonsense", b'{"workorder": ""}', b""):
        case.inbound.received(case.wire, TOPICS.order, payload, Envelope(retained=True))
    case.inbound.close()
    assert [order.workorder for order in case.desk.orders] == ["4711", None]
    assert case.desk.orders[0].lot == "L-9"


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed (Debian: apt install mosquitto)")
def test_over_a_real_broker_the_answer_carries_the_correlation_data(tmp_path: Path) -> None:
    desk = Desk()
    answers: list[MQTTMessage] = []
    with running(Mosquitto(tmp_path / "broker")) as broker:
        link = MqttLink(broker.url, client_id="line-1", **broker.user(LINE))
        inbound = Inbound(SOURCE, desk)
        link.attach(inbound)
        inbound.start()
        link.start()
        link.wait_connected(20)
        mes = Client(CallbackAPIVersion.VERSION2, client_id="mes", protocol=MQTTProtocolVersion.MQTTv5)
        mes.username_pw_set(MES, PASSWORDS[MES])
        mes.on_message = lambda _client, _data, message: answers.append(message)
        mes.on_connect = lambda client, *_: client.subscribe("mes/answers/7", qos=1)
        mes.connect("127.0.0.1", broker.port)  # type: ignore[attr-defined]
        mes.loop_start()
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ResponseTopic, properties.CorrelationData = "mes/answers/7", b"\x01\x02"
        command = {"ts": datetime.now(UTC).isoformat(), "by": "mes", "reason": "no material"}

        def answered() -> bool:
            mes.publish(TOPICS.command("hold"), json.dumps(command), qos=1, properties=properties)
            return eventually(lambda: bool(answers), 1.0)

        try:
            assert eventually(answered)
            mes.publish(TOPICS.order, '{"workorder": "4711"}', qos=1, retain=True)
            assert eventually(lambda: bool(desk.orders))
        finally:
            mes.loop_stop()
            mes.disconnect()
            link.close()
            inbound.close()
    assert json.loads(answers[0].payload)["ok"]
    assert answers[0].properties.CorrelationData == b"\x01\x02"  # type: ignore[union-attr]
    assert desk.done[0][1].reason == "no material"
