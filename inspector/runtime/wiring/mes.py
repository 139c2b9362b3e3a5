"""What connects a line to its MES out of its settings: relay, inbound commands, messages."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from inspector.domain import (
    Disposition,
    FaultCode,
    InspectionReport,
    LampState,
    LineStatus,
    OutboxMessage,
    Override,
    Picture,
    Queue,
    RecordReader,
)
from inspector.mes.consumer import MessageCounter
from inspector.mes.events import EventMessages
from inspector.mes.inbound import Inbound
from inspector.mes.messages import Duty
from inspector.mes.mqtt import MqttLink, Presence
from inspector.mes.orders import Order
from inspector.mes.relay import OutboxRelay
from inspector.mes.sparkplug_metrics import device_message
from inspector.mes.topics import Topics
from inspector.runtime.clerk import LineClerk
from inspector.runtime.control import Control
from inspector.runtime.office import Compose
from inspector.runtime.wiring.messages import result_messages, source_of
from inspector.runtime.wiring.sparkplug import SparkplugLine, WorstLamp, build_sparkplug, sparkplug_name
from inspector.settings import LineSettings
from inspector.store import Database, Ledger, SqlAuditTrail, SqlOutbox

__all__ = [
    "Broker",
    "Relay",
    "build_clerk",
    "build_composer",
    "build_counter",
    "build_disposer",
    "build_relay",
    "build_shift_message",
    "result_topic",
]

BUSY_RATE = 300.0  # messages of a backlog per second while the line is at work: about a sixth of a core


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
        self,
        link: MqttLink | None = None,
        relays: Sequence[OutboxRelay] = (),
        inbound: Inbound | None = None,
        sparkplug: SparkplugLine | None = None,
    ) -> None:
        self._link, self._relays, self._inbound, self._sparkplug = link, tuple(relays), inbound, sparkplug

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
        if self._sparkplug is not None:
            self._sparkplug.start()

    def notify(self) -> None:
        """Say that something new is in an outbox."""
        for relay in self._relays:
            relay.notify()
        if self._sparkplug is not None:
            self._sparkplug.notify()

    def stop(self, drain_s: float) -> None:
        """Let the outboxes drain for this long, then disconnect."""
        deadline = time.monotonic() + drain_s
        for relay in self._relays:
            relay.stop(max(0.0, deadline - time.monotonic()))
        if self._inbound is not None:
            self._inbound.close()
        if self._sparkplug is not None:
            self._sparkplug.close()
        if self._link is not None:
            self._link.close()


def build_clerk(
    settings: LineSettings,
    control: Control,
    database: Database,
    record: RecordReader,
    status: Callable[[], LineStatus],
) -> LineClerk:
    """Return who carries out what the MES asks; raises ``StoreError``."""
    return LineClerk(
        control=control,
        reader=record,
        ledger=Ledger(database, line=settings.line, station=settings.station),
        trail=SqlAuditTrail(database),
        recipes=settings.recipes,
        status=status,
    )


def build_relay(
    settings: LineSettings,
    outboxes: Mapping[Queue, SqlOutbox],
    broker: Broker | None,
    clerk: LineClerk,
    *,
    database: Database,
    status: Callable[[], LineStatus],
    on_lamp: Callable[[LampState], None],
) -> Relay:
    """Return the relay to the broker; raises ``ConfigurationError`` for an address that is none."""
    mes = settings.connected_mes
    if mes is None or broker is None:
        return Relay()
    messages = result_messages(settings)
    # One lamp for both connections: it shows the one that is in trouble.
    lamps = WorstLamp(on_lamp)
    link = MqttLink(
        broker.url,
        client_id=f"inspector-{settings.line}-{settings.station}",
        presence=Presence(messages.topics.state, messages.state(True), messages.state(False)),
        on_lamp=lamps.of("messages"),
        **broker.login(),
    )
    topics = messages.topics
    results = OutboxRelay(
        outboxes[Queue.RESULTS],
        delivery=mes.delivery,
        ack_topic=topics.ack,
        dead_topic=topics.result,
        busy_rate=BUSY_RATE,
    )
    events = OutboxRelay(
        outboxes[Queue.EVENTS],
        delivery=mes.events,
        ack_topic=topics.event_ack,
        dead_topic=topics.fault,
        busy_rate=BUSY_RATE,
    )
    sparkplug = build_sparkplug(
        settings,
        outboxes[Queue.SPARKPLUG],
        database,
        status,
        url=broker.url,
        login=broker.login(),
        busy_rate=BUSY_RATE,
        on_lamp=lamps.of("sparkplug"),
    )
    inbound = Inbound(messages.source, clerk, allowed=frozenset(mes.commands))
    return Relay(link, (results, events), inbound, sparkplug)


def build_counter(settings: LineSettings, broker: Broker) -> MessageCounter:
    """Return a consumer of the line's results that counts what truly arrived, and acknowledges where that is due."""
    mes = settings.connected_mes
    return MessageCounter(
        broker.url,
        result_topic(settings),
        client_id=f"counter-{settings.line}",
        ack_topic=Topics(source_of(mes.identity)).ack if mes is not None and mes.delivery == "ack" else "",
        **broker.login(),
    )


def build_composer(
    settings: LineSettings,
    order: Callable[[], Order | None] = lambda: None,
    duty: Callable[[datetime], Duty | None] = lambda _at: None,
) -> Compose:
    """Return what makes the messages of a recorded report.

    ``order`` says what the line makes now, ``duty`` who was there at a moment, and in which shift.
    """
    mes = settings.connected_mes
    if mes is None:
        return lambda _report, _disposition, _texts, _picture: ()
    messages = result_messages(settings)
    events = EventMessages(messages.source, simulated=settings.simulated)
    send = frozenset(mes.send)
    node = sparkplug_name(settings)

    def compose(
        report: InspectionReport, disposition: Disposition | None, texts: Mapping[str, str], picture: Picture | None
    ) -> Sequence[OutboxMessage]:
        on_duty = duty(report.trigger.at)
        result = messages.model(report, disposition=disposition, picture=picture, order=order(), duty=on_duty)
        made = [messages.message(result)]
        if "fault" in send and report.verdict.fault is not FaultCode.NONE:
            made.append(events.fault(report))
        if "disposition" in send and disposition is not None:
            made.append(events.disposition(report, disposition))
        if "text" in send and texts:
            made.append(events.text(report, texts))
        if node is not None:
            made.append(device_message(node.topic("DDATA"), result))
        return made

    return compose


def build_disposer(settings: LineSettings) -> Callable[[InspectionReport, Disposition], Sequence[OutboxMessage]]:
    """Return what makes the MES messages of a person's decision about a recorded part."""
    mes = settings.connected_mes
    if mes is None:
        return lambda _report, _disposition: ()
    events = EventMessages(result_messages(settings).source, simulated=settings.simulated)
    send = frozenset(mes.send)

    def compose(report: InspectionReport, decided: Disposition) -> Sequence[OutboxMessage]:
        made = []
        if "disposition" in send:
            made.append(events.disposition(report, decided))
        if "override" in send:
            reason = f"{decided.reason_code}: {decided.text}" if decided.text else decided.reason_code
            override = Override(report.trigger.part_id, decided.decision, decided.decided_by, reason)
            made.append(events.override(report, override))
        return made

    return compose


def build_shift_message(
    settings: LineSettings,
) -> Callable[[str, datetime, datetime, Mapping[str, Any]], OutboxMessage] | None:
    """Return what makes the message of a shift report; None where the line sends none."""
    mes = settings.connected_mes
    if mes is None or "shift" not in mes.send:
        return None
    return EventMessages(result_messages(settings).source, simulated=settings.simulated).shift


def result_topic(settings: LineSettings) -> str:
    """Return the topic of the results, empty where the line has no MES."""
    mes = settings.connected_mes
    return Topics(source_of(mes.identity)).result if mes else ""
