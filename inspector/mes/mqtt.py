"""One connection to an MQTT broker, kept up: MQTT 5 first, 3.1.1 where the broker has nothing newer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from inspector.domain import BrokerLost, LampState, MesError
from inspector.mes.address import Address, trust
from inspector.mes.link import Envelope, Listener

__all__ = ["MqttLink", "Presence", "Protocol"]

logger = logging.getLogger(__name__)

Protocol = Literal["auto", "5", "3.1.1"]
KEEP_ALIVE_S = 15
CONNACK_TIMEOUT_S = 3.0
TCP_TIMEOUT_S = 5.0
SESSION_EXPIRY_S = 7 * 24 * 3600
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 15.0
RECEIVE_MAXIMUM = 65_535
QUIET: Callable[[LampState], None] = lambda _: None  # noqa: E731


@dataclass(frozen=True, slots=True)
class Presence:
    """A word of ourselves at QoS 1: ``online`` is said at each connect, ``offline`` is Last Will and good-bye."""

    topic: str
    online: bytes | None
    offline: bytes
    retain: bool = True


class _Connection:
    """One paho client: never reused, so that no message of an earlier connection can slip into a later one."""

    def __init__(self, client: Client, name: str, problem: Callable[[str], None], leave: Callable[[], None]) -> None:
        self._client = client
        self._name = name
        self._problem = problem
        self._leave = leave
        self.receive_maximum = RECEIVE_MAXIMUM
        self.asked: dict[int, str] = {}  # subscriptions by their number

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, correlation: bytes = b"", qos: int = 1
    ) -> int:
        properties: Properties | None = None
        if correlation:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.CorrelationData = correlation
        try:
            info = self._client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        except ValueError as error:
            raise MesError(f"no message for the topic {topic!r}: {error}") from error
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerLost(f"the broker {self._name} is gone")
        return info.mid

    def subscribe(self, topic: str) -> None:
        code, number = self._client.subscribe(topic, qos=1)
        if number is not None:
            self.asked[number] = topic
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerLost(f"the broker {self._name} is gone")

    def leave(self) -> None:
        self._leave()

    def problem(self, detail: str) -> None:
        self._problem(detail)


class MqttLink:
    """Keeps one session with a broker; safe to use from several threads.

    Parameters
    ----------
    url
        ``mqtt://host:port``, or ``mqtts://host:port`` with TLS.
    ca_file
        Certificates to trust instead of the system's, PEM.
    cert_file, key_file
        Our own certificate and its private key, PEM, for a broker that asks for one.
    client_id
        Stable, and used by nobody else: the broker keeps the session under this name.
    presence
        State and Last Will, or what makes one for each CONNECT that is sent; None sends none.
    keep_session
        Whether the broker keeps subscriptions and messages for us while we are away.
    protocol
        ``auto`` tries MQTT 5, then 3.1.1. A broker that leaves MQTT 5 unanswered costs three seconds per
        connection: say ``3.1.1`` there.
    on_lamp
        Called at every change of the connection, on whichever thread noticed it.

    Raises
    ------
    ConfigurationError
        The address is none, or the certificates cannot be read.
    """

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        username: str = "",
        password: str = "",
        ca_file: Path | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
        presence: Presence | Callable[[], Presence] | None = None,
        keep_session: bool = True,
        protocol: Protocol = "auto",
        on_lamp: Callable[[LampState], None] = QUIET,
    ) -> None:
        self.address = Address.parse(url)
        self._client_id = client_id
        self._username = username
        self._password = password
        self._tls = trust(ca_file, cert_file, key_file) if self.address.tls else None
        self._make_presence: Callable[[], Presence | None] = (
            (lambda: presence) if presence is None or isinstance(presence, Presence) else presence
        )
        self._presence: Presence | None = None
        self._keep_session = keep_session
        self._protocols = {
            "auto": (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311),
            "5": (MQTTProtocolVersion.MQTTv5,),
            "3.1.1": (MQTTProtocolVersion.MQTTv311,),
        }[protocol]
        self._on_lamp = on_lamp
        self._listeners: list[Listener] = []
        self._lamp = LampState(None, datetime.now(UTC), f"{self.address} not reached yet")
        self._lamp_turn = threading.Lock()
        self._error: MesError | None = None
        self._tried = threading.Event()
        self._ended = threading.Event()
        self._stopping, self._leaving = threading.Event(), threading.Event()
        self._connection: _Connection | None = None
        self._was_up = False
        self._unanswered = True
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"mqtt {client_id}", daemon=True)

    # --- for the owner ------------------------------------------------------------------------------------

    def attach(self, listener: Listener) -> None:
        """Tell this listener too; before ``start``."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Connect, and connect again whenever the connection is lost, until ``close``."""
        self._thread.start()

    def wait_connected(self, timeout_s: float) -> None:
        """Return when connected; raises ``MesError`` (refused) or ``BrokerLost`` (not reached in time)."""
        if self._up.wait(timeout_s):
            return
        raise self._error or BrokerLost(
            f"the broker {self.address} did not answer within {timeout_s:g} s",
            remedy="Check mes.url and that the broker is running",
        )

    @property
    def lamp(self) -> LampState:
        """The connection's state now."""
        return self._lamp

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1 without waiting; raises ``BrokerLost`` where there is no connection."""
        connection = self._connection
        if connection is None:
            raise BrokerLost(f"the broker {self.address} is not connected")
        connection.publish(topic, payload, retain=retain)

    def close(self) -> None:
        """Say good-bye and end; safe to call twice."""
        self._stopping.set()
        self._tried.set()
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(TCP_TIMEOUT_S + CONNACK_TIMEOUT_S)

    # --- the keeper ---------------------------------------------------------------------------------------

    def _keep(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            # A wrong protocol shows as silence or a closed connection, as does a broker that is just dying:
            # so each round asks for the newest again.
            for protocol in self._protocols:
                if self._stopping.is_set() or self._session(protocol):
                    break
            pause_s = FIRST_PAUSE_S if self._was_up else min(2 * pause_s, LONGEST_PAUSE_S)
            self._stopping.wait(pause_s)

    def _session(self, protocol: MQTTProtocolVersion) -> bool:
        """Live one connection; return False where another protocol is worth a try."""
        self._was_up = False
        self._tried.clear()
        self._ended.clear()
        self._leaving.clear()
        self._unanswered = True
        if self._stopping.is_set():  # else close() could have rung just before the bells were silenced
            return True
        self._presence = self._presence or self._make_presence()
        client = self._client(protocol)
        try:
            client.connect(self.address.host, self.address.port, KEEP_ALIVE_S, **self._start_options(protocol))
        except OSError as error:
            self._failed(
                BrokerLost(
                    f"the broker {self.address} cannot be reached: {error.strerror or error}",
                    remedy="Check mes.url and that the broker is running",
                )
            )
            return True
        client.loop_start()
        try:
            if not self._tried.wait(CONNACK_TIMEOUT_S):
                self._ended.set()
            self._ended.wait()
        finally:
            self._part(client)
            self._presence = None  # the broker has heard it; where it could not be reached, it serves again
        if self._unanswered and not self._stopping.is_set() and protocol is self._protocols[-1]:
            self._failed(
                BrokerLost(
                    f"{self.address} takes connections but does not answer as an MQTT broker",
                    remedy="Check the port in mes.url",
                )
            )
        return not self._unanswered

    def _part(self, client: Client) -> None:
        own_wish = self._stopping.is_set() or self._leaving.is_set()
        if self._connection is not None and own_wish and self._presence is not None:
            info = client.publish(self._presence.topic, self._presence.offline, qos=1, retain=self._presence.retain)
            try:
                info.wait_for_publish(1.0)
            except (RuntimeError, ValueError):  # the connection went first: the Last Will says it
                logger.debug("no good-bye to %s", self.address)
        client.disconnect()
        client.loop_stop()
        if self._connection is not None:
            self._connection = None
            self._up.clear()
            for listener in self._listeners:
                listener.lost()

    def _client(self, protocol: MQTTProtocolVersion) -> Client:
        options: dict[str, Any] = (
            {} if protocol is MQTTProtocolVersion.MQTTv5 else {"clean_session": not self._keep_session}
        )
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=protocol,
            reconnect_on_failure=False,
            **options,
        )
        client.connect_timeout = TCP_TIMEOUT_S
        client.max_inflight_messages_set(0)  # the relay keeps the window
        if self._tls is not None:
            client.tls_set_context(self._tls)
        if self._username:
            client.username_pw_set(self._username, self._password)
        if self._presence is not None:
            client.will_set(self._presence.topic, self._presence.offline, qos=1, retain=self._presence.retain)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _start_options(self, protocol: MQTTProtocolVersion) -> dict[str, Any]:
        if protocol is not MQTTProtocolVersion.MQTTv5:
            return {}
        if not self._keep_session:
            return {"clean_start": True}
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        return {"clean_start": False, "properties": properties}

    # --- what paho tells, on its thread -------------------------------------------------------------------

    def _on_connect(
        self, client: Client, _data: object, _flags: object, reason: ReasonCode, properties: Properties | None
    ) -> None:
        said = str(reason)
        if reason.is_failure:
            self._unanswered = said == "Unsupported protocol version"
            self._failed(
                MesError(
                    f"the broker {self.address} refuses {self._client_id!r}: {said}",
                    remedy="Check mes.username and the password in the environment variable of mes.password_env",
                )
            )
            self._tried.set()
            self._ended.set()
            return
        self._unanswered = False
        self._was_up = True
        connection = _Connection(client, str(self.address), self._problem, self._leave)
        connection.receive_maximum = getattr(properties, "ReceiveMaximum", RECEIVE_MAXIMUM)
        self._connection = connection
        self._error = None
        self._show(True, f"{self.address}")
        if self._presence is not None and self._presence.online is not None:
            client.publish(self._presence.topic, self._presence.online, qos=1, retain=self._presence.retain)
        for listener in self._listeners:
            listener.connected(connection)
        self._up.set()
        self._tried.set()

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if self._connection is not None and not self._stopping.is_set():
            self._failed(BrokerLost(f"the connection to the broker {self.address} is lost: {reason}"))
        self._tried.set()
        self._ended.set()

    def _on_publish(self, _client: Client, _data: object, number: int, reason: ReasonCode, _properties: object) -> None:
        connection = self._connection
        if connection is not None:
            refusal = str(reason) if reason.is_failure else ""
            for listener in self._listeners:
                listener.delivered(connection, number, refusal)

    def _on_subscribe(
        self, _client: Client, _data: object, number: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        connection = self._connection
        if connection is not None:
            refusal = ", ".join(str(reason) for reason in reasons if reason.is_failure)
            topic = connection.asked.get(number, "")
            for listener in self._listeners:
                listener.subscribed(connection, refusal, topic)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        connection = self._connection
        if connection is not None:
            properties = message.properties
            envelope = Envelope(
                retained=message.retain,
                response_topic=getattr(properties, "ResponseTopic", ""),
                correlation=getattr(properties, "CorrelationData", b""),
            )
            for listener in self._listeners:
                listener.received(connection, message.topic, bytes(message.payload), envelope)

    def _leave(self) -> None:
        self._leaving.set()
        self._ended.set()

    # --- the lamp -----------------------------------------------------------------------------------------

    def _failed(self, error: MesError) -> None:
        self._error = error
        self._show(False, str(error))

    def _problem(self, detail: str) -> None:
        if self._connection is not None:
            self._show(not detail, detail or f"{self.address}")

    def _show(self, good: bool, detail: str) -> None:
        with self._lamp_turn:
            before = self._lamp
            if before.good is good and (good or before.detail == detail):
                return
            self._lamp = lamp = LampState(good, datetime.now(UTC), detail)
        if not good:
            logger.warning("MES: %s", detail)
        elif before.good is False:
            logger.info("MES: %s is back", self.address)
        self._on_lamp(lamp)
