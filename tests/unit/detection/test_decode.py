"""Raw heads become boxes; an unsound head never looks like a good part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from inspector.detection.decode import HeadError, RawBoxes, decode, suppress

SIZE = 640


def head(*anchors: tuple[float, float, float, float, float, float]) -> NDArray[np.float32]:
    """Return a head with two classes from rows (cx, cy, w, h, score0, score1)."""
    return np.array(anchors, np.float32).T.copy()


def run(
    raw: NDArray[np.float32], *, floor: float = 0.25, scale: tuple[float, float] = (1.0, 1.0), size: int = SIZE
) -> RawBoxes:
    return decode(raw, floor=floor, overlap=0.5, scale=scale, width=size, height=size)


def test_centre_and_size_become_corners_with_the_best_class() -> None:
    found = run(head((100, 200, 20, 40, 0.1, 0.8)))
    assert found.boxes.tolist() == [[90, 180, 110, 220]]
    assert found.labels.tolist() == [1]
    assert found.scores.tolist() == [pytest.approx(0.8)]


def test_the_floor_itself_is_reported_and_below_is_not() -> None:
    found = run(head((100, 100, 9, 9, 0.25, 0), (300, 300, 9, 9, 0.2499, 0)))
    assert len(found.boxes) == 1


def test_the_weaker_of_two_overlapping_boxes_of_one_class_goes() -> None:
    found = run(head((100, 100, 40, 40, 0.6, 0), (104, 100, 40, 40, 0.9, 0), (104, 100, 40, 40, 0, 0.7)))
    assert [(round(float(s), 1), int(k)) for s, k in zip(found.scores, found.labels, strict=True)] == [
        (0.9, 0),
        (0.7, 1),
    ]


def test_boxes_are_mapped_back_per_axis_and_clipped() -> None:
    found = run(head((10, 10, 40, 20, 0.9, 0)), scale=(0.5, 0.25))
    assert found.boxes.tolist() == [[0, 0, 60, 80]]


def test_a_box_in_the_padding_is_not_a_finding() -> None:
    assert len(run(head((500, 500, 20, 20, 0.9, 0)), size=400).boxes) == 0


@pytest.mark.parametrize("score", [float("nan"), float("inf"), 1.5, -0.1])
def test_scores_that_are_no_scores_are_an_error(score: float) -> None:
    with pytest.raises(HeadError, match="expected 0 … 1"):
        run(head((100, 100, 9, 9, score, -1)))


def test_one_score_that_is_not_a_number_spoils_the_head() -> None:
    with pytest.raises(HeadError):
        run(head((100, 100, 9, 9, 0.9, 0), (10, 10, 9, 9, float("nan"), 0)))


def test_a_coordinate_that_is_not_a_number_is_an_error() -> None:
    with pytest.raises(HeadError, match="not a number"):
        run(head((float("nan"), 100, 9, 9, 0.9, 0)))


def test_very_many_candidates_are_bounded() -> None:
    rng = np.random.default_rng(0)
    raw = np.concatenate([rng.uniform(0, SIZE, (4, 8400)), rng.uniform(0.3, 1, (2, 8400))]).astype(np.float32)
    assert len(run(raw).boxes) <= 300


anchors = hnp.arrays(np.float32, st.tuples(st.just(6), st.integers(1, 40)), elements=st.floats(0.0, 1.0, width=32)).map(
    lambda unit: (unit * np.array([[SIZE], [SIZE], [200], [200], [1], [1]])).astype(np.float32)
)


@given(anchors)
def test_every_box_lies_in_the_image_and_scores_fall(raw: NDArray[np.float32]) -> None:
    found = run(raw)
    assert (found.boxes[:, :2] >= 0).all()
    assert (found.boxes[:, 2:] <= SIZE).all()
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert (np.diff(found.scores) <= 0).all()
    assert (found.scores >= 0.25).all()


def plain_suppression(boxes: NDArray[np.float32], labels: NDArray[np.int64], overlap: float) -> list[int]:
    """Return what the definition says, box by box."""
    kept: list[int] = []
    for index, box in enumerate(boxes):
        for other in kept:
            low, high = np.maximum(box[:2], boxes[other][:2]), np.minimum(box[2:], boxes[other][2:])
            both = np.prod(np.maximum(high - low, 0))
            union = np.prod(box[2:] - box[:2]) + np.prod(boxes[other][2:] - boxes[other][:2]) - both
            if labels[index] == labels[other] and both > overlap * union:
                break
        else:
            kept.append(index)
    return kept


@given(
    hnp.arrays(np.int64, st.tuples(st.integers(0, 25), st.just(4)), elements=st.integers(0, 12)),
    st.sampled_from([0.3, 0.5, 0.7]),
)
def test_suppression_is_the_greedy_one_of_the_definition(corners: NDArray[np.int64], overlap: float) -> None:
    boxes = np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:] + 1], axis=1).astype(np.float32)
    labels = corners[:, 0] % 2
    assert suppress(boxes, labels, overlap).tolist() == plain_suppression(boxes, labels, overlap)
