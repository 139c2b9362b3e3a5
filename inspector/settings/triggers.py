"""Triggers without a PLC's handshake: clock, socket, encoder, MQTT, and the camera's own line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from inspector.settings.base import HOST, ClassName, Port, Settings
from inspector.settings.login import Login

Code = Annotated[int, Field(ge=0, le=65_535)]
Topic = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^+#\s]+$")]


class PeriodicTrigger(Settings):
    """The clock."""

    kind: Literal["periodic"] = Field(description="A trigger in regular intervals.")
    every_ms: float = Field(gt=0, le=86_400_000, description="From trigger to trigger, in ms.")


class SocketTrigger(Settings):
    """Programs: one JSON object a line over TCP, answered with the verdict."""

    kind: Literal["socket"] = Field(description="Triggers from programs and from `inspector trigger`, over TCP.")
    host: str = Field(
        default="127.0.0.1",
        max_length=253,
        pattern=HOST,
        description="Address to listen on; 127.0.0.1 is this machine only. There is no log-in: keep it on a network of "
        "its own.",
    )
    port: Port = Field(default=7788, description="TCP port.")


class EncoderTrigger(Settings):
    """An encoder whose count a PLC holds."""

    kind: Literal["encoder"] = Field(description="A trigger at every so many counts of an encoder.")
    every_counts: int = Field(ge=1, le=2**31 - 1, description="Counts from part to part.")
    offset: int = Field(
        default=0, ge=0, le=2**31 - 1, description="Count at which a part stands in front of the camera."
    )
    poll_ms: float = Field(default=5.0, ge=1, le=1000, description="Pause between two looks, in ms.")
    url: str = Field(
        max_length=512,
        pattern=r"^(opc\.tcp|modbus)://[^\s/]+/?$",
        description="opc.tcp://HOST:PORT/ or modbus://HOST:PORT, on a network of its own: neither is secured here.",
    )
    node: str | None = Field(default=None, max_length=256, description="OPC UA: node of the count, a whole number.")
    address: int | None = Field(
        default=None,
        ge=0,
        le=65_534,
        description="Modbus: first of its two holding registers, from 0, high word first.",
    )
    device_id: int = Field(default=1, ge=0, le=255, description="Modbus: device (unit) id.")


class MqttTrigger(Login):
    """A topic of a broker."""

    section: ClassVar[str] = "plc.trigger"

    kind: Literal["mqtt"] = Field(description="A trigger for each message on a topic.")
    url: str = Field(
        max_length=512, pattern=r"^mqtts?://\S+$", description="Address of the broker: mqtt:// or mqtts://."
    )
    topic: Topic = Field(description="Topic of the triggers: empty messages, or JSON with part_id, recipe and key.")
    verdict_topic: Topic | None = Field(default=None, description="Where the verdicts are published; default: nowhere.")


class CameraTrigger(Settings):
    """The camera's own line: `camera: {kind: genicam, trigger: hardware}`."""

    kind: Literal["camera"] = Field(description="A trigger for each frame that the camera's electrical line makes.")


AnyTrigger = Annotated[
    PeriodicTrigger | SocketTrigger | EncoderTrigger | MqttTrigger | CameraTrigger, Field(discriminator="kind")
]


class NoPlc(Settings):
    """No PLC: something else triggers, and the verdict goes to the record, the MES and whoever triggered."""

    kind: Literal["none"] = Field(description="A line without a PLC's handshake.")
    trigger: AnyTrigger = Field(description="What triggers instead.")
    debounce_ms: float = Field(
        default=0.0, ge=0, le=60_000, description="A signal this soon after the one before is the same one, in ms."
    )
    number_parts: bool = Field(
        default=True,
        description="Name parts that come without an identity by station and number; else a code names them.",
    )
    defect_codes: Mapping[ClassName, Code] = Field(
        default={}, description="Number of each defect class in the messages; default: its place among the labels."
    )
