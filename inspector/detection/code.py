"""Code reading: who the part says it is, and findings where it does not say it or says something else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import zxingcpp

from inspector.detection.identity import rule_id
from inspector.detection.pixels import Window, box_of, grey, window_of
from inspector.domain import Box, ConfigurationError, Detection, DetectionError, Detections, Frame, ModelId

__all__ = ["CodeReader", "code_formats"]

UNREADABLE = "code_unreadable"
MISMATCH = "code_mismatch"


def code_formats() -> tuple[str, ...]:
    """Return the names of the codes that can be read, such as ``DataMatrix``."""
    names = (name for name in dir(zxingcpp.BarcodeFormat) if name[0].isupper() and not name.startswith("All"))
    return tuple(sorted(name for name in names if name not in {"NONE", "OtherBarcode"}))


class CodeReader:
    """Frame -> the part's identity, and a finding where there is no code or the wrong one.

    ``code_unreadable`` covers the window where no code of the wanted formats is read; ``code_mismatch`` lies on
    a code whose text does not match ``pattern``, or is not the part id that the PLC named. Codes are read or not:
    findings have score 1.

    Parameters
    ----------
    formats
        Names such as ``QRCode``, ``DataMatrix``, ``Code128``; empty: all.
    pattern
        Regular expression that the whole text must match; empty: any text.
    identity
        Whether the text is the part's identity: it becomes the part id where the trigger has none, and must be
        equal to it where it has one. With a group in ``pattern``, the first group is the identity.
    """

    def __init__(
        self,
        *,
        window: Window | None = None,
        formats: Sequence[str] = (),
        pattern: str = "",
        identity: bool = True,
    ) -> None:
        known = code_formats()
        unknown = [name for name in formats if name not in known]
        if unknown:
            raise ConfigurationError(
                f"code: there is no format {', '.join(unknown)}", remedy=f"Choose of {', '.join(known)}"
            )
        try:
            self._pattern = re.compile(pattern or r"(?s:.*)")
        except re.error as error:
            raise ConfigurationError(f"code: pattern {pattern!r} is not a regular expression: {error}") from error
        self._formats = "|".join(formats)
        self._window, self._is_identity = window, identity
        self._identity = rule_id("code", window, tuple(formats), pattern, identity)
        self._open = True

    @property
    def identity(self) -> ModelId:
        """Hash over what it was told."""
        return self._identity

    @property
    def description(self) -> str:
        """For people."""
        return "code reader"

    @property
    def classes(self) -> tuple[str, ...]:
        """What it finds fault with."""
        return UNREADABLE, MISMATCH

    @property
    def margins_px(self) -> Mapping[str, float]:
        """Boxes end where the code does."""
        return dict.fromkeys(self.classes, 0.0)

    def warm_up(self) -> None:
        """Read an empty picture once."""
        self._read(np.full((64, 64), 255, np.uint8))

    def detect(self, frame: Frame) -> Detections:
        """Return what is wrong with the code, and the part id it gives; raises ``DetectionError``."""
        if not self._open:
            raise DetectionError("code: the detector is closed")
        left, top, right, bottom = window = window_of(frame, self._window, "code")
        codes = self._read(np.ascontiguousarray(grey(frame.pixels)[top:bottom, left:right]))
        if not codes:
            return Detections((Detection(UNREADABLE, 1.0, box_of(window)),), self._identity)
        fitting = [(code, match) for code in codes if (match := self._pattern.fullmatch(code.text))]
        if not fitting:
            wrong = tuple(Detection(MISMATCH, 1.0, _box(code, left, top, frame)) for code in codes)
            return Detections(wrong, self._identity)
        if not self._is_identity:
            return Detections((), self._identity)
        wanted = frame.trigger.part_id
        told = [(code, match[1] if self._pattern.groups and match[1] else code.text) for code, match in fitting]
        if len({part_id for _, part_id in told}) > 1 or (wanted and told[0][1] != wanted):
            wrong = tuple(
                Detection(MISMATCH, 1.0, _box(code, left, top, frame)) for code, part_id in told if part_id != wanted
            )
            return Detections(wrong, self._identity)
        return Detections((), self._identity, told[0][1])

    def close(self) -> None:
        """Take no more frames."""
        self._open = False

    def _read(self, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> list[zxingcpp.Barcode]:
        try:
            # Made anew each time: an object of the library that outlives it complains at the process's end.
            formats = zxingcpp.barcode_formats_from_str(self._formats)
            found = zxingcpp.read_barcodes(pixels, formats=formats, text_mode=zxingcpp.TextMode.Plain)
        except (RuntimeError, ValueError) as error:
            raise DetectionError(f"code: reading failed: {error}", remedy="Check the image") from error
        return [code for code in found if code.valid]


def _box(code: zxingcpp.Barcode, left: int, top: int, frame: Frame) -> Box:
    place = code.position
    corners = [place.top_left, place.top_right, place.bottom_right, place.bottom_left]
    xs, ys = [corner.x + left for corner in corners], [corner.y + top for corner in corners]
    x0, y0 = max(0, min(xs)), max(0, min(ys))
    # A bar code is found on a line of pixels, which has no height.
    return Box(x0, y0, max(x0 + 1, min(frame.width, max(xs))), max(y0 + 1, min(frame.height, max(ys))))
