"""The golden-template difference: whatever is brighter or darker than the golden part allows, after registration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.detection.identity import rule_id
from inspector.detection.pixels import grey
from inspector.detection.regions import Region, binary_regions
from inspector.domain import Box, ConfigurationError, Detection, DetectionError, Detections, Frame, ModelId, Trigger

__all__ = ["GoldenDetector", "find_shift", "laid_on"]

_STILL_PX = 0.05  # a shift below this is not worth an interpolation
_COARSE = 4  # the first search is made on pictures smaller by this factor
_TIE = 1e-4
_FLAT = 2.0  # standard deviation in grey levels below which a picture has nothing to hold on to


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
        if not golden:
            raise ConfigurationError("a golden detector needs a golden image")
        self._label, self._levels, self._least_area_px = label, levels, least_area_px
        self._search_px = search_px
        side = 2 * max(0, math.ceil(tolerance_px)) + 1
        self._disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        self._envelopes = {recipe: self._envelope(grey(pixels)) for recipe, pixels in golden.items()}
        facts = [part for name in sorted(golden) for part in (name, golden[name].tobytes())]
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
        envelope = self._of_recipe(frame)
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

    def _of_recipe(self, frame: Frame) -> _Envelope:
        envelope = self._envelopes.get(frame.trigger.recipe) or self._envelopes.get("")
        if envelope is None:
            raise DetectionError(
                f"golden: there is no golden image for recipe {frame.trigger.recipe!r}",
                remedy="Add it under recipes of this detector, or give it an image for all recipes",
            )
        if envelope.golden.shape != (frame.height, frame.width):
            height, width = envelope.golden.shape
            raise DetectionError(
                f"golden: the frame has {frame.width} x {frame.height} pixels, the golden image {width} x {height}",
                remedy="Take the golden image again with this camera",
            )
        return envelope

    def _registered(self, pixels: NDArray[np.uint8], envelope: _Envelope) -> tuple[_Moved, NDArray[np.bool_]]:
        """Return the frame on the golden part, and which pixels of it are seen."""
        dx, dy = find_shift(envelope.golden, pixels, self._search_px)
        height, width = pixels.shape
        if math.hypot(dx, dy) < _STILL_PX:
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


def laid_on(golden: NDArray[np.uint8], seen: NDArray[np.uint8], search_px: float = 20.0) -> NDArray[np.uint8]:
    """Return the golden part moved to where the part lies in the picture; both uint8 (H, W).

    Raises
    ------
    DetectionError
        The part is out of place by more than ``search_px``, or another one.
    """
    dx, dy = find_shift(golden, seen, search_px)
    if math.hypot(dx, dy) < _STILL_PX:
        return golden
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    return np.asarray(cv2.warpAffine(golden, matrix, golden.shape[::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8)


def find_shift(golden: NDArray[np.uint8], seen: NDArray[np.uint8], search_px: float) -> tuple[float, float]:
    """Return by how many pixels (dx, dy) what is seen lies off the golden part.

    The correlation is taken at every shift within ``search_px`` and nowhere else: the peak of a phase
    correlation may lie anywhere on parts that repeat themselves, as boards do.

    Raises
    ------
    DetectionError
        The best shift lies at the end of the search: the part is out of place, or another one.
    """
    reach = min(max(1, math.ceil(search_px)), (min(golden.shape) - 1) // 4)
    coarse = max(1, min(_COARSE, reach // 2))
    small = [
        np.asarray(cv2.resize(each, None, fx=1 / coarse, fy=1 / coarse, interpolation=cv2.INTER_AREA), np.uint8)
        for each in (golden, seen)
    ]
    if float(np.std(small[0])) < _FLAT:
        return 0.0, 0.0
    x, y = _best_shift(small[0], small[1], math.ceil(reach / coarse) + 1)
    start_x, start_y = round(x * coarse), round(y * coarse)
    if max(abs(start_x), abs(start_y)) > reach:
        raise DetectionError(
            f"golden: the part lies more than {search_px:g} px off the golden part",
            remedy="Check the fixture and the recipe; or raise search_mm of this detector",
        )
    moved = cv2.warpAffine(
        seen,
        np.array([[1, 0, -start_x], [0, 1, -start_y]], np.float64),
        seen.shape[::-1],
        borderMode=cv2.BORDER_REPLICATE,
    )
    x, y = _best_shift(golden, np.asarray(moved, np.uint8), coarse + 1)
    return start_x + x, start_y + y


def _best_shift(golden: NDArray[np.uint8], seen: NDArray[np.uint8], reach: int) -> tuple[float, float]:
    """Return the shift with the highest correlation within ``reach`` along both axes."""
    inner = np.ascontiguousarray(golden[reach:-reach, reach:-reach])
    values = np.nan_to_num(cv2.matchTemplate(seen, inner, cv2.TM_CCOEFF_NORMED)).astype(np.float64)
    # Of shifts that fit equally well, as along a straight edge, the smallest is meant.
    rows, columns = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    values -= _TIE * (rows**2 + columns**2) / reach**2
    row, column = (int(index) for index in np.unravel_index(int(values.argmax()), values.shape))
    x = column - reach + _parabola(values[row, max(0, column - 1) : column + 2].tolist())
    y = row - reach + _parabola(values[max(0, row - 1) : row + 2, column].tolist())
    return x, y


def _parabola(three: list[float]) -> float:
    """Return where a parabola through three values has its top, from the middle one; 0 where there are not three."""
    if len(three) < 3:  # noqa: PLR2004
        return 0.0
    before, top, after = three
    bend = before - 2 * top + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0
