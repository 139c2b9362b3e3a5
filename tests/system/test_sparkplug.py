"""The rules of Sparkplug B 3.0, checked on the bytes that a host gets, by somebody else's decoder."""

from __future__ import annotations

import multiprocessing
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from inspector.mes import MqttLink
from inspector.mes.sparkplug_metrics import DEVICE, NODE, Form
from inspector.mes.sparkplug_payload import DataType, Metric, encode
from inspector.runtime.demo import demo_settings
from inspector.runtime.plant import Plant
from inspector.settings import MqttMes, Sparkplug
from tests.support.brokers import LINE, MOSQUITTO, PASSWORDS, Mosquitto, eventually, running
from tests.support.foreign import npm_package
from tests.support.network import Wire
from tests.support.sparkplug import NAME, Heard, Host, Station, decoded, serve_until_killed

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed (Debian: apt install mosquitto)")

REBIRTH = "Node Control/Rebirth"
ASK_REBIRTH = encode([Metric(REBIRTH, DataType.BOOLEAN, True, 1)], at=1)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running(Mosquitto(tmp_path_factory.mktemp("broker") / "broker")) as broker:
        assert isinstance(broker, Mosquitto)
        yield broker


@pytest.fixture(scope="module")
def modules() -> Path:
    return npm_package("sparkplug-payload")


@pytest.fixture
def host(broker: Mosquitto, modules: Path) -> Iterator[Host]:
    host = Host(broker, modules)
    yield host
    host.online(False)
    host.close()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'record.db'}"
    return str(request.getfixturevalue("postgres").empty())


@pytest.fixture
def make(broker: Mosquitto, tmp_path: Path) -> Iterator[Callable[..., Station]]:
    with ExitStack() as stack:

        def make(*, port: int | None = None, **options: Any) -> Station:
            address = f"mqtt://127.0.0.1:{port or broker.port}"
            station = Station(f"sqlite:///{tmp_path / 'record.db'}", address, broker.user(LINE), **options)
            stack.callback(station.close)
            return station

        yield make


def of(kind: str, heard: list[Heard], payloads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [payload for item, payload in zip(heard, payloads, strict=True) if item.kind == kind]


def named(payload: dict[str, Any]) -> dict[str, Any]:
    return {metric["name"]: metric for metric in payload["metrics"]}


def ids(payloads: list[dict[str, Any]]) -> list[str]:
    alias = DEVICE[0].alias
    return [metric["value"] for payload in payloads for metric in payload["metrics"] if metric.get("alias") == alias]


def is_past(payload: dict[str, Any]) -> bool:
    flags = {metric.get("isHistorical", False) for metric in payload["metrics"]}
    assert len(flags) == 1
    return bool(flags.pop())


# --- birth ------------------------------------------------------------------------------------------------


def test_births_come_first_and_name_every_metric(make: Callable[..., Station], host: Host) -> None:
    station = make(host="")
    station.inspect(1)
    station.connect()
    heard = host.wait_for("DDATA")
    payloads = decoded(host, heard)
    assert [item.kind for item in heard[:3]] == ["NBIRTH", "DBIRTH", "DDATA"]
    assert [item.topic for item in heard[:3]] == [
        "spBv1.0/north-line-1/NBIRTH/aoi-1",
        "spBv1.0/north-line-1/DBIRTH/aoi-1/camera",
        "spBv1.0/north-line-1/DDATA/aoi-1/camera",
    ]
    assert {(item.qos, item.retain) for item in heard[:3]} == {(0, False)}
    assert [payload["seq"] for payload in payloads[:3]] == [0, 1, 2]
    assert all(payload["timestamp"] > 1_600_000_000_000 for payload in payloads)
    node, device = named(payloads[0]), named(payloads[1])
    assert (node["bdSeq"]["type"], node["bdSeq"]["value"]) == ("Int64", 0)
    assert (node[REBIRTH]["type"], node[REBIRTH]["value"]) == ("Boolean", False)
    assert "alias" not in node[REBIRTH]
    assert "alias" not in node["bdSeq"]
    assert set(node) == {"bdSeq", REBIRTH, *(described.name for described in NODE)}
    assert set(device) == {described.name for described in DEVICE}
    metrics = [*payloads[0]["metrics"], *payloads[1]["metrics"]]
    assert all(metric["timestamp"] and metric["type"] for metric in metrics)
    aliases = [metric["alias"] for metric in metrics if "alias" in metric]
    assert len(set(aliases)) == len(aliases) == len(NODE) + len(DEVICE)
    assert device["Inspection/Cycle Time"]["properties"]["engUnit"]["value"] == "ms"
    assert not any(metric["type"] == "Template" for metric in metrics)


def test_data_name_metrics_by_alias_and_repeat_the_type(make: Callable[..., Station], host: Host) -> None:
    station = make(host="")
    station.connect()
    host.wait_for("DBIRTH")
    station.inspect(1)
    (data,) = of("DDATA", heard := host.wait_for("DDATA"), decoded(host, heard))
    birth = {described.alias: described for described in DEVICE}
    assert {metric["alias"] for metric in data["metrics"]} == set(birth)
    assert all(not metric.get("name") for metric in data["metrics"])
    assert all(metric["type"] == birth[metric["alias"]].kind.name.title().replace("time", "Time")
               for metric in data["metrics"])  # fmt: skip
    values = {birth[metric["alias"]].name: metric["value"] for metric in data["metrics"]}
    assert values["Inspection/ID"] == station.expected[0]
    assert (values["Inspection/Result"], values["Inspection/Defects"]) == ("NOK", 2)
    assert values["Inspection/Defect Classes"] == "open, spur"
    assert values["Inspection/Cycle Time"] == 31.5
    assert values["Inspection/Work Order"] is None
    assert is_past(data) is False


@pytest.mark.parametrize(
    ("form", "check"),
    [
        (Form(aliases=False), lambda m: bool(m.get("name")) and "alias" not in m),
        (Form(datatypes=False), lambda m: m.get("name", "") == "" and m.get("value") is None),  # their reader needs it
        (Form(templates=True), lambda m: m["type"] == "Template" and m["value"]["templateRef"] == "_types_/Inspection"),
    ],
    ids=["names", "no datatypes", "templates"],
)
def test_how_data_is_written_can_be_chosen(
    make: Callable[..., Station], host: Host, form: Form, check: Callable[[dict[str, Any]], bool]
) -> None:
    station = make(host="", form=form)
    station.connect()
    host.wait_for("DBIRTH")
    station.inspect(1)
    heard = host.wait_for("DDATA")
    payloads = decoded(host, heard)
    (data,) = of("DDATA", heard, payloads)
    assert all(check(metric) for metric in data["metrics"])
    definitions = [metric for metric in payloads[0]["metrics"] if metric["type"] == "Template"]
    assert len(definitions) == int(form.templates)
    for definition in definitions:
        assert definition["value"]["isDefinition"] is True
        assert {member["name"] for member in definition["value"]["metrics"]} == {
            member["name"] for metric in data["metrics"] for member in metric["value"]["metrics"]
        }


def test_the_sequence_counts_every_message_and_wraps_after_255(make: Callable[..., Station], host: Host) -> None:
    station = make(host="")
    station.connect()
    host.wait_for("DBIRTH")
    station.inspect(300)
    heard = host.wait_for("DDATA", 300)
    assert [payload["seq"] for payload in decoded(host, heard)] == [number % 256 for number in range(len(heard))]
    assert eventually(lambda: station.outbox.backlog().messages == 0)


def test_what_changes_of_the_node_is_told_and_nothing_else(make: Callable[..., Station], host: Host) -> None:
    station = make(host="")
    station.connect()
    host.wait_for("DBIRTH")
    station.status = type(station.status)(
        "line-1", False, "default", station.status.lamps, model="bare-board 3", simulated=True
    )
    (data,) = of("NDATA", heard := host.wait_for("NDATA"), decoded(host, heard))
    ready = next(described.alias for described in NODE if described.name == "Line/Ready")
    assert [(metric["alias"], metric["value"]) for metric in data["metrics"]] == [(ready, False)]


# --- death ------------------------------------------------------------------------------------------------


def test_a_lost_node_is_declared_dead_by_its_will(make: Callable[..., Station], host: Host, broker: Mosquitto) -> None:
    wire = Wire(broker.port)
    try:
        station = make(host="", port=wire.port)
        station.connect()
        host.wait_for("DBIRTH")
        wire.pull()
        heard = host.wait_for("NDEATH")
        wire.plug()
        heard = host.wait_for("NBIRTH", 2)
    finally:
        wire.close()
    payloads = decoded(host, heard)
    births, (death,) = of("NBIRTH", heard, payloads), of("NDEATH", heard, payloads)
    (sent,) = (item for item in heard if item.kind == "NDEATH")
    assert (sent.topic, sent.qos, sent.retain) == ("spBv1.0/north-line-1/NDEATH/aoi-1", 1, False)
    assert "seq" not in death
    assert [(metric["name"], metric["value"]) for metric in death["metrics"]] == [("bdSeq", 0)]
    assert [named(birth)["bdSeq"]["value"] for birth in births] == [0, 1]
    assert [birth["seq"] for birth in births] == [0, 0]


def test_a_node_that_ends_says_so_itself_and_counts_on_after_a_restart(
    make: Callable[..., Station], host: Host
) -> None:
    for number in (1, 2):
        station = make(host="")
        station.connect()
        host.wait_for("DBIRTH", number)
        station.close()
        host.wait_for("NDEATH", number)
    heard = host.heard()
    payloads = decoded(host, heard)
    assert [item.kind for item in heard] == ["NBIRTH", "DBIRTH", "NDEATH"] * 2
    assert [named(payloads[at])["bdSeq"]["value"] for at in (0, 2, 3, 5)] == [0, 0, 1, 1]


def test_a_camera_that_is_lost_is_a_dead_device(make: Callable[..., Station], host: Host) -> None:
    station = make(host="")
    station.connect()
    host.wait_for("DBIRTH")
    station.camera(False)
    host.wait_for("DDEATH")
    station.inspect(2)
    station.camera(True)
    heard = host.wait_for("DDATA", 2)
    kinds = [item.kind for item in heard if item.kind.startswith("D")]
    assert kinds == ["DBIRTH", "DDEATH", "DBIRTH", "DDATA", "DDATA"]
    payloads = decoded(host, heard)
    assert [payload["seq"] for payload in payloads] == list(range(len(heard)))
    assert [is_past(payload) for payload in of("DDATA", heard, payloads)] == [True, True]
    assert named(of("DBIRTH", heard, payloads)[1])["Inspection/ID"]["value"] == station.expected[-1]


def connect_packet(form: str, make: Callable[..., Station]) -> bytes:
    """Return the first packet that a node sends, as a socket gets it."""
    with socket.create_server(("127.0.0.1", 0)) as gate:
        station = make(host="", port=gate.getsockname()[1])
        station.link = MqttLink(
            f"mqtt://127.0.0.1:{gate.getsockname()[1]}",
            client_id="n",
            presence=station.node.presence,
            keep_session=False,
            protocol=form,  # type: ignore[arg-type]
        )
        station.connect()
        ours, _ = gate.accept()
        with ours:
            packet = ours.recv(4096)
        station.close()
    return packet


@pytest.mark.parametrize(("protocol", "level"), [("3.1.1", 4), ("5", 5)])
def test_the_session_is_clean_and_the_will_at_qos_1(make: Callable[..., Station], protocol: str, level: int) -> None:
    packet = connect_packet(protocol, make)
    assert packet[0] == 0x10
    at = packet.index(b"\x00\x04MQTT") + 6
    assert packet[at] == level
    flags = packet[at + 1]
    assert flags & 0b0000_0010, "clean"
    assert flags & 0b0000_0100, "will"
    assert (flags >> 3) & 3 == 1, "QoS of the will"
    assert not flags & 0b0010_0000, "will retained"
    assert NAME.topic("NDEATH").encode() in packet
    if level == 5:
        assert packet[at + 4] == 0, "no properties: the session expires with the connection"


# --- commands ---------------------------------------------------------------------------------------------


def test_a_rebirth_is_given_on_command(make: Callable[..., Station], host: Host) -> None:
    station = make(host="")
    station.connect()
    host.wait_for("DBIRTH")
    for noise in (
        b"\xff\xffno payload",
        encode([Metric("Node Control/Reboot", DataType.BOOLEAN, True, 1)], at=1),
        encode([Metric(REBIRTH, DataType.BOOLEAN, False, 1)], at=1),
    ):
        host.command(noise)
    host.command(ASK_REBIRTH)
    heard = host.wait_for("DBIRTH", 2)
    payloads = decoded(host, heard)
    assert [item.kind for item in heard] == ["NBIRTH", "DBIRTH"] * 2
    assert [payload["seq"] for payload in payloads] == [0, 1, 0, 1]
    assert [named(payload)["bdSeq"]["value"] for payload in of("NBIRTH", heard, payloads)] == [0, 0]


# --- the primary host -------------------------------------------------------------------------------------


def test_nothing_is_born_before_the_primary_host_is_there(make: Callable[..., Station], host: Host) -> None:
    host.online(False)
    station = make()
    station.inspect(3)
    station.connect()
    station.link.wait_connected(60)
    assert not eventually(lambda: bool(host.heard()), 0.5)
    host.online(True)
    heard = host.wait_for("DDATA", 3)
    payloads = decoded(host, heard)
    assert [item.kind for item in heard] == ["NBIRTH", "DBIRTH", *["DDATA"] * 3]
    assert ids(of("DDATA", heard, payloads)) == station.expected
    assert all(is_past(payload) for payload in of("DDATA", heard, payloads))


def test_what_happens_while_the_host_is_away_is_told_as_history(make: Callable[..., Station], host: Host) -> None:
    host.online(True)
    station = make()
    station.connect()
    host.wait_for("DBIRTH")
    station.inspect(2)
    host.wait_for("DDATA", 2)
    host.online(False, ago=100)  # an old word: of a session before
    station.inspect(1)
    host.wait_for("DDATA", 3)
    host.online(False)
    host.wait_for("NDEATH")
    station.inspect(5)
    assert not eventually(lambda: len(host.heard()) > 6, 0.5)
    host.online(True)
    host.wait_for("DDATA", 8)
    station.inspect(1)
    heard = host.wait_for("DDATA", 9)
    payloads = decoded(host, heard)
    data = of("DDATA", heard, payloads)
    assert [item.kind for item in heard] == [
        "NBIRTH", "DBIRTH", *["DDATA"] * 3, "NDEATH", "NBIRTH", "DBIRTH", *["DDATA"] * 6,
    ]  # fmt: skip
    assert ids(data) == station.expected
    assert [is_past(payload) for payload in data] == [False] * 3 + [True] * 5 + [False]
    births = [named(payload)["bdSeq"]["value"] for payload in of("NBIRTH", heard, payloads)]
    deaths = [payload["metrics"][0]["value"] for payload in of("NDEATH", heard, payloads)]
    assert births[1] == births[0] + 1
    assert deaths == births[:1]
    # Of its own time, not of the time of sending.
    triggered = next(described.alias for described in DEVICE if described.name == "Inspection/Triggered")
    for payload in data:
        for metric in payload["metrics"]:
            if metric["alias"] == triggered:
                assert metric["value"] == metric["timestamp"]


def test_a_host_that_says_nonsense_is_not_online(make: Callable[..., Station], host: Host) -> None:
    station = make()
    station.connect()
    station.link.wait_connected(60)
    for word in (b"ONLINE", b"{}", b'{"online": "yes", "timestamp": 1}', b'{"online": true}', b"\xff"):
        host._client.publish("spBv1.0/STATE/scada-1", word, qos=1, retain=True).wait_for_publish(60)
    assert not eventually(lambda: any(item.kind == "NBIRTH" for item in host.heard()), 0.5)
    host.online(True)
    host.wait_for("NBIRTH")


# --- nothing is lost --------------------------------------------------------------------------------------


def test_a_killed_node_loses_nothing_and_repeats_only_as_history(url: str, broker: Mosquitto, host: Host) -> None:
    host.online(True)
    writer = Station(url, broker.url, broker.user(LINE))
    context = multiprocessing.get_context("spawn")
    try:
        for round_ in range(1, 4):
            told = sum(item.kind == "DDATA" for item in host.heard())
            writer.inspect(100)
            process = context.Process(target=serve_until_killed, args=(url, broker.url, broker.user(LINE)), daemon=True)
            process.start()
            host.wait_for("NBIRTH", round_)
            host.wait_for("DDATA", told + 60)
            process.kill()
            process.join(60)
        last = Station(url, broker.url, broker.user(LINE))
        last.connect()
        assert eventually(lambda: writer.outbox.backlog().messages == 0, 60)
        last.close()
    finally:
        writer.close()
    heard = host.wait_for("NDEATH", 4)
    payloads = decoded(host, heard)
    sent = ids(of("DDATA", heard, payloads))
    assert list(dict.fromkeys(sent)) == writer.expected
    again = [payload for payload, one in zip(of("DDATA", heard, payloads), sent, strict=True) if sent.count(one) > 1]
    assert all(is_past(payload) for payload in again)


# --- in a line --------------------------------------------------------------------------------------------


@pytest.mark.timeout(240)
def test_a_line_is_a_node_by_its_yaml(
    url: str, broker: Mosquitto, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINE_PASSWORD", PASSWORDS[LINE])
    base = demo_settings(tmp_path)
    assert base.connected_mes is not None
    mes = MqttMes(
        kind="mqtt",
        url=broker.url,
        username=LINE,
        password_env="LINE_PASSWORD",  # noqa: S106
        identity=base.connected_mes.identity,
        sparkplug=Sparkplug(primary_host="scada-1", group="north-line-1", node="aoi-1"),
    )
    host.online(True)
    settings = base.model_copy(update={"mes": mes, "store": base.store.model_copy(update={"url": url})})
    with Plant(settings, data=tmp_path, parts=4, screen=False) as plant:
        plant.run(lambda: False)
        heard = host.wait_for("DDATA", 4)
    payloads = decoded(host, heard)
    assert [item.kind for item in heard if item.kind != "NDATA"] == ["NBIRTH", "DBIRTH", *["DDATA"] * 4]
    assert named(payloads[0])["Line/Name"]["value"] == settings.line
    assert len(set(ids(of("DDATA", heard, payloads)))) == 4
    deaths = host.wait_for("NDEATH")
    assert deaths[-1].kind == "NDEATH"
