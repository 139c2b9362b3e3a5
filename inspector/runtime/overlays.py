"""What a part's picture is compared with on the screen: the golden part, and the heat of a good-only model."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.capture import read_image
from inspector.detection import AnomalyDetector, laid_on
from inspector.domain import CaptureError, DetectionError, Frame, OverlayKind, RecordedPart

__all__ = ["LineOverlays", "grey", "shaded"]

HOTTEST = 2.0  # of the threshold; all above looks the same
KEPT = 32
COLOURED = 3


class LineOverlays:
    """``Overlays`` of one line; each is made once and kept for a while.

    Parameters
    ----------
    golden
        uint8 (H, W) pictures of a good part by recipe; the empty name serves every other recipe.
    heat
        Opens the good-only models, at their first use.
    search_px
        How far a part may lie off the golden one.
    """

    def __init__(
        self,
        golden: Mapping[str, NDArray[np.uint8]],
        heat: Sequence[Callable[[], AnomalyDetector]] = (),
        *,
        search_px: float = 20.0,
    ) -> None:
        self._golden, self._open, self._search_px = dict(golden), tuple(heat), search_px
        self._heat: tuple[AnomalyDetector, ...] = ()
        self._turn = threading.Lock()
        self._made: OrderedDict[tuple[UUID, OverlayKind], bytes] = OrderedDict()

    def kinds(self, part: RecordedPart) -> Sequence[OverlayKind]:
        """Return what this part can be compared with; nothing where its picture is not kept."""
        if part.image is None:
            return ()
        there = {OverlayKind.GOLDEN: self._golden_of(part) is not None, OverlayKind.HEAT: bool(self._open)}
        return [kind for kind, known in there.items() if known]

    def jpeg(self, part: RecordedPart, kind: OverlayKind) -> bytes:
        """Return the overlay as JPEG; raises ``CaptureError`` or ``DetectionError``."""
        key = (part.report.id, kind)
        with self._turn:
            if key not in self._made:
                self._made[key] = self._make(part, kind)
            self._made.move_to_end(key)
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
            return self._made[key]

    def close(self) -> None:
        """Let the models go."""
        for detector in self._heat:
            detector.close()

    def _golden_of(self, part: RecordedPart) -> NDArray[np.uint8] | None:
        found = self._golden.get(part.report.verdict.recipe)
        return found if found is not None else self._golden.get("")

    def _make(self, part: RecordedPart, kind: OverlayKind) -> bytes:
        if part.image is None:
            raise CaptureError("no picture of this part is kept")
        pixels = read_image(part.image)
        golden = self._golden_of(part)
        try:
            if kind is OverlayKind.HEAT:
                shown = self._heat_over(part, pixels)
            elif golden is None:
                raise DetectionError(f"there is no golden image for recipe {part.report.verdict.recipe!r}")
            else:
                shown = self._laid(golden, pixels)
            _, encoded = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 88])
        except cv2.error as error:
            raise DetectionError(f"part {part.report.trigger.part_id} cannot be compared: {error}") from error
        return encoded.tobytes()

    def _laid(self, golden: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        seen = grey(pixels)
        if seen.shape != golden.shape:
            raise DetectionError(
                f"the picture has {seen.shape[1]} x {seen.shape[0]} pixels, the golden image "
                f"{golden.shape[1]} x {golden.shape[0]}"
            )
        return laid_on(golden, seen, self._search_px)

    def _heat_over(self, part: RecordedPart, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        self._heat = self._heat or tuple(opened() for opened in self._open)
        frame = Frame(part.report.trigger, pixels, str(part.image), part.recorded_at)
        return shaded(np.max([detector.heat_map(frame) for detector in self._heat], axis=0))


def grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (H, W) or (H, W, 3) BGR as grey (H, W)."""
    return pixels if pixels.ndim < COLOURED else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)


def shaded(heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return heat (H, W), in thresholds, as a BGR picture (H, W, 3)."""
    levels = np.clip(heat / HOTTEST * 255, 0, 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), np.uint8)
