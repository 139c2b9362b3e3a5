"""The confidence floor: escapes come first, then as few held good parts as possible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inspector.training.dataset import Example
from inspector.training.evaluate import Findings, decode
from inspector.training.floor import FLOORS, choose_floor, floor_row, floor_table

BOX = [[10.0, 10.0, 40.0, 40.0]]


def part(boxes: list[list[float]]) -> Example:
    corners = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    return Example(Path("part.png"), corners, np.zeros(len(boxes), np.int64), "g")


def found(boxes: list[list[float]], scores: list[float]) -> Findings:
    corners = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    return Findings(corners, np.array(scores, np.float32), np.zeros(len(boxes), np.int64))


def test_a_row_counts_missed_defects_escaped_parts_and_held_good_parts() -> None:
    examples = [part(BOX), part(BOX), part([]), part([])]
    findings = [found(BOX, [0.9]), found(BOX, [0.02]), found(BOX, [0.3]), found([], [])]

    row = floor_row(0.05, examples, findings)

    assert (row.defects, row.missed_defects) == (2, 1)
    assert (row.defective_parts, row.escaped_parts) == (2, 1)
    assert (row.good_parts, row.held_good_parts) == (2, 1)


def test_a_finding_elsewhere_holds_the_part_but_misses_the_defect() -> None:
    row = floor_row(0.05, [part(BOX)], [found([[100.0, 100.0, 130.0, 130.0]], [0.9])])

    assert (row.missed_defects, row.escaped_parts) == (1, 0)


@pytest.mark.parametrize(("score", "expected"), [(0.12, 0.1), (0.9, max(FLOORS)), (0.001, min(FLOORS))])
def test_the_floor_is_the_highest_at_which_nothing_escapes(score: float, expected: float) -> None:
    table = floor_table([part(BOX)], [found(BOX, [score])])

    assert choose_floor([table]) == expected


def test_the_floor_holds_on_every_set() -> None:
    easy = floor_table([part(BOX)], [found(BOX, [0.9])])
    hard = floor_table([part(BOX)], [found(BOX, [0.21])])

    assert choose_floor([easy, hard]) == 0.2


def test_a_few_missed_defects_do_not_pull_the_floor_down_while_their_parts_are_held() -> None:
    many = [[60.0 * i, 10.0, 60.0 * i + 30, 40.0] for i in range(60)]
    table = floor_table([part(many)], [found(many, [0.05] + [0.9] * 59)])

    assert choose_floor([table]) == max(FLOORS)


def test_decoding_turns_centres_into_corners_and_keeps_the_best_of_overlapping_boxes() -> None:
    raw = np.zeros((4 + 2, 3), dtype=np.float32)
    raw[:4, 0], raw[4, 0] = (50, 60, 20, 10), 0.8
    raw[:4, 1], raw[4, 1] = (51, 60, 20, 10), 0.7
    raw[:4, 2], raw[5, 2] = (50, 60, 20, 10), 0.6

    answer = decode(raw)

    assert answer.boxes.tolist() == [[40, 55, 60, 65], [40, 55, 60, 65]]
    assert answer.scores.tolist() == pytest.approx([0.8, 0.6])
    assert answer.labels.tolist() == [0, 1]


def test_decoding_nothing_gives_nothing() -> None:
    assert decode(np.zeros((10, 50), dtype=np.float32)).boxes.shape == (0, 4)
