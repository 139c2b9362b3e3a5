"""Blobs: connected regions brighter or darker than a level, each a finding, or counted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import cv2
import numpy as np

from inspector.detection.identity import rule_id
from inspector.detection.pixels import Window, box_of, grey, window_of
from inspector.detection.regions import binary_regions
from inspector.domain import Box, Detection, DetectionError, Detections, Frame, ModelId

__all__ = ["BlobDetector"]

_WHITE = 255


class BlobDetector:
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
        self._label, self._window, self._bright, self._level = label, window, shade == "bright", level
        self._area, self._count = area_px, count
        self._identity = rule_id("blob", label, window, shade, level, area_px, count)
        self._open = True

    @property
    def identity(self) -> ModelId:
        """Hash over what it was told."""
        return self._identity

    @property
    def description(self) -> str:
        """For people."""
        return f"blob ({self._label})"

    @property
    def classes(self) -> tuple[str, ...]:
        """The one label."""
        return (self._label,)

    @property
    def margins_px(self) -> Mapping[str, float]:
        """Boxes end where the blob does."""
        return {self._label: 0.0}

    def warm_up(self) -> None:
        """Nothing to warm up."""

    def detect(self, frame: Frame) -> Detections:
        """Return the blobs, or one finding over the window where their number is wrong."""
        if not self._open:
            raise DetectionError("blob: the detector is closed")
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

    def close(self) -> None:
        """Take no more frames."""
        self._open = False
