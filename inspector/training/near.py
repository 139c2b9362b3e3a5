"""Pictures that are the same, or nearly: by hash of their pixels, and by perceptual hash confirmed on the pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Likeness", "Print", "finger_print", "likenesses"]

HASH_SIDE = 8
MOST_BITS = 12  # of 64; candidates only, the pixels decide
THUMB_SIDE = 96
LEAST_CORRELATION = 0.97
_LEAST_SPREAD = 1e-6
_ROWS_AT_ONCE = 512


@dataclass(frozen=True, slots=True, eq=False)
class Print:
    """What pictures are compared by: SHA-256 of the pixels, perceptual hash (bits,) and a normalised thumbnail."""

    exact: str
    bits: NDArray[np.uint8]
    thumb: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two pictures by their index, ``correlation`` of their thumbnails; 1 and ``exact`` for equal pixels."""

    first: int
    second: int
    correlation: float
    exact: bool


def finger_print(pixels: NDArray[np.uint8]) -> Print:
    """Return the print of a picture, grey (H, W).

    The thumbnail is a picture without its mean, of length 1, so that neither exposure nor gain matters.
    """
    exact = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    # A picture four times the hash is shrunk by area first: the library's own resampling of a large one is slow.
    small = cv2.resize(pixels, (HASH_SIDE * 8, HASH_SIDE * 8), interpolation=cv2.INTER_AREA)
    bits = imagehash.phash(Image.fromarray(np.asarray(small, np.uint8)), hash_size=HASH_SIDE).hash
    thumb = cv2.resize(pixels, (THUMB_SIDE, THUMB_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    thumb -= thumb.mean()
    length = float(np.linalg.norm(thumb))
    return Print(exact, np.packbits(bits), thumb / length if length > _LEAST_SPREAD else thumb)


def likenesses(prints: Sequence[Print]) -> list[Likeness]:
    """Return every pair of pictures that are equal or nearly so, most alike first."""
    if len(prints) < 2:  # noqa: PLR2004 - a pair
        return []
    bits = np.stack([each.bits for each in prints])
    thumbs = np.stack([each.thumb for each in prints])
    exact = np.unique([each.exact for each in prints], return_inverse=True)[1]
    found: list[Likeness] = []
    for start in range(0, len(prints), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        distance = np.stack([np.bitwise_count(bits ^ row).sum(axis=1) for row in bits[rows]])
        candidates = (distance <= MOST_BITS) | (exact[rows, None] == exact[None, :])
        for offset, second in zip(*np.nonzero(candidates), strict=True):
            first = start + int(offset)
            if second <= first:
                continue
            same = bool(exact[first] == exact[second])
            correlation = 1.0 if same else float(thumbs[first] @ thumbs[second])
            if same or correlation >= LEAST_CORRELATION:
                found.append(Likeness(first, int(second), correlation, same))
    return sorted(found, key=lambda pair: (not pair.exact, -pair.correlation))
