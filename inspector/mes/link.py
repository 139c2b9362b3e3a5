"""What the relay and a consumer need of a broker, said without naming the client library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["PLAIN", "Connection", "Envelope", "Listener"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What came with a message: where its sender wants the answer, and under which mark (MQTT 5)."""

    retained: bool = False
    response_topic: str = ""
    correlation: bytes = b""


PLAIN = Envelope()


class Connection(Protocol):
    """One connection to the broker, from CONNACK until it is lost; a later one is another object."""

    @property
    def receive_maximum(self) -> int:
        """How many QoS 1 messages the broker takes before it has acknowledged the first."""
        ...

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, correlation: bytes = b"", qos: int = 1
    ) -> int:
        """Hand over one message; return its number for ``delivered``; raises ``BrokerLost``."""
        ...

    def subscribe(self, topic: str) -> None:
        """Ask for this topic at QoS 1; raises ``BrokerLost``."""
        ...

    def leave(self) -> None:
        """End this connection with the good-bye; the link makes a new one."""
        ...

    def problem(self, detail: str) -> None:
        """Show that being connected is not the same as working; an empty text takes it back."""
        ...


class Listener(Protocol):
    """Who wants to know; called on the client's network thread, so it must return at once."""

    def connected(self, connection: Connection) -> None:
        """Take the new connection."""
        ...

    def subscribed(self, connection: Connection, refusal: str, topic: str) -> None:
        """Hear the broker's answer to the subscription to ``topic``; ``refusal`` is empty where it was granted."""
        ...

    def lost(self) -> None:
        """Forget the connection."""
        ...

    def delivered(self, connection: Connection, number: int, refusal: str) -> None:
        """Hear that the broker has answered for this message; ``refusal`` is empty where it took it."""
        ...

    def received(self, connection: Connection, topic: str, payload: bytes, envelope: Envelope) -> None:
        """Take a message of a subscribed topic."""
        ...
