"""Every message there is, with its topic and JSON Schema: the source of the published schemas and of AsyncAPI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, Field, create_model

from inspector.mes.commands import COMMANDS, Answer
from inspector.mes.events import DispositionEvent, FaultEvent, OverrideEvent, ReportText, ShiftReport
from inspector.mes.messages import ResultOnTheWire, State
from inspector.mes.orders import Order
from inspector.mes.topics import Message, Source, Topics

__all__ = ["CATALOGUE", "Entry", "asyncapi", "schema"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class Acknowledgement(Message):
    """Everything up to this number is stored."""

    upto: int = Field(ge=0)
    msg_id: str | None = Field(default=None, description="of that message: protects from words of an older database")


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of message; ``numbered`` ones carry ``seq`` and ``oldest_seq`` on the wire."""

    name: str
    topic: str
    model: type[BaseModel]
    sent: bool
    numbered: bool = False
    retained: bool = False


_PLACES: Final = {level: "{" + level + "}" for level in Source.model_fields}
_TOPICS: Final = Topics(Source(**_PLACES))

CATALOGUE: Final[tuple[Entry, ...]] = (
    Entry("inspection-result", _TOPICS.result, ResultOnTheWire, sent=True, numbered=True),
    Entry("disposition", _TOPICS.disposition, DispositionEvent, sent=True, numbered=True),
    Entry("override", _TOPICS.override, OverrideEvent, sent=True, numbered=True),
    Entry("fault", _TOPICS.fault, FaultEvent, sent=True, numbered=True),
    Entry("report-text", _TOPICS.text, ReportText, sent=True, numbered=True),
    Entry("shift-report", _TOPICS.shift, ShiftReport, sent=True, numbered=True),
    Entry("state", _TOPICS.state, State, sent=True, retained=True),
    Entry("answer", _TOPICS.answer, Answer, sent=True),
    Entry("result-ack", _TOPICS.ack, Acknowledgement, sent=False),
    Entry("event-ack", _TOPICS.event_ack, Acknowledgement, sent=False),
    Entry("order", _TOPICS.order, Order, sent=False, retained=True),
    *(Entry(name, _TOPICS.command(name), model, sent=False) for name, model in COMMANDS.items()),
)


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of this message as published; raises ``KeyError`` for an unknown name."""
    entry = {entry.name: entry for entry in CATALOGUE}[name]
    return {"$schema": DIALECT} | _on_the_wire(entry).model_json_schema()


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document of a station: what it sends, and what it takes."""
    parameters = {level: {"description": f"ISA-95 {level}, from the line's YAML"} for level in Source.model_fields}
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for entry in CATALOGUE:
        messages[entry.name] = {
            "name": entry.name,
            "summary": (entry.model.__doc__ or "").split("\n", 1)[0],
            "contentType": "application/json",
            "payload": {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": schema(entry.name)},
        }
        channels[entry.name] = {
            "address": entry.topic,
            "parameters": parameters,
            "messages": {entry.name: {"$ref": f"#/components/messages/{entry.name}"}},
        }
        operations[entry.name] = {
            "action": "send" if entry.sent else "receive",
            "channel": {"$ref": f"#/channels/{entry.name}"},
            "bindings": {"mqtt": {"qos": 1, "retain": entry.retained}},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Inspection line",
            "version": "1",
            "description": "What one station sends to the MES and takes from it, over MQTT. See docs/mes.md.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def _on_the_wire(entry: Entry) -> type[BaseModel]:
    if not entry.numbered or "seq" in entry.model.model_fields:
        return entry.model
    return create_model(
        entry.model.__name__,
        __base__=entry.model,
        __doc__=entry.model.__doc__,
        seq=(int, Field(description="grows by one from message to message of this stream")),
        oldest_seq=(int, Field(description="the oldest message that the line still keeps for sending again")),
    )
