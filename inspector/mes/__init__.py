"""The MES: outbox relay, MQTT, messages. The embedded broker is imported from its own module where it is used."""

from inspector.mes.consumer import MessageCounter
from inspector.mes.events import EventMessages
from inspector.mes.inbound import Inbound
from inspector.mes.messages import LimitsOf, ResultMessages, Versioned, result_schema
from inspector.mes.mqtt import MqttLink, Presence
from inspector.mes.orders import Order
from inspector.mes.relay import OutboxRelay
from inspector.mes.topics import Source, Topics

__all__ = [
    "EventMessages",
    "Inbound",
    "LimitsOf",
    "MessageCounter",
    "MqttLink",
    "Order",
    "OutboxRelay",
    "Presence",
    "ResultMessages",
    "Source",
    "Topics",
    "Versioned",
    "result_schema",
]
