"""What runs the weights: the seam between a detector and an inference runtime."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Backend"]


class Backend(Protocol):
    """One compiled model; not safe for two threads at once."""

    @property
    def name(self) -> str:
        """Short name for logs, reports and the line's settings."""
        ...

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the raw head output of a normalised, contiguous batch (N, C, H, W).

        The result may be a view that the next call overwrites. Raises ``DetectionError``.
        """
        ...

    def close(self) -> None:
        """Release the runtime; safe to call twice."""
        ...
