"""Frame -> network input: fitted, padded, normalised, into one buffer that is used again and again."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.detection.card import InputSpec

__all__ = ["Letterbox", "Placement"]

_GREY_DIMENSIONS = 2


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a frame lies in the input: from the top-left corner on, ``width`` x ``height`` input pixels."""

    width: int
    height: int
    frame_width: int
    frame_height: int

    @property
    def scale(self) -> tuple[float, float]:
        """Input pixels per raw-image pixel along x and y; they differ by the rounding to whole pixels."""
        return self.width / self.frame_width, self.height / self.frame_height


class Letterbox:
    """Writes uint8 frames into a float32 buffer (1, C, H, W) as the model card wants them.

    A frame that fits is never enlarged: a defect keeps the size in pixels that the weights were trained
    on. A larger one is shrunk as a whole. The frame sits in the top-left corner, the rest is padding.
    """

    def __init__(self, spec: InputSpec) -> None:
        self._spec = spec
        pad = (spec.pad_value - spec.normalisation.mean) / spec.normalisation.std
        self._pad = np.float32(pad)
        self._factor = np.float32(1 / spec.normalisation.std)
        self._offset = np.float32(-spec.normalisation.mean / spec.normalisation.std)
        self._buffer = np.full((1, *spec.shape), self._pad, np.float32)
        self._filled = (spec.height, spec.width)

    def placement(self, width: int, height: int) -> Placement:
        """Return where a frame of this size goes."""
        scale = min(1.0, self._spec.width / width, self._spec.height / height)
        return Placement(max(1, round(width * scale)), max(1, round(height * scale)), width, height)

    def __call__(
        self, pixels: NDArray[np.uint8], golden: NDArray[np.uint8] | None = None
    ) -> tuple[NDArray[np.float32], Placement]:
        """Return the filled buffer, valid until the next call, and where the frame lies in it.

        Parameters
        ----------
        pixels
            uint8 (H, W) grey or (H, W, 3) BGR.
        golden
            uint8 (H, W): the golden part as it would lie in this frame, for weights that see one; without it their
            second plane is empty.
        """
        height, width = pixels.shape[:2]
        place = self.placement(width, height)
        pixels = _fitted(pixels, place)
        if (place.height, place.width) != self._filled:
            self._buffer.fill(self._pad)
            self._filled = (place.height, place.width)
        planes = self._buffer[0, :, : place.height, : place.width]
        if pixels.ndim != _GREY_DIMENSIONS and self._spec.colour == "grey":
            pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
        if self._spec.sees_golden:
            self._normalise(pixels, planes[0])
            if golden is None:
                planes[1].fill(self._pad)
            else:
                self._normalise(_fitted(golden, place), planes[1])
        elif pixels.ndim == _GREY_DIMENSIONS:
            self._normalise(pixels, planes[0])
            for plane in planes[1:]:
                np.copyto(plane, planes[0])
        else:
            order = (0, 1, 2) if self._spec.colour == "bgr" else (2, 1, 0)
            # Whole planes are twice as quick to normalise as every third byte.
            colours = cv2.split(pixels)
            for plane, channel in zip(planes, order, strict=True):
                self._normalise(np.asarray(colours[channel], np.uint8), plane)
        return self._buffer, place

    def _normalise(self, grey: NDArray[np.uint8], plane: NDArray[np.float32]) -> None:
        np.multiply(grey, self._factor, out=plane, dtype=np.float32, casting="unsafe")
        if self._offset:
            plane += self._offset


def _fitted(pixels: NDArray[np.uint8], place: Placement) -> NDArray[np.uint8]:
    if pixels.shape[:2] == (place.height, place.width):
        return pixels
    return np.asarray(cv2.resize(pixels, (place.width, place.height), interpolation=cv2.INTER_AREA), np.uint8)
