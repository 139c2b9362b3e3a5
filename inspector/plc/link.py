"""One OPC UA connection to the PLC: registers by name, types respected, every failure in the product's words."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any
from urllib.parse import urlparse

from asyncua import Client, ua
from asyncua.crypto.uacrypto import InvalidSignature

from inspector.domain import ConfigurationError, PlcError, PlcLost
from inspector.plc.handshake import FITTING, HANDSHAKE, DataType, FromPlc, Name, Side, Value, names_of
from inspector.plc.registers import OPEN
from inspector.plc.security import CertificateUser, ClientSecurity, PasswordUser, fetch_certificate, secure

__all__ = ["PlcLink", "check_url", "hush_library", "shown_certificate"]

_HIGHEST_INT16 = 2**15 - 1
_QUIET_S = 0.1
_BUILT_IN_TYPES = 25
_SESSION_MS = 60_000
# The library's own watch over the connection; ours reads every few milliseconds and is sooner.
_WATCHDOG_S = 5.0
# A subscription is worth it where the PLC publishes at least about as often as we would read.
_SLOWER_THAN_ASKED = 2.0
_WATCHED = (Name.TRIGGER, Name.SEQ_NO, Name.RESULT_ACK, Name.RESET, Name.RECIPE_ID, Name.START_CHALLENGE)

_OTHER_USER = "Check plc.username; the PLC may want another kind of user, such as plc.user_certificate."
_REFUSALS: Mapping[type[ua.UaError], str] = MappingProxyType(
    {
        ua.uaerrors.BadUserAccessDenied: "Check plc.username, its password, and its rights in the PLC.",
        ua.uaerrors.BadIdentityTokenRejected: _OTHER_USER,
        ua.uaerrors.BadIdentityTokenInvalid: _OTHER_USER,
        ua.uaerrors.BadCertificateUntrusted: "Trust our certificate (plc.certificate) in the PLC.",
        ua.uaerrors.BadCertificateUriInvalid: "Make a new certificate: inspector plc certificates new",
        ua.uaerrors.BadCertificateTimeInvalid: "Make a new certificate, or check the PLC's clock.",
        ua.uaerrors.BadSecurityChecksFailed: "Trust our certificate (plc.certificate) in the PLC.",
        ua.uaerrors.BadSecurityPolicyRejected: "Take a policy and mode that the PLC offers for plc.security.",
    }
)


def hush_library() -> None:
    """Keep the libraries' own logs, tracebacks included, to themselves in this process: we say what is lost."""
    for library in ("asyncua", "pymodbus"):
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)


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
    except AssertionError as error:
        # All that the library has to say where a channel is refused by a fault of the service: node-opcua does so.
        raise PlcError(
            f"the PLC at {url} refused to open a secured channel while {doing}",
            remedy="Trust our certificate (plc.certificate) in the PLC.",
        ) from error
    except (ua.UaError, InvalidSignature) as error:
        usual = "Check the node ids and the access rights of the registers in the PLC."
        raise PlcError(
            f"the PLC at {url} refused {doing}: {error}",
            remedy=next((text for kind, text in _REFUSALS.items() if isinstance(error, kind)), usual),
        ) from error
    except (struct.error, ValueError, TypeError) as error:
        raise PlcError(
            f"the PLC at {url} cannot hold the value while {doing}: {error}",
            remedy="Give the register the type that docs/plc.md names.",
        ) from error


async def shown_certificate(url: str) -> bytes:
    """Return the certificate (DER) that the server at ``url`` shows; raises ``PlcLost`` or ``PlcError``."""
    with _translated(check_url(url), "asking for its certificate"):
        return await fetch_certificate(url)


class PlcLink:
    """An open connection with every register resolved; made by ``PlcLink.open``."""

    def __init__(self, client: Client, url: str, nodes: Mapping[Name, ua.NodeId], detail: str) -> None:
        self.detail = detail
        self.quiet_s = 0.0
        self._client = client
        self._url = url
        self._nodes = nodes
        self._types: dict[Name, ua.VariantType] = {}
        self._known: dict[Name, Value] = {}
        self._inputs = tuple(name for name in names_of(Side.PLC) if name in nodes)
        self._poll = self._read_parameters(self._inputs)

    @classmethod
    async def open(
        cls,
        url: str,
        nodes: Mapping[str, str],
        *,
        timeout_s: float,
        security: ClientSecurity | None = None,
        user: PasswordUser | CertificateUser | None = None,
    ) -> PlcLink:
        """Connect and learn the registers' types; a register without an entry in ``nodes`` is not there.

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
        detail = f"{OPEN} (security: none)"
        with _translated(url, "connecting"):
            if security is not None:
                detail = await secure(client, security, user)
            await client.connect()
        try:
            with _translated(url, "reading the registers' types"):
                link = cls(client, url, await _resolve(client, nodes), detail)
                await link._learn_types()
        except BaseException:
            await cls._shut(client)
            raise
        return link

    async def watch(self, wake: Callable[[], None], publish_ms: float, *, insist: bool) -> None:
        """Let the PLC tell of changes, unless it revises the interval up too far: then polling is quicker.

        What a notification carries is not used: it wakes us, and one Read brings registers that belong together.

        Parameters
        ----------
        insist
            Take whatever interval the PLC grants.
        """
        with _translated(self._url, "subscribing"):
            subscription = await self._client.create_subscription(publish_ms, _Waker(wake))
            revised = float(subscription.parameters.RequestedPublishingInterval)
            if revised > _SLOWER_THAN_ASKED * publish_ms and not insist:
                await subscription.delete()
                self.detail += f", polled (it would publish every {revised:g} ms)"
                return
            nodes = [self._client.get_node(self._nodes[name]) for name in _WATCHED if name in self._nodes]
            await subscription.subscribe_data_change(nodes, sampling_interval=ua.Double(publish_ms))
        self.quiet_s = max(_QUIET_S, revised / 1000)
        self.detail += f", subscribed ({revised:g} ms)"

    async def read_plc(self) -> FromPlc:
        """Read everything the PLC says in one request; raises ``PlcLost`` or ``PlcError``."""
        with _translated(self._url, "reading"):
            results = await self._client.uaclient.read(self._poll)
        return FromPlc.of(self._values(self._inputs, results))

    async def read_all(self) -> dict[Name, Value]:
        """Read every register in one request."""
        names = tuple(self._nodes)
        with _translated(self._url, "reading"):
            results = await self._client.uaclient.read(self._read_parameters(names))
        self._known = self._values(names, results)
        return dict(self._known)

    async def write(self, values: Mapping[Name, Value]) -> None:
        """Write these registers in one request: value and type only, since some PLCs refuse timestamps."""
        values = {name: value for name, value in values.items() if name in self._nodes}
        if not values:
            return
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
        there = {name: value for name, value in values.items() if name in self._nodes}
        changed = {name: value for name, value in there.items() if self._known.get(name) != value}
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
        if found.name not in FITTING[HANDSHAKE[name].type]:
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
        kind = self._types[name]
        if kind is ua.VariantType.Int16 and HANDSHAKE[name].type is DataType.UINT16 and int(value) > _HIGHEST_INT16:
            # The same sixteen bits: a DefectCode of 65535 must not cost the part its verdict.
            value = int(value) - (1 << 16)
        return ua.WriteValue(
            NodeId=self._nodes[name],
            AttributeId=ua.AttributeIds.Value,
            Value=ua.DataValue(ua.Variant(value, kind), StatusCode=None),
        )


class _Waker:
    """Hears of changes."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
        """Wake whoever reads."""
        self._wake()


def _read_value_id(node: ua.NodeId, attribute: ua.AttributeIds) -> ua.ReadValueId:
    return ua.ReadValueId(NodeId=node, AttributeId=attribute)


async def _resolve(client: Client, nodes: Mapping[str, str]) -> dict[Name, ua.NodeId]:
    """Return the node of every register; a namespace given by its URI is looked up on this server."""
    spaces: list[str] = await client.get_namespace_array()
    resolved: dict[Name, ua.NodeId] = {}
    for name in HANDSHAKE:
        if name not in nodes:
            continue
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
