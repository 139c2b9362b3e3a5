"""GenICam cameras, GigE Vision and USB3 Vision, through Aravis: one connection with its trigger and its stream."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from inspector.capture.genicam_control import Control
from inspector.capture.genicam_setup import GenICamSetup
from inspector.capture.pixel_formats import to_pixels
from inspector.domain import BadFrame, CameraHealth, CameraLost, ConfigurationError, Frame, Trigger

__all__ = ["GenICamDevice"]

_US_PER_S = 1_000_000
_TEMPERATURE_EVERY_S = 5.0


class GenICamDevice:
    """One connection to a GenICam camera; wrap it in ``ReconnectingCamera`` to make a ``Camera`` of it.

    A frame is never given to another part than its own: what came too early, too late or twice is counted, and the part
    whose frame is not certain gets a ``BadFrame``.

    Raises
    ------
    ConfigurationError
        The camera has no such feature, value or pixel format.
    CameraLost
        It is not there, or another program has it.
    """

    def __init__(self, setup: GenICamSetup) -> None:
        self._name = f"GenICam camera {setup.device}".rstrip()
        self._mode, self._timeout_s = setup.trigger, setup.timeout_s
        self._format = setup.pixel_format
        self._turn = threading.Lock()
        self._gone = threading.Event()
        self._health = CameraHealth(connected=True)
        self._temperature_c: float | None = None
        self._uncertain = False
        self._stream: Any = None
        self._control: Control | None = None
        control = Control(setup.device, self._name)
        self._control, self._sdk = control, control.sdk
        self._watch = control.device.connect("control-lost", lambda _device: self._gone.set())
        try:
            control.set_pixel_format(setup.pixel_format)
            self._size = control.set_region(setup.region)
            if setup.exposure_us is not None:
                control.set_exposure(setup.exposure_us)
            if setup.gain_db is not None:
                control.set_gain(setup.gain_db)
            control.set_features(setup.features)
            control.set_trigger(setup.trigger, setup.trigger_line, setup.trigger_activation)
            self._chunks, self._parser = setup.chunks, control.chunk_parser(setup.chunks)
            self._exposure_us = control.exposure_us()
            self._temperature, self._temperature_due = control.temperature_feature(), 0.0
            self._start(control, setup)
        except BaseException:
            self.close()
            raise

    # --- the device ----------------------------------------------------------------------------------------

    def grab(self, trigger: Trigger) -> Frame:
        """Return the frame of this trigger; raises ``BadFrame`` or ``CameraLost``."""
        with self._turn:
            control = self._control
            if control is None or self._gone.is_set():
                raise CameraLost(f"{self._name}: the camera is gone", remedy="Check cable and power")
            try:
                if self._uncertain:
                    self._restart(control)
                if self._mode == "software":
                    return self._commanded(trigger, control)
                return (
                    self._signalled(trigger, control) if self._mode == "hardware" else self._running(trigger, control)
                )
            except BadFrame:
                # What is still under way belongs to a part that has its UNKNOWN already.
                self._uncertain = self._mode == "software"
                raise
            except ConfigurationError as error:
                raise BadFrame(error.message, remedy=error.remedy) from error

    def check(self) -> None:
        """Ask the camera how warm it is, now and then; raises ``CameraLost`` where it does not answer any more."""
        if self._gone.is_set():
            raise CameraLost(f"{self._name}: the camera does not answer any more", remedy="Check cable and power")
        control, name = self._control, self._temperature
        if control is None or not name or time.monotonic() < self._temperature_due:
            return
        self._temperature_due = time.monotonic() + _TEMPERATURE_EVERY_S
        found = float(control.asked(lambda: control.camera.get_float(name), f"{name} cannot be read"))
        self._temperature_c = found

    def features(self) -> dict[str, str]:
        """Return every feature of the camera and its value as text."""
        return self._control.features() if self._control is not None else {}

    def waiting(self) -> int:
        """Return how many frames wait for a trigger."""
        stream = self._stream
        return int(stream.get_n_buffers()[1]) if stream is not None else 0

    def discard(self) -> int:
        """Drop the frames that wait; return how many there were."""
        with self._turn:
            return self._drop_waiting() if self._stream is not None else 0

    def health(self) -> CameraHealth:
        """Return how this connection fares."""
        stream = self._stream
        state = replace(self._health, temperature_c=self._temperature_c)
        if stream is None:
            return replace(state, connected=False)
        if not isinstance(stream, self._sdk.GvStream):
            return state
        count = stream.get_info_uint64_by_name
        lost, resent = int(count("n_missing_packets")), int(count("n_resent_packets"))
        return replace(state, packets_lost=lost, packets_resent=resent)

    def close(self) -> None:
        """Stop the stream and let the camera go; safe to call twice."""
        with self._turn:
            control, self._control = self._control, None
            if self._stream is not None:
                self._health = replace(self.health(), connected=False)
            if control is not None:
                control.device.disconnect(self._watch)
                if not self._gone.is_set():
                    control.stop()
            self._gone.set()
            # The last references: with them the sockets of stream and control are closed.
            self._stream = self._parser = None

    def _start(self, control: Control, setup: GenICamSetup) -> None:
        camera, gige, packet_size = control.camera, control.camera.is_gv_device(), setup.packet_size
        if gige and packet_size is not None:
            camera.gv_set_packet_size_adjustment(self._sdk.GvPacketSizeAdjustment.NEVER)
            control.asked(lambda: camera.gv_set_packet_size(packet_size), f"packet_size: {packet_size} cannot be set")
        stream = control.asked(lambda: camera.create_stream(None, None), "its stream cannot be opened")
        if gige:
            way = self._sdk.GvStreamPacketResend
            stream.set_property("packet-resend", way.ALWAYS if setup.resend else way.NEVER)
        payload = control.asked(camera.get_payload, "the size of its frames cannot be read")
        for _ in range(setup.buffers):
            stream.push_buffer(self._sdk.Buffer.new_allocate(payload))
        self._stream = stream
        control.asked(camera.start_acquisition, "it does not start")

    # --- frames --------------------------------------------------------------------------------------------

    def _commanded(self, trigger: Trigger, control: Control) -> Frame:
        self._drop_waiting()
        control.asked(control.camera.software_trigger, "it does not take the trigger")
        return self._frame(trigger, self._next(self._timeout_s), control)

    def _signalled(self, trigger: Trigger, control: Control) -> Frame:
        buffer = self._next(self._timeout_s)
        surplus = self._drop_waiting()
        if surplus:
            self._stream.push_buffer(buffer)
            self._counted(unasked=1)
            raise BadFrame(
                f"{self._name}: {surplus + 1} frames for one trigger: which is this part's cannot be told",
                remedy="Check that the camera's line is triggered once per part, and debounce it",
            )
        return self._frame(trigger, buffer, control)

    def _running(self, trigger: Trigger, control: Control) -> Frame:
        begun_ns = time.time_ns() + int(self._exposure_us * 1000)
        self._drop_waiting(count=False)
        deadline = time.monotonic() + self._timeout_s
        while True:
            buffer = self._next(max(deadline - time.monotonic(), 0.0))
            # The time is that of the first packet: a frame exposed before the trigger is not the part's.
            if buffer.get_system_timestamp() >= begun_ns:
                return self._frame(trigger, buffer, control)
            self._stream.push_buffer(buffer)

    def _next(self, timeout_s: float) -> Any:
        deadline = time.monotonic() + timeout_s
        while True:
            left_us = round((deadline - time.monotonic()) * _US_PER_S)
            buffer = self._stream.timeout_pop_buffer(max(left_us, 1))
            if buffer is None:
                break
            if buffer.get_status() != self._sdk.BufferStatus.CLEARED:
                return buffer
            self._stream.push_buffer(buffer)  # nothing ever came into it
        if self._gone.is_set():
            raise CameraLost(f"{self._name}: the camera is gone", remedy="Check cable and power")
        self._counted(missing=1)
        remedy = {
            "software": "Check exposure and `timeout_s:`",
            "hardware": "Check the wiring of the camera's trigger line, and `timeout_s:`",
            "free": "Check the frame rate, and `timeout_s:`",
        }[self._mode]
        raise BadFrame(f"{self._name}: no frame within {self._timeout_s:g} s", remedy=remedy)

    def _frame(self, trigger: Trigger, buffer: Any, control: Control) -> Frame:
        try:
            status = buffer.get_status()
            if status != self._sdk.BufferStatus.SUCCESS:
                self._counted(incomplete=1)
                raise BadFrame(
                    f"{self._name}: the frame is not whole: {status.value_nick.replace('-', ' ')}",
                    remedy="Check cable, switch and packet size; see: inspector camera test",
                )
            width, height = buffer.get_image_width(), buffer.get_image_height()
            if (width, height) != self._size:
                self._counted(incomplete=1)
                raise BadFrame(
                    f"{self._name}: a frame of {width} x {height} px, expected {self._size[0]} x {self._size[1]}",
                    remedy="Another program has changed the camera's region",
                )
            pixels = to_pixels(buffer.get_image_data(), self._format, width, height)
            taken = datetime.fromtimestamp(buffer.get_system_timestamp() / 1e9, UTC)
            chunks = {name: control.chunk(self._parser, buffer, name) for name in self._chunks}
        finally:
            self._stream.push_buffer(buffer)
        self._counted(frames=1)
        self._health = replace(self._health, last_frame_at=taken)
        return Frame(trigger, pixels, self._name, taken, chunks=chunks)

    def _drop_waiting(self, *, count: bool = True) -> int:
        dropped = 0
        while (buffer := self._stream.try_pop_buffer()) is not None:
            self._stream.push_buffer(buffer)
            dropped += 1
        if count and dropped:
            self._counted(unasked=dropped)
        return dropped

    def _restart(self, control: Control) -> None:
        """Begin the stream again, so that nothing that is still under way can come for a later part."""
        control.asked(control.camera.stop_acquisition, "it does not stop")
        self._drop_waiting()
        control.asked(control.camera.start_acquisition, "it does not start again")
        self._uncertain = False

    def _counted(self, *, frames: int = 0, incomplete: int = 0, unasked: int = 0, missing: int = 0) -> None:
        before = self._health
        self._health = replace(
            before,
            frames=before.frames + frames,
            incomplete=before.incomplete + incomplete,
            unasked=before.unasked + unasked,
            missing=before.missing + missing,
        )
