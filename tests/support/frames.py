"""Frames for tests that need nothing but pixels."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from inspector.domain import Frame, Trigger

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def frame(pixels: NDArray[np.uint8], *, part_id: str = "0001", recipe: str = "") -> Frame:
    """Return a frame of these pixels."""
    return Frame(Trigger(part_id, "cell-1", 1, NOW, recipe), pixels, "test", NOW)
