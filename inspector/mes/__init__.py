"""The MES: outbox relay, MQTT, messages. The embedded broker is imported from its own module where it is used."""

from inspector.mes.consumer import MessageCounter
from inspector.mes.messages import LimitsOf, ResultMessages, Source, Topics, Versioned, result_schema
from inspector.mes.mqtt import MqttLink, Presence
from inspector.mes.relay import OutboxRelay

__all__ = [
    "LimitsOf",
    "MessageCounter",
    "MqttLink",
    "OutboxRelay",
    "Presence",
    "ResultMessages",
    "Source",
    "Topics",
    "Versioned",
    "result_schema",
]
