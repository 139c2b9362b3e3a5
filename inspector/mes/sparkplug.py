"""A Sparkplug B 3.0 edge node with one device: births, deaths, data, rebirth, and what waits for the primary host.

Source: Eclipse Sparkplug Specification 3.0.0, sections 4 to 6.
"""

from __future__ import annotations

import json
import logging
import math
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from inspector.domain import (
    BrokerLost,
    ConfigurationError,
    Lamp,
    LineStatus,
    MesError,
    Outbox,
    OutboxMessage,
    StoreError,
)
from inspector.mes.link import PLAIN, Connection, Envelope
from inspector.mes.mqtt import Presence
from inspector.mes.sparkplug_metrics import (
    BDSEQ,
    NODE,
    REBIRTH,
    Form,
    Inspected,
    node_values,
    type_definition,
)
from inspector.mes.sparkplug_payload import DataType, Metric, Value, encode, milliseconds, values

__all__ = ["EdgeNode", "NodeName", "SparkplugOutbox"]

logger = logging.getLogger(__name__)

WRAP: Final = 256
BUSY_S: Final = 2.0


class SparkplugOutbox(Outbox, Protocol):
    """An outbox that also knows its newest message."""

    def newest(self) -> OutboxMessage | None:
        """Return the last message written, acknowledged or not; None where there never was one."""
        ...


@dataclass(frozen=True, slots=True)
class NodeName:
    """Group, edge node and device; raises ``ConfigurationError`` where a name cannot be part of a topic."""

    group: str
    node: str
    device: str

    def __post_init__(self) -> None:
        for key, name in (("group", self.group), ("node", self.node), ("device", self.device)):
            if not name or re.search(r"[/+#\x00]", name):
                raise ConfigurationError(
                    f"mes.sparkplug.{key} {name!r} cannot be part of an MQTT topic",
                    remedy="Use a name without / + #",
                )

    def topic(self, kind: str) -> str:
        """Return the topic of a kind of message: that of the device for those that begin with D."""
        topic = f"spBv1.0/{self.group}/{kind}/{self.node}"
        return f"{topic}/{self.device}" if kind.startswith("D") else topic


def _now() -> datetime:
    return datetime.now(UTC)


class EdgeNode:
    """The session rules; a listener of a link of its own, with a thread of its own.

    The link has to be made with ``presence=node.presence`` and without a kept session.

    Data is QoS 0 by the specification. What has been handed to the broker is taken off the outbox only when the
    broker has answered a subscription that was sent after it: a broker answers a connection in order, so it had the
    data. After a lost connection everything since then is sent again, flagged historical.

    Parameters
    ----------
    outbox
        Inspections, as ``device_message`` makes them; they wait there until the host can have them.
    next_birth
        Gives the numbers of the births: one more at each call, through restarts too.
    status
        Returns what the line says of itself; its camera is the device.
    host
        Id of the primary host. Nothing is born before that host says that it is online, and where it goes, so does
        the node: what comes until it is back waits. Empty: the broker is enough.
    window
        How many inspections may be handed over before the broker has answered for the first of them.
    busy_rate
        How many a second may be sent of a backlog while new ones come: the verdict path wants the processor.
    """

    def __init__(
        self,
        outbox: SparkplugOutbox,
        name: NodeName,
        *,
        next_birth: Callable[[], int],
        status: Callable[[], LineStatus],
        host: str = "",
        form: Form = Form(),  # noqa: B008  (frozen)
        window: int = 64,
        poll_s: float = 0.5,
        busy_rate: float = math.inf,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.name = name
        self._outbox, self._next_birth, self._status = outbox, next_birth, status
        self._form, self._window, self._poll_s, self._clock = form, window, poll_s, clock
        self._busy_rate, self._busy_until, self._not_before = busy_rate, -math.inf, -math.inf
        self._state = f"spBv1.0/STATE/{host}" if host else ""
        self._bdseq = -1
        self._events: deque[tuple[Any, ...]] = deque()
        self._bell, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="sparkplug", daemon=True)
        # From here on: the thread's own.
        self._connection: Connection | None = None
        self._number = 0  # the bdSeq of this connection
        self._host_since: int | None = None
        self._host_online = not host
        self._seq = 0
        self._told: dict[str, Value] | None = None  # of the node, since its birth; None: not born
        self._device_born = False
        self._past_upto = 0  # what was written before the device's birth is history
        self._sent = self._answered_upto = self._arrived = 0
        self._asked: deque[int] = deque()  # subscriptions without an answer: what had been sent before each
        self._store_lost = False

    # --- for the owner ------------------------------------------------------------------------------------

    def presence(self) -> Presence:
        """Return the death certificate of the next connection."""
        try:
            self._bdseq = self._next_birth() % WRAP
        except StoreError as error:
            self._bdseq = (self._bdseq + 1) % WRAP
            logger.warning("the number of this birth is not kept: %s", error)
        at = milliseconds(self._clock())
        death = encode([Metric(BDSEQ, DataType.INT64, self._bdseq, at)], at=at)
        return Presence(self.name.topic("NDEATH"), None, death, retain=False)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def notify(self) -> None:
        """Say that something new is in the outbox; returns at once."""
        self._busy_until = time.monotonic() + BUSY_S
        self._bell.set()

    def stop(self) -> None:
        """End; what was not delivered stays in the outbox. The link's ``close`` says the node's death."""
        self._stopping.set()
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join()

    # --- Listener: on the network thread ------------------------------------------------------------------

    def connected(self, connection: Connection) -> None:
        """Take the new connection."""
        self._tell("connected", connection, self._bdseq)

    def subscribed(self, connection: Connection, refusal: str, topic: str = "") -> None:
        """Take the broker's answer, which is also one for everything sent before."""
        if refusal:
            connection.problem(f"the broker refuses to let this user read {topic}: {refusal}")
        self._tell("answered", connection)

    def lost(self) -> None:
        """Forget the connection."""
        self._tell("lost")

    def delivered(self, connection: Connection, number: int, refusal: str) -> None:
        """Leave it: at QoS 0 that says nothing."""

    def received(self, connection: Connection, topic: str, payload: bytes, envelope: Envelope = PLAIN) -> None:
        """Take the host's state, or a command."""
        self._tell("heard", topic, payload)

    def _tell(self, *event: Any) -> None:
        self._events.append(event)
        self._bell.set()

    # --- the thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._bell.wait(self._poll_s)
            self._bell.clear()
            try:
                while self._events:
                    self._take(*self._events.popleft())
                self._commit()
                self._go_on()
                if self._store_lost:
                    self._store_lost = False
                    logger.info("the Sparkplug node reads the outbox again")
            except BrokerLost:
                self._forget_connection()  # the link says so itself, and connects again
            except StoreError as error:
                if not self._store_lost:
                    self._store_lost = True
                    logger.warning("the Sparkplug node cannot use the outbox: %s", error)

    def _take(self, kind: str, *what: Any) -> None:
        match kind:
            case "connected":
                self._forget_connection()
                self._connection, self._number = what
                self._ask(self.name.topic("NCMD"))
                if self._state:
                    self._ask(self._state)
            case "lost":
                self._forget_connection()
            case "answered":
                self._answered(*what)
            case "heard":
                self._hear(*what)

    def _forget_connection(self) -> None:
        self._connection = None
        self._told, self._device_born = None, False
        self._host_online, self._host_since = not self._state, None
        self._asked.clear()
        self._sent = self._answered_upto

    def _ask(self, topic: str) -> None:
        if self._connection is not None:
            self._asked.append(self._sent)
            self._connection.subscribe(topic)

    def _answered(self, connection: Connection) -> None:
        if connection is not self._connection or not self._asked:
            return
        self._answered_upto = max(self._answered_upto, self._asked.popleft())

    def _commit(self) -> None:
        if self._answered_upto > self._arrived:
            self._outbox.acknowledge(self._answered_upto)
            self._arrived = self._answered_upto

    # --- what is heard ------------------------------------------------------------------------------------

    def _hear(self, topic: str, payload: bytes) -> None:
        if topic == self._state:
            self._hear_host(payload)
        elif topic == self.name.topic("NCMD"):
            try:
                wanted = values(payload).get(REBIRTH)
            except MesError as error:
                logger.warning("not a command on %s: %s", topic, error)
                return
            if wanted is True and self._told is not None:
                logger.info("a host asks for a rebirth")
                self._told = None

    def _hear_host(self, payload: bytes) -> None:
        try:
            word = json.loads(payload)
            online, since = {True: True, False: False}[word["online"]], int(word["timestamp"])
        except (ValueError, TypeError, KeyError):
            logger.warning("not the state of a host on %s: %.80r", self._state, payload)
            return
        if self._host_since is not None and since < self._host_since:
            return  # of an earlier session of the host: its will may come after its next birth
        self._host_since = since
        if online == self._host_online:
            return
        self._host_online = online
        if not online and self._connection is not None:
            logger.warning("the primary host of %s is gone: inspections wait for it", self._state)
            connection = self._connection
            self._forget_connection()
            connection.leave()

    # --- what is said -------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if self._connection is None or not self._host_online:
            return
        status = self._status()
        if self._told is None:
            self._give_birth(status)
        else:
            self._tell_changes(status)
        alive = status.lamps[Lamp.CAMERA].good is True
        if alive and not self._device_born:
            self._give_birth_to_device()
        elif self._device_born and not alive:
            self._device_born = False
            self._say("DDEATH", [])
        if self._device_born:
            self._drain()

    def _give_birth(self, status: LineStatus) -> None:
        at = milliseconds(self._clock())
        self._seq, self._device_born = -1, False
        told = node_values(status)
        metrics = [
            Metric(BDSEQ, DataType.INT64, self._number, at),
            Metric(REBIRTH, DataType.BOOLEAN, False, at),
            *(described.metric(told[described.name], at, self._form, birth=True) for described in NODE),
        ]
        if self._form.templates:
            metrics.append(type_definition(at))
        self._say("NBIRTH", metrics)
        self._told = told

    def _tell_changes(self, status: LineStatus) -> None:
        at, now, before = milliseconds(self._clock()), node_values(status), self._told or {}
        changed = [
            described.metric(now[described.name], at, self._form)
            for described in NODE
            if now[described.name] != before.get(described.name)
        ]
        if changed:
            self._say("NDATA", changed)
            self._told = now

    def _give_birth_to_device(self) -> None:
        newest = self._outbox.newest()
        latest = self._read(newest) if newest is not None else None
        self._past_upto = newest.seq if newest is not None else 0
        inspected = latest or Inspected.none_yet(self._clock())
        self._say("DBIRTH", inspected.metrics(self._form, birth=True))
        self._device_born = True

    def _drain(self) -> None:
        while time.monotonic() >= self._not_before and (room := self._window - (self._sent - self._arrived)) > 0:
            messages = list(self._outbox.pending(self._sent, room))
            for message in messages:
                inspected = self._read(message)
                if inspected is not None:
                    past = message.seq <= self._past_upto
                    self._say("DDATA", inspected.metrics(self._form, birth=False, past=past))
                self._sent = message.seq
            if messages:
                self._ask(self._state or self.name.topic("NCMD"))
            if len(messages) < room:
                return
            if time.monotonic() < self._busy_until:
                self._not_before = time.monotonic() + len(messages) / self._busy_rate

    def _say(self, kind: str, metrics: Iterable[Metric]) -> None:
        if self._connection is None:
            raise BrokerLost("the broker is gone")
        self._seq = (self._seq + 1) % WRAP
        payload = encode(metrics, at=milliseconds(self._clock()), seq=self._seq)
        self._connection.publish(self.name.topic(kind), payload, qos=0)

    @staticmethod
    def _read(message: OutboxMessage) -> Inspected | None:
        try:
            return Inspected.read(message.body)
        except ValueError as error:
            logger.error("outbox message %d is left out: %s", message.seq, error)  # noqa: TRY400
            return None
