"""Everything that the screen and the API can be given beside the live feed; what is None is not there."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.domain.history import HistoryReader
from inspector.domain.overlays import Overlays
from inspector.domain.review import ReviewDesk

__all__ = ["Desks"]


@dataclass(frozen=True, slots=True)
class Desks:
    """The desks of one line.

    Attributes
    ----------
    review
        Parts that wait for a person.
    history
        What was inspected before.
    overlays
        Pictures to lay over that of a part.
    """

    review: ReviewDesk | None = None
    history: HistoryReader | None = None
    overlays: Overlays | None = None
