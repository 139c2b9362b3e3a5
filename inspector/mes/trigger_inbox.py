"""Triggers over MQTT: a message for each part, and its verdict back on another topic."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any, Protocol

from inspector.domain import BrokerLost, Disposition, Trigger, Verdict
from inspector.mes.link import Connection, Envelope
from inspector.mes.mqtt import MqttLink

__all__ = ["TriggerInbox"]

_log = logging.getLogger(__name__)


class _Fire(Protocol):
    def __call__(
        self, *, part_id: str = "", recipe: str = "", key: str = "", missed: int = 0, nothing: bool = False
    ) -> Trigger | None: ...


class TriggerInbox:
    """A feeder of triggers from a topic.

    The message is empty or a JSON object ``{"part_id": …, "recipe": …, "key": …}``. The broker may bring a message
    twice (QoS 1): a ``key`` makes that harmless. A retained message is of some other day and is ignored.

    Parameters
    ----------
    connect
        Makes the link; this listener is attached to it.
    topic, verdict_topic
        Where triggers come from; where verdicts go, empty: nowhere.
    """

    def __init__(self, connect: Callable[[], MqttLink], *, topic: str, verdict_topic: str = "") -> None:
        self._connect, self._topic, self._verdict_topic = connect, topic, verdict_topic
        self.name = f"MQTT topic {topic}"
        self._link: MqttLink | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fire: _Fire | None = None

    # --- the feeder -----------------------------------------------------------------------------------------

    async def run(self, fire: _Fire) -> None:
        """Take messages until cancelled."""
        self._loop, self._fire = asyncio.get_running_loop(), fire
        self._link = self._connect()
        self._link.attach(self)
        self._link.start()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(self._link.close)

    async def answered(self, trigger: Trigger, verdict: Verdict, disposition: Disposition | None) -> None:
        """Publish the verdict; where the broker is away it stands in the record."""
        if not self._verdict_topic or self._link is None:
            return
        body = {
            "sequence": trigger.sequence,
            "part_id": trigger.part_id,
            "verdict": verdict.wire.name,
            "outcome": verdict.outcome.name,
            "fault": verdict.fault.name,
        }
        try:
            self._link.publish(self._verdict_topic, json.dumps(body).encode())
        except BrokerLost as error:
            _log.warning("the verdict of trigger %d was not published: %s", trigger.sequence, error)

    # --- the listener, on the client's thread -----------------------------------------------------------------

    def connected(self, connection: Connection) -> None:
        """Ask for the topic."""
        connection.subscribe(self._topic)

    def subscribed(self, connection: Connection, refusal: str, topic: str) -> None:
        """Show a refusal."""
        if refusal:
            connection.problem(f"no triggers: the broker refuses {topic}: {refusal}")

    def lost(self) -> None:
        """Nothing to forget: the broker keeps what it has not brought."""

    def delivered(self, connection: Connection, number: int, refusal: str) -> None:
        """Nothing waits for this."""

    def received(self, connection: Connection, topic: str, payload: bytes, envelope: Envelope) -> None:
        """Hand the trigger to the line."""
        if topic != self._topic or envelope.retained or self._loop is None or self._fire is None:
            return
        asked = _understood(payload)
        if asked is None:
            _log.warning("%s: a message that is no trigger: %r", self.name, payload[:100])
            return
        fire = self._fire
        self._loop.call_soon_threadsafe(lambda: fire(**asked))


def _understood(payload: bytes) -> dict[str, Any] | None:
    try:
        asked = json.loads(payload) if payload.strip() else {}
    except ValueError:
        return None
    if not isinstance(asked, dict) or asked.keys() - {"part_id", "recipe", "key"}:
        return None
    return {name: str(value) for name, value in asked.items()}
