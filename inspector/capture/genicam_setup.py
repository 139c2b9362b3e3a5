"""How a GenICam camera is to be set up, whichever driver does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Feature", "GenICamSetup", "Region", "TriggerMode"]

Feature = bool | int | float | str
TriggerMode = Literal["software", "hardware", "free"]


@dataclass(frozen=True, slots=True)
class Region:
    """The part of the sensor that is read, in its pixels; None is as much as there is."""

    width: int | None = None
    height: int | None = None
    x: int = 0
    y: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GenICamSetup:
    """Which camera, and what is written to it before its stream starts.

    Attributes
    ----------
    device
        Its id, serial number, user-defined name or IP address; empty: the only one there is.
    pixel_format
        By its name in the GenICam convention.
    exposure_us, gain_db
        None leaves what the camera has.
    features
        Further features by their GenICam names, written in this order.
    trigger
        With ``software`` the camera exposes at the trigger's command; with ``hardware`` an electrical signal on one of
        its lines has triggered it, once for each part; with ``free`` it runs, and the first frame that began after the
        trigger is taken.
    trigger_line, trigger_activation
        The line and edge of a hardware trigger, as the camera names them.
    chunks
        Names of chunk data to be sent with each frame, as in the camera's ChunkSelector; Aravis only.
    timeout_s
        Longest wait for a frame.
    packet_size
        Bytes of a GigE packet; None negotiates the largest that passes; Aravis only.
    resend
        Whether lost packets are asked for again; Aravis only.
    buffers
        Frames the stream can hold.
    """

    device: str = ""
    pixel_format: str = "Mono8"
    region: Region = Region()
    exposure_us: float | None = None
    gain_db: float | None = None
    features: Mapping[str, Feature] = field(default_factory=dict)
    trigger: TriggerMode = "software"
    trigger_line: str = "Line0"
    trigger_activation: str = "RisingEdge"
    chunks: tuple[str, ...] = ()
    timeout_s: float = 1.0
    packet_size: int | None = None
    resend: bool = True
    buffers: int = 8
