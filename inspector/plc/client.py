"""Triggers from and verdicts to a PLC that is an OPC UA server: the handshake in client role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from inspector.domain import LampState
from inspector.plc.cycle import PeerState
from inspector.plc.handshake import Name, check_absent, complete_nodes
from inspector.plc.link import PlcLink, check_url
from inspector.plc.registers import RegisterLink
from inspector.plc.security import CertificateUser, ClientSecurity, PasswordUser
from inspector.plc.source import Handshake

__all__ = ["OpcUaHandshake", "PeerState", "Updates"]


class Updates(StrEnum):
    """How the line learns what the PLC says."""

    AUTO = "auto"
    """Subscription where the PLC grants an interval near ``poll_ms``, polling otherwise."""

    POLLING = "polling"
    SUBSCRIPTION = "subscription"


class OpcUaHandshake(Handshake):
    """The handshake of docs/plc.md against the PLC's own OPC UA server; a ``TriggerSource``.

    Parameters
    ----------
    url, station
        ``opc.tcp://host:port/``; name of the station in the triggers.
    security, user
        How the connection is secured, and as whom; None is neither encrypted nor authenticated.
    nodes
        Node id by register name; names left out keep ``ns=2;s=Handshake.<Name>``, but the extra ones are there only
        where they are named. ``nsu=<URI>;s=…`` is resolved by the PLC's namespace table.
    absent
        Registers that the PLC does not have; docs/plc.md says what is different without each.
    namespace_uri
        Namespace of the default node ids in place of index 2.
    updates
        Polling or subscription.
    poll_ms, timeout_s
        Reading period, and the publishing interval that is asked for; how long a request, and separately the
        PLC's ResultAck, may take.
    recipes, default_recipe, defect_codes, heartbeat_ms, max_retry_s, on_lamp
        As for ``Handshake``.

    Raises
    ------
    ConfigurationError
        From the constructor for a bad url or register name, and as for ``Handshake``.
    """

    def __init__(
        self,
        url: str,
        *,
        station: str,
        security: ClientSecurity | None = None,
        user: PasswordUser | CertificateUser | None = None,
        nodes: Mapping[str, str] = MappingProxyType({}),
        absent: Iterable[str] = (),
        namespace_uri: str | None = None,
        recipes: Mapping[int, str] = MappingProxyType({}),
        default_recipe: int = 0,
        defect_codes: Mapping[str, int] = MappingProxyType({}),
        updates: Updates = Updates.POLLING,
        poll_ms: float = 5.0,
        heartbeat_ms: float = 500.0,
        timeout_s: float = 2.0,
        max_retry_s: float = 2.0,
        on_lamp: Callable[[LampState], None] | None = None,
    ) -> None:
        self.url = check_url(url)
        missing = check_absent(absent)
        registers = complete_nodes(nodes, namespace_uri)
        registers = {name: node for name, node in registers.items() if name not in missing}

        async def opener(wake: Callable[[], None]) -> RegisterLink:
            link = await PlcLink.open(url, registers, timeout_s=timeout_s, security=security, user=user)
            if updates is not Updates.POLLING:
                try:
                    await link.watch(wake, poll_ms, insist=updates is Updates.SUBSCRIPTION)
                except BaseException:
                    await link.close(good=False)
                    raise
            return link

        super().__init__(
            opener,
            peer=f"the PLC at {url}",
            station=station,
            recipes=recipes,
            default_recipe=default_recipe,
            defect_codes=defect_codes,
            poll_ms=poll_ms,
            heartbeat_ms=heartbeat_ms,
            timeout_s=timeout_s,
            max_retry_s=max_retry_s,
            acknowledges=Name.RESULT_ACK not in missing,
            on_lamp=on_lamp,
        )
