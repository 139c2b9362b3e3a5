"""Blobs: connected regions brighter or darker than a level, each a finding, or counted."""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np

from inspector.detection.one_label import OneLabelDetector
from inspector.detection.pixels import Window, box_of, grey, window_of
from inspector.detection.regions import binary_regions
from inspector.domain import Box, Detection, Detections, Frame

__all__ = ["BlobDetector"]

_WHITE = 255


class BlobDetector(OneLabelDetector):
    """Frame -> the blobs within a window; or, where a count is expected, one finding when it is not met.

    A blob is there or not: findings have score 1.

    Parameters
    ----------
    level
        Grey level that divides dark from bright; None finds it in each frame (Otsu).
    area_px
        Smallest and largest area of a blob; others are passed over.
    count
        How many blobs a good part has, at least and at most; None: every blob is a finding.
    """

    def __init__(
        self,
        *,
        label: str = "blob",
        window: Window | None = None,
        shade: Literal["dark", "bright"] = "dark",
        level: int | None = None,
        area_px: tuple[float, float] = (1.0, math.inf),
        count: tuple[int, int] | None = None,
    ) -> None:
        self._window, self._bright, self._level = window, shade == "bright", level
        self._area, self._count = area_px, count
        super().__init__("blob", label, window, shade, level, area_px, count)

    def detect(self, frame: Frame) -> Detections:
        """Return the blobs, or one finding over the window where their number is wrong."""
        self._require_open()
        left, top, right, bottom = window = window_of(frame, self._window, f"blob {self._label}")
        pixels = np.ascontiguousarray(grey(frame.pixels)[top:bottom, left:right])
        level = float(self._level) if self._level is not None else cv2.threshold(pixels, 0, _WHITE, cv2.THRESH_OTSU)[0]
        picture = pixels > level if self._bright else pixels <= level
        least, most = self._area
        blobs = [
            blob
            for blob in binary_regions(picture, least_area_px=max(1, math.ceil(least)), most=None)
            if blob.area_px <= most
        ]
        if self._count is None:
            items = tuple(
                Detection(
                    self._label,
                    1.0,
                    Box(blob.box[0] + left, blob.box[1] + top, blob.box[2] + left, blob.box[3] + top),
                    blob.mask,
                )
                for blob in blobs
            )
        else:
            fine = self._count[0] <= len(blobs) <= self._count[1]
            items = () if fine else (Detection(self._label, 1.0, box_of(window)),)
        return Detections(items, self._identity)
