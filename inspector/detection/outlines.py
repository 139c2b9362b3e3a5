"""How the heads of each task are laid out, and the pixels that a finding covers where the head knows them."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.detection.card import ModelCard
from inspector.detection.decode import BOX_ROWS
from inspector.domain import Box

__all__ = ["HeadLayout", "oriented_corners", "polygon_mask", "prototype_mask"]

_COEFFICIENTS = 32
_PROTOTYPE_STRIDE = 4
_STRIDES = (8, 16, 32)
_EXTRA_ROWS = {"segment": _COEFFICIENTS, "obb": 1}


class HeadLayout:
    """Where boxes, scores and what lies beyond them stand in the one output (1, rows, columns) of a head.

    Rows: centre x, centre y, width, height, a score per class; for task ``obb`` the angle in rad; for ``segment`` 32
    coefficients. Columns: the anchors; for ``segment`` the 32 prototype pictures beside them, a cell each, in the rows
    of the coefficients, so that every backend has one output to hand over.
    """

    def __init__(self, card: ModelCard) -> None:
        width, height = card.input.width, card.input.height
        self._task = card.task
        self._scored = BOX_ROWS + len(card.classes)
        self._anchors = sum((width // stride) * (height // stride) for stride in _STRIDES)
        self._grid = (height // _PROTOTYPE_STRIDE, width // _PROTOTYPE_STRIDE)
        self.rows = self._scored + _EXTRA_ROWS.get(card.task, 0)

    @property
    def described(self) -> str:
        """The expected shape, for messages."""
        columns = f"{self._anchors} + {math.prod(self._grid)}" if self._task == "segment" else "anchors"
        return f"(1, {self.rows}, {columns})"

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Return whether an output of this shape is such a head's."""
        if len(shape) != 3 or shape[:2] != (1, self.rows):  # noqa: PLR2004 - one frame, rows, columns
            return False
        return self._task != "segment" or shape[2] == self._anchors + math.prod(self._grid)

    def scored(self, head: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rows of boxes and scores (4 + classes, anchors) of a head (rows, columns)."""
        return head[: self._scored, : self._anchors] if self._task == "segment" else head[: self._scored]

    def angles(self, head: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Return the angles (anchors,) of oriented boxes, None for upright ones."""
        return head[self._scored] if self._task == "obb" else None

    def mask(
        self, head: NDArray[np.float32], anchor: int, box: Box, scale: tuple[float, float]
    ) -> NDArray[np.bool_] | None:
        """Return the pixels of the finding of an anchor, from its box's floor to its ceil; None for task ``detect``."""
        if self._task == "segment":
            prototypes = head[self._scored :, self._anchors :].reshape(_COEFFICIENTS, *self._grid)
            return prototype_mask(head[self._scored :, anchor], prototypes, box, scale)
        if self._task == "obb":
            return polygon_mask(
                oriented_corners(np.append(head[:BOX_ROWS, anchor], head[self._scored, anchor]), scale), box
            )
        return None


def prototype_mask(
    coefficients: NDArray[np.float32], prototypes: NDArray[np.float32], box: Box, scale: tuple[float, float]
) -> NDArray[np.bool_]:
    """Return the pixels of a finding inside its box, whole pixels of the raw image from the box's floor to its ceil.

    The weighted sum of the prototype pictures is a picture of log-odds at a quarter of the input's size; it is read
    between its cells at the centre of every raw pixel (YOLACT, arXiv:1904.02689, section 3).

    Parameters
    ----------
    coefficients
        (32,) of this finding.
    prototypes
        (32, H / 4, W / 4) of the frame.
    scale
        Input pixels per raw-image pixel along x and y.
    """
    left, top, right, bottom = _whole(box)
    odds = np.tensordot(coefficients, prototypes, axes=1).astype(np.float32)
    step_x, step_y = scale[0] / _PROTOTYPE_STRIDE, scale[1] / _PROTOTYPE_STRIDE
    from_raw = np.array([[step_x, 0, (left + 0.5) * step_x - 0.5], [0, step_y, (top + 0.5) * step_y - 0.5]], np.float64)
    fine = cv2.warpAffine(
        odds,
        from_raw,
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(fine > 0, np.bool_)


def oriented_corners(row: NDArray[np.float32], scale: tuple[float, float]) -> NDArray[np.float32]:
    """Return the corners (4, 2) in raw-image pixels of centre x, centre y, width, height, angle in rad."""
    x, y, width, height, angle = (float(value) for value in row)
    corners = cv2.boxPoints(((x, y), (width, height), math.degrees(angle)))
    return np.asarray(corners / np.array(scale, np.float32), np.float32)


def polygon_mask(corners: NDArray[np.float32], box: Box) -> NDArray[np.bool_]:
    """Return the pixels whose centres lie in a convex outline (n, 2), whole pixels from the box's floor to its ceil."""
    left, top, right, bottom = _whole(box)
    x = np.arange(left, right, dtype=np.float32)[None, :] + 0.5
    y = np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5
    # Of every side, on which hand the pixel lies: inside, on the same one of all of them.
    hands = [
        (end[0] - start[0]) * (y - start[1]) - (end[1] - start[1]) * (x - start[0])
        for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True)
    ]
    return np.asarray(np.all([hand >= 0 for hand in hands], axis=0) | np.all([hand <= 0 for hand in hands], axis=0))


def _whole(box: Box) -> tuple[int, int, int, int]:
    return math.floor(box.x0), math.floor(box.y0), math.ceil(box.x1), math.ceil(box.y1)
