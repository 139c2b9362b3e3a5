"""Stations with several cameras: what each view has of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from inspector.settings.base import Items, Name, Settings
from inspector.settings.cameras import GenICamCamera, VideoCamera
from inspector.settings.detectors import DetectorKey
from inspector.settings.vision import (
    Calibration,
    Camera,
    FolderCamera,
    Gauging,
    RealSenseCamera,
    VirtualCamera,
    Zone,
)

OWN = ("calibration", "gauging", "detector", "zones")
"""What a view may have of its own; the line's holds for it otherwise."""


class View(Settings):
    """One of several cameras of a station; its keys are those of the line, whose values hold where it has none."""

    camera: Camera = Field(description="Where its images come from; their size has to be given.")
    calibration: Calibration | None = Field(default=None, description="Its own calibration; default: the line's.")
    gauging: Gauging | None = Field(default=None, description="How its findings are measured; default: the line's.")
    detector: DetectorKey | None = Field(default=None, description="What finds its defects; default: the line's.")
    zones: Items[Zone] | None = Field(
        default=None, description="Zones in mm from the corner of its own image; default: the line's."
    )


class SeveralViews(Settings):
    """Several cameras that see the same part at one trigger, and have one verdict together."""

    kind: Literal["several"] = Field(
        description="Several cameras, one verdict; a part that one of them misses is UNKNOWN."
    )
    views: Annotated[Mapping[Name, View], Field(min_length=2, max_length=16)] = Field(
        description="The cameras by the name of their view, in the order in which they are shown."
    )


AnyCamera = Annotated[
    VirtualCamera | FolderCamera | RealSenseCamera | GenICamCamera | VideoCamera | SeveralViews,
    Field(discriminator="kind"),
]


def image_size(camera: Camera) -> tuple[int, int] | None:
    """Return width and height of a camera's images, in pixels; None where its settings do not say."""
    size = camera.expect if isinstance(camera, FolderCamera) else camera
    if size is None or size.width is None or size.height is None:
        return None
    return size.width, size.height
