"""The confidence floor: how many defects escape and how many good parts are held, floor by floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.training.dataset import Example
from inspector.training.evaluate import Findings

FLOORS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
FOUND_OVERLAP = 0.3
MISSED_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class FloorRow:
    """What one floor costs.

    ``missed_defects`` have no finding on them, ``escaped_parts`` have defects but no finding at all,
    ``held_good_parts`` have no defect but a finding.
    """

    floor: float
    defects: int
    missed_defects: int
    defective_parts: int
    escaped_parts: int
    good_parts: int
    held_good_parts: int


def floor_table(examples: Sequence[Example], findings: Sequence[Findings]) -> list[FloorRow]:
    """Return one row per candidate floor; a finding of any class on a defect counts as found."""
    return [_row(floor, examples, findings) for floor in FLOORS]


def floor_row(floor: float, examples: Sequence[Example], findings: Sequence[Findings]) -> FloorRow:
    """Return the row of one floor."""
    return _row(floor, examples, findings)


def choose_floor(tables: Sequence[Sequence[FloorRow]]) -> float:
    """Return the highest floor at which no part with defects passes and few defects are missed, in every table.

    Few is ``MISSED_SHARE`` of the defects. Where no floor does, the lowest one is returned.
    """
    return max((rows[0].floor for rows in zip(*tables, strict=True) if all(map(_safe, rows))), default=min(FLOORS))


def _safe(row: FloorRow) -> bool:
    return row.escaped_parts == 0 and row.missed_defects <= MISSED_SHARE * row.defects


def _row(floor: float, examples: Sequence[Example], findings: Sequence[Findings]) -> FloorRow:
    defects = missed = defective = escaped = good = held = 0
    for example, found in zip(examples, findings, strict=True):
        boxes = found.boxes[found.scores >= floor]
        if len(example.boxes):
            defective += 1
            escaped += not len(boxes)
            defects += len(example.boxes)
            missed += int((_best_overlap(example.boxes, boxes) < FOUND_OVERLAP).sum())
        else:
            good += 1
            held += bool(len(boxes))
    return FloorRow(floor, defects, missed, defective, escaped, good, held)


def _best_overlap(true: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return, for every true box, the largest intersection over union with a found one."""
    if not len(found):
        return np.zeros(len(true), dtype=np.float32)
    first = np.maximum(true[:, None, :2], found[None, :, :2])
    last = np.minimum(true[:, None, 2:], found[None, :, 2:])
    shared = np.prod(np.clip(last - first, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (true, found)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.asarray((shared / union).max(axis=1), dtype=np.float32)
