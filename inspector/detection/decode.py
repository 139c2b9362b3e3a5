"""Raw YOLO head -> boxes: score floor, non-maximum suppression per class, back to raw-image pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["HeadError", "RawBoxes", "decode", "suppress", "suppress_oriented"]

BOX_ROWS = 4
MOST_CANDIDATES = 1000
MOST_FINDINGS = 300


class HeadError(ValueError):
    """The raw output is not that of a sound YOLO v8/v11 head."""


@dataclass(frozen=True, slots=True)
class RawBoxes:
    """``boxes`` (n, 4) float32 x0 y0 x1 y1 px, ``scores`` (n,) float32, ``labels`` (n,) int64; best first.

    ``anchors`` (n,) int64 are the columns of the head that they come from.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    anchors: NDArray[np.int64]


def decode(
    head: NDArray[np.float32],
    *,
    floor: float,
    overlap: float,
    scale: tuple[float, float],
    width: int,
    height: int,
    angles: NDArray[np.float32] | None = None,
) -> RawBoxes:
    """Return the findings of one frame.

    Parameters
    ----------
    head
        (4 + classes, anchors): centre x, centre y, width, height in input pixels, then a score per class.
    floor
        Lowest score that is kept.
    overlap
        Intersection over union above which the weaker of two boxes of one class is dropped.
    scale
        Input pixels per raw-image pixel along x and y.
    width, height
        Size of the raw image; boxes are clipped to it.
    angles
        (anchors,) in rad where boxes are oriented: they become the upright boxes around them, and which of two is
        dropped is decided on the oriented ones.

    Raises
    ------
    HeadError
        The output has not-a-number or scores outside 0 … 1: an unsound model must not look like "no findings".
    """
    scores = head[BOX_ROWS:]
    best = scores.max(axis=0)
    top = best.max()
    if not 0.0 <= top <= 1.0:  # also catches NaN, which maximum passes on
        raise HeadError(f"the best score is {top}, expected 0 … 1")
    anchors = np.flatnonzero(best >= floor)
    if anchors.size > MOST_CANDIDATES:
        anchors = anchors[np.argpartition(-best[anchors], MOST_CANDIDATES)[:MOST_CANDIDATES]]
    anchors = anchors[np.argsort(-best[anchors], kind="stable")]
    labels = scores[:, anchors].argmax(axis=0)
    centres, halves = head[:2, anchors], head[2:BOX_ROWS, anchors] / 2
    if angles is not None:
        cos, sin = np.abs(np.cos(angles[anchors])), np.abs(np.sin(angles[anchors]))
        halves = np.stack([halves[0] * cos + halves[1] * sin, halves[0] * sin + halves[1] * cos])
    boxes = np.concatenate([centres - halves, centres + halves]).T
    if not np.isfinite(boxes).all():
        raise HeadError("a box has a coordinate that is not a number")
    if angles is None:
        kept = suppress(boxes, labels, overlap)[:MOST_FINDINGS]
    else:
        rows = np.concatenate([head[:BOX_ROWS, anchors], angles[None, anchors]]).T
        kept = suppress_oriented(rows, labels, overlap)[:MOST_FINDINGS]
    boxes = boxes[kept] / np.array([*scale, *scale], np.float32)
    np.clip(boxes, 0, np.array([width, height, width, height], np.float32), out=boxes)
    inside = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])  # the others lay in the padding
    kept, boxes = kept[inside], boxes[inside]
    return RawBoxes(boxes.astype(np.float32), best[anchors[kept]], labels[kept], anchors[kept])


def suppress(boxes: NDArray[np.float32], labels: NDArray[np.int64], overlap: float) -> NDArray[np.int64]:
    """Return the indices kept by greedy non-maximum suppression among boxes of one class.

    Parameters
    ----------
    boxes
        (n, 4) x0 y0 x1 y1, best score first.
    """
    if len(boxes) <= 1:
        return np.arange(len(boxes))
    x0, y0, x1, y1 = boxes.T
    across = np.minimum(x1[:, None], x1) - np.maximum(x0[:, None], x0)
    down = np.minimum(y1[:, None], y1) - np.maximum(y0[:, None], y0)
    both = np.maximum(across, 0) * np.maximum(down, 0)
    areas = (x1 - x0) * (y1 - y0)
    same = (both > overlap * (areas[:, None] + areas - both)) & (labels[:, None] == labels)
    alive = np.ones(len(boxes), np.bool_)
    for index in range(len(boxes)):
        if alive[index]:
            alive[index + 1 :] &= ~same[index, index + 1 :]
    return np.flatnonzero(alive)


def suppress_oriented(rows: NDArray[np.float32], labels: NDArray[np.int64], overlap: float) -> NDArray[np.int64]:
    """Return the indices kept by greedy non-maximum suppression among oriented boxes of one class.

    Parameters
    ----------
    rows
        (n, 5) centre x, centre y, width, height, angle in rad, best score first.
    """
    boxes = [((x, y), (w, h), a) for x, y, w, h, a in np.column_stack([rows[:, :4], np.degrees(rows[:, 4])]).tolist()]
    kept: list[int] = []
    for index, box in enumerate(boxes):
        rivals = (other for other in kept if labels[other] == labels[index])
        if all(_oriented_overlap(box, boxes[other]) <= overlap for other in rivals):
            kept.append(index)
    return np.array(kept, np.int64)


_Oriented = tuple[tuple[float, float], tuple[float, float], float]


def _oriented_overlap(one: _Oriented, other: _Oriented) -> float:
    reach = sum(math.hypot(*box[1]) for box in (one, other)) / 2
    if math.dist(one[0], other[0]) >= reach:
        return 0.0
    corners = cv2.rotatedRectangleIntersection(one, other)[1]
    shared = cv2.contourArea(cv2.convexHull(corners)) if corners is not None else 0.0
    union = math.prod(one[1]) + math.prod(other[1]) - shared
    return shared / union if union > 0 else 0.0
