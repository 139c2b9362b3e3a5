"""What connects a line to its MES out of its settings: relay, inbound commands, messages."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from inspector.domain import (
    ConfigurationError,
    Disposition,
    FaultCode,
    InspectionReport,
    LampState,
    LineStatus,
    Measurement,
    OutboxMessage,
    Picture,
    Queue,
    RecordReader,
    SpecLimits,
)
from inspector.gauging import load_calibration
from inspector.judgement import effective_rules
from inspector.mes.consumer import MessageCounter
from inspector.mes.events import EventMessages
from inspector.mes.inbound import Inbound
from inspector.mes.messages import ResultMessages, Versioned
from inspector.mes.mqtt import MqttLink, Presence
from inspector.mes.orders import Order
from inspector.mes.relay import OutboxRelay
from inspector.mes.topics import Source, Topics
from inspector.runtime.clerk import LineClerk
from inspector.runtime.control import Control
from inspector.runtime.office import Compose
from inspector.runtime.wiring.plc import defect_codes
from inspector.runtime.wiring.verdict import build_recipe
from inspector.settings import Identity, LineSettings
from inspector.store import Database, Ledger, SqlOutbox

__all__ = [
    "Broker",
    "Relay",
    "build_clerk",
    "build_composer",
    "build_counter",
    "build_disposer",
    "build_relay",
    "hash_of",
    "limits_of",
    "result_topic",
]


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the MES listens, and how to get in."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def login(self) -> dict[str, Any]:
        """Return how to get in, as a client takes it."""
        return {key.name: getattr(self, key.name) for key in fields(self) if key.name != "url"}


class Relay:
    """The outboxes on their way to the MES; does nothing where the line has none."""

    def __init__(
        self, link: MqttLink | None = None, relays: Sequence[OutboxRelay] = (), inbound: Inbound | None = None
    ) -> None:
        self._link, self._relays, self._inbound = link, tuple(relays), inbound

    def start(self) -> None:
        """Connect and drain."""
        if self._link is None:
            return
        for relay in self._relays:
            self._link.attach(relay)
            relay.start()
        if self._inbound is not None:
            self._link.attach(self._inbound)
            self._inbound.start()
        self._link.start()

    def notify(self) -> None:
        """Say that something new is in an outbox."""
        for relay in self._relays:
            relay.notify()

    def stop(self, drain_s: float) -> None:
        """Let the outboxes drain for this long, then disconnect."""
        deadline = time.monotonic() + drain_s
        for relay in self._relays:
            relay.stop(max(0.0, deadline - time.monotonic()))
        if self._inbound is not None:
            self._inbound.close()
        if self._link is not None:
            self._link.close()


def build_clerk(
    settings: LineSettings, data: Path, database: Database, record: RecordReader, status: Callable[[], LineStatus]
) -> LineClerk:
    """Return who carries out what the MES asks; raises ``StoreError``."""
    return LineClerk(
        control=Control(data / settings.line),
        reader=record,
        ledger=Ledger(database, line=settings.line, station=settings.station),
        recipes=settings.recipes,
        status=status,
    )


def build_relay(
    settings: LineSettings,
    outboxes: Mapping[Queue, SqlOutbox],
    broker: Broker | None,
    clerk: LineClerk,
    *,
    on_lamp: Callable[[LampState], None],
) -> Relay:
    """Return the relay to the broker; raises ``ConfigurationError`` for an address that is none."""
    mes = settings.connected_mes
    if mes is None or broker is None:
        return Relay()
    messages = _messages(settings)
    link = MqttLink(
        broker.url,
        client_id=f"inspector-{settings.line}-{settings.station}",
        presence=Presence(messages.topics.state, messages.state(True), messages.state(False)),
        on_lamp=on_lamp,
        **broker.login(),
    )
    topics = messages.topics
    results = OutboxRelay(
        outboxes[Queue.RESULTS], delivery=mes.delivery, ack_topic=topics.ack, dead_topic=topics.result
    )
    events = OutboxRelay(
        outboxes[Queue.EVENTS], delivery=mes.events, ack_topic=topics.event_ack, dead_topic=topics.fault
    )
    return Relay(link, (results, events), Inbound(messages.source, clerk, allowed=frozenset(mes.commands)))


def build_counter(settings: LineSettings, broker: Broker) -> MessageCounter:
    """Return a consumer of the line's results that counts what truly arrived, and acknowledges where that is due."""
    mes = settings.connected_mes
    return MessageCounter(
        broker.url,
        result_topic(settings),
        client_id=f"counter-{settings.line}",
        ack_topic=Topics(_source(mes.identity)).ack if mes is not None and mes.delivery == "ack" else "",
        **broker.login(),
    )


def build_composer(settings: LineSettings, order: Callable[[], Order | None] = lambda: None) -> Compose:
    """Return what makes the MES messages of a recorded report; ``order`` says what the line makes now."""
    mes = settings.connected_mes
    if mes is None:
        return lambda _report, _disposition, _texts, _picture: ()
    messages = _messages(settings)
    events = EventMessages(messages.source, simulated=settings.simulated)
    send = frozenset(mes.send)

    def compose(
        report: InspectionReport, disposition: Disposition | None, texts: Mapping[str, str], picture: Picture | None
    ) -> Sequence[OutboxMessage]:
        made = [messages.result(report, disposition=disposition, picture=picture, order=order())]
        if "fault" in send and report.verdict.fault is not FaultCode.NONE:
            made.append(events.fault(report))
        if "disposition" in send and disposition is not None:
            made.append(events.disposition(report, disposition))
        if "text" in send and texts:
            made.append(events.text(report, texts))
        return made

    return compose


def build_disposer(settings: LineSettings) -> Callable[[InspectionReport, Disposition], Sequence[OutboxMessage]]:
    """Return what makes the MES messages of a person's decision about a recorded part."""
    mes = settings.connected_mes
    if mes is None or "disposition" not in mes.send:
        return lambda _report, _disposition: ()
    events = EventMessages(_messages(settings).source, simulated=settings.simulated)
    return lambda report, disposition: (events.disposition(report, disposition),)


def result_topic(settings: LineSettings) -> str:
    """Return the topic of the results, empty where the line has no MES."""
    mes = settings.connected_mes
    return Topics(_source(mes.identity)).result if mes else ""


def _messages(settings: LineSettings) -> ResultMessages:
    mes = settings.connected_mes
    if mes is None:
        raise ConfigurationError("mes: this line has none", remedy="Give it one of kind mqtt or embedded")
    return ResultMessages(
        _source(mes.identity),
        operation=mes.operation,
        simulated=settings.simulated,
        recipes={
            name: Versioned(id=str(recipe.id), version=name, hash=hash_of(recipe))
            for name, recipe in settings.recipes.items()
        },
        calibration=_calibration_version(settings),
        limits=limits_of(settings),
        defect_codes={name: str(code) for name, code in defect_codes(settings).items()},
    )


def _calibration_version(settings: LineSettings) -> Versioned:
    file = settings.calibration.file
    if file is None:
        return Versioned(id="scale", hash=hash_of(settings.calibration))
    calibration = load_calibration(file)
    return Versioned(id=calibration.id, hash=calibration.sha256)


def limits_of(settings: LineSettings) -> Callable[[str, Measurement], SpecLimits | None]:
    """Return the look-up of the limits that the line's recipe sets for a class, zone and characteristic."""
    rules = build_recipe(settings.recipe, settings.active_recipe).rules

    def look_up(label: str, measurement: Measurement) -> SpecLimits | None:
        for rule in effective_rules(rules, label, measurement.zone):
            if rule.characteristic == measurement.characteristic:
                return rule.limits
        return None

    return look_up


def _source(identity: Identity) -> Source:
    return Source(**identity.model_dump())


def hash_of(settings: BaseModel) -> str:
    """Return the SHA-256 of a part of a line's description, hexadecimal."""
    return sha256(settings.model_dump_json().encode()).hexdigest()
