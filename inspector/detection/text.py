"""Reading printed text, such as a lot number; needs the extra `ocr`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.detection.identity import rule_id
from inspector.detection.pixels import COLOUR_DIMENSIONS, Window, box_of, window_of
from inspector.domain import Box, ConfigurationError, Detection, DetectionError, Detections, Frame, ModelId

__all__ = ["TextReader"]

_LARGEST_PX = 960  # of a window; larger ones are shrunk to it
UNREADABLE = "text_unreadable"
MISMATCH = "text_mismatch"


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of text: what it says, how sure the reader is, and its corners in window pixels (4, 2)."""

    text: str
    score: float
    corners: NDArray[np.float32]


class TextReader:
    """Frame -> a finding where the printed text is missing or does not match, and the part id it may give.

    ``text_unreadable`` covers the window where no line is read with ``least_score``; ``text_mismatch`` covers what
    was read where neither a line nor all lines together, one blank between them, match ``pattern`` as a whole.

    Parameters
    ----------
    identity
        Whether the text (the pattern's first group, where it has one) is the part's identity.
    threads
        Processor threads of one call.
    """

    def __init__(
        self,
        *,
        window: Window | None = None,
        pattern: str = "",
        least_score: float = 0.8,
        identity: bool = False,
        threads: int = 2,
    ) -> None:
        try:
            self._pattern = re.compile(pattern or r"(?s:.*)")
        except re.error as error:
            raise ConfigurationError(f"text: pattern {pattern!r} is not a regular expression: {error}") from error
        self._engine: Any = _engine(threads)
        self._window, self._least_score, self._is_identity = window, least_score, identity
        self._identity = rule_id("text", window, pattern, least_score, identity)

    @property
    def identity(self) -> ModelId:
        """Hash over what it was told."""
        return self._identity

    @property
    def description(self) -> str:
        """For people."""
        return "text reader"

    @property
    def classes(self) -> tuple[str, ...]:
        """What it finds fault with."""
        return UNREADABLE, MISMATCH

    @property
    def margins_px(self) -> Mapping[str, float]:
        """Boxes end where the text does."""
        return dict.fromkeys(self.classes, 0.0)

    def warm_up(self) -> None:
        """Load the networks: the first call takes seconds."""
        picture = np.full((64, 256, 3), 255, np.uint8)
        cv2.putText(picture, "0000", (20, 44), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2)
        self._read(picture)

    def detect(self, frame: Frame) -> Detections:
        """Return what is wrong with the text, and the part id it gives; raises ``DetectionError``."""
        left, top, right, bottom = window = window_of(frame, self._window, "text")
        pixels = np.ascontiguousarray(frame.pixels[top:bottom, left:right])
        lines = [line for line in self._read(pixels) if line.score >= self._least_score]
        if not lines:
            return Detections((Detection(UNREADABLE, 1.0, box_of(window)),), self._identity)
        texts = [line.text for line in lines]
        match = next((found for text in [" ".join(texts), *texts] if (found := self._pattern.fullmatch(text))), None)
        if match is None:
            corners = np.concatenate([line.corners for line in lines])
            (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
            return self._mismatch(Box(left + float(x0), top + float(y0), left + float(x1), top + float(y1)))
        if not self._is_identity:
            return Detections((), self._identity)
        part_id = match[1] if self._pattern.groups and match[1] else match[0]
        if frame.trigger.part_id and part_id != frame.trigger.part_id:
            return self._mismatch(box_of(window))
        return Detections((), self._identity, part_id)

    def close(self) -> None:
        """Release the networks."""
        self._engine = None

    def _mismatch(self, box: Box) -> Detections:
        return Detections((Detection(MISMATCH, 1.0, box),), self._identity)

    def _read(self, pixels: NDArray[np.uint8]) -> list[_Line]:
        """Return the lines from top to bottom, and from left to right where they stand side by side."""
        if self._engine is None:
            raise DetectionError("text: the detector is closed")
        if pixels.ndim != COLOUR_DIMENSIONS:
            pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), np.uint8)
        try:
            found = self._engine(pixels)
        except (RuntimeError, ValueError, cv2.error) as error:
            raise DetectionError(f"text: reading failed: {error}", remedy="Check the image") from error
        if found.txts is None:
            return []
        lines = [
            _Line(str(text), float(score), np.asarray(corners, np.float32))
            for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True)
        ]
        height = float(np.median([np.ptp(line.corners[:, 1]) for line in lines]))
        return sorted(
            lines, key=lambda line: (round(line.corners[:, 1].mean() / max(height, 1)), line.corners[:, 0].min())
        )


def _engine(threads: int) -> Any:
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise ConfigurationError(
            "text reading needs rapidocr, which is not installed",
            remedy="Install the extra: pip install 'line-inspector[ocr]'",
        ) from error
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,  # a part on a fixture is not upside down
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            # Small pictures as they are: enlarged to the reader's own 736 px they take twenty times as long.
            "Det.limit_type": "max",
            "Det.limit_side_len": _LARGEST_PX,
        }
    )
