"""The line's side of the handshake with its PLC out of its settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from inspector.domain import ConfigurationError, LampState, require_extra
from inspector.plc.client import OpcUaHandshake, Updates
from inspector.plc.guarded_server import Account, Role, ServerSecurity
from inspector.plc.link import hush_library
from inspector.plc.security import CertificateUser, ClientSecurity, Mode, PasswordUser, Policy
from inspector.plc.server import OpcUaServerHandshake
from inspector.plc.source import Handshake
from inspector.runtime.wiring.detectors import classes_of
from inspector.settings import LineSettings, ModbusPlc, NoPlc, OpcUaPlc, OpcUaServerPlc

if TYPE_CHECKING:
    from inspector.plc.vision_server import VisionServer

__all__ = ["build_trigger_source", "defect_codes", "plc_security", "plc_user"]


def build_trigger_source(
    settings: LineSettings, *, url: str, nodes: dict[str, str], on_lamp: Callable[[LampState], None]
) -> Handshake | VisionServer:
    """Return the line's side of the handshake with the PLC at ``url``; raises ``ConfigurationError``.

    In server role ``url`` is where to listen. Another ``url`` than the line's own is that of a simulated PLC, which
    is not secured.
    """
    hush_library()
    plc = settings.plc
    if isinstance(plc, NoPlc):
        raise ConfigurationError("plc: this line has no PLC", remedy="Its triggers are its own")
    common: dict[str, Any] = {
        "station": settings.station,
        "recipes": {recipe.id: name for name, recipe in settings.recipes.items()},
        "default_recipe": settings.active_recipe.id,
        "defect_codes": defect_codes(settings),
        "poll_ms": plc.poll_ms,
        "heartbeat_ms": plc.heartbeat_ms,
        "timeout_s": plc.timeout_s,
        "on_lamp": on_lamp,
    }
    if isinstance(plc, OpcUaServerPlc) and plc.url == url:
        common["security"] = _server_security(plc)
        if plc.vision_system is None:
            return OpcUaServerHandshake(url, **common)
        from inspector.runtime.wiring.vision_system import build_vision_server

        return build_vision_server(settings, plc.vision_system, partial(OpcUaServerHandshake, url, **common))
    if isinstance(plc, ModbusPlc) and plc.url == url:
        return _modbus(plc, common)
    if not isinstance(plc, OpcUaPlc) or plc.url != url:
        return OpcUaHandshake(url, nodes=nodes, **common)
    return OpcUaHandshake(
        url,
        nodes=nodes,
        namespace_uri=plc.namespace_uri,
        absent=plc.absent,
        updates=Updates(plc.updates),
        security=plc_security(plc),
        user=plc_user(plc),
        **common,
    )


def _modbus(plc: ModbusPlc, common: dict[str, Any]) -> Handshake:
    require_extra("modbus", "pymodbus", needed_by="plc.kind: modbus-tcp")
    from inspector.plc.modbus import ModbusHandshake

    return ModbusHandshake(
        plc.host,
        port=plc.port,
        device_id=plc.device_id,
        plc_address=plc.plc_address,
        line_address=plc.line_address,
        challenge=plc.challenge,
        **common,
    )


def plc_security(plc: OpcUaPlc) -> ClientSecurity | None:
    """Return how the connection to this PLC is secured; None: it is not."""
    if plc.security == "none" or plc.certificate is None or plc.key is None or plc.trust is None:
        return None
    return ClientSecurity(plc.certificate, plc.key, plc.trust, Policy(plc.security), Mode(plc.messages))


def _server_security(plc: OpcUaServerPlc) -> ServerSecurity | None:
    if plc.security == "none" or plc.certificate is None or plc.key is None or plc.trust is None:
        return None
    users = {name: Account(Role(user.role), user.password(), user.certificates) for name, user in plc.users.items()}
    return ServerSecurity(
        plc.certificate,
        plc.key,
        plc.trust,
        users,
        policies=(Policy(plc.security),),
        modes=(Mode(plc.messages),),
    )


def plc_user(plc: OpcUaPlc) -> PasswordUser | CertificateUser | None:
    """Return as whom the line connects; None: anonymously."""
    if plc.user_certificate is not None and plc.user_key is not None:
        return CertificateUser(plc.user_certificate, plc.user_key)
    return PasswordUser(plc.username, plc.password() or "") if plc.username is not None else None


def defect_codes(settings: LineSettings) -> dict[str, int]:
    """Return the DefectCode of each class: the line's own, else its place among the detectors' labels, from 1."""
    if settings.plc.defect_codes:
        return dict(settings.plc.defect_codes)
    return {name: number for number, name in enumerate(classes_of(settings), start=1)}
