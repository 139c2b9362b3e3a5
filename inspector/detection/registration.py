"""Where a part lies against a golden part: its shift, and its turn where it may have one, to a fraction of a pixel."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import DetectionError

__all__ = ["STILL_PX", "find_placement", "find_shift", "laid_on"]

STILL_PX = 0.05  # a shift below this is not worth an interpolation
_COARSE = 4  # the first search is made on pictures smaller by this factor
_TIE = 2e-3  # correlation that a shift to the end of the search must gain over none
_TURN_SIDE, _FINE_SIDE = 160, 400  # px: the largest side of the pictures in which a turn is sought, and refined
_TURN_STEP_PX = 1.5  # of the picture's border, from one turn that is tried to the next
_ROUNDS, _SETTLED, _SMOOTHED = 60, 1e-5, 5
_LEAST_MATCH = 0.5  # correlation below which it is another part
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


def find_placement(
    golden: NDArray[np.uint8], seen: NDArray[np.uint8], *, search_px: float, turn_deg: float
) -> NDArray[np.float64]:
    """Return the rigid motion (2, 3) that brings points of the golden part, in px, to where the part lies.

    Turns are tried step by step on small pictures; from the best of them on, the motion is refined by maximising the
    correlation of the whole (Evangelidis and Psarakis, IEEE TPAMI 30 (2008) 1858, as OpenCV has it).

    Raises
    ------
    DetectionError
        The part is not there, another one, or its middle out of place by more than ``search_px`` or ``turn_deg``; or
        the two pictures differ in size.
    """
    if golden.shape != seen.shape:
        (height, width), (rows, columns) = golden.shape, seen.shape
        raise DetectionError(
            f"the frame has {columns} x {rows} pixels, the template {width} x {height}",
            remedy="Take the template again with this camera",
        )
    far = f"it may be {search_px:g} px off its place and turned by {turn_deg:g} degrees"
    lost = DetectionError(f"the part does not lie where the template does: {far}", remedy="Check fixture and recipe")
    side = max(golden.shape)
    coarse, fine = max(1, math.ceil(side / _TURN_SIDE)), max(1, math.ceil(side / _FINE_SIDE))
    if float(np.std(golden)) < _FLAT or float(np.std(seen)) < _FLAT:
        raise lost
    turn, x, y = _best_turn(_shrunk(golden, coarse), _shrunk(seen, coarse), search_px / coarse, turn_deg)
    wanted, shown = _shrunk(golden, fine), _shrunk(seen, fine)
    middle = (wanted.shape[1] - 1) / 2, (wanted.shape[0] - 1) / 2
    matrix = cv2.getRotationMatrix2D(middle, -turn, 1.0).astype(np.float32)
    matrix[:, 2] += np.array([x, y], np.float32) * coarse / fine
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _ROUNDS, _SETTLED)
    try:
        match, found = cv2.findTransformECC(
            wanted, shown, matrix, cv2.MOTION_EUCLIDEAN, criteria, np.full(shown.shape, 255, np.uint8), _SMOOTHED
        )
    except cv2.error as error:
        raise lost from error
    motion = np.asarray(found, np.float64)
    # OpenCV counts from the middle of the first pixel of the small picture, this product from its outer corner.
    motion[:, 2] = (motion[:, 2] + 0.5 - motion[:, :2] @ [0.5, 0.5]) * fine
    centre = np.array([golden.shape[1], golden.shape[0]]) / 2
    off = motion[:, :2] @ centre + motion[:, 2] - centre
    turned = math.degrees(math.atan2(motion[1, 0], motion[0, 0]))
    if match < _LEAST_MATCH or float(np.abs(off).max()) > search_px + fine or abs(turned) > turn_deg + 0.5:
        raise lost
    return motion


def _best_turn(
    golden: NDArray[np.uint8], seen: NDArray[np.uint8], search_px: float, turn_deg: float
) -> tuple[float, float, float]:
    """Return the turn in degrees and the shift (x, y) in px with the highest correlation."""
    height, width = golden.shape
    reach = max(1, math.ceil(search_px))
    # What a turn brings in from beyond the picture's border must not be compared.
    margin = reach + math.ceil(math.sin(math.radians(turn_deg)) * max(height, width) / 2)
    margin = min(margin, (min(height, width) - 8) // 2)
    room = min(reach, margin)
    steps = math.ceil(math.radians(turn_deg) * max(height, width) / 2 / _TURN_STEP_PX)
    best = (-math.inf, 0.0, 0.0, 0.0)
    for turn in np.linspace(-turn_deg, turn_deg, 2 * steps + 1):
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -float(turn), 1.0)
        turned = cv2.warpAffine(golden, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        inner = np.ascontiguousarray(turned[margin : height - margin, margin : width - margin])
        low = margin - room
        window = seen[low : height - low, low : width - low]
        values = np.nan_to_num(cv2.matchTemplate(np.ascontiguousarray(window), inner, cv2.TM_CCOEFF_NORMED))
        row, column = (int(index) for index in np.unravel_index(int(values.argmax()), values.shape))
        if values[row, column] > best[0]:
            best = (float(values[row, column]), float(turn), float(column - room), float(row - room))
    return best[1], best[2], best[3]


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
