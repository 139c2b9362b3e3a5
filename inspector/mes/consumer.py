"""A consumer of results: takes each once, in order, and says so; the demo counts with it what truly arrived."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from inspector.domain import BrokerLost, InspectorError, MesError
from inspector.mes.link import PLAIN, Connection, Envelope
from inspector.mes.mqtt import MqttLink, Protocol
from inspector.mes.reception import Reception

__all__ = ["MessageCounter"]

logger = logging.getLogger(__name__)

LAST_WORD_S = 2.0


def _ignore(_message: dict[str, Any]) -> None:
    pass


class MessageCounter:
    """Subscribes to results and keeps count: which ids, in which order, what came twice, what was missing.

    Parameters
    ----------
    url, username, password, ca_file, cert_file, key_file, client_id, protocol
        As for ``MqttLink``.
    topic
        What to subscribe to; wildcards are allowed without ``ack_topic``.
    ack_topic
        Acknowledge there. Then a message that leaves a gap is refused: the line sends it again after the
        missing ones. Without it a gap is only counted.
    on_result
        Called with each new message, in order, before it is acknowledged: commit there. An ``InspectorError``
        means that it was not committed; acknowledging, it will come again.
    already
        ``(seq, msg_id)`` of what an earlier run has stored, in order: the acknowledging goes on from there.
    remember
        How many ids are kept to know a copy by; more than a line ever has on its way at once.
    """

    def __init__(
        self,
        url: str,
        topic: str,
        *,
        client_id: str,
        username: str = "",
        password: str = "",
        ca_file: Path | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
        ack_topic: str = "",
        protocol: Protocol = "auto",
        on_result: Callable[[dict[str, Any]], None] = _ignore,
        already: Iterable[tuple[int, str]] = (),
        remember: int = 10_000,
    ) -> None:
        self._topic = topic
        self._ack_topic = ack_topic
        self._reception = Reception(on_result, already=already, refuse_gaps=bool(ack_topic), remember=remember)
        self._unreadable = 0  # of which the log knows
        self._changed = threading.Condition()
        self._on_its_way: int | None = None
        self._subscribed = threading.Event()
        self._refused = ""
        self.link = MqttLink(
            url,
            client_id=client_id,
            username=username,
            password=password,
            ca_file=ca_file,
            cert_file=cert_file,
            key_file=key_file,
            protocol=protocol,
        )
        self.link.attach(self)

    def start(self, timeout_s: float = 10.0) -> None:
        """Connect and subscribe: from here on nothing is missed; raises ``MesError`` or ``BrokerLost``."""
        self.link.start()
        self.link.wait_connected(timeout_s)
        if not self._subscribed.wait(timeout_s) or self._refused:
            raise MesError(
                f"no subscription to {self._topic} at {self.link.address}: {self._refused or 'no answer'}",
                remedy="Allow this user to read the topic",
            )

    @property
    def ids(self) -> list[str]:
        """The ``msg_id`` of the newest messages taken, in the order they came."""
        with self._changed:
            return list(self._reception.known)

    @property
    def sequence(self) -> list[int]:
        """The ``seq`` of each, in the order it came."""
        with self._changed:
            return list(self._reception.known.values())

    @property
    def count(self) -> int:
        """How many different messages arrived."""
        with self._changed:
            return self._reception.count

    @property
    def duplicates(self) -> int:
        """How many copies came of messages that were there."""
        return self._reception.duplicates

    @property
    def gaps(self) -> int:
        """How often something was missing before a message."""
        return self._reception.gaps

    def wait_for(self, count: int, timeout_s: float) -> bool:
        """Return True as soon as that many different messages have arrived, False when the time is over."""
        with self._changed:
            return self._changed.wait_for(lambda: self._reception.count >= count, timeout_s)

    def close(self) -> None:
        """Disconnect, the last acknowledgement delivered; the broker keeps the session."""
        with self._changed:
            self._changed.wait_for(lambda: self._on_its_way is None, LAST_WORD_S)
        self.link.close()

    # --- Listener -----------------------------------------------------------------------------------------

    def connected(self, connection: Connection) -> None:
        """Subscribe again (a broker that lost its memory forgot us), and say where we stand."""
        connection.subscribe(self._topic)
        if self._ack_topic:
            self._acknowledge(connection)

    def subscribed(self, connection: Connection, refusal: str, topic: str = "") -> None:
        """Take the broker's word on our subscription."""
        self._refused = refusal
        self._subscribed.set()

    def lost(self) -> None:
        """Wait; the link connects again."""
        self._delivered()

    def delivered(self, connection: Connection, number: int, refusal: str) -> None:
        """Say so where we may not acknowledge."""
        if number == self._on_its_way:
            self._delivered()
        if refusal:
            connection.problem(f"the broker refuses an acknowledgement on {self._ack_topic}: {refusal}")

    def received(self, connection: Connection, topic: str, payload: bytes, envelope: Envelope = PLAIN) -> None:
        """Take one message: new, double, or too early."""
        # Under the lock up to the acknowledgement: who waits for the last message may close at once.
        with self._changed:
            try:
                taken = self._reception.received(payload)
            except InspectorError as error:
                logger.warning("a result was not taken: %s", error)
                return
            if self._reception.unreadable > self._unreadable:
                self._unreadable = self._reception.unreadable
                logger.warning("not a result on %s: %.80r", topic, payload)
            if taken and self._ack_topic:
                self._acknowledge(connection)
            self._changed.notify_all()

    def _acknowledge(self, connection: Connection) -> None:
        try:
            self._on_its_way = connection.publish(self._ack_topic, self._reception.acknowledgement())
        except BrokerLost:
            logger.debug("no acknowledgement: the line will send it again")

    def _delivered(self) -> None:
        with self._changed:
            self._on_its_way = None
            self._changed.notify_all()
