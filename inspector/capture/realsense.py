"""Intel RealSense: colour with depth aligned to it, averaged here and filtered nowhere.

The SDK's spatial and temporal filters erase what is looked for (a groove of 0.5 mm came out as 0.18), so depth
frames are averaged pixel by pixel instead, and a pixel without depth stays one.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inspector.domain import BadFrame, CameraHealth, CameraLost, ConfigurationError, Frame, Intrinsics, Trigger

if TYPE_CHECKING:
    import types

__all__ = ["FrameSource", "PipelineSource", "RealSenseDevice"]

_MM_PER_M = 1000.0
_LEAST_SEEN = 0.5


class FrameSource(Protocol):
    """Where sets of colour and depth come from: a camera, a recording, or the SDK's software device."""

    def start(self) -> None:
        """Begin; raises ``CameraLost``."""

    def next(self, timeout_s: float, *, fresh: bool) -> Any:
        """Return the next ``frameset``, after dropping what waits where ``fresh``; raises ``CameraLost``."""

    def temperature_c(self) -> float | None:
        """Return the camera's temperature, None where it does not say; raises ``CameraLost``."""

    def stop(self) -> None:
        """End; safe to call twice."""


class PipelineSource:
    """A camera by its serial number, or a recording.

    Parameters
    ----------
    serial
        Empty: the only camera there is.
    size, fps
        Of colour and depth alike.
    depth_unit_mm
        What one count of depth is; set on cameras that let it be set.
    recording
        File to play instead of a camera, as fast as it is read.
    """

    def __init__(
        self,
        *,
        serial: str = "",
        size: tuple[int, int] = (1280, 720),
        fps: int = 30,
        depth_unit_mm: float = 0.1,
        recording: Path | None = None,
    ) -> None:
        self._sdk = sdk()
        self._serial, self._size, self._fps = serial, size, fps
        self._unit_mm, self._recording = depth_unit_mm, recording
        self._pipeline: Any = None
        self._thermometer: Any = None
        self._name = str(recording) if recording else f"RealSense {serial or 'camera'}"

    def start(self) -> None:
        """Open the camera; raises ``CameraLost``."""
        config = self._sdk.config()
        if self._recording is not None:
            config.enable_device_from_file(str(self._recording), repeat_playback=False)
        else:
            if self._serial:
                config.enable_device(self._serial)
            config.enable_stream(self._sdk.stream.color, *self._size, self._sdk.format.bgr8, self._fps)
            config.enable_stream(self._sdk.stream.depth, *self._size, self._sdk.format.z16, self._fps)
        pipeline = self._sdk.pipeline()
        try:
            device = pipeline.start(config).get_device()
        except RuntimeError as error:
            raise CameraLost(
                f"{self._name}: cannot be opened: {error}", remedy="Check cable, power and serial"
            ) from error
        if self._recording is not None:
            device.as_playback().set_real_time(False)
        else:
            sensor = device.first_depth_sensor()
            self._thermometer = sensor if sensor.supports(self._sdk.option.asic_temperature) else None
            if sensor.supports(self._sdk.option.depth_units):
                with suppress(RuntimeError):  # read-only on some models: the frames say their unit themselves
                    sensor.set_option(self._sdk.option.depth_units, self._unit_mm / _MM_PER_M)
        self._pipeline = pipeline

    def next(self, timeout_s: float, *, fresh: bool) -> Any:
        """Return the next set of frames."""
        if self._pipeline is None:
            raise CameraLost(f"{self._name}: is not open")
        try:
            while fresh and self._recording is None and self._pipeline.poll_for_frames():
                pass
            return self._pipeline.wait_for_frames(max(round(timeout_s * 1000), 1))
        except RuntimeError as error:
            raise CameraLost(
                f"{self._name}: no frame within {timeout_s:g} s: {error}", remedy="Check the cable"
            ) from error

    def temperature_c(self) -> float | None:
        """Return the temperature of the depth chip."""
        if self._thermometer is None:
            return None
        try:
            return float(self._thermometer.get_option(self._sdk.option.asic_temperature))
        except RuntimeError as error:
            raise CameraLost(f"{self._name}: does not answer: {error}", remedy="Check cable and power") from error

    def stop(self) -> None:
        """Close the camera."""
        self._thermometer = None
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            with suppress(RuntimeError):  # already gone
                pipeline.stop()


class RealSenseDevice:
    """Colour and aligned depth: one connection to a camera, for ``ReconnectingCamera``.

    Colour is the first frame after the trigger; depth is the mean of ``average`` frames from there on, in mm, NaN
    where less than half of them saw anything.

    Parameters
    ----------
    source
        Where frames come from; it is started here, and stopped by ``close``.
    average
        Depth frames per trigger: 16 bring 0.1 mm of noise down to 0.025.
    size
        Expected (width, height) of colour; None accepts any.
    timeout_s
        Longest wait for one frame.
    """

    def __init__(
        self,
        source: FrameSource,
        *,
        average: int = 8,
        size: tuple[int, int] | None = None,
        timeout_s: float = 1.0,
    ) -> None:
        if average < 1:
            raise ConfigurationError(
                f"average must be at least 1, got {average}", remedy="Write `camera: {average: 8}`"
            )
        self._align = sdk().align(sdk().stream.color)
        self._source = source
        self._average, self._size, self._timeout_s = average, size, timeout_s
        source.start()
        self._health = CameraHealth(connected=True, temperature_c=source.temperature_c())

    def grab(self, trigger: Trigger) -> Frame:
        """Return what the camera sees from now on.

        Raises
        ------
        CameraLost
            No frame came in time, or the camera is gone.
        BadFrame
            Colour or depth is missing from a set, or has another size or format than expected.
        """
        try:
            frame = self._grab(trigger)
        except BadFrame:
            self._health = replace(self._health, incomplete=self._health.incomplete + 1)
            raise
        except CameraLost:
            self._health = replace(self._health, missing=self._health.missing + 1)
            raise
        self._health = replace(self._health, frames=self._health.frames + 1, last_frame_at=frame.captured_at)
        return frame

    def check(self) -> None:
        """Look at its temperature; raises ``CameraLost`` where it does not answer."""
        self._health = replace(self._health, temperature_c=self._source.temperature_c())

    def health(self) -> CameraHealth:
        """Return how this connection fares."""
        return self._health

    def waiting(self) -> int:
        """Return 0: frames of a running camera belong to nobody until a trigger comes."""
        return 0

    def discard(self) -> int:
        """Return 0: there is nothing to drop."""
        return 0

    def close(self) -> None:
        """Let the camera go; safe to call twice."""
        self._source.stop()

    def _grab(self, trigger: Trigger) -> Frame:
        depths: list[NDArray[np.float32]] = []
        numbers: set[int] = set()
        first: Any = None
        # A recording may repeat a frame; each counts once.
        for attempt in range(2 * self._average):
            found = self._source.next(self._timeout_s, fresh=attempt == 0)
            frames = self._align.process(found) if found.get_color_frame() and found.get_depth_frame() else None
            if frames is None or not frames.get_depth_frame() or not frames.get_color_frame():
                raise BadFrame("RealSense: a set of frames without colour or depth", remedy="Check the USB bandwidth")
            depth = frames.get_depth_frame()
            if depth.get_frame_number() in numbers:
                continue
            numbers.add(depth.get_frame_number())
            first = first or frames
            depths.append(
                np.asanyarray(depth.get_data()).astype(np.float32) * np.float32(depth.get_units() * _MM_PER_M)
            )
            if len(depths) == self._average:
                break
        colour = first.get_color_frame()
        pixels = np.array(np.asanyarray(colour.get_data()))
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:  # noqa: PLR2004
            raise BadFrame(
                f"RealSense: colour comes as {pixels.dtype} {pixels.shape}, expected 8 bits BGR",
                remedy="Set the colour stream to bgr8",
            )
        height, width = pixels.shape[:2]
        if self._size not in {None, (width, height)}:
            raise BadFrame(f"RealSense: {width} x {height} px, expected {self._size}", remedy="Correct `camera:`")
        return Frame(
            trigger,
            pixels,
            "realsense",
            datetime.now(UTC),
            depth=_averaged(depths),
            intrinsics=_intrinsics(colour),
        )


def _averaged(depths: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the mean of what was seen (0 is nothing), NaN where less than half of the frames saw anything."""
    stack = np.stack(depths)
    seen = stack > 0
    count = seen.sum(axis=0)
    total = np.where(seen, stack, 0).sum(axis=0, dtype=np.float64)
    enough = count >= max(_LEAST_SEEN * len(depths), 1)
    return np.where(enough, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _intrinsics(colour: Any) -> Intrinsics:
    lens = colour.profile.as_video_stream_profile().intrinsics
    return Intrinsics(lens.fx, lens.fy, lens.ppx, lens.ppy, tuple(lens.coeffs))


def sdk() -> types.ModuleType:
    """Return pyrealsense2; raises ``ConfigurationError`` where it is not installed."""
    try:
        import pyrealsense2
    except ImportError as error:
        raise ConfigurationError(
            "camera: the RealSense SDK is not installed", remedy="pip install 'line-inspector[realsense]'"
        ) from error
    module: types.ModuleType = pyrealsense2
    return module
