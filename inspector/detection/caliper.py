"""The caliper: the distance between the outer edges of a feature across a window, to a fraction of a pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.detection.identity import rule_id
from inspector.detection.pixels import Window, box_of, grey, window_of
from inspector.domain import Box, Detection, DetectionError, Detections, Frame, ModelId

__all__ = ["CaliperDetector", "edges"]

_THIN_PX = 1.0


class CaliperDetector:
    """Frame -> one finding that reaches from the first edge to the last, so that rules can hold its length.

    It measures, so its finding is no flaw by itself: give its label limits (``characteristic: length``). Where
    fewer than two edges are found it says ``<label>_not_found`` over the whole window.

    Parameters
    ----------
    axis
        ``x``: edges are crossed from left to right; ``y``: from top to bottom.
    contrast
        Least step in grey levels that is an edge.
    """

    def __init__(
        self, window: Window, *, label: str = "gap", axis: Literal["x", "y"] = "x", contrast: float = 20.0
    ) -> None:
        self._window, self._label, self._axis, self._contrast = window, label, axis, contrast
        self._identity = rule_id("caliper", label, window, axis, contrast)
        self._open = True

    @property
    def identity(self) -> ModelId:
        """Hash over what it was told."""
        return self._identity

    @property
    def description(self) -> str:
        """For people."""
        return f"caliper ({self._label})"

    @property
    def classes(self) -> tuple[str, ...]:
        """What was measured, and that it was not found."""
        return self._label, f"{self._label}_not_found"

    @property
    def margins_px(self) -> Mapping[str, float]:
        """Edges are where they are."""
        return dict.fromkeys(self.classes, 0.0)

    def warm_up(self) -> None:
        """Nothing to warm up."""

    def detect(self, frame: Frame) -> Detections:
        """Return the one finding; raises ``DetectionError``."""
        if not self._open:
            raise DetectionError("caliper: the detector is closed")
        left, top, right, bottom = window = window_of(frame, self._window, f"caliper {self._label}")
        pixels = grey(frame.pixels)[top:bottom, left:right].astype(np.float64)
        found = edges(pixels.mean(axis=0 if self._axis == "x" else 1), self._contrast)
        if len(found) < 2:  # noqa: PLR2004
            return Detections((Detection(self.classes[1], 1.0, box_of(window)),), self._identity)
        first, last = float(found[0]), float(found[-1])
        # As thin as a line: the longer side of the box is the distance, whatever the window.
        if self._axis == "x":
            middle = (top + bottom) / 2
            box = Box(left + first, middle - _THIN_PX / 2, left + last, middle + _THIN_PX / 2)
        else:
            middle = (left + right) / 2
            box = Box(middle - _THIN_PX / 2, top + first, middle + _THIN_PX / 2, top + last)
        return Detections((Detection(self._label, 1.0, box),), self._identity)

    def close(self) -> None:
        """Take no more frames."""
        self._open = False


def edges(profile: NDArray[np.float64], contrast: float) -> NDArray[np.float64]:
    """Return where the grey levels of a profile step by at least ``contrast``, in pixels from its start.

    An edge is the centre of gravity of a run of steps in one direction; pixel ``i`` reaches from ``i`` to
    ``i + 1``, so that a step between pixels 4 and 5 is an edge at 5.0.
    """
    smooth = cv2.GaussianBlur(profile[None, :], (5, 1), 0.8, borderType=cv2.BORDER_REPLICATE)[0]
    steps = np.diff(smooth)
    found = []
    start = 0
    for index in range(1, len(steps) + 1):
        if index < len(steps) and np.sign(steps[index]) == np.sign(steps[start]):
            continue
        run = steps[start:index]
        if abs(float(run.sum())) >= contrast:
            weights = np.abs(run)
            found.append(float((np.arange(start, index) * weights).sum() / weights.sum()) + 1.0)
        start = index
    return np.array(found)
