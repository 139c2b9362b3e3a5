"""Raw bytes of an industrial camera -> eight-bit pixels, by the format's name in the GenICam naming convention.

Names and layouts follow EMVA, GenICam Pixel Format Naming Convention 2.4; those that end in ``Packed`` are GigE
Vision's own. Of deeper formats the eight highest bits are kept: what a line inspects has eight bits.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import BadFrame

__all__ = ["bytes_needed", "known", "to_pixels"]

_Bytes = NDArray[np.uint8]
_GREY = re.compile(r"(Mono|Bayer(?:RG|GR|GB|BG))(8|10|12|14|16|10p|12p|10Packed|12Packed)")
_COLOUR = {
    "RGB8": (3, cv2.COLOR_RGB2BGR),
    "RGB8Packed": (3, cv2.COLOR_RGB2BGR),
    "BGR8": (3, None),
    "BGR8Packed": (3, None),
    "YUV422_8": (2, cv2.COLOR_YUV2BGR_YUYV),
    "YUV422_8_UYVY": (2, cv2.COLOR_YUV2BGR_UYVY),
    "YUV422Packed": (2, cv2.COLOR_YUV2BGR_UYVY),
    "YCbCr422_8": (2, cv2.COLOR_YUV2BGR_YUYV),
}
_BAYER = {
    "BayerRG": cv2.COLOR_BayerRGGB2BGR,
    "BayerGR": cv2.COLOR_BayerGRBG2BGR,
    "BayerGB": cv2.COLOR_BayerGBRG2BGR,
    "BayerBG": cv2.COLOR_BayerBGGR2BGR,
}


def known(name: str) -> bool:
    """Return whether images of this format can be read."""
    return name in _COLOUR or _GREY.fullmatch(name) is not None


def bytes_needed(name: str, width: int, height: int) -> int:
    """Return how many bytes an image of this format has at least; raises ``BadFrame`` for an unknown format."""
    if name in _COLOUR:
        return width * height * _COLOUR[name][0]
    depth = _grey(name)[1]
    count = width * height
    if depth == "8":
        return count
    if depth in {"10", "12", "14", "16"}:
        return 2 * count
    if depth == "10p":
        return -(-count * 10 // 8)
    return -(-count * 12 // 8)


def to_pixels(data: bytes, name: str, width: int, height: int) -> NDArray[np.uint8]:
    """Return pixels of shape (height, width), grey, or (height, width, 3), BGR; a copy, never a view of ``data``.

    Raises
    ------
    BadFrame
        The format is not known, or there are too few bytes: a partial image.
    """
    needed = bytes_needed(name, width, height)
    if len(data) < needed:
        raise BadFrame(
            f"the image is not whole: {len(data)} bytes of {needed} for {width} x {height} {name}",
            remedy="Check cable, switch and packet size",
        )
    raw = np.frombuffer(data, np.uint8, needed)
    if name in _COLOUR:
        channels, code = _COLOUR[name]
        shaped = raw.reshape(height, width, channels)
        return shaped.copy() if code is None else np.asarray(cv2.cvtColor(shaped, code), np.uint8)
    kind, depth = _grey(name)
    grey = _HIGHEST[depth](raw, width * height).reshape(height, width)
    return np.asarray(cv2.cvtColor(grey, _BAYER[kind]), np.uint8) if kind in _BAYER else grey


def _grey(name: str) -> tuple[str, str]:
    found = _GREY.fullmatch(name)
    if found is None:
        raise BadFrame(f"images of the format {name} cannot be read", remedy="Set `pixel_format: Mono8` or RGB8")
    return found[1], found[2]


def _words(bits: int) -> Callable[[_Bytes, int], _Bytes]:
    return lambda raw, count: (raw.view("<u2")[:count] >> (bits - 8)).astype(np.uint8)


def _bytes(raw: _Bytes, count: int) -> _Bytes:
    return raw[:count].copy()


def _gige_packed(raw: _Bytes, count: int) -> _Bytes:
    """Two pixels in three bytes, the middle one with the lowest bits of both; 10 and 12 bits alike."""
    triples = _filled(raw, 3).reshape(-1, 3)
    return np.ascontiguousarray(triples[:, [0, 2]]).ravel()[:count]


def _twelve_p(raw: _Bytes, count: int) -> _Bytes:
    """Two pixels in three bytes, lowest bits first."""
    triples = _filled(raw, 3).reshape(-1, 3)
    first = (triples[:, 0] >> 4) | (triples[:, 1] << 4)
    return np.column_stack([first, triples[:, 2]]).astype(np.uint8).ravel()[:count]


def _ten_p(raw: _Bytes, count: int) -> _Bytes:
    """Four pixels in five bytes, lowest bits first."""
    fives = _filled(raw, 5).reshape(-1, 5)
    # Pixel n begins at bit 10 n; its eight highest bits begin at bit 10 n + 2, which is bit 2, 4, 6 and 0 of a byte.
    columns = [(fives[:, n] >> (2 * n + 2)) | (fives[:, n + 1] << (6 - 2 * n)) for n in range(3)]
    return np.column_stack([*columns, fives[:, 4]]).astype(np.uint8).ravel()[:count]


def _filled(raw: _Bytes, group: int) -> _Bytes:
    return np.pad(raw, (0, -len(raw) % group))


_HIGHEST: dict[str, Callable[[_Bytes, int], _Bytes]] = {
    "8": _bytes,
    "10": _words(10),
    "12": _words(12),
    "14": _words(14),
    "16": _words(16),
    "10p": _ten_p,
    "12p": _twelve_p,
    "10Packed": _gige_packed,
    "12Packed": _gige_packed,
}
