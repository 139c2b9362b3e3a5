"""The golden-template difference: whatever is brighter or darker than the golden part allows, after registration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.detection.golden_parts import GoldenParts
from inspector.detection.identity import rule_id
from inspector.detection.pixels import grey
from inspector.detection.regions import Region, binary_regions
from inspector.detection.registration import STILL_PX, find_shift
from inspector.domain import Box, Detection, DetectionError, Detections, Frame, ModelId, Trigger

__all__ = ["GoldenDetector"]


@dataclass(frozen=True, slots=True)
class _Envelope:
    """The golden part with every edge free to move by the tolerance: (H, W) lowest and highest grey level."""

    golden: NDArray[np.uint8]
    lowest: NDArray[np.uint8]
    highest: NDArray[np.uint8]


class GoldenDetector:
    """Frame -> Detections: regions outside the golden part's envelope, with masks.

    The frame is shifted onto the golden part (normalised cross-correlation, to a fraction of a pixel), then
    compared with the lowest and highest grey level that the golden part has within ``tolerance_px``. A finding's
    score is its largest excess over the full contrast of the golden part: a faint difference has a low score.

    Parameters
    ----------
    golden
        uint8 (H, W) or (H, W, 3) pictures of a good part by recipe; the empty name serves every other recipe.
    tolerance_px
        How far an edge may lie off its place.
    levels
        Grey levels that a pixel may lie outside the envelope.
    least_area_px
        Smallest region that counts.
    search_px
        How far a part may be shifted; beyond it, the frame is refused: it is another part, or out of place.
    """

    def __init__(
        self,
        golden: Mapping[str, NDArray[np.uint8]],
        *,
        label: str = "difference",
        tolerance_px: float = 3.0,
        levels: int = 60,
        least_area_px: int = 12,
        search_px: float = 20.0,
    ) -> None:
        self._label, self._levels, self._least_area_px = label, levels, least_area_px
        self._search_px = search_px
        side = 2 * max(0, math.ceil(tolerance_px)) + 1
        self._disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        self._parts = GoldenParts(golden)
        self._envelopes = {recipe: self._envelope(part) for recipe, part in self._parts.pictures.items()}
        facts = self._parts.facts
        self._identity = rule_id("golden", label, tolerance_px, levels, least_area_px, search_px, *facts)
        self._open = True

    @property
    def identity(self) -> ModelId:
        """Hash over golden images and tolerances."""
        return self._identity

    @property
    def description(self) -> str:
        """For people."""
        return "golden template"

    @property
    def classes(self) -> tuple[str, ...]:
        """The one label."""
        return (self._label,)

    @property
    def margins_px(self) -> Mapping[str, float]:
        """Regions are as large as what differs."""
        return {self._label: 0.0}

    def warm_up(self) -> None:
        """Compare one golden part with itself."""
        recipe, envelope = next(iter(self._envelopes.items()))
        now = datetime.now(UTC)
        self.detect(Frame(Trigger("", "warm-up", 0, now, recipe), envelope.golden.copy(), "warm-up", now))

    def detect(self, frame: Frame) -> Detections:
        """Return every region that differs; raises ``DetectionError``."""
        if not self._open:
            raise DetectionError("golden: the detector is closed")
        envelope = self._envelopes[self._parts.recipe_of(frame)]
        moved, shown = self._registered(grey(frame.pixels), envelope)
        excess = cv2.max(cv2.subtract(moved.pixels, envelope.highest), cv2.subtract(envelope.lowest, moved.pixels))
        beyond = (excess > self._levels) & shown
        regions = binary_regions(beyond, excess.astype(np.float32), least_area_px=self._least_area_px)
        contrast = max(1.0, float(envelope.highest.max()) - float(envelope.lowest.min()))
        return Detections(tuple(self._detection(region, moved, contrast, frame) for region in regions), self._identity)

    def close(self) -> None:
        """Take no more frames."""
        self._open = False

    def _envelope(self, golden: NDArray[np.uint8]) -> _Envelope:
        return _Envelope(
            golden,
            np.asarray(cv2.erode(golden, self._disc), np.uint8),
            np.asarray(cv2.dilate(golden, self._disc), np.uint8),
        )

    def _registered(self, pixels: NDArray[np.uint8], envelope: _Envelope) -> tuple[_Moved, NDArray[np.bool_]]:
        """Return the frame on the golden part, and which pixels of it are seen."""
        dx, dy = find_shift(envelope.golden, pixels, self._search_px)
        height, width = pixels.shape
        if math.hypot(dx, dy) < STILL_PX:
            return _Moved(pixels, 0.0, 0.0), np.ones((height, width), np.bool_)
        matrix = np.array([[1, 0, -dx], [0, 1, -dy]], np.float64)
        moved = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        shown = np.zeros((height, width), np.bool_)
        left, right = max(0, math.ceil(-dx)), width - max(0, math.ceil(dx))
        top, bottom = max(0, math.ceil(-dy)), height - max(0, math.ceil(dy))
        shown[top:bottom, left:right] = True
        return _Moved(np.asarray(moved, np.uint8), dx, dy), shown

    def _detection(self, region: Region, moved: _Moved, contrast: float, frame: Frame) -> Detection:
        left, top, right, bottom = region.box
        x0, y0 = max(0.0, left + moved.dx), max(0.0, top + moved.dy)
        x1, y1 = min(float(frame.width), right + moved.dx), min(float(frame.height), bottom + moved.dy)
        box = Box(x0, y0, max(x1, x0 + 0.5), max(y1, y0 + 0.5))
        size = max(1, round(box.width)), max(1, round(box.height))
        mask = region.mask
        if mask.shape != (size[1], size[0]):
            mask = np.asarray(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST), np.bool_)
        return Detection(self._label, min(1.0, region.peak / contrast), box, mask)


@dataclass(frozen=True, slots=True)
class _Moved:
    """A frame on the golden part, and by how many pixels it had been off."""

    pixels: NDArray[np.uint8]
    dx: float
    dy: float
