"""One OPC UA connection to the PLC: registers by name, types respected, every failure in the product's words."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any
from urllib.parse import urlparse

from asyncua import Client, ua

from inspector.domain import ConfigurationError, PlcError, PlcLost
from inspector.plc.handshake import HANDSHAKE, DataType, FromPlc, Name, Side, Value, names_of

__all__ = ["PlcLink", "check_url", "hush_library"]

_INTEGERS = frozenset(ua.VariantType[name] for name in ("Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64"))
_FITTING: Mapping[DataType, frozenset[ua.VariantType]] = MappingProxyType(
    {
        DataType.BOOLEAN: frozenset({ua.VariantType.Boolean}),
        DataType.STRING: frozenset({ua.VariantType.String}),
        DataType.UINT16: _INTEGERS,
        DataType.UINT32: _INTEGERS,
    }
)
_BUILT_IN_TYPES = 25
_SESSION_MS = 60_000
# The library's own watch over the connection; ours reads every few milliseconds and is sooner.
_WATCHDOG_S = 5.0


def hush_library() -> None:
    """Keep the OPC UA library's own log, tracebacks included, to itself in this process: we say what is lost."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)


def check_url(url: str) -> str:
    """Return ``url`` where it is an OPC UA address; raises ``ConfigurationError``."""
    parsed = urlparse(url)
    try:
        complete = parsed.scheme == "opc.tcp" and bool(parsed.hostname) and parsed.port is not None
    except ValueError:
        complete = False
    if not complete:
        raise ConfigurationError(
            f"{url!r} is not the address of an OPC UA server",
            remedy="Write it as opc.tcp://host:port/, usually with port 4840.",
        )
    return url


@contextmanager
def _translated(url: str, doing: str) -> Iterator[None]:
    """Turn whatever the library raises into the product's errors."""
    try:
        yield
    except (ConnectionError, TimeoutError, OSError, asyncio.IncompleteReadError) as error:
        text = str(error) or "no answer in time"
        raise PlcLost(
            f"the PLC at {url} is gone while {doing}: {text}",
            remedy="Check that the PLC runs and that the cable and the address are right.",
        ) from error
    except ua.UaError as error:
        raise PlcError(
            f"the PLC at {url} refused {doing}: {error}",
            remedy="Check the node ids and the access rights of the registers in the PLC.",
        ) from error
    except (struct.error, ValueError, TypeError) as error:
        raise PlcError(
            f"the PLC at {url} cannot hold the value while {doing}: {error}",
            remedy="Give the register the type that docs/plc.md names.",
        ) from error


class PlcLink:
    """An open connection with every register resolved; made by ``PlcLink.open``."""

    def __init__(self, client: Client, url: str, nodes: Mapping[Name, ua.NodeId]) -> None:
        self._client = client
        self._url = url
        self._nodes = nodes
        self._types: dict[Name, ua.VariantType] = {}
        self._known: dict[Name, Value] = {}
        self._inputs = names_of(Side.PLC)
        self._poll = self._read_parameters(self._inputs)

    @classmethod
    async def open(cls, url: str, nodes: Mapping[str, str], *, timeout_s: float) -> PlcLink:
        """Connect and learn the registers' types.

        Raises
        ------
        PlcLost
            Nobody answers there.
        ConfigurationError
            A register is missing or has a type that cannot hold it.
        """
        client = Client(url, timeout=timeout_s, watchdog_intervall=_WATCHDOG_S)
        client.name = "line-inspector"
        client.session_timeout = _SESSION_MS
        with _translated(url, "connecting"):
            await client.connect()
        try:
            with _translated(url, "reading the registers' types"):
                link = cls(client, url, await _resolve(client, nodes))
                await link._learn_types()
        except BaseException:
            await cls._shut(client)
            raise
        return link

    async def read_plc(self) -> FromPlc:
        """Read everything the PLC says in one request; raises ``PlcLost`` or ``PlcError``."""
        with _translated(self._url, "reading"):
            results = await self._client.uaclient.read(self._poll)
        return FromPlc.of(self._values(self._inputs, results))

    async def read_all(self) -> dict[Name, Value]:
        """Read every register in one request."""
        names = tuple(HANDSHAKE)
        with _translated(self._url, "reading"):
            results = await self._client.uaclient.read(self._read_parameters(names))
        self._known = self._values(names, results)
        return dict(self._known)

    async def write(self, values: Mapping[Name, Value]) -> None:
        """Write these registers in one request: value and type only, since some PLCs refuse timestamps."""
        for name in values:
            # What it holds is known again once the write is confirmed.
            self._known.pop(name, None)
        parameters = ua.WriteParameters()
        with _translated(self._url, "writing " + ", ".join(values)):
            parameters.NodesToWrite = [self._write_value(name, value) for name, value in values.items()]
            for status in await self._client.uaclient.write(parameters):
                status.check()
        self._known.update(values)

    async def write_changes(self, values: Mapping[Name, Value]) -> None:
        """Write those of these registers that do not hold the value yet, in one request if any."""
        changed = {name: value for name, value in values.items() if self._known.get(name) != value}
        if changed:
            await self.write(changed)

    async def close(self, *, good: bool) -> None:
        """Release the connection; ``good`` says that the peer still listens and deserves a good-bye."""
        if good:
            try:
                with _translated(self._url, "closing"):
                    await self._client.disconnect()
            except PlcError:
                await self._shut(self._client)
        else:
            await self._shut(self._client)

    @staticmethod
    async def _shut(client: Client) -> None:
        """Drop the socket first: a frozen peer would let every further request wait for its time-out."""
        client.disconnect_socket()
        try:
            with _translated("", "closing"):
                await client.close_session()
        except PlcError:
            pass

    async def _learn_types(self) -> None:
        parameters = ua.ReadParameters()
        for attribute in (ua.AttributeIds.DataType, ua.AttributeIds.Value):
            for node in self._nodes.values():
                parameters.NodesToRead.append(_read_value_id(node, attribute))
        results = await self._client.uaclient.read(parameters)
        half = len(self._nodes)
        for name, declared, held in zip(self._nodes, results[:half], results[half:], strict=True):
            self._types[name] = self._type_of(name, declared, held)

    def _type_of(self, name: Name, declared: ua.DataValue, held: ua.DataValue) -> ua.VariantType:
        node = self._nodes[name].to_string()
        if declared.StatusCode is not None and not declared.StatusCode.is_good():
            raise ConfigurationError(
                f"the PLC at {self._url} has no register {name} at {node} ({declared.StatusCode.name})",
                remedy=f"Correct plc.nodes.{name}; `inspector plc browse {self._url}` shows what is there.",
            )
        kind: Any = declared.Value.Value if declared.Value else None
        identifier = kind.Identifier if isinstance(kind, ua.NodeId) and kind.NamespaceIndex == 0 else None
        if isinstance(identifier, int) and 1 <= identifier <= _BUILT_IN_TYPES:
            found = ua.VariantType(identifier)
        else:
            # A vendor's own type: what it holds says what it is built on.
            found = held.Value.VariantType if held.Value else ua.VariantType.Null
        if found not in _FITTING[HANDSHAKE[name].type]:
            raise ConfigurationError(
                f"the register {name} at {node} in the PLC at {self._url} is of type {found.name},"
                f" it has to be {HANDSHAKE[name].type}",
                remedy=f"Change its type in the PLC, or plc.nodes.{name}.",
            )
        return found

    def _read_parameters(self, names: Iterable[Name]) -> ua.ReadParameters:
        parameters = ua.ReadParameters()
        parameters.NodesToRead = [_read_value_id(self._nodes[name], ua.AttributeIds.Value) for name in names]
        return parameters

    def _values(self, names: Iterable[Name], results: list[ua.DataValue]) -> dict[Name, Value]:
        values: dict[Name, Value] = {}
        for name, result in zip(names, results, strict=True):
            if result.StatusCode is not None and not result.StatusCode.is_good():
                raise PlcError(f"the PLC at {self._url} cannot read {name}: {result.StatusCode.name}")
            value = result.Value.Value if result.Value else None
            values[name] = HANDSHAKE[name].type.initial if value is None else value
        return values

    def _write_value(self, name: Name, value: Value) -> ua.WriteValue:
        return ua.WriteValue(
            NodeId=self._nodes[name],
            AttributeId=ua.AttributeIds.Value,
            Value=ua.DataValue(ua.Variant(value, self._types[name]), StatusCode=None),
        )


def _read_value_id(node: ua.NodeId, attribute: ua.AttributeIds) -> ua.ReadValueId:
    return ua.ReadValueId(NodeId=node, AttributeId=attribute)


async def _resolve(client: Client, nodes: Mapping[str, str]) -> dict[Name, ua.NodeId]:
    """Return the node of every register; a namespace given by its URI is looked up on this server."""
    spaces: list[str] = await client.get_namespace_array()
    resolved: dict[Name, ua.NodeId] = {}
    for name in HANDSHAKE:
        text = nodes[name]
        try:
            if text.startswith("nsu="):
                uri, _, rest = text.removeprefix("nsu=").partition(";")
                text = f"ns={spaces.index(uri)};{rest}"
            resolved[name] = ua.NodeId.from_string(text)
        except (ValueError, ua.UaError) as error:
            raise ConfigurationError(
                f"plc.nodes.{name} is {nodes[name]!r}, which is no node id that the PLC knows",
                remedy='Write it as "ns=2;s=Handshake.Trigger", or with nsu=<URI> in place of ns=2;'
                f" the PLC's namespaces are {', '.join(spaces)}.",
            ) from error
    return resolved
