"""Calibration targets: chessboards and ChArUco boards, found in images and printed at true scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Target", "find_target"]

_DICTIONARIES = {"4x4": cv2.aruco.DICT_4X4_250, "5x5": cv2.aruco.DICT_5X5_250, "6x6": cv2.aruco.DICT_6X6_250}
_FEWEST_SQUARES, _MOST_SQUARES = 3, 60
_FEWEST_CORNERS = 12
_WINDOW = 0.3  # of a square: half of what a corner is refined in


@dataclass(frozen=True, slots=True)
class Target:
    """A flat board of squares.

    Attributes
    ----------
    kind
        ``charuco``: markers in the white squares tell the corners apart, so that a part of the board is enough;
        ``chessboard``: all inner corners must be seen.
    columns, rows
        Number of squares.
    square_mm
        Side of a square, as measured on the printed board, not as ordered.
    marker_mm
        Side of a marker, for ``charuco``.
    relative_uncertainty
        Relative standard uncertainty of ``square_mm``: of its certificate, or of the measuring after printing.
    """

    kind: Literal["charuco", "chessboard"] = "charuco"
    columns: int = 11
    rows: int = 8
    square_mm: float = 7.0
    marker_mm: float = 4.9
    dictionary: str = "5x5"
    relative_uncertainty: float = 0.0005

    def __post_init__(self) -> None:
        for name in ("columns", "rows"):
            if not _FEWEST_SQUARES <= getattr(self, name) <= _MOST_SQUARES:
                raise ValueError(f"{name} must be {_FEWEST_SQUARES} … {_MOST_SQUARES}, got {getattr(self, name)}")
        if not self.square_mm > 0:
            raise ValueError(f"square_mm must be greater than 0, got {self.square_mm}")
        if not self.relative_uncertainty >= 0:
            raise ValueError(f"relative_uncertainty must not be negative, got {self.relative_uncertainty}")
        if self.kind == "charuco":
            if not 0 < self.marker_mm < self.square_mm:
                raise ValueError(f"marker_mm must lie between 0 and square_mm, got {self.marker_mm}")
            if self.dictionary not in _DICTIONARIES:
                raise ValueError(f"dictionary must be one of {', '.join(_DICTIONARIES)}, got {self.dictionary}")
        elif self.columns == self.rows:
            raise ValueError("a chessboard needs different numbers of columns and rows: else it looks alike turned")

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of all squares."""
        return self.columns * self.square_mm, self.rows * self.square_mm

    def corners_mm(self) -> NDArray[np.float64]:
        """Return the inner corners (n, 2) as x y from the board's top-left corner, row by row."""
        x, y = np.meshgrid(np.arange(1, self.columns), np.arange(1, self.rows))
        return np.column_stack([x.ravel(), y.ravel()]).astype(np.float64) * self.square_mm

    def black_mm(self) -> Iterator[tuple[float, float, float, float]]:
        """Yield the black rectangles as x, y, width, height in mm from the top-left corner."""
        side = self.square_mm
        for row in range(self.rows):
            for column in range(self.columns):
                if (row + column) % 2 == 0:
                    yield column * side, row * side, side, side
        if self.kind == "charuco":
            yield from self._markers_mm()

    def _markers_mm(self) -> Iterator[tuple[float, float, float, float]]:
        dictionary = cv2.aruco.getPredefinedDictionary(_DICTIONARIES[self.dictionary])
        cells = dictionary.markerSize + 2
        cell = self.marker_mm / cells
        margin = (self.square_mm - self.marker_mm) / 2
        number = 0
        for row in range(self.rows):
            for column in range(self.columns):
                if (row + column) % 2 == 0:
                    continue
                bits = np.asarray(dictionary.generateImageMarker(number, cells))
                number += 1
                left, top = column * self.square_mm + margin, row * self.square_mm + margin
                for y, x in np.argwhere(bits == 0):
                    yield left + float(x) * cell, top + float(y) * cell, cell, cell

    def board(self) -> cv2.aruco.CharucoBoard:
        """Return OpenCV's board of a ``charuco`` target."""
        dictionary = cv2.aruco.getPredefinedDictionary(_DICTIONARIES[self.dictionary])
        return cv2.aruco.CharucoBoard((self.columns, self.rows), self.square_mm, self.marker_mm, dictionary)


def find_target(image: NDArray[np.uint8], target: Target) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """Return the corners (n, 2) as x y in px from the image's outer corner, and which ones they are (n,).

    The numbers index ``Target.corners_mm``. None where fewer than 12 corners are seen, or, of a chessboard, not all.

    Parameters
    ----------
    image
        Grey, (H, W).
    """
    corners, numbers = _charuco(image, target) if target.kind == "charuco" else _chessboard(image, target)
    if len(corners) < min(_FEWEST_CORNERS, (target.columns - 1) * (target.rows - 1)):
        return None
    return corners + 0.5, numbers


def _charuco(image: NDArray[np.uint8], target: Target) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    corners, ids, *_ = cv2.aruco.CharucoDetector(target.board()).detectBoard(image)
    if ids is None:  # nothing found, whatever the stubs say
        return np.empty((0, 2)), np.empty(0, np.int64)  # type: ignore[unreachable]
    return np.asarray(corners, np.float64).reshape(-1, 2), np.asarray(ids, np.int64).ravel()


def _chessboard(image: NDArray[np.uint8], target: Target) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    inner = (target.columns - 1, target.rows - 1)
    flags = cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY | cv2.CALIB_CB_NORMALIZE_IMAGE
    found, corners = cv2.findChessboardCornersSB(image, inner, flags=flags)
    if not found or corners is None:
        return np.empty((0, 2)), np.empty(0, np.int64)
    first = np.asarray(corners, np.float32).reshape(-1, 1, 2)
    sides = np.linalg.norm(np.diff(first.reshape(inner[1], inner[0], 2), axis=1), axis=2)
    window = int(np.clip(_WINDOW * float(sides.min()), 2, 15))
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-4)
    refined = cv2.cornerSubPix(image, first, (window, window), (-1, -1), criteria)
    points = np.asarray(refined, np.float64).reshape(-1, 2)
    # Without marks, top-left and bottom-right look alike where the numbers of squares are both odd or both even;
    # either choice is a right grid, turned by half a turn about its middle.
    return points, np.arange(len(points))
