"""Heat map or binary picture -> regions: boxes with masks, hottest first."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Region", "binary_regions", "hot_regions"]

MOST_REGIONS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A connected region: ``box`` left, top, right, bottom in whole pixels (right and bottom exclusive).

    ``mask`` is boolean of the box's size; ``peak`` is the highest value in it; ``area_px`` counts its pixels.
    """

    box: tuple[int, int, int, int]
    mask: NDArray[np.bool_]
    peak: float
    area_px: int


def hot_regions(heat: NDArray[np.float32], step: int, threshold: float, size: tuple[int, int]) -> list[Region]:
    """Return the regions above the threshold, hottest first, at most 100.

    Parameters
    ----------
    heat
        (rows, columns); cells beyond the picture are padding.
    step
        Side of a heat cell in the pixels of the result.
    size
        Width and height of the picture in the pixels of the result.
    """
    width, height = size
    used_rows, used_columns = -(-height // step), -(-width // step)
    shown = heat[:used_rows, :used_columns]
    if float(shown.max(initial=0.0)) <= threshold:
        return []
    fine = cv2.resize(
        np.ascontiguousarray(shown), (used_columns * step, used_rows * step), interpolation=cv2.INTER_LINEAR
    )
    values = np.asarray(fine[:height, :width], np.float32)
    found = binary_regions(values > threshold, values)
    # Bilinear values never exceed the cell's own: a single cell just above the threshold is kept by its cell.
    return found or [_hottest_cell(shown, step, size)]


def binary_regions(
    picture: NDArray[np.bool_],
    values: NDArray[np.float32] | None = None,
    *,
    least_area_px: int = 1,
    most: int | None = MOST_REGIONS,
) -> list[Region]:
    """Return the ``most`` 8-connected regions of True with at least this area, highest value (or largest) first."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(picture.astype(np.uint8), connectivity=8)
    regions = []
    areas = stats[:, cv2.CC_STAT_AREA]
    for number in range(1, count):
        if areas[number] < least_area_px:
            continue
        left, top, width, height = (int(value) for value in stats[number, :4])
        window = np.s_[top : top + height, left : left + width]
        mask = np.asarray(labels[window] == number, np.bool_)
        peak = float(areas[number]) if values is None else float(values[window][mask].max())
        regions.append(Region((left, top, left + width, top + height), mask, peak, int(areas[number])))
    return sorted(regions, key=lambda region: -region.peak)[:most]


def _hottest_cell(shown: NDArray[np.float32], step: int, size: tuple[int, int]) -> Region:
    row, column = (int(index) for index in np.unravel_index(int(shown.argmax()), shown.shape))
    left, top = column * step, row * step
    right, bottom = min(left + step, size[0]), min(top + step, size[1])
    mask = np.ones((bottom - top, right - left), np.bool_)
    return Region((left, top, right, bottom), mask, float(shown[row, column]), mask.size)
