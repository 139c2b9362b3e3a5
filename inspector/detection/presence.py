"""Presence: something the golden part has at a place must be there."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.detection.one_label import OneLabelDetector
from inspector.detection.pixels import Window, box_of, grey, window_of
from inspector.domain import ConfigurationError, Detection, Detections, Frame

__all__ = ["PresenceDetector"]

_FLAT = 2.0  # standard deviation in grey levels below which a picture has nothing to recognise


class PresenceDetector(OneLabelDetector):
    """Frame -> one finding where the cut-out of the golden part is not found near its place.

    Found means a normalised cross-correlation of at least ``least_match`` anywhere within ``search_px``; the
    finding's score is how far below it fell, over ``least_match``: nothing alike at all scores 1.

    Parameters
    ----------
    golden
        uint8 picture of a good part.
    window
        Place of the thing on it, in pixels.
    """

    def __init__(
        self,
        golden: NDArray[np.uint8],
        window: Window,
        *,
        label: str = "missing",
        search_px: float = 20.0,
        least_match: float = 0.7,
    ) -> None:
        left, top, right, bottom = (round(side) for side in window)
        height, width = golden.shape[:2]
        if left < 0 or top < 0 or right > width or bottom > height or left >= right or top >= bottom:
            raise ConfigurationError(
                f"presence of {label}: its box {left}, {top}, {right}, {bottom} px does not lie within the golden "
                f"image of {width} x {height}",
                remedy="Correct box_mm of this detector",
            )
        self._template = np.ascontiguousarray(grey(golden)[top:bottom, left:right])
        if float(self._template.std()) < _FLAT:
            raise ConfigurationError(
                f"presence of {label}: the golden image is plain at its box, there is nothing to recognise",
                remedy="Draw box_mm so that it takes in the edge of the thing",
            )
        self._window = (left, top, right, bottom)
        self._search, self._least = round(search_px), least_match
        super().__init__("presence", label, self._window, search_px, least_match, self._template.tobytes())

    def detect(self, frame: Frame) -> Detections:
        """Return one finding where the thing is missing; raises ``DetectionError``."""
        self._require_open()
        window_of(frame, self._window, f"presence of {self._label}")
        left, top, right, bottom = self._window
        x0, y0 = max(0, left - self._search), max(0, top - self._search)
        x1, y1 = min(frame.width, right + self._search), min(frame.height, bottom + self._search)
        area = np.ascontiguousarray(grey(frame.pixels)[y0:y1, x0:x1])
        match = float(np.nan_to_num(cv2.matchTemplate(area, self._template, cv2.TM_CCOEFF_NORMED)).max())
        items: tuple[Detection, ...] = ()
        if match < self._least:
            score = min(1.0, (self._least - match) / self._least)
            items = (Detection(self._label, score, box_of(self._window)),)
        return Detections(items, self._identity)
