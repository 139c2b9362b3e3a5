"""The handshake in server role: our own OPC UA server holds the registers, and the PLC is its client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType

from asyncua import Node, Server, ua
from asyncua.common.callback import CallbackService, CallbackType, ServerItemCallback

from inspector.domain import ConfigurationError, LampState, PlcLost
from inspector.plc.guarded_server import GuardedServer, ServerSecurity, check_free
from inspector.plc.handshake import HANDSHAKE, NAMESPACE, DataType, FromPlc, Name, Side, Value
from inspector.plc.link import check_url
from inspector.plc.registers import RegisterLink
from inspector.plc.source import Handshake

__all__ = ["Also", "OpcUaServerHandshake"]

_TYPES: Mapping[DataType, ua.VariantType] = MappingProxyType({kind: ua.VariantType[kind.value] for kind in DataType})
Also = Callable[[Server, int], Awaitable[None]]
_FIRST_BEAT_S = 0.5
_SETTLE_S = 0.1


class OpcUaServerHandshake(Handshake):
    """The handshake of docs/plc.md on a server of our own; a ``TriggerSource``.

    The registers are ``Handshake.<Name>`` in the namespace ``urn:line-inspector:plc``. The PLC writes its own,
    the others can be read and subscribed to only. A PLC that does not move HbPlc is not there.

    Parameters
    ----------
    url
        Where to listen, ``opc.tcp://host:port/``; port 0 takes a free one. Listening begins with the first
        ``survey``, ``triggers`` or ``set_ready``.
    security
        Who may connect, and how; None is anonymous and not encrypted.
    station, recipes, default_recipe, defect_codes, poll_ms, heartbeat_ms, timeout_s, on_lamp
        As for ``Handshake``; a write of the PLC is seen at once, ``poll_ms`` is only how often time-outs are
        looked at.

    also
        Adds nodes of its own to the server before it listens; is given the server and the index of our namespace.

    Raises
    ------
    ConfigurationError
        From the constructor for a bad url; from ``survey``, ``triggers`` and ``answer`` where the address cannot
        be listened on or our certificate cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        station: str,
        security: ServerSecurity | None = None,
        recipes: Mapping[int, str] = MappingProxyType({}),
        default_recipe: int = 0,
        defect_codes: Mapping[str, int] = MappingProxyType({}),
        poll_ms: float = 5.0,
        heartbeat_ms: float = 500.0,
        timeout_s: float = 2.0,
        on_lamp: Callable[[LampState], None] | None = None,
        also: Also | None = None,
    ) -> None:
        self._registers = _Registers(check_url(url), security, also)
        super().__init__(
            self._registers.attach,
            peer=f"the PLC at our server {url}",
            station=station,
            recipes=recipes,
            default_recipe=default_recipe,
            defect_codes=defect_codes,
            poll_ms=poll_ms,
            heartbeat_ms=heartbeat_ms,
            timeout_s=timeout_s,
            max_retry_s=_SETTLE_S,
            trusted=False,
            on_lamp=on_lamp,
        )

    @property
    def url(self) -> str:
        """Where it listens, the real port included once it does."""
        return self._registers.url

    async def listening(self) -> str:
        """Wait until the server listens; return its address."""
        self._connection.start()
        await self._registers.started.wait()
        return self.url

    async def close(self) -> None:
        """Drop Ready, close every connection and stop listening; safe to call twice."""
        await super().close()
        if self._registers.started.is_set():
            # Let subscribers hear of the dropped Ready before their connection ends.
            await asyncio.sleep(_SETTLE_S)
        await self._registers.stop()


class _Registers:
    """The registers in our own server's memory; its own ``RegisterLink``."""

    def __init__(self, url: str, security: ServerSecurity | None, also: Also | None) -> None:
        self.url = url
        self._also = also
        self.detail = "as its server, " + (
            "not encrypted, anonymous (security: none)" if security is None else "encrypted or signed"
        )
        self.quiet_s = 0.0
        self.started = asyncio.Event()
        self._security = security
        self._server: GuardedServer | None = None
        self._values: dict[Name, Value] = {name: register.type.initial for name, register in HANDSHAKE.items()}
        self._nodes: dict[Name, Node] = {}
        self._names: dict[ua.NodeId, Name] = {}
        self._beaten = asyncio.Event()
        self._wake: Callable[[], None] = lambda: None

    async def attach(self, wake: Callable[[], None]) -> RegisterLink:
        """Wait a while for a PLC whose heartbeat moves; raises ``PlcLost`` where there is none yet."""
        if self._server is None:
            await self._listen()
        self._beaten.clear()
        try:
            async with asyncio.timeout(_FIRST_BEAT_S):
                await self._beaten.wait()
        except TimeoutError as error:
            raise PlcLost(
                f"no PLC moves HbPlc at our server {self.url}",
                remedy="Connect the PLC as a client and let it write its registers, HbPlc every period.",
            ) from error
        self._wake = wake
        return self

    async def _listen(self) -> None:
        server = GuardedServer(self._security)
        check_free(self.url)
        await server.init()
        server.set_endpoint(self.url)
        server.set_server_name("line-inspector")
        await server.secure("line-inspector")
        space = await server.register_namespace(NAMESPACE)
        folder = await server.nodes.objects.add_object(ua.NodeId(ua.String("Handshake"), ua.Int16(space)), "Handshake")
        for name, register in HANDSHAKE.items():
            node_id = ua.NodeId(ua.String(f"Handshake.{name}"), ua.Int16(space))
            node = await folder.add_variable(node_id, f"{space}:{name}", register.type.initial, _TYPES[register.type])
            if register.side is Side.PLC:
                await node.set_writable()
            self._nodes[name], self._names[node.nodeid] = node, name
        if self._also is not None:
            await self._also(server, space)
        server.subscribe_server_callback(CallbackType.PostWrite, self._written)
        try:
            await server.start()
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen at {self.url}: {error}", remedy="Use a free port of ours."
            ) from error
        self._server = server
        if server.bserver is not None:
            self.url = f"opc.tcp://{server.bserver.hostname}:{server.bserver.port}/"
        self.started.set()

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    # --- the link -----------------------------------------------------------------------------------------

    async def read_plc(self) -> FromPlc:
        """Return what the PLC wrote last."""
        return FromPlc.of(self._values)

    async def read_all(self) -> dict[Name, Value]:
        """Return every register."""
        return dict(self._values)

    async def write(self, values: Mapping[Name, Value]) -> None:
        """Write these registers, in this order."""
        for name, value in values.items():
            await self._nodes[name].write_value(value, _TYPES[HANDSHAKE[name].type])
            self._values[name] = value

    async def write_changes(self, values: Mapping[Name, Value]) -> None:
        """Write those of these registers that do not hold the value yet."""
        await self.write({name: value for name, value in values.items() if self._values[name] != value})

    async def close(self, *, good: bool) -> None:
        """Stop waking the handshake; the server goes on, since the PLC may come back."""
        self._wake = lambda: None

    async def _written(self, event: ServerItemCallback, _service: CallbackService) -> None:
        """Take what a PLC has written."""
        if not event.is_external:
            return
        changed: Iterable[tuple[ua.WriteValue, ua.StatusCode]] = zip(
            event.request_params.NodesToWrite, event.response_params, strict=True
        )
        beaten = False
        for item, status in changed:
            name = self._names.get(item.NodeId)
            if name is None or item.AttributeId != ua.AttributeIds.Value or not status.is_good():
                continue
            value = item.Value.Value.Value
            beaten |= name is Name.HB_PLC and value != self._values[name]
            self._values[name] = value
        if beaten:
            self._beaten.set()
        self._wake()
