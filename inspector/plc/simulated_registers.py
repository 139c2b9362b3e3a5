"""The simulated PLC's memory: the handshake's registers on a real OPC UA server, and what the inspector wrote."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from asyncua import Node, ua
from asyncua.common.callback import CallbackService, CallbackType, ServerItemCallback

from inspector.plc.guarded_server import GuardedServer, ServerSecurity, check_free, refused
from inspector.plc.handshake import HANDSHAKE, NAMESPACE, DataType, Name, Side, Value
from inspector.plc.link import check_url
from inspector.plc.simulation import SWITCHES

__all__ = ["SimulatedRegisters"]

log = logging.getLogger(__name__)

_TYPES: Mapping[DataType, ua.VariantType] = MappingProxyType({kind: ua.VariantType[kind.value] for kind in DataType})


class SimulatedRegisters:
    """``Handshake.*``, ``Statistics.*`` and ``Simulation.*`` in one namespace; reading is ``registers[name]``.

    Parameters
    ----------
    url
        Where to listen; port 0 takes a free one.
    statistics
        Returns the counters to publish, the same names every time.
    security
        Who may connect, and how; None is anonymous and not encrypted.
    """

    def __init__(
        self, url: str, statistics: Callable[[], Mapping[str, int]], security: ServerSecurity | None = None
    ) -> None:
        self.url = check_url(url)
        self._statistics = statistics
        self._values: dict[Name, Value] = {name: register.type.initial for name, register in HANDSHAKE.items()}
        self._switches = dict.fromkeys(SWITCHES, False)
        self._nodes: dict[str, Node] = {}
        self._names: dict[ua.NodeId, str] = {}
        self._published: dict[str, int] = {}
        self._written_since_flag: set[Name] = set()
        self._complete: frozenset[Name] = frozenset()
        self._changed = asyncio.Condition()
        self._server = GuardedServer(security)

    def __getitem__(self, name: Name) -> Value:
        return self._values[name]

    def switch(self, name: str) -> bool:
        """Return whether this fault is asked for."""
        return self._switches[name]

    async def set_switch(self, name: str, on: bool) -> None:
        """Turn a fault on or off."""
        self._switches[name] = on
        await self._nodes[f"Simulation.{name}"].write_value(on, ua.VariantType.Boolean)

    async def start(self) -> None:
        """Listen; raises ``PlcError`` where the address is taken or not ours."""
        check_free(self.url)
        server = self._server
        await server.init()
        server.set_endpoint(self.url)
        server.set_server_name("line-inspector simulated PLC")
        await server.secure("simulated-plc")
        space = await server.register_namespace(NAMESPACE)
        await self._add_variables(space)
        server.subscribe_server_callback(CallbackType.PostWrite, self._written)
        try:
            await server.start()
        except OSError as error:
            raise refused(self.url, error) from error
        if server.bserver is not None:
            self.url = f"opc.tcp://{server.bserver.hostname}:{server.bserver.port}/"

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        await self._server.stop()

    async def write(self, name: Name, value: Value) -> None:
        """Write one of the PLC's own registers."""
        self._values[name] = value
        await self._nodes[f"Handshake.{name}"].write_value(value, _TYPES[HANDSHAKE[name].type])

    async def publish(self) -> None:
        """Bring ``Statistics.*`` up to date."""
        for name, value in self._statistics().items():
            if self._published.get(name) != value:
                await self._nodes[f"Statistics.{name}"].write_value(value, ua.VariantType.UInt32)
                self._published[name] = value

    async def until(self, condition: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait until ``condition`` holds, looked at after every write; False where it took too long."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            return condition()
        return True

    def complete_before_flag(self, names: Iterable[Name]) -> bool:
        """Return whether these were written, in earlier requests, when ResultValid went up."""
        return self._complete.issuperset(names)

    # --- server -------------------------------------------------------------------------------------------

    async def _add_variables(self, space: int) -> None:
        groups: dict[str, dict[str, tuple[Value, ua.VariantType, bool]]] = {
            "Handshake": {
                name.value: (register.type.initial, _TYPES[register.type], register.side is Side.INSPECTOR)
                for name, register in HANDSHAKE.items()
            },
            "Simulation": dict.fromkeys(SWITCHES, (False, ua.VariantType.Boolean, True)),
            "Statistics": dict.fromkeys(self._statistics(), (0, ua.VariantType.UInt32, False)),
        }
        for group, variables in groups.items():
            folder = await self._server.nodes.objects.add_object(_node_id(group, space), f"{space}:{group}")
            for name, (initial, kind, writable) in variables.items():
                path = f"{group}.{name}"
                node = await folder.add_variable(_node_id(path, space), f"{space}:{name}", initial, kind)
                if writable:
                    await node.set_writable()
                self._nodes[path] = node
                self._names[node.nodeid] = path

    async def _written(self, event: ServerItemCallback, _service: CallbackService) -> None:
        """Take what was just written, by us or by the inspector, and wake whoever waits for it."""
        changed: dict[Name, Value] = {}
        for item, status in zip(event.request_params.NodesToWrite, event.response_params, strict=True):
            group, _, name = self._names.get(item.NodeId, "").partition(".")
            if not status.is_good() or item.AttributeId != ua.AttributeIds.Value:
                continue
            if group == "Handshake":
                changed[Name(name)] = item.Value.Value.Value
            elif group == "Simulation":
                self._switches[name] = item.Value.Value.Value
        if changed.get(Name.RESULT_VALID):
            self._complete = frozenset(self._written_since_flag)
            self._written_since_flag.clear()
        else:
            self._written_since_flag.update(name for name, value in changed.items() if value or name != Name.VERDICT)
        self._values.update(changed)
        async with self._changed:
            self._changed.notify_all()


def _node_id(path: str, space: int) -> ua.NodeId:
    return ua.NodeId(ua.String(path), ua.Int16(space))
