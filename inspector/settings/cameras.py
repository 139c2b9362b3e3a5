"""Cameras by protocol: GenICam cameras, and video from a file, a device node or the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from inspector.settings.base import FilePath, Items, Settings
from inspector.settings.login import Login

Side = Annotated[int, Field(ge=32, le=16384)]
Offset = Annotated[int, Field(ge=0, le=16384)]
FeatureName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Feature = bool | int | float | str


class GenICamCamera(Settings):
    """An industrial camera, GigE Vision or USB3 Vision, through Aravis."""

    kind: Literal["genicam"] = Field(
        description="GigE Vision or USB3 Vision; needs `apt install gir1.2-aravis-0.8` and "
        "`pip install 'line-inspector[genicam]'`."
    )
    driver: Literal["aravis", "pylon"] = Field(
        default="aravis",
        description="`pylon`: Basler's own driver, proprietary; needs `pip install 'line-inspector[pylon]'`.",
    )
    device: str = Field(
        default="",
        max_length=128,
        description="Id, serial number, user-defined name or IP address, as `inspector camera list` shows it; empty: "
        "the only camera there is.",
    )
    pixel_format: FeatureName = Field(
        default="Mono8",
        description="By its GenICam name: Mono8, Mono10, Mono12, Mono12p, Mono16, BayerRG8, RGB8 and the like; of "
        "deeper pixels the eight highest bits are used.",
    )
    width: Side | None = Field(default=None, description="Width of the region that is read, in pixels; default: all.")
    height: Side | None = Field(default=None, description="Height of the region that is read, in pixels; default: all.")
    offset_x: Offset = Field(default=0, description="Left edge of the region on the sensor, in pixels.")
    offset_y: Offset = Field(default=0, description="Upper edge of the region on the sensor, in pixels.")
    exposure_us: float | None = Field(
        default=None, gt=0, le=60_000_000, description="Exposure, in microseconds; default: what the camera has."
    )
    gain_db: float | None = Field(
        default=None, ge=-20, le=60, description="Gain, in dB as far as the camera says; default: what the camera has."
    )
    features: Mapping[FeatureName, Feature] = Field(
        default_factory=dict,
        description="Any other feature by its GenICam name, written in this order; see `inspector camera test "
        "--features`.",
    )
    trigger: Literal["software", "hardware", "free"] = Field(
        default="software",
        description="`software`: the line tells the camera when to expose. `hardware`: a signal on one of its lines "
        "does, once per part. `free`: it runs by itself, and the first frame begun after the trigger is taken.",
    )
    trigger_line: FeatureName = Field(default="Line0", description="TriggerSource of a hardware trigger.")
    trigger_activation: FeatureName = Field(
        default="RisingEdge", description="TriggerActivation of a hardware trigger."
    )
    chunks: Items[FeatureName] = Field(
        default=(), description="Chunk data to be sent with each frame, such as ExposureTime; as in its ChunkSelector."
    )
    timeout_s: float = Field(default=1.0, gt=0, le=60, description="Longest wait for a frame, in s.")
    packet_size: int | None = Field(
        default=None, ge=576, le=16_000, description="Bytes of a GigE packet; default: the largest that passes."
    )
    resend: bool = Field(default=True, description="Ask for lost packets again.")
    buffers: int = Field(default=8, ge=2, le=256, description="Frames that the stream can hold.")
    max_temperature_c: float | None = Field(
        default=None, ge=0, le=150, description="The camera's lamp goes off above this temperature, in degrees Celsius."
    )


class CameraWatch(Settings):
    """Light, sharpness, overexposure and dirt on the window, against the state of a good day."""

    golden: FilePath = Field(description="The state that `inspector camera golden` wrote; relative to this file.")
    warn: float = Field(
        default=0.15,
        gt=0,
        le=1,
        description="Share by which the mean of the last 20 pictures may be off before the camera's lamp says so.",
    )
    hold: float = Field(default=0.4, gt=0, le=1, description="Share that holds the line until somebody releases it.")


class VideoCamera(Login):
    """Video through OpenCV: a file, a V4L2 camera, or a network camera."""

    section: ClassVar[str] = "camera"

    kind: Literal["video"] = Field(description="A video file, a V4L2 camera or a network camera; untriggered.")
    file: FilePath | None = Field(
        default=None, description="Video file, one frame for each trigger; relative to this file. One of these three."
    )
    device: str | None = Field(
        default=None,
        max_length=128,
        pattern=r"^/dev/[A-Za-z0-9_/.-]+$",
        description="V4L2 camera, such as /dev/video0.",
    )
    url: str | None = Field(
        default=None,
        max_length=1024,
        description="Network camera, rtsp:// or http://, without user and password: these stand below.",
    )
    width: Side | None = Field(default=None, description="Width of the image, in pixels; others are refused.")
    height: Side | None = Field(default=None, description="Height of the image, in pixels; others are refused.")
    fps: float | None = Field(
        default=None, gt=0, le=1000, description="Frames per second that a V4L2 camera is asked for."
    )
    grey: bool = Field(default=False, description="Use grey pixels, for a camera without colour.")
    loop: bool = Field(
        default=False, description="Begin a file again after its last frame; else the camera is lost then."
    )
    latency_s: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="Time from exposure to arrival at most, in s: a picture that arrives sooner after its trigger is "
        "older than it. Measure it, with a flash or a clock in the picture.",
    )
    timeout_s: float = Field(default=2.0, gt=0, le=60, description="Longest wait for a picture, in s.")
