"""The line as a machine vision system of OPC 40100-1 out of its settings."""

from __future__ import annotations

from collections.abc import Callable

from inspector.domain import InspectionReport
from inspector.plc.server import OpcUaServerHandshake
from inspector.plc.vision.events import Identity
from inspector.plc.vision.system import Start, VisionSystem
from inspector.plc.vision_server import VisionServer
from inspector.runtime.wiring.messages import hash_of, result_messages
from inspector.settings import LineSettings
from inspector.settings.plc import VisionSystem as VisionSystemSettings

__all__ = ["build_vision_server"]


def build_vision_server(
    settings: LineSettings, vision: VisionSystemSettings, handshake: Callable[..., OpcUaServerHandshake]
) -> VisionServer:
    """Return the vision system around the handshake; the result message of the MES is its result content."""
    messages = result_messages(settings)

    def content(report: InspectionReport) -> str:
        return messages.result(report).body

    system = VisionSystem(
        settings.station,
        tuple(settings.recipes),
        settings.recipe,
        content,
        start=Start(vision.start),
        results=vision.results,
        simulated=settings.simulated,
    )
    identity = Identity(
        {name: hash_of(recipe) for name, recipe in settings.recipes.items()}, (settings.line, hash_of(settings))
    )
    return VisionServer(handshake, system=system, identity=identity, continuous_s=vision.continuous_ms / 1000)
