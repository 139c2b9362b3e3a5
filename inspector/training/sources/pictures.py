"""Foreign image files -> 8-bit grey or colour as a line's camera gives them, upright and without alpha."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from inspector.training.dataset import IMAGE_SUFFIXES, DatasetError

__all__ = ["Picture", "deepest_bits", "look_at", "turned", "write_picture"]

_EXIF_ORIENTATION = 0x0112
_PLAIN_MODES = frozenset({"L", "RGB"})
_DEEP_MODES = ("I", "F")
_COMMON_BITS = (8, 10, 12, 14, 16)
_ALPHA_MODES = frozenset({"RGBA", "LA", "PA"})


@dataclass(frozen=True, slots=True)
class Picture:
    """What an image file is.

    Attributes
    ----------
    stored
        Width and height of the raster in the file.
    orientation
        EXIF orientation, 1 … 8; 1 is upright.
    mode
        Pillow's name of the pixel format.
    """

    path: Path
    stored: tuple[int, int]
    orientation: int
    mode: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as every viewer shows it."""
        width, height = self.stored
        return (height, width) if self.orientation in {5, 6, 7, 8} else (width, height)

    @property
    def deep(self) -> bool:
        """More than 8 bits per channel."""
        return self.mode.startswith(_DEEP_MODES)

    @property
    def alpha(self) -> bool:
        """Has a transparency channel."""
        return self.mode in _ALPHA_MODES

    @property
    def plain(self) -> bool:
        """May be copied as it is."""
        return self.mode in _PLAIN_MODES and self.orientation == 1 and self.path.suffix.lower() in IMAGE_SUFFIXES


def look_at(path: Path) -> Picture:
    """Return what an image file is, after decoding it once.

    Raises
    ------
    DatasetError
        The file is no image, or is truncated.
    """
    try:
        with Image.open(path) as image:
            orientation = int(image.getexif().get(_EXIF_ORIENTATION, 1))
            image.load()
            return Picture(path, image.size, orientation if 1 <= orientation <= 8 else 1, image.mode)  # noqa: PLR2004
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DatasetError(
            f"{path}: not a readable image: {error}", remedy="Export it again, or take it out of the folder"
        ) from error


def turned(points: NDArray[np.float64], picture: Picture) -> NDArray[np.float64]:
    """Return points (n, 2) of the stored raster in the upright picture."""
    width, height = picture.stored
    x, y = points[:, 0], points[:, 1]
    flipped = {
        2: (width - x, y),
        3: (width - x, height - y),
        4: (x, height - y),
        5: (y, x),
        6: (height - y, x),
        7: (height - y, width - x),
        8: (y, width - x),
    }
    return np.stack(flipped.get(picture.orientation, (x, y)), axis=1)


def deepest_bits(pictures: Iterable[Picture], tick: Callable[[], None]) -> int:
    """Return how many of its 16 bits the camera used: 8, 10, 12, 14 or 16, by the brightest pixel of all."""
    brightest = 0
    for picture in pictures:
        brightest = max(brightest, int(_decoded(picture.path).max()))
        tick()
    return next((bits for bits in _COMMON_BITS if brightest < 1 << bits), _COMMON_BITS[-1])


def write_picture(picture: Picture, target: Path, bits: int) -> Path:
    """Write the picture and return its path: copied where it is plain, else upright, 8 bits, as PNG.

    Parameters
    ----------
    target
        Path without suffix.
    bits
        Depth of deep pictures; all of a set are scaled alike, so that grey levels can be compared.

    Raises
    ------
    DatasetError
        Pixels do not fit into ``bits``.
    """
    if picture.plain:
        path = target.with_name(target.name + picture.path.suffix.lower())
        path.write_bytes(picture.path.read_bytes())
        return path
    pixels = _decoded(picture.path)
    if pixels.dtype != np.uint8:
        if int(pixels.max()) >= 1 << bits:
            raise DatasetError(
                f"{picture.path}: has grey level {int(pixels.max())}, more than {bits} bits hold",
                remedy="Give a larger --bits",
            )
        scale = 255 / ((1 << bits) - 1)
        pixels = np.rint(pixels.astype(np.float64) * scale).astype(np.uint8)
    path = target.with_name(target.name + ".png")
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return path


def _decoded(path: Path) -> NDArray[np.uint8 | np.uint16]:
    """Return the upright pixels without alpha, at the depth of the file."""
    content = np.frombuffer(path.read_bytes(), np.uint8)
    pixels = cv2.imdecode(content, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        found = "a format that is not read" if pixels is None else f"{pixels.dtype} pixels"
        raise DatasetError(f"{path}: {found}; 8 and 16 bits are", remedy="Export it as PNG")
    return cast("NDArray[np.uint8 | np.uint16]", pixels)
