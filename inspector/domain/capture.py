"""How a camera fares: what it delivered, what was lost on the way, and how warm it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, runtime_checkable

__all__ = ["CameraHealth", "WatchedCamera"]


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """Counts since the line started, over all reconnections.

    Attributes
    ----------
    connected
        Whether the camera is there now.
    detail
        Why it is not there, or what to watch; empty where all is well.
    frames
        Whole frames that were handed to the line.
    incomplete
        Frames that arrived with a part missing; their parts are UNKNOWN.
    unasked
        Frames that belonged to no trigger: the camera was triggered twice, or too late.
    missing
        Triggers for which no frame came.
    packets_resent, packets_lost
        Packets of the network that were sent again, and that never arrived.
    reconnections
        How often the camera was lost and found again.
    temperature_c
        Of the camera, in degrees Celsius; None where it does not say.
    last_frame_at
        When the last whole frame was taken.
    """

    connected: bool
    detail: str = ""
    frames: int = 0
    incomplete: int = 0
    unasked: int = 0
    missing: int = 0
    packets_resent: int = 0
    packets_lost: int = 0
    reconnections: int = 0
    temperature_c: float | None = None
    last_frame_at: datetime | None = None

    def after(self, before: CameraHealth) -> CameraHealth:
        """Return this state with the counts of an earlier connection added."""
        return replace(
            self,
            frames=self.frames + before.frames,
            incomplete=self.incomplete + before.incomplete,
            unasked=self.unasked + before.unasked,
            missing=self.missing + before.missing,
            packets_resent=self.packets_resent + before.packets_resent,
            packets_lost=self.packets_lost + before.packets_lost,
            reconnections=self.reconnections + before.reconnections,
            last_frame_at=self.last_frame_at or before.last_frame_at,
        )


@runtime_checkable
class WatchedCamera(Protocol):
    """A camera that says how it fares; safe to call from any thread and quick."""

    def health(self) -> CameraHealth:
        """Return the counts so far and the state now."""
        ...
