"""A counter that has to keep moving: how each side notices that the other one stands still."""

from __future__ import annotations

import math

__all__ = ["MISSED_PERIODS", "Heartbeat"]

MISSED_PERIODS = 3
WRAP = 2**15
"""Counters wrap here, so that they fit a signed 16-bit register too."""


class Heartbeat:
    """Watch the other side's counter and count our own.

    Parameters
    ----------
    period_s
        Seconds between two beats of either side; a counter that stood still for three of them is stale.
    """

    def __init__(self, period_s: float) -> None:
        self.period_s = period_s
        self._seen: int | None = None
        self._moved_at = 0.0
        self._beat_at: float | None = None
        self._count = 0

    def restart(self, now: float, *, trusted: bool = True) -> None:
        """Forget the other side's counter; trusted, it counts as alive for the first three periods."""
        self._seen = None
        self._moved_at = now if trusted else -math.inf
        self._beat_at = None

    def alive(self, counter: int | None, now: float) -> bool:
        """Take the other side's counter at ``now`` (monotonic seconds); False once it is stale.

        A side without a counter (None) is alive for as long as its connection is.
        """
        if counter is None:
            return True
        if counter != self._seen:
            if self._seen is not None:
                self._moved_at = now
            self._seen = counter
        return now - self._moved_at <= MISSED_PERIODS * self.period_s

    def due(self, now: float) -> int | None:
        """Return our next counter value where it is time for it."""
        if self._beat_at is not None and now - self._beat_at < self.period_s:
            return None
        self._beat_at = now
        self._count = (self._count + 1) % WRAP
        return self._count
