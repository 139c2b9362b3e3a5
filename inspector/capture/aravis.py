"""Aravis by its introspected binding: present or named with its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inspector.domain import ConfigurationError

__all__ = ["FoundCamera", "aravis", "found_cameras", "glib_error"]

_REMEDY = "apt install gir1.2-aravis-0.8 libgirepository1.0-dev; pip install 'line-inspector[genicam]'"


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A camera that answers: ``id`` is what to write in ``camera: {device: …}``."""

    id: str
    vendor: str
    model: str
    serial: str
    address: str
    protocol: str


def aravis() -> Any:
    """Return Aravis 0.8; raises ``ConfigurationError`` where it is not installed."""
    try:
        import gi

        gi.require_version("Aravis", "0.8")
        from gi.repository import Aravis
    except (ImportError, ValueError) as error:
        raise ConfigurationError("camera: Aravis is not installed", remedy=_REMEDY) from error
    return Aravis


def glib_error() -> type[Any]:
    """Return what Aravis raises."""
    aravis()
    from gi.repository import GLib

    kind: type[Any] = GLib.Error
    return kind


def found_cameras() -> tuple[FoundCamera, ...]:
    """Return every GenICam camera that answers on the network or on USB; takes about a second."""
    sdk = aravis()
    sdk.update_device_list()
    return tuple(
        FoundCamera(
            id=sdk.get_device_id(n) or "",
            vendor=sdk.get_device_vendor(n) or "",
            model=sdk.get_device_model(n) or "",
            serial=sdk.get_device_serial_nbr(n) or "",
            address=sdk.get_device_address(n) or "",
            protocol=sdk.get_device_protocol(n) or "",
        )
        for n in range(sdk.get_n_devices())
    )
