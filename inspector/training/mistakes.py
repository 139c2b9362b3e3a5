"""Where a model is wrong: precision over recall, which class it takes for which, and the single worst findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inspector.training.calibration import match
from inspector.training.dataset import Example
from inspector.training.evaluate import Findings

__all__ = ["Mistake", "confusion", "mistakes", "precision_recall"]

LEAST_OVERLAP = 0.5
CURVE_POINTS = 101


@dataclass(frozen=True, slots=True, eq=False)
class Mistake:
    """One finding or defect that went wrong.

    Attributes
    ----------
    kind
        ``missed``: a defect without finding; ``false_alarm``: a finding without defect; ``confused``: a finding on a
        defect of another class.
    box
        x0 y0 x1 y1 in px.
    label, taken_for
        Class numbers; ``taken_for`` of a confused one, else -1.
    score
        Score of the finding; of a missed defect the best score of any finding of its class on it, 0 without.
    """

    kind: Literal["missed", "false_alarm", "confused"]
    image: int
    box: NDArray[np.float32]
    label: int
    taken_for: int
    score: float


def precision_recall(
    examples: Sequence[Example], findings: Sequence[Findings], label: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return recall 0 … 1 in steps of 0.01 and the precision reached at least there, of one class at overlap 0.5.

    The precision is interpolated as COCO does: at a recall the best of all higher recalls, 0 beyond the last.
    """
    own = [_of_class(example, found, label) for example, found in zip(examples, findings, strict=True)]
    scored = match([example for example, _ in own], [found for _, found in own], 0.0)
    recall = np.linspace(0, 1, CURVE_POINTS)
    defects = sum(len(example.labels) for example, _ in own)
    if not defects or not len(scored.scores):
        return recall, np.zeros(CURVE_POINTS)
    right = scored.right[np.argsort(-scored.scores, kind="stable")]
    hits = np.cumsum(right)
    precision = np.maximum.accumulate((hits / np.arange(1, len(right) + 1))[::-1])[::-1]
    reached = np.searchsorted(hits / defects, recall - 1e-9)
    return recall, np.where(reached < len(precision), precision[np.minimum(reached, len(precision) - 1)], 0.0)


def confusion(
    examples: Sequence[Example], findings: Sequence[Findings], classes: int, floor: float
) -> NDArray[np.int64]:
    """Return counts (classes + 1, classes + 1): true class by row, found class by column; the last is none.

    A finding belongs to the defect it overlaps most, from half on; the best score comes first.
    """
    table = np.zeros((classes + 1, classes + 1), np.int64)
    for example, found in zip(examples, findings, strict=True):
        pairs = _paired(example, found, floor)
        for defect, finding in pairs:
            table[example.labels[defect], found.labels[finding]] += 1
        for defect in set(range(len(example.labels))) - {defect for defect, _ in pairs}:
            table[example.labels[defect], classes] += 1
        for finding in set(np.flatnonzero(found.scores >= floor).tolist()) - {finding for _, finding in pairs}:
            table[classes, found.labels[finding]] += 1
    return table


def mistakes(examples: Sequence[Example], findings: Sequence[Findings], floor: float) -> list[Mistake]:
    """Return every mistake at the floor: missed defects first, largest first; then the surest of the others."""
    missed: list[Mistake] = []
    others: list[Mistake] = []
    for number, (example, found) in enumerate(zip(examples, findings, strict=True)):
        pairs = _paired(example, found, floor)
        for defect in sorted(set(range(len(example.labels))) - {defect for defect, _ in pairs}):
            box, label = example.boxes[defect], int(example.labels[defect])
            missed.append(Mistake("missed", number, box, label, -1, _best_score(box, label, found)))
        matched = {finding: defect for defect, finding in pairs}
        for finding in np.flatnonzero(found.scores >= floor).tolist():
            label, score = int(found.labels[finding]), float(found.scores[finding])
            if finding not in matched:
                others.append(Mistake("false_alarm", number, found.boxes[finding], label, -1, score))
            elif (true := int(example.labels[matched[finding]])) != label:
                others.append(Mistake("confused", number, found.boxes[finding], true, label, score))
    missed.sort(key=lambda each: -float(np.prod(each.box[2:] - each.box[:2])))
    others.sort(key=lambda each: -each.score)
    return missed + others


def _of_class(example: Example, found: Findings, label: int) -> tuple[Example, Findings]:
    true, said = example.labels == label, found.labels == label
    return (
        Example(example.image, example.boxes[true], example.labels[true], example.group),
        Findings(found.boxes[said], found.scores[said], found.labels[said]),
    )


def _paired(example: Example, found: Findings, floor: float) -> list[tuple[int, int]]:
    """Return (defect, finding) pairs, each in one pair at most, findings of any class."""
    overlaps = _overlaps(example.boxes, found.boxes)
    pairs: list[tuple[int, int]] = []
    free = np.ones(len(example.boxes), np.bool_)
    for finding in np.argsort(-found.scores, kind="stable").tolist():
        if found.scores[finding] < floor or not free.any():
            break
        column = np.where(free, overlaps[:, finding], 0)
        # Of defects that it overlaps about alike, its own class.
        column = column + 0.1 * (example.labels == found.labels[finding]) * (column >= LEAST_OVERLAP)
        best = int(column.argmax())
        if overlaps[best, finding] >= LEAST_OVERLAP and free[best]:
            free[best] = False
            pairs.append((best, finding))
    return pairs


def _best_score(box: NDArray[np.float32], label: int, found: Findings) -> float:
    on_it = (_overlaps(box[None], found.boxes)[0] >= LEAST_OVERLAP) & (found.labels == label)
    return float(found.scores[on_it].max(initial=0.0))


def _overlaps(true: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.float32]:
    first = np.maximum(true[:, None, :2], found[None, :, :2])
    last = np.minimum(true[:, None, 2:], found[None, :, 2:])
    shared = np.prod(np.clip(last - first, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (true, found)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None, :] - shared, 1e-9), np.float32)
