"""Pictures that can be laid over that of a part: the golden part, and the heat of what differs."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol, runtime_checkable

from inspector.domain.live import RecordedPart

__all__ = ["OverlayKind", "Overlays"]


class OverlayKind(StrEnum):
    """What is laid over."""

    GOLDEN = "golden"
    """The golden part, moved to where this one lies."""
    HEAT = "heat"
    """How much each place differs from good parts."""


@runtime_checkable
class Overlays(Protocol):
    """Makes overlays from archived pictures, slowly: never on the verdict path."""

    def kinds(self, part: RecordedPart) -> Sequence[OverlayKind]:
        """Return what this part can be compared with; nothing where its picture is not kept."""
        ...

    def jpeg(self, part: RecordedPart, kind: OverlayKind) -> bytes:
        """Return the overlay, of the size of the part's picture, as JPEG.

        Raises
        ------
        CaptureError
            The picture cannot be read.
        DetectionError
            The part does not lie where the golden part does, or is none of these.
        """
        ...
