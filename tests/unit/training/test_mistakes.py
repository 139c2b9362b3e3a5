"""Curves, confusion and worst mistakes of findings that were worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from inspector.training.dataset import Example
from inspector.training.evaluate import Findings
from inspector.training.mistakes import confusion, mistakes, precision_recall

DENT, SCRATCH = 0, 1


def example(*labels: tuple[int, tuple[int, int, int, int]]) -> Example:
    boxes = np.array([box for _, box in labels], np.float32).reshape(-1, 4)
    return Example(Path("a.png"), boxes, np.array([label for label, _ in labels], np.int64), "g")


def found(*items: tuple[int, float, tuple[int, int, int, int]]) -> Findings:
    return Findings(
        np.array([box for _, _, box in items], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in items], np.float32),
        np.array([label for label, _, _ in items], np.int64),
    )


A, B, C, FAR = (0, 0, 10, 10), (20, 20, 40, 40), (50, 50, 56, 56), (80, 80, 90, 90)
EXAMPLES = [example((DENT, A), (SCRATCH, B), (DENT, C)), example()]
FINDINGS = [found((DENT, 0.9, A), (DENT, 0.7, B), (DENT, 0.1, C)), found((SCRATCH, 0.6, FAR))]


def test_the_table_says_what_is_taken_for_what() -> None:
    table = confusion(EXAMPLES, FINDINGS, 2, 0.5)

    assert table.tolist() == [[1, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert confusion(EXAMPLES, FINDINGS, 2, 0.05)[DENT, DENT] == 2


def test_the_worst_mistakes_come_first() -> None:
    wrong = mistakes(EXAMPLES, FINDINGS, 0.5)

    assert [(each.kind, each.image, each.label, each.taken_for) for each in wrong] == [
        ("missed", 0, DENT, -1),
        ("confused", 0, SCRATCH, DENT),
        ("false_alarm", 1, SCRATCH, -1),
    ]
    assert wrong[0].score == np.float32(0.1)


def test_one_finding_finds_one_defect() -> None:
    twice = [found((DENT, 0.9, A), (DENT, 0.8, A))]

    assert confusion([example((DENT, A))], twice, 2, 0.5).tolist() == [[1, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_precision_falls_where_the_first_wrong_finding_comes() -> None:
    recall, precision = precision_recall(EXAMPLES, FINDINGS, DENT)

    # 0.9 right (recall 1/2, precision 1), 0.7 wrong, 0.1 right (recall 1, precision 2/3).
    assert precision[recall <= 0.5].tolist() == [1.0] * 51
    assert np.allclose(precision[recall > 0.5], 2 / 3)


def test_a_class_that_is_never_found_has_no_precision() -> None:
    _, precision = precision_recall(EXAMPLES, FINDINGS, SCRATCH)

    assert not precision.any()
