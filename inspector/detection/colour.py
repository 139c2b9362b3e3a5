"""Colour: a window of the part must have the colour it ought to have."""

from __future__ import annotations

import math

import cv2
import numpy as np

from inspector.detection.one_label import OneLabelDetector
from inspector.detection.pixels import COLOUR_DIMENSIONS, Window, box_of, window_of
from inspector.domain import Detection, DetectionError, Detections, Frame

__all__ = ["ColourDetector"]


class ColourDetector(OneLabelDetector):
    """Frame -> one finding where the mean colour of the window is off by more than the tolerance.

    Distances are CIE 1976 colour differences (CIE 15:2018, 8.2.1) from sRGB pixels under D65; about 2 is what a
    trained eye sees. The score is 1 at twice the tolerance.

    Parameters
    ----------
    lab
        CIELAB L*, a*, b* that the window ought to have.
    tolerance
        Largest colour difference that is good.
    """

    def __init__(
        self, window: Window, lab: tuple[float, float, float], *, label: str = "wrong_colour", tolerance: float = 8.0
    ) -> None:
        self._window, self._lab, self._tolerance = window, lab, tolerance
        super().__init__("colour", label, window, lab, tolerance)

    def detect(self, frame: Frame) -> Detections:
        """Return one finding where the colour is off; raises ``DetectionError``, also for a grey frame."""
        self._require_open()
        if frame.pixels.ndim != COLOUR_DIMENSIONS:
            raise DetectionError(
                f"colour {self._label}: the frame is grey",
                remedy="Set the camera to colour, or take this detector out of the line",
            )
        left, top, right, bottom = window = window_of(frame, self._window, f"colour {self._label}")
        part = frame.pixels[top:bottom, left:right].astype(np.float32) / 255
        mean = cv2.cvtColor(part, cv2.COLOR_BGR2LAB).reshape(-1, 3).mean(axis=0)
        difference = math.dist(mean.tolist(), self._lab)
        if difference <= self._tolerance:
            return Detections((), self._identity)
        score = min(1.0, difference / (2 * self._tolerance)) if self._tolerance else 1.0
        return Detections((Detection(self._label, score, box_of(window)),), self._identity)
