"""What a Sparkplug host sees of a station: the metrics of the node and of its device, and their values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from inspector.domain import EVERY_LINE, Lamp, LineStatus, OutboxMessage, Queue
from inspector.mes.messages import Result
from inspector.mes.sparkplug_payload import DataType, Metric, Template, Value, milliseconds

__all__ = [
    "BDSEQ",
    "DEVICE",
    "NODE",
    "REBIRTH",
    "Described",
    "Form",
    "Inspected",
    "device_message",
    "node_values",
    "type_definition",
]

BDSEQ: Final = "bdSeq"
REBIRTH: Final = "Node Control/Rebirth"
TYPE: Final = "_types_/Inspection"
INSTANCE: Final = "Inspection"


@dataclass(frozen=True, slots=True)
class Form:
    """How metrics are written.

    Attributes
    ----------
    aliases
        Data names metrics by number.
    datatypes
        Data repeats each metric's type: some readers take it for null else.
    templates
        The inspection is one metric of a user defined type instead of many plain ones.
    """

    aliases: bool = True
    datatypes: bool = True
    templates: bool = False


@dataclass(frozen=True, slots=True)
class Described:
    """One metric that a birth announces; ``alias`` stands for its name afterwards."""

    name: str
    kind: DataType
    alias: int
    unit: str = ""

    def metric(
        self, value: Value | Template, at: int, form: Form, *, birth: bool = False, past: bool = False
    ) -> Metric:
        """Return it with a value of that moment, in milliseconds since 1970."""
        named = birth or not form.aliases
        return Metric(
            self.name if named else "",
            self.kind,
            value,
            at,
            alias=self.alias if form.aliases else None,
            historical=past,
            unit=self.unit if birth else "",
            typed=birth or form.datatypes,
        )


_NODE: Final = (
    ("Line/Name", DataType.STRING),
    ("Line/Ready", DataType.BOOLEAN),
    ("Line/Recipe", DataType.STRING),
    ("Line/Model", DataType.STRING),
    ("Line/Simulated", DataType.BOOLEAN),
    *((f"Lamps/{lamp.value.upper() if lamp in {Lamp.PLC, Lamp.MES} else lamp.value.title()}", DataType.BOOLEAN)
      for lamp in EVERY_LINE),
)  # fmt: skip

_DEVICE: Final = (
    ("Inspection/ID", DataType.STRING, ""),
    ("Inspection/Triggered", DataType.DATETIME, ""),
    ("Inspection/PLC Sequence", DataType.INT64, ""),
    ("Inspection/Serial", DataType.STRING, ""),
    ("Inspection/Result", DataType.STRING, ""),
    ("Inspection/Fault", DataType.STRING, ""),
    ("Inspection/Reasons", DataType.STRING, ""),
    ("Inspection/Disposition", DataType.STRING, ""),
    ("Inspection/Defects", DataType.INT32, ""),
    ("Inspection/Defect Classes", DataType.STRING, ""),
    ("Inspection/Recipe", DataType.STRING, ""),
    ("Inspection/Model", DataType.STRING, ""),
    ("Inspection/Work Order", DataType.STRING, ""),
    ("Inspection/Product", DataType.STRING, ""),
    ("Inspection/Lot", DataType.STRING, ""),
    ("Inspection/Operator", DataType.STRING, ""),
    ("Inspection/Shift", DataType.STRING, ""),
    ("Inspection/Cycle Time", DataType.DOUBLE, "ms"),
    ("Inspection/Simulated", DataType.BOOLEAN, ""),
)

NODE: Final = tuple(Described(name, kind, alias) for alias, (name, kind) in enumerate(_NODE, start=1))
"""What is true of the line as a whole, beside ``bdSeq`` and the rebirth command, which have no alias."""

DEVICE: Final = tuple(
    Described(name, kind, alias, unit) for alias, (name, kind, unit) in enumerate(_DEVICE, start=len(NODE) + 1)
)
"""The latest inspection. Aliases are the same at every birth and unique within the node."""


def node_values(status: LineStatus) -> dict[str, Value]:
    """Return the node's metrics by name; a lamp that is not known yet is null."""
    lamps = [status.lamps[lamp].good if lamp in status.lamps else None for lamp in EVERY_LINE]
    values: list[Value] = [status.line, status.ready, status.recipe, status.model, status.simulated, *lamps]
    return dict(zip((described.name for described in NODE), values, strict=True))


def device_message(topic: str, result: Result) -> OutboxMessage:
    """Return what is kept of an inspection until the host has it."""
    values: list[Value] = [
        result.msg_id,
        milliseconds(result.ts),
        result.plc_sequence,
        result.serial,
        result.result,
        result.fault,
        ", ".join(dict.fromkeys(reason.code for reason in result.reasons)) or None,
        result.disposition.decision if result.disposition else None,
        len(result.defects),
        ", ".join(dict.fromkeys(defect.class_ for defect in result.defects)) or None,
        result.recipe.version or result.recipe.id,
        f"{result.model.id} {result.model.version or ''}".strip() if result.model else None,
        result.workorder,
        result.product,
        result.lot,
        result.operator,
        result.shift,
        result.cycle_ms,
        result.simulated,
    ]
    named = dict(zip((described.name for described in DEVICE), values, strict=True))
    body = json.dumps({"at": milliseconds(result.ts), "values": named}, ensure_ascii=False)
    return OutboxMessage(result.msg_id, topic, body, queue=Queue.SPARKPLUG)


@dataclass(frozen=True, slots=True)
class Inspected:
    """The device's metrics at one moment."""

    at: int
    values: Mapping[str, Any]

    @classmethod
    def read(cls, body: str) -> Inspected:
        """Read what ``device_message`` made; raises ``ValueError``."""
        found = json.loads(body)
        try:
            return cls(int(found["at"]), dict(found["values"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an inspection's metrics: {error}") from error

    @classmethod
    def none_yet(cls, at: datetime) -> Inspected:
        """Return the metrics before the first inspection."""
        return cls(milliseconds(at), {})

    def metrics(self, form: Form, *, birth: bool, past: bool = False) -> list[Metric]:
        """Return every metric of the device; what is not known is null. A birth names them, data need not."""
        if form.templates:
            members = tuple(
                Metric(_member(described), described.kind, self.values.get(described.name), self.at)
                for described in DEVICE
            )
            instance = Described(INSTANCE, DataType.TEMPLATE, DEVICE[-1].alias + 1)
            return [instance.metric(Template(members, TYPE), self.at, form, birth=birth, past=past)]
        return [
            described.metric(self.values.get(described.name), self.at, form, birth=birth, past=past)
            for described in DEVICE
        ]


def type_definition(at: int) -> Metric:
    """Return the definition of the user defined type, for the node's birth."""
    members = tuple(Metric(_member(described), described.kind, None, at, unit=described.unit) for described in DEVICE)
    return Metric(TYPE, DataType.TEMPLATE, Template(members), at)


def _member(described: Described) -> str:
    return described.name.partition("/")[2]
