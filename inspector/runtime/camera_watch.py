"""The running camera against its golden state: first a word at the lamp, then a held line."""

from __future__ import annotations

import logging
from collections.abc import Callable

from inspector.capture.golden_state import ConditionWatch, Deviation
from inspector.domain import Camera, CameraHealth, Frame, Trigger, WatchedCamera

__all__ = ["HELD_BY", "ConditionGuard", "SeenCamera"]

log = logging.getLogger(__name__)

HELD_BY = "camera watch"


class SeenCamera:
    """A camera that remembers its last frame for who looks after it, and otherwise is the one it wraps."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._last: Frame | None = None

    def grab(self, trigger: Trigger) -> Frame:
        """Return the frame of this trigger; raises ``BadFrame`` or ``CameraLost``."""
        frame = self._camera.grab(trigger)
        self._last = frame
        return frame

    def taken(self) -> Frame | None:
        """Return the last frame once, None where there is no new one."""
        frame, self._last = self._last, None
        return frame

    def health(self) -> CameraHealth:
        """Return how the camera fares, as far as it says."""
        if isinstance(self._camera, WatchedCamera):
            return self._camera.health()
        return CameraHealth(connected=True)

    def close(self) -> None:
        """Release the device."""
        self._camera.close()


class ConditionGuard:
    """Looks at frames off the verdict path and says what is wrong.

    Parameters
    ----------
    warn, hold
        Shares of the golden state; what is off by more is said, or holds the line.
    on_hold
        Called with the reason, once until all is well again.
    """

    def __init__(self, watch: ConditionWatch, *, warn: float, hold: float, on_hold: Callable[[str], None]) -> None:
        self._watch, self._warn, self._hold, self._on_hold = watch, warn, hold, on_hold
        self._said: list[str] = []
        self._held = False
        self.words = ""

    def look(self, frame: Frame) -> Deviation | None:
        """Take one frame; None while too few were seen, or where it is of another size."""
        try:
            deviation = self._watch.take(frame.pixels)
        except ValueError:
            return None
        if not self._watch.settled:
            return None
        warned = deviation.beyond(self._warn)
        self.words = "; ".join(warned)
        kinds = [words.partition(" (")[0] for words in warned]
        if kinds != self._said:
            log.warning("camera: %s", self.words or "as it was set up again")
            self._said = kinds
        worst = deviation.beyond(self._hold)
        if worst and not self._held:
            self._on_hold("; ".join(worst))
        self._held = bool(worst)
        return deviation
