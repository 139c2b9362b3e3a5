"""One image file -> uint8 pixels, or a clear word about what is wrong with it."""

from __future__ import annotations

import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import BadFrame

__all__ = ["SUFFIXES", "read_image"]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})

_COLOUR_DIMENSIONS = 3
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_JPEG_HEAD = b"\xff\xd8\xff"
_JPEG_SCAN = b"\xff\xda"
_JPEG_END = b"\xff\xd9"
_REPLACE = "Copy the file again from its source, or take it out of the folder"


def read_image(path: Path, bits: int | None = None) -> NDArray[np.uint8]:
    """Return the image as (H, W) grey or (H, W, 3) BGR, 8 bits.

    The picture is turned as its EXIF orientation says, as every viewer shows it; an alpha channel is dropped.

    Parameters
    ----------
    bits
        How many of the 16 bits of a deep file the camera used, counted from the lowest. The eight highest of them
        are kept, the same for every picture: stretching each by its own brightest pixel would hide a dim lamp.

    Raises
    ------
    BadFrame
        The file cannot be read, is truncated or altered, has more than 8 bits per channel where ``bits`` is not
        said, or a pixel that ``bits`` cannot hold.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadFrame(f"{path}: cannot be read: {error.strerror}", remedy=_REPLACE) from error
    if not content:
        raise BadFrame(f"{path}: the file is empty", remedy=_REPLACE)
    if not _is_complete(content):
        raise BadFrame(f"{path}: the image is truncated or altered ({len(content)} bytes)", remedy=_REPLACE)
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error as error:
        raise BadFrame(f"{path}: cannot be decoded: {error.err}", remedy=_REPLACE) from error
    if pixels is None:
        raise BadFrame(f"{path}: not an image, or a truncated one ({len(content)} bytes)", remedy=_REPLACE)
    if pixels.dtype != np.uint8:
        pixels = _eight_bits(path, np.asarray(pixels), bits)
    if pixels.ndim == _COLOUR_DIMENSIONS and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    return np.asarray(pixels, np.uint8)


def _eight_bits(path: Path, pixels: NDArray[np.generic], bits: int | None) -> NDArray[np.uint8]:
    if pixels.dtype != np.uint16:
        raise BadFrame(
            f"{path}: has {8 * pixels.dtype.itemsize} bits per channel ({pixels.dtype}), expected 8 or 16",
            remedy="Export it with 8 or 16 bits, grey or colour",
        )
    if bits is None:
        raise BadFrame(
            f"{path}: has 16 bits per channel, and how many of them the camera uses is not said",
            remedy="Add `bits: 12` (or 10, 14, 16) to `camera:` of the line, or export with 8 bits",
        )
    brightest = int(pixels.max())
    if brightest >= 1 << bits:
        raise BadFrame(
            f"{path}: has grey level {brightest}, more than {bits} bits hold",
            remedy="Correct `camera: {bits: ...}` of the line",
        )
    return (np.asarray(pixels, np.uint16) >> (bits - 8)).astype(np.uint8)


def _is_complete(content: bytes) -> bool:
    """Return False where the decoder would silently fill what is missing or altered."""
    if content.startswith(_JPEG_HEAD):
        # Scan data cannot hold a marker, so the end marker of a whole image follows its last scan.
        return content.rfind(_JPEG_END) > content.rfind(_JPEG_SCAN)
    if content.startswith(_PNG_HEAD):
        return _png_is_complete(content)
    return True


def _png_is_complete(content: bytes) -> bool:
    """Return whether every chunk up to IEND is there with the right checksum (PNG specification, 5.3)."""
    position = len(_PNG_HEAD)
    while position + 12 <= len(content):
        length = int.from_bytes(content[position : position + 4], "big")
        end = position + 12 + length
        kind = content[position + 4 : position + 8]
        if zlib.crc32(content[position + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            return False
        if kind == b"IEND":
            return True
        position = end
    return False
