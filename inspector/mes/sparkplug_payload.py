"""Sparkplug B payloads: metrics to bytes, commands back, from a description of the fields that the specification names.

Source: Eclipse Sparkplug 3.0.0, section 6 (payload B): field names, numbers and types, and the data type codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from functools import cache
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from inspector.domain import MesError

__all__ = ["DataType", "Metric", "Template", "Value", "encode", "milliseconds", "values"]

Value = bool | int | float | str | None


class DataType(IntEnum):
    """How a metric's value is to be read."""

    INT32 = 3
    INT64 = 4
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEMPLATE = 19


_VALUE_FIELDS: Final = {
    DataType.INT32: "int_value",
    DataType.INT64: "long_value",
    DataType.DOUBLE: "double_value",
    DataType.BOOLEAN: "boolean_value",
    DataType.STRING: "string_value",
    DataType.DATETIME: "long_value",
}
_BITS: Final = {DataType.INT32: 32, DataType.INT64: 64}

_MESSAGES: Final[Mapping[str, Sequence[tuple[str, int, str]]]] = {
    # message: (field, number, type); "*" repeated, "|" one of the values
    "PropertyValue": (("type", 1, "uint32"), ("is_null", 2, "bool"), ("string_value", 8, "|string")),
    "PropertySet": (("keys", 1, "*string"), ("values", 2, "*PropertyValue")),
    "Template": (
        ("version", 1, "string"),
        ("metrics", 2, "*Metric"),
        ("template_ref", 4, "string"),
        ("is_definition", 5, "bool"),
    ),
    "Metric": (
        ("name", 1, "string"),
        ("alias", 2, "uint64"),
        ("timestamp", 3, "uint64"),
        ("datatype", 4, "uint32"),
        ("is_historical", 5, "bool"),
        ("is_null", 7, "bool"),
        ("properties", 9, "PropertySet"),
        ("int_value", 10, "|uint32"),
        ("long_value", 11, "|uint64"),
        ("float_value", 12, "|float"),
        ("double_value", 13, "|double"),
        ("boolean_value", 14, "|bool"),
        ("string_value", 15, "|string"),
        ("template_value", 18, "|Template"),
    ),
    "Payload": (("timestamp", 1, "uint64"), ("metrics", 2, "*Metric"), ("seq", 3, "uint64")),
}
"""The part of the payload that is written or read here; a reader skips fields that it does not know."""


@dataclass(frozen=True, slots=True)
class Template:
    """A user defined type (``reference`` empty) or an instance of the one named so."""

    metrics: tuple[Metric, ...]
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of a payload; name or alias may be left out where the other names it.

    Attributes
    ----------
    kind
        How its value is written.
    typed
        Whether the payload says so too; a reader may know it from the birth.
    at
        Milliseconds since 1970, UTC.
    unit
        Sent as the property ``engUnit``.
    """

    name: str
    kind: DataType
    value: Value | Template
    at: int | None = None
    alias: int | None = None
    historical: bool = False
    unit: str = ""
    typed: bool = True


def milliseconds(at: datetime) -> int:
    """Return the milliseconds since 1970, UTC."""
    return round(at.astimezone(UTC).timestamp() * 1000)


def encode(metrics: Iterable[Metric], *, at: int, seq: int | None = None) -> bytes:
    """Return the payload's bytes; without ``seq`` it is a death certificate."""
    payload = _classes()["Payload"](timestamp=at)
    if seq is not None:
        payload.seq = seq
    for metric in metrics:
        _write(payload.metrics.add(), metric)
    return bytes(payload.SerializeToString())


def values(data: bytes) -> dict[str, Value]:
    """Return the plain values of a payload's metrics by their names; raises ``MesError`` where it is no payload."""
    try:
        payload = _classes()["Payload"].FromString(data)
    except DecodeError as error:
        raise MesError(f"not a Sparkplug payload: {error}") from error
    found = {metric.name: (metric, metric.WhichOneof("value")) for metric in payload.metrics if metric.name}
    return {
        name: getattr(metric, which) if which in _VALUE_FIELDS.values() else None
        for name, (metric, which) in found.items()
    }


def _write(into: Any, metric: Metric) -> None:
    given = {
        "name": metric.name or None,
        "alias": metric.alias,
        "timestamp": metric.at,
        "datatype": metric.kind if metric.typed else None,
        "is_historical": metric.historical or None,
        "is_null": True if metric.value is None else None,
    }
    for name, value in given.items():
        if value is not None:
            setattr(into, name, value)
    if metric.unit:
        into.properties.keys.append("engUnit")
        into.properties.values.add(type=DataType.STRING, string_value=metric.unit)
    if isinstance(metric.value, Template):
        into.template_value.is_definition = not metric.value.reference
        if metric.value.reference:
            into.template_value.template_ref = metric.value.reference
        for member in metric.value.metrics:
            _write(into.template_value.metrics.add(), member)
    elif metric.value is not None:
        _write_value(into, metric.kind, metric.value)


def _write_value(into: Any, kind: DataType, value: bool | float | str) -> None:
    if kind in _BITS:  # the field is unsigned: a negative number is its two's complement
        value = int(value) % (1 << _BITS[kind])
    setattr(into, _VALUE_FIELDS[kind], value)


@cache
def _classes() -> dict[str, Any]:
    """Return the message classes, made from the table."""
    file = descriptor_pb2.FileDescriptorProto(name="payload.proto", package="sparkplug", syntax="proto2")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if any(kind.startswith("|") for _, _, kind in fields):
            message.oneof_decl.add(name="value")
        for own, number, kind in fields:
            plain = kind.lstrip("*|")
            label = kinds.LABEL_REPEATED if kind.startswith("*") else kinds.LABEL_OPTIONAL
            made = message.field.add(name=own, number=number, label=label)
            if plain in _MESSAGES:
                made.type, made.type_name = kinds.TYPE_MESSAGE, f".sparkplug.{plain}"
            else:
                made.type = kinds.Type.Value(f"TYPE_{plain.upper()}")
            if kind.startswith("|"):
                made.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"sparkplug.{name}")) for name in _MESSAGES
    }
