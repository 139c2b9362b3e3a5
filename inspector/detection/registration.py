"""Where a part lies: the shift between a golden part and what the camera sees, to a fraction of a pixel."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import DetectionError

__all__ = ["STILL_PX", "find_shift", "laid_on"]

STILL_PX = 0.05  # a shift below this is not worth an interpolation
_COARSE = 4  # the first search is made on pictures smaller by this factor
_TIE = 2e-3  # correlation that a shift to the end of the search must gain over none
_FLAT = 2.0  # standard deviation in grey levels below which a picture has nothing to hold on to


def laid_on(golden: NDArray[np.uint8], seen: NDArray[np.uint8], search_px: float = 20.0) -> NDArray[np.uint8]:
    """Return the golden part moved to where the part lies in the picture; both uint8 (H, W).

    Raises
    ------
    DetectionError
        The part is out of place by more than ``search_px``, or another one.
    """
    dx, dy = find_shift(golden, seen, search_px)
    if math.hypot(dx, dy) < STILL_PX:
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
    fine = max(1, coarse // 2)
    wanted, shown = (_shrunk(each, fine) for each in (golden, seen))
    small = [_shrunk(each, coarse // fine) for each in (wanted, shown)]
    if float(np.std(small[0])) < _FLAT:
        return 0.0, 0.0
    x, y = _best_shift(small[0], small[1], math.ceil(reach / coarse) + 1)
    start_x, start_y = round(x * coarse / fine), round(y * coarse / fine)
    if max(abs(start_x), abs(start_y)) * fine > reach:
        raise DetectionError(
            f"golden: the part lies more than {search_px:g} px off the golden part",
            remedy="Check the fixture and the recipe; or raise search_mm of this detector",
        )
    moved = cv2.warpAffine(
        shown,
        np.array([[1, 0, -start_x], [0, 1, -start_y]], np.float64),
        shown.shape[::-1],
        borderMode=cv2.BORDER_REPLICATE,
    )
    x, y = _best_shift(wanted, np.asarray(moved, np.uint8), coarse // fine + 1)
    return (start_x + x) * fine, (start_y + y) * fine


def _shrunk(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    if factor == 1:
        return pixels
    return np.asarray(cv2.resize(pixels, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA), np.uint8)


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
