"""A line's camera without its line: found, tested, and looked through while somebody turns the lens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from inspector.capture.condition import Condition, condition_of
from inspector.domain import Camera, CaptureError, ConfigurationError, Frame, Trigger
from inspector.runtime.wiring.cameras import build_camera
from inspector.settings import GenICamCamera, LineSettings

__all__ = ["Found", "Look", "cameras_here", "features_of", "looks", "one_view", "opened"]


@dataclass(frozen=True, slots=True)
class Found:
    """A camera that could be used, and what to write for it under ``camera:``."""

    kind: str
    key: str
    id: str
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """One picture, or why there is none."""

    number: int
    ms: float
    frame: Frame | None
    condition: Condition | None
    problem: str = ""


def cameras_here() -> tuple[list[Found], list[str]]:
    """Return the cameras that answer, and what could not be looked for, with its remedy."""
    found: list[Found] = []
    problems: list[str] = []
    for look in (_genicam, _realsense):
        try:
            found += look()
        except ConfigurationError as error:
            problems.append(str(error))
    found += [Found("video", "device", str(node), "V4L2 camera") for node in sorted(Path("/dev").glob("video*"))]
    return found, problems


def _genicam() -> list[Found]:
    from inspector.capture.aravis import found_cameras

    return [
        Found("genicam", "device", one.id, f"{one.vendor} {one.model}", f"{one.protocol} {one.address}".strip())
        for one in found_cameras()
    ]


def _realsense() -> list[Found]:
    from inspector.capture.realsense import sdk

    rs = sdk()
    return [
        Found(
            "realsense",
            "serial",
            device.get_info(rs.camera_info.serial_number),
            device.get_info(rs.camera_info.name),
            f"USB {device.get_info(rs.camera_info.usb_type_descriptor)}",
        )
        for device in rs.context().query_devices()
    ]


def one_view(settings: LineSettings, view: str) -> LineSettings:
    """Return the line as one of its cameras sees it; the line itself where it has one camera and none is named."""
    if not view and not settings.views:
        return settings
    if view not in settings.views:
        raise ConfigurationError(
            f"line {settings.line} has no view {view!r}" if view else f"line {settings.line} has several cameras",
            remedy=f"Choose one of them with --view: {', '.join(settings.views)}" if settings.views else "Leave it out",
        )
    return settings.views[view]


def opened(settings: LineSettings, *, free: bool = False) -> Camera:
    """Return the line's camera; ``free`` lets a GenICam camera run without a trigger."""
    camera = settings.camera
    if free and isinstance(camera, GenICamCamera):
        settings = settings.model_copy(update={"camera": camera.model_copy(update={"trigger": "free"})})
    return build_camera(settings)


def features_of(settings: LineSettings) -> dict[str, str]:
    """Return every feature of a GenICam camera and its value; raises ``ConfigurationError`` for other kinds."""
    from inspector.capture.genicam_control import Control

    camera = settings.camera
    if not isinstance(camera, GenICamCamera):
        raise ConfigurationError(f"a camera of kind {camera.kind} has no features by name", remedy="Use kind genicam")
    return Control(camera.device, f"GenICam camera {camera.device}".rstrip()).features()


def looks(camera: Camera, station: str, *, count: int | None = None) -> Iterator[Look]:
    """Yield picture after picture; a failed one is among them."""
    number = 0
    while count is None or number < count:
        number += 1
        begun = time.perf_counter()
        try:
            frame = camera.grab(Trigger(f"look-{number}", station, number, datetime.now(UTC)))
        except CaptureError as error:
            yield Look(number, (time.perf_counter() - begun) * 1000, None, None, str(error))
            continue
        ms = (time.perf_counter() - begun) * 1000
        yield Look(number, ms, frame, condition_of(frame.pixels))
