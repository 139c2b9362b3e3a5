"""What triggers a line that has no PLC's handshake, out of its settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from inspector.capture.feeders import CounterFeeder, LineOfCamera, PeriodicFeeder, SignalledCamera, SocketFeeder
from inspector.capture.triggers import Feeder, LocalTriggers
from inspector.domain import Camera, ConfigurationError, LampState
from inspector.settings import (
    EncoderTrigger,
    LineSettings,
    MqttTrigger,
    NoPlc,
    PeriodicTrigger,
    SocketTrigger,
)

__all__ = ["build_local_triggers"]


def build_local_triggers(
    settings: LineSettings, plc: NoPlc, *, data: Path, camera: Camera, on_lamp: Callable[[LampState], None]
) -> LocalTriggers:
    """Return the line's own triggers; raises ``ConfigurationError``."""
    return LocalTriggers(
        _feeder(settings, plc, camera),
        station=settings.station,
        numbers=data / settings.line / "triggers.json",
        recipes=settings.recipes,
        debounce_s=plc.debounce_ms / 1000,
        number_parts=plc.number_parts,
        on_lamp=on_lamp,
    )


def _feeder(settings: LineSettings, plc: NoPlc, camera: Camera) -> Feeder:
    match plc.trigger:
        case PeriodicTrigger(every_ms=every_ms):
            return PeriodicFeeder(every_ms / 1000)
        case SocketTrigger(host=host, port=port):
            return SocketFeeder(host, port)
        case EncoderTrigger() as encoder:
            return _encoder(encoder)
        case MqttTrigger() as mqtt:
            return _mqtt(settings, mqtt)
        case _:
            if not isinstance(camera, SignalledCamera):
                raise ConfigurationError(
                    f"plc.trigger: a camera of kind {settings.camera.kind} has no line of its own",
                    remedy="Use camera: {kind: genicam, trigger: hardware}, or another trigger",
                )
            return LineOfCamera(camera)


def _encoder(encoder: EncoderTrigger) -> Feeder:
    from inspector.plc.counter import ModbusCounter, OpcUaCounter

    parts = urlsplit(encoder.url)
    counter: OpcUaCounter | ModbusCounter
    if parts.scheme == "modbus":
        counter = ModbusCounter(
            parts.hostname or "", encoder.address or 0, port=parts.port or 502, device_id=encoder.device_id
        )
    else:
        counter = OpcUaCounter(encoder.url, encoder.node or "")
    return CounterFeeder(
        counter.read,
        counter.close,
        name=f"encoder at {encoder.url}",
        every_counts=encoder.every_counts,
        offset=encoder.offset,
        poll_s=encoder.poll_ms / 1000,
    )


def _mqtt(settings: LineSettings, mqtt: MqttTrigger) -> Feeder:
    from inspector.mes.mqtt import MqttLink
    from inspector.mes.trigger_inbox import TriggerInbox

    password = mqtt.password() or ""

    def connect() -> MqttLink:
        return MqttLink(
            mqtt.url,
            client_id=f"inspector-{settings.line}-{settings.station}-triggers",
            username=mqtt.username or "",
            password=password,
        )

    return TriggerInbox(connect, topic=mqtt.topic, verdict_topic=mqtt.verdict_topic or "")
