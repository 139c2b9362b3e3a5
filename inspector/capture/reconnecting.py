"""A camera that comes back: whoever asks a lost one is told at once, and a thread of its own looks for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from inspector.domain import CameraHealth, CameraLost, CaptureError, ConfigurationError, Frame, Trigger

__all__ = ["Device", "ReconnectingCamera"]

_log = logging.getLogger(__name__)

_BACK_OFF_S = (0.5, 1.0, 2.0, 5.0)
_NEVER = CameraHealth(connected=False)


class Device(Protocol):
    """One connection to a camera, from its opening to its loss."""

    def grab(self, trigger: Trigger) -> Frame:
        """Return the frame of this trigger; raises ``BadFrame`` or, once it is gone, ``CameraLost``."""

    def check(self) -> None:
        """Look after the connection now and then; raises ``CameraLost``."""

    def health(self) -> CameraHealth:
        """Return how this connection fares."""

    def waiting(self) -> int:
        """Return how many frames wait for their trigger."""

    def discard(self) -> int:
        """Drop the frames that wait; return how many there were."""

    def close(self) -> None:
        """Let the device go; does not raise, may take some seconds where it is gone."""


class ReconnectingCamera:
    """A ``Camera`` that survives the loss of its device.

    A camera that is not there when the line starts is one that is lost: the line runs, its parts are UNKNOWN, and it is
    looked for again after 0.5, 1, 2, then every 5 s. Neither looking nor letting go ever delays a trigger.

    Parameters
    ----------
    opener
        Opens the device; raises ``CameraLost`` where it is not there, ``ConfigurationError`` where it is another one
        than the line's description says (which ends the start of the line, and is tried again later on).
    name
        The camera in messages.
    check_every_s
        How often the device looks after its connection.
    """

    def __init__(
        self,
        opener: Callable[[], Device],
        *,
        name: str,
        check_every_s: float = 1.0,
        back_off_s: Sequence[float] = _BACK_OFF_S,
    ) -> None:
        self._opener, self._name = opener, name
        self._check_every_s, self._back_off_s = check_every_s, tuple(back_off_s)
        self._turn = threading.Lock()
        self._wake, self._closing = threading.Event(), threading.Event()
        self._device: Device | None = None
        self._lost: Device | None = None
        self._past = _NEVER
        self._why: CameraLost = CameraLost(f"{name}: not opened yet")
        try:
            self._device = opener()
        except CameraLost as error:
            _log.warning("%s", error)
            self._why = error
        self._keeper = threading.Thread(target=self._keep, name=f"keeper of {name}", daemon=True)
        self._keeper.start()

    def grab(self, trigger: Trigger) -> Frame:
        """Return the frame of this trigger; raises ``BadFrame``, or ``CameraLost`` at once while it is away."""
        with self._turn:
            device = self._device
        if self._closing.is_set():
            raise CameraLost(f"{self._name}: the camera is closed")
        if device is None:
            raise CameraLost(self._why.message, remedy=self._why.remedy)
        try:
            return device.grab(trigger)
        except CameraLost as error:
            self._lose(device, error)
            raise

    def health(self) -> CameraHealth:
        """Return the counts over all connections and the state now."""
        with self._turn:
            if self._device is None:
                return replace(self._past, connected=False, detail=str(self._why))
            return self._device.health().after(self._past)

    def waiting(self) -> int:
        """Return how many frames wait for their trigger; none while the camera is away."""
        device = self._device
        return device.waiting() if device is not None else 0

    def discard(self) -> int:
        """Drop the frames that wait; return how many there were."""
        device = self._device
        return device.discard() if device is not None else 0

    def close(self) -> None:
        """Let the camera go; safe to call twice."""
        self._closing.set()
        self._wake.set()
        if self._keeper is not threading.current_thread():
            self._keeper.join()

    def _lose(self, device: Device, error: CameraLost) -> None:
        with self._turn:
            if self._device is not device:
                return
            self._past = device.health().after(self._past)
            self._device, self._why = None, error
            self._lost = device
        _log.warning("%s", error)
        self._wake.set()

    def _keep(self) -> None:
        tries = 0
        while not self._closing.is_set():
            if self._lost is not None:
                lost, self._lost = self._lost, None
                lost.close()
                tries = 0
            device = self._device
            self._wake.wait(self._check_every_s if device else self._back_off_s[min(tries, len(self._back_off_s) - 1)])
            self._wake.clear()
            if self._closing.is_set():
                break
            if device is not None:
                try:
                    device.check()
                except CameraLost as error:
                    self._lose(device, error)
            elif self._lost is None:
                tries += 1
                self._look()
        for device in (self._device, self._lost):
            if device is not None:
                device.close()
        with self._turn:
            if self._device is not None:
                self._past = self._device.health().after(self._past)
            self._device, self._lost = None, None
            self._why = CameraLost(f"{self._name}: the camera is closed")

    def _look(self) -> None:
        try:
            device = self._opener()
        except CameraLost as error:
            self._why = error
            return
        except (ConfigurationError, CaptureError) as error:
            if str(error) != str(self._why):
                _log.warning("%s", error)
            self._why = CameraLost(error.message, remedy=error.remedy)
            return
        with self._turn:
            self._device = device
            self._past = replace(self._past, reconnections=self._past.reconnections + 1)
        _log.warning("%s: the camera is back", self._name)
