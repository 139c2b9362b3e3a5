"""The line as a Sparkplug node out of its settings, on a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from inspector.domain import LampState, LineStatus
from inspector.mes.mqtt import MqttLink
from inspector.mes.sparkplug import EdgeNode, NodeName
from inspector.mes.sparkplug_metrics import Form
from inspector.settings import LineSettings
from inspector.store import Database, Numbers, SqlOutbox

__all__ = ["SparkplugLine", "WorstLamp", "build_sparkplug", "sparkplug_name"]


class SparkplugLine:
    """A node and its connection."""

    def __init__(self, link: MqttLink, node: EdgeNode) -> None:
        self._link, self._node = link, node
        link.attach(node)

    def start(self) -> None:
        """Connect, and be born as soon as the host is there."""
        self._node.start()
        self._link.start()

    def notify(self) -> None:
        """Say that something new is in the outbox."""
        self._node.notify()

    def close(self) -> None:
        """Say that the node is gone, and end; what was not delivered stays in the outbox."""
        self._node.stop()
        self._link.close()


class WorstLamp:
    """One lamp out of several connections: the first that is bad, else one that is not known yet, else a good one."""

    def __init__(self, on_lamp: Callable[[LampState], None]) -> None:
        self._on_lamp, self._turn = on_lamp, threading.Lock()
        self._states: dict[str, LampState] = {}

    def of(self, connection: str) -> Callable[[LampState], None]:
        """Return where this connection tells its state."""

        def tell(state: LampState) -> None:
            with self._turn:
                self._states[connection] = state
                worst = min(self._states.values(), key=lambda each: {False: 0, None: 1, True: 2}[each.good])
            self._on_lamp(worst)

        return tell


def sparkplug_name(settings: LineSettings) -> NodeName | None:
    """Return group, node and device; None where the line is no Sparkplug node. Raises ``ConfigurationError``."""
    mes = settings.connected_mes
    if mes is None or mes.sparkplug is None:
        return None
    wanted, identity = mes.sparkplug, mes.identity
    return NodeName(wanted.group or f"{identity.site}-{identity.line}", wanted.node or settings.station, wanted.device)


def build_sparkplug(
    settings: LineSettings,
    outbox: SqlOutbox,
    database: Database,
    status: Callable[[], LineStatus],
    *,
    url: str,
    login: Mapping[str, Any],
    busy_rate: float,
    on_lamp: Callable[[LampState], None],
) -> SparkplugLine | None:
    """Return the line's Sparkplug node, None where it is none; raises ``ConfigurationError``."""
    mes, name = settings.connected_mes, sparkplug_name(settings)
    if mes is None or mes.sparkplug is None or name is None:
        return None
    wanted = mes.sparkplug
    node = EdgeNode(
        outbox,
        name,
        next_birth=Numbers(database, "bdseq", line=settings.line, station=settings.station),
        status=status,
        host=wanted.primary_host or "",
        form=Form(wanted.aliases, wanted.datatypes, wanted.templates),
        busy_rate=busy_rate,
    )
    link = MqttLink(
        url,
        client_id=f"inspector-{settings.line}-{settings.station}-sparkplug",
        presence=node.presence,
        keep_session=False,
        on_lamp=on_lamp,
        **login,
    )
    return SparkplugLine(link, node)
