"""A Sparkplug node over a record, and a host that keeps every byte it hears."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from inspector.domain import Lamp, LampState, LineStatus
from inspector.mes import MqttLink, ResultMessages, Source
from inspector.mes.sparkplug import EdgeNode, NodeName
from inspector.mes.sparkplug_metrics import Form, device_message
from inspector.store import Database, Numbers, RecordStore, SqlOutbox
from tests.support.brokers import SCADA, Broker
from tests.support.foreign import FOREIGN
from tests.support.reports import failed, passed

__all__ = ["NAME", "Heard", "Host", "Station", "decoded", "serve_until_killed"]

NAME = NodeName("north-line-1", "aoi-1", "camera")
RESULTS = ResultMessages(Source(enterprise="acme", site="north", area="boards", line="line-1", cell="aoi-1"))
HOST = "scada-1"
ENOUGH_S = 150.0


def good_status(camera: bool | None = True) -> LineStatus:
    lamps = {lamp: LampState(True, datetime.now(UTC)) for lamp in Lamp}
    lamps[Lamp.CAMERA] = LampState(camera, datetime.now(UTC))
    return LineStatus("line-1", True, "default", lamps, model="bare-board 3", simulated=True)


class Station:
    """A record and its node; ``inspect`` writes, ``connect`` begins to tell."""

    def __init__(
        self, url: str, broker: str, user: dict[str, str], *, host: str = HOST, form: Form | None = None
    ) -> None:
        self.database = Database(url)
        self.outbox = SqlOutbox(self.database, queue="sparkplug")  # type: ignore[arg-type]
        self._record = RecordStore(self.database)
        self.status = good_status()
        self.expected: list[str] = []
        self.node = EdgeNode(
            self.outbox,
            NAME,
            next_birth=Numbers(self.database, "bdseq"),
            status=lambda: self.status,
            host=host,
            form=form or Form(),
            poll_s=0.05,
        )
        self.link = MqttLink(
            broker, client_id="line-1-sparkplug", presence=self.node.presence, keep_session=False, **user
        )
        self.link.attach(self.node)
        self._begun = False

    def connect(self) -> None:
        self._begun = True
        self.node.start()
        self.link.start()

    def inspect(self, count: int) -> None:
        for _ in range(count):
            number = len(self.expected)
            report = failed(number) if number % 10 == 0 else passed(number)
            message = device_message(NAME.topic("DDATA"), RESULTS.model(report))
            self._record.record(report, pixels=None, texts={}, messages=[message])
            self.expected.append(str(report.id))
        self.node.notify()

    def camera(self, good: bool) -> None:
        self.status = replace(good_status(), lamps=good_status(good).lamps)

    def close(self) -> None:
        if self._begun:
            self.node.stop()
            self.link.close()
        self.database.close()


def serve_until_killed(url: str, broker: str, user: dict[str, str]) -> None:
    Station(url, broker, user).connect()
    threading.Event().wait()


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as it came: its bytes, and what somebody else's decoder reads in them."""

    kind: str
    topic: str
    payload: bytes
    qos: int
    retain: bool


class Host:
    """A host application on plain paho: hears everything, says whether it is online, commands."""

    _times = itertools.count(1000)  # of all hosts: the broker keeps the word of the one before, which must be older

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.modules = folder
        self._changed = threading.Condition()
        self._heard: list[Heard] = []
        self._ready = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="scada")
        self._client.username_pw_set(**broker.user(SCADA))
        self._client.on_message = self._take
        self._client.on_connect = lambda client, *_: client.subscribe("spBv1.0/#", qos=2)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect("127.0.0.1", broker.port)  # type: ignore[attr-defined]
        self._client.loop_start()
        assert self._ready.wait(60)

    def _take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        kind = message.topic.split("/")[2]
        if kind in {HOST, "NCMD"}:
            return
        with self._changed:
            self._heard.append(Heard(kind, message.topic, bytes(message.payload), message.qos, message.retain))
            self._changed.notify_all()

    def online(self, online: bool, *, ago: int = 0) -> None:
        """Say so, with a time that is later than that of the word before, or earlier by ``ago``."""
        word = json.dumps({"online": online, "timestamp": next(Host._times) - ago})
        self._client.publish(f"spBv1.0/STATE/{HOST}", word, qos=1, retain=True).wait_for_publish(60)

    def command(self, payload: bytes) -> None:
        self._client.publish(NAME.topic("NCMD"), payload, qos=0).wait_for_publish(60)

    def heard(self) -> list[Heard]:
        with self._changed:
            return list(self._heard)

    def wait_for(self, kind: str, count: int = 1) -> list[Heard]:
        """Return everything heard, as soon as that many messages of this kind were."""
        with self._changed:
            got = self._changed.wait_for(lambda: sum(item.kind == kind for item in self._heard) >= count, ENOUGH_S)
            assert got, f"{kind} x {count}, heard {[item.kind for item in self._heard]}"
            return list(self._heard)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def decoded(host: Host, heard: list[Heard]) -> list[dict[str, Any]]:
    """Return the payloads as npm's sparkplug-payload reads their bytes."""
    lines = "".join(f"{item.payload.hex()}\n" for item in heard)
    command = ["node", str(FOREIGN / "decode_sparkplug.mjs"), str(host.modules)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]
