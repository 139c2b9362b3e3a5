"""Basler cameras through pypylon, where a plant prefers the vendor's driver; the same promises as ``GenICamDevice``."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from inspector.capture.genicam_setup import Feature, GenICamSetup, Region
from inspector.capture.pixel_formats import known, to_pixels
from inspector.domain import BadFrame, CameraHealth, CameraLost, ConfigurationError, Frame, Trigger

__all__ = ["PylonDevice"]

_MS_PER_S = 1000
_EXPOSURES = ("ExposureTime", "ExposureTimeAbs")
_GAINS = ("Gain", "GainAbs")
_TEMPERATURES = ("DeviceTemperature", "TemperatureAbs")


class PylonDevice:
    """One connection to a Basler camera; wrap it in ``ReconnectingCamera`` to make a ``Camera`` of it.

    ``device`` of the set-up is a serial number, a user-defined name or an address.

    Raises
    ------
    ConfigurationError
        pypylon is not installed, or the camera has no such feature, value or pixel format.
    CameraLost
        It is not there, or another program has it.
    """

    def __init__(self, setup: GenICamSetup) -> None:
        self._sdk, self._error = _pylon()
        self._name = f"pylon camera {setup.device}".rstrip()
        self._mode, self._format = setup.trigger, setup.pixel_format
        self._timeout_ms = max(round(setup.timeout_s * _MS_PER_S), 1)
        self._turn = threading.Lock()
        self._health = CameraHealth(connected=True)
        self._uncertain = False
        self._camera: Any = self._opened(setup.device)
        try:
            self._set_up(setup.pixel_format, setup.region)
            first: dict[str, Feature] = {}
            if setup.exposure_us is not None:
                first[self._present(_EXPOSURES, "exposure_us")] = setup.exposure_us
            if setup.gain_db is not None:
                first[self._present(_GAINS, "gain_db")] = setup.gain_db
            source = {"software": "Software", "hardware": setup.trigger_line}.get(setup.trigger)
            last: dict[str, Feature] = {"TriggerSelector": "FrameStart", "TriggerMode": "On" if source else "Off"}
            if source:
                last["TriggerSource"] = source
            if setup.trigger == "hardware":
                last["TriggerActivation"] = setup.trigger_activation
            for name, value in (*first.items(), *setup.features.items(), *last.items()):
                self._set(name, value)
            self._camera.MaxNumBuffer.Value = setup.buffers
            self._camera.StartGrabbing(self._sdk.GrabStrategy_OneByOne)
        except self._error as error:
            self.close()
            raise CameraLost(
                f"{self._name}: it does not start: {_said(error)}", remedy="Check cable and power"
            ) from error
        except BaseException:
            self.close()
            raise

    def grab(self, trigger: Trigger) -> Frame:
        """Return the frame of this trigger; raises ``BadFrame`` or ``CameraLost``."""
        with self._turn:
            if self._camera is None:
                raise CameraLost(f"{self._name}: the camera is gone", remedy="Check cable and power")
            try:
                return self._grab(trigger)
            except BadFrame:
                self._uncertain = self._mode == "software"
                raise
            except self._error as error:
                raise CameraLost(f"{self._name}: {_said(error)}", remedy="Check cable and power") from error

    def check(self) -> None:
        """Raise ``CameraLost`` where the camera was pulled out."""
        camera = self._camera
        if camera is None or camera.IsCameraDeviceRemoved():
            raise CameraLost(f"{self._name}: the camera does not answer any more", remedy="Check cable and power")

    def health(self) -> CameraHealth:
        """Return how this connection fares."""
        return replace(self._health, connected=self._camera is not None)

    def waiting(self) -> int:
        """Return how many frames wait for a trigger."""
        camera = self._camera
        return int(camera.NumReadyBuffers.Value) if camera is not None else 0

    def discard(self) -> int:
        """Drop the frames that wait; return how many there were."""
        with self._turn:
            return self._drop() if self._camera is not None else 0

    def close(self) -> None:
        """Stop and let the camera go; safe to call twice."""
        with self._turn:
            camera, self._camera = self._camera, None
            if camera is not None:
                with suppress(self._error):
                    camera.Close()

    def _grab(self, trigger: Trigger) -> Frame:
        camera, sdk = self._camera, self._sdk
        if self._uncertain:
            # What is still under way belongs to a part that has its UNKNOWN already.
            camera.StopGrabbing()
            camera.StartGrabbing(sdk.GrabStrategy_OneByOne)
            self._uncertain = False
        if self._mode != "hardware":
            self._drop(count=self._mode == "software")
        if self._mode == "software":
            if not camera.WaitForFrameTriggerReady(self._timeout_ms, sdk.TimeoutHandling_Return):
                self._count(missing=1)
                raise BadFrame(f"{self._name}: it is not ready for a trigger", remedy="Check exposure and frame rate")
            camera.ExecuteSoftwareTrigger()
        result = camera.RetrieveResult(self._timeout_ms, sdk.TimeoutHandling_Return)
        if self._mode == "free" and result.IsValid():
            result.Release()  # it may have been exposed before the trigger; the next one was not
            result = camera.RetrieveResult(self._timeout_ms, sdk.TimeoutHandling_Return)
        if not result.IsValid():
            self._count(missing=1)
            raise BadFrame(
                f"{self._name}: no frame within {self._timeout_ms} ms", remedy="Check trigger and `timeout_s:`"
            )
        try:
            return self._frame(trigger, result)
        finally:
            result.Release()

    def _frame(self, trigger: Trigger, result: Any) -> Frame:
        if self._mode == "hardware" and (surplus := self._drop()):
            self._count(unasked=1)
            raise BadFrame(
                f"{self._name}: {surplus + 1} frames for one trigger: which is this part's cannot be told",
                remedy="Check that the camera's line is triggered once per part",
            )
        if not result.GrabSucceeded():
            self._count(incomplete=1)
            raise BadFrame(
                f"{self._name}: the frame is not whole: {result.GetErrorDescription()}",
                remedy="Check cable, switch and packet size",
            )
        pixels = to_pixels(bytes(result.GetBuffer()), self._format, result.Width, result.Height)
        taken = datetime.now(UTC)
        self._count(frames=1)
        self._health = replace(self._health, last_frame_at=taken, temperature_c=self._temperature())
        return Frame(trigger, pixels, self._name, taken)

    def _drop(self, *, count: bool = True) -> int:
        dropped = 0
        while self._camera.NumReadyBuffers.Value:
            self._camera.RetrieveResult(1, self._sdk.TimeoutHandling_Return).Release()
            dropped += 1
        if count and dropped:
            self._count(unasked=dropped)
        return dropped

    def _count(self, **more: int) -> None:
        health = self._health
        self._health = replace(health, **{name: getattr(health, name) + count for name, count in more.items()})

    def _temperature(self) -> float | None:
        for name in _TEMPERATURES:
            node = self._node(name)
            if node is not None:
                with suppress(self._error, AttributeError):
                    return float(node.Value)
        return None

    # --- setting up ----------------------------------------------------------------------------------------

    def _opened(self, device: str) -> Any:
        try:
            factory = self._sdk.TlFactory.GetInstance()
            for found in factory.EnumerateDevices():
                names = (found.GetSerialNumber(), found.GetUserDefinedName(), found.GetFullName())
                address = found.GetIpAddress() if found.IsIpAddressAvailable() else ""
                if not device or device in {*names, address}:
                    camera = self._sdk.InstantCamera(factory.CreateDevice(found))
                    camera.Open()
                    return camera
        except self._error as error:
            raise CameraLost(
                f"{self._name}: cannot be opened: {_said(error)}", remedy="Another program may have it; check the cable"
            ) from error
        raise CameraLost(f"{self._name}: it is not there", remedy="Check cable, power, address and serial number")

    def _set_up(self, pixel_format: str, region: Region) -> None:
        camera = self._camera
        offered = tuple(camera.PixelFormat.Symbolics)
        if pixel_format not in offered or not known(pixel_format):
            raise ConfigurationError(
                f"{self._name} has no pixel format {pixel_format}",
                remedy=f"Write one of {', '.join(name for name in offered if known(name))}",
            )
        self._set("PixelFormat", pixel_format)
        self._set("OffsetX", 0)
        self._set("OffsetY", 0)
        self._set("Width", region.width or camera.Width.Max)
        self._set("Height", region.height or camera.Height.Max)
        self._set("OffsetX", region.x)
        self._set("OffsetY", region.y)

    def _present(self, names: tuple[str, ...], key: str) -> str:
        found = next((name for name in names if self._node(name) is not None), None)
        if found is None:
            raise ConfigurationError(f"{self._name}: {key}: it has none", remedy=f"Take '{key}:' out")
        return found

    def _node(self, name: str) -> Any:
        """Return the node of a feature, None where the camera has none of this name."""
        node = self._camera.GetNodeMap().GetNode(name)
        return node if node is not None and node.IsValid() else None

    def _set(self, name: str, value: Feature) -> None:
        node = self._node(name)
        if node is None:
            raise ConfigurationError(f"{self._name} has no feature {name}", remedy="Correct `camera: {features: …}`")
        try:
            if hasattr(node, "Execute"):
                node.Execute()
            else:
                node.FromString(str(value).lower() if isinstance(value, bool) else str(value))
        except self._error as error:
            raise ConfigurationError(
                f"{self._name}: feature {name}: {value!r} cannot be set: {_said(error)}",
                remedy="Correct `camera:` of the line",
            ) from error


def _said(error: Exception) -> str:
    return str(error).partition(" : ")[0]


def _pylon() -> tuple[Any, type[Exception]]:
    """Return pypylon and what it raises; raises ``ConfigurationError`` where it is not installed."""
    try:
        from pypylon import genicam, pylon
    except ImportError as error:
        raise ConfigurationError(
            "camera: pypylon is not installed", remedy="pip install 'line-inspector[pylon]'; see Basler's licence"
        ) from error
    kind: type[Exception] = genicam.GenericException
    return pylon, kind
