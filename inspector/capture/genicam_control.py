"""A GenICam camera's features: written by name, checked, and refused in words that name them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inspector.capture.aravis import aravis, glib_error
from inspector.capture.genicam_setup import Feature, Region, TriggerMode
from inspector.capture.pixel_formats import known
from inspector.domain import BadFrame, CameraLost, ConfigurationError

__all__ = ["Control"]

_TEMPERATURES = ("DeviceTemperature", "DeviceTemperatureRaw", "TemperatureAbs")


class Control:
    """The way to a camera's features; opens the camera.

    Raises
    ------
    ConfigurationError
        The camera refuses: it has no such feature, value or pixel format.
    CameraLost
        It is not there, does not answer, or another program has it.
    """

    def __init__(self, device: str, name: str) -> None:
        self.sdk, self.name = aravis(), name
        self._error, kinds = glib_error(), self.sdk.DeviceError
        self._taken = (kinds.NOT_CONTROLLER, kinds.PROTOCOL_ERROR_ACCESS_DENIED, kinds.PROTOCOL_ERROR_BUSY)
        self._silent = (kinds.TIMEOUT, kinds.NOT_CONNECTED, kinds.NOT_FOUND, kinds.TRANSFER_ERROR, kinds.UNKNOWN)
        self.camera: Any = self.asked(lambda: self.sdk.Camera.new(device or None), "cannot be opened")
        self.camera.set_range_check_policy(self.sdk.RangeCheckPolicy.ENABLE)
        self.device: Any = self.camera.get_device()
        if self.camera.is_gv_device() and not self.device.is_controller():
            raise CameraLost(f"{name}: another program controls it", remedy="Close that program")

    def asked(self, what: Callable[[], Any], problem: str) -> Any:
        """Return the answer; what the camera refuses is a mistake in the description, silence is a loss."""
        try:
            return what()
        except self._error as error:
            text = f"{self.name}: {problem}: {error.message}"
            if any(error.matches(self.sdk.device_error_quark(), kind) for kind in self._taken):
                raise CameraLost(text, remedy="Another program may have this camera; close it") from error
            if any(error.matches(self.sdk.device_error_quark(), kind) for kind in self._silent):
                raise CameraLost(text, remedy="Check cable, power and address") from error
            raise ConfigurationError(text, remedy="Correct `camera:` of the line") from error

    def set_pixel_format(self, pixel_format: str) -> None:
        """Choose how pixels come."""
        camera = self.camera
        offered = tuple(self.asked(camera.dup_available_pixel_formats_as_strings, "its pixel formats cannot be read"))
        if pixel_format not in offered:
            raise ConfigurationError(
                f"{self.name} has no pixel format {pixel_format}", remedy=f"Write one of {', '.join(sorted(offered))}"
            )
        if not known(pixel_format):
            raise ConfigurationError(
                f"{self.name}: images of the format {pixel_format} cannot be read", remedy="Use Mono8 or RGB8"
            )
        self.asked(lambda: camera.set_pixel_format_from_string(pixel_format), "the pixel format cannot be set")

    def set_region(self, region: Region) -> tuple[int, int]:
        """Choose the part of the sensor that is read; return its width and height."""
        camera = self.camera
        # The offsets first go to zero: they limit how large the region may become.
        sensor = self.asked(camera.get_sensor_size, "its sensor size cannot be read")
        width, height = region.width or sensor[0] - region.x, region.height or sensor[1] - region.y
        problem = f"a region of {width} x {height} px at {region.x}, {region.y} cannot be set"
        self.asked(lambda: camera.set_region(0, 0, width, height), problem)
        self.asked(lambda: camera.set_region(region.x, region.y, width, height), problem)
        got = tuple(self.asked(camera.get_region, "its region cannot be read"))
        if got != (region.x, region.y, width, height):
            raise ConfigurationError(
                f"{self.name}: {problem}; it made {got[2]} x {got[3]} at {got[0]}, {got[1]} of it",
                remedy="Write numbers that its sensor and its step allow",
            )
        return width, height

    def set_exposure(self, exposure_us: float) -> None:
        """Set how long the sensor collects light."""
        self.asked(lambda: self.camera.set_exposure_time(exposure_us), f"exposure_us: {exposure_us:g} cannot be set")

    def set_gain(self, gain_db: float) -> None:
        """Set the gain."""
        self.asked(lambda: self.camera.set_gain(gain_db), f"gain_db: {gain_db:g} cannot be set")

    def exposure_us(self) -> float:
        """Return how long the sensor collects light; 0 where it does not say."""
        if not self.camera.is_exposure_time_available():
            return 0.0
        return float(self.asked(self.camera.get_exposure_time, "its exposure cannot be read"))

    def set_features(self, features: Mapping[str, Feature]) -> None:
        """Write features by their GenICam names, in this order."""
        for name, value in features.items():
            self._set_feature(name, value)

    def _set_feature(self, name: str, value: Feature) -> None:
        device, sdk = self.device, self.sdk
        if not self.asked(lambda: device.is_feature_available(name), f"{name} cannot be read"):
            near = difflib.get_close_matches(name, self.features(), n=3)
            raise ConfigurationError(
                f"{self.name} has no feature {name}",
                remedy=f"Did you mean {' or '.join(near)}?" if near else "See: inspector camera test --features",
            )
        node = device.get_feature(name)

        def write() -> None:
            if isinstance(node, sdk.GcCommand):
                device.execute_command(name)
            elif isinstance(node, sdk.GcBoolean):
                device.set_boolean_feature_value(name, bool(value))
            elif isinstance(value, str):
                device.set_string_feature_value(name, value)
            elif isinstance(node, sdk.GcInteger) and float(value).is_integer():
                device.set_integer_feature_value(name, int(value))
            else:
                device.set_float_feature_value(name, float(value))

        self.asked(write, f"feature {name}: {value!r} cannot be set")

    def features(self) -> dict[str, str]:
        """Return the features the camera has now and their values as text; empty text where none can be read."""
        genicam, found, waiting = self.device.get_genicam(), dict[str, str](), ["Root"]
        while waiting:
            node = genicam.get_node(waiting.pop(0))
            if isinstance(node, self.sdk.GcCategory):
                waiting.extend(node.get_features())
            elif node is not None and node.is_available():
                found[node.get_name()] = self._value(node)
        return found

    def _value(self, node: Any) -> str:
        if isinstance(node, self.sdk.GcCommand):
            return ""
        try:
            return str(node.get_value_as_string())
        except (self._error, AttributeError):
            return ""

    def temperature_feature(self) -> str:
        """Return the name of the feature that tells how warm the camera is, empty where it has none."""
        return next((name for name in _TEMPERATURES if self.camera.is_feature_available(name)), "")

    def set_trigger(self, mode: TriggerMode, line: str, activation: str) -> None:
        """Choose what makes the camera expose."""
        camera = self.camera
        if mode == "free":
            self.asked(camera.clear_triggers, "its trigger cannot be switched off")
            return
        source = "Software" if mode == "software" else line
        offered = tuple(self.asked(camera.dup_available_trigger_sources, "its trigger sources cannot be read"))
        if source not in offered:
            raise ConfigurationError(
                f"{self.name} cannot be triggered by {source}", remedy=f"Write one of {', '.join(sorted(offered))}"
            )
        self.asked(lambda: camera.set_trigger(source), f"{source} cannot be made its trigger")
        if mode == "hardware":
            self._set_feature("TriggerActivation", activation)

    def chunk_parser(self, chunks: Sequence[str]) -> Any:
        """Have chunk data sent with each frame; return what reads it, None without any."""
        if not chunks:
            return None
        if not self.asked(self.camera.are_chunks_available, "its chunk data cannot be read"):
            raise ConfigurationError(f"{self.name} sends no chunk data", remedy="Take `chunks:` out")
        self.asked(lambda: self.camera.set_chunks(",".join(chunks)), f"chunk data {', '.join(chunks)} cannot be had")
        return self.camera.create_chunk_parser()

    def chunk(self, parser: Any, buffer: Any, name: str) -> float:
        """Return the chunk of this name; raises ``BadFrame`` where the frame came without it."""
        problem = ""
        for read in (parser.get_float_value, parser.get_integer_value):
            try:
                return float(read(buffer, f"Chunk{name}"))
            except self._error as error:
                problem = error.message
        raise BadFrame(
            f"{self.name}: the frame came without chunk data {name}: {problem}",
            remedy="Take it out of `chunks:`, or set what the camera needs for it under `features:`",
        )

    def stop(self) -> None:
        """Stop the stream; a camera that does not answer is left as it is."""
        try:
            self.camera.stop_acquisition()
        except self._error:
            return
