"""Virtual boards: the same number gives the same board, and the truth is what was really drawn."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.capture.board import (
    BoardSpec,
    DefectTruth,
    Optics,
    golden_board,
    paint_template,
    render_board,
)
from inspector.capture.board_defects import DEFECT_CLASSES

SEED = 3
ALWAYS = BoardSpec(layouts=3, defect_rate=1.0, most_defects=4)
SHARP = Optics(
    copper=(50, 50),
    laminate=(200, 200),
    hole=(230, 230),
    blur_px=(0.3, 0.3),
    read_noise=(0, 0),
    shot_noise=(0, 0),
    fall_off=0.0,
    grain=0.0,
)


def with_defects(spec: BoardSpec, parts: int = 12) -> list[tuple[int, NDArray[np.uint8], tuple[DefectTruth, ...]]]:
    return [(part, *render_board(SEED, part, spec)) for part in range(parts)]


def test_same_seed_and_part_give_the_same_pixels_and_defects() -> None:
    first_pixels, first_truth = render_board(SEED, 5, ALWAYS)
    again_pixels, again_truth = render_board(SEED, 5, ALWAYS)

    assert np.array_equal(first_pixels, again_pixels)
    assert first_truth == again_truth


def test_parts_differ() -> None:
    assert not np.array_equal(render_board(SEED, 0, ALWAYS)[0], render_board(SEED, 1, ALWAYS)[0])


def test_a_board_is_grey_and_square() -> None:
    pixels, _ = render_board(SEED, 0, ALWAYS)

    assert pixels.dtype == np.uint8
    assert pixels.shape == (640, 640)


def test_a_line_without_defects_plants_none() -> None:
    assert all(not truth for _, _, truth in with_defects(replace(ALWAYS, defect_rate=0.0)))


def test_the_share_of_defective_parts_is_the_one_asked_for() -> None:
    spec = replace(ALWAYS, defect_rate=0.3, size_px=320)

    defective = sum(bool(render_board(SEED, part, spec)[1]) for part in range(300))

    assert 60 <= defective <= 120


def test_every_difference_to_the_golden_board_is_a_planted_defect() -> None:
    spec = replace(ALWAYS, optics=SHARP)
    for part, pixels, truths in with_defects(spec):
        changed = cv2.absdiff(pixels, golden_board(SEED, part, spec)) > 40
        for truth in truths:
            box = truth.box
            window = (slice(int(box.y0) - 2, int(box.y1) + 3), slice(int(box.x0) - 2, int(box.x1) + 3))
            assert changed[window].any(), f"part {part}: {truth.label} is not visible"
            changed[window] = False
        assert not changed.any(), f"part {part}: something changed that is not in the truth"


def test_truth_in_mm_is_the_changed_area() -> None:
    spec = replace(ALWAYS, optics=SHARP, classes=("spurious_copper", "pin_hole"), ragged=0.0)
    for part, pixels, truths in with_defects(spec):
        difference = cv2.absdiff(pixels, golden_board(SEED, part, spec)).astype(np.float64) / 150
        for truth in truths:
            box = truth.box
            window = (slice(int(box.y0) - 3, int(box.y1) + 4), slice(int(box.x0) - 3, int(box.x1) + 4))
            area_mm2 = difference[window].sum() / 48**2
            assert area_mm2 == pytest.approx(truth.area_mm2, rel=0.06)
            assert truth.size_mm == pytest.approx(max(box.width, box.height) / 48)
            assert truth.centre_mm == pytest.approx((box.centre[0] / 48, box.centre[1] / 48))


def test_sizes_stay_in_the_range_asked_for() -> None:
    spec = replace(ALWAYS, defect_mm=(0.2, 0.4))
    truths = [truth for _, _, found in with_defects(spec, 20) for truth in found]

    assert min(truth.size_mm for truth in truths) >= 0.19
    blemishes = [truth for truth in truths if truth.label not in {"open", "short"}]
    assert max(truth.size_mm for truth in blemishes) <= 0.4 * 1.25 + 0.011


def test_all_six_defects_occur() -> None:
    truths = [truth.label for _, _, found in with_defects(replace(ALWAYS, layouts=6), 40) for truth in found]

    assert set(truths) == set(DEFECT_CLASSES)


def test_defects_do_not_touch_each_other() -> None:
    for part, _, truths in with_defects(replace(ALWAYS, most_defects=8)):
        boxes = [truth.box for truth in truths]
        for i, one in enumerate(boxes):
            for other in boxes[:i]:
                apart = one.x1 <= other.x0 or other.x1 <= one.x0 or one.y1 <= other.y0 or other.y1 <= one.y0
                assert apart, f"part {part}: {one} and {other}"


def test_the_labelled_box_has_a_margin_and_stays_inside_the_image() -> None:
    for _, _, truths in with_defects(ALWAYS):
        for truth in truths:
            labelled = truth.labelled_box(640)
            assert labelled.x0 <= truth.box.x0
            assert labelled.x1 >= truth.box.x1
            assert labelled.x0 >= 0
            assert labelled.y1 <= 640


@pytest.mark.parametrize(
    "wrong",
    [
        {"defect_rate": 1.5},
        {"defect_mm": (0.5, 0.2)},
        {"defect_mm": (0.0, 0.2)},
        {"layouts": 0},
        {"px_per_mm": 0.0},
        {"classes": ("scratch",)},
        {"classes": ()},
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BoardSpec(**wrong)  # type: ignore[arg-type]


def test_a_painted_template_changes_only_at_its_defects() -> None:
    template = np.full((640, 640), 255, dtype=np.uint8)
    for x in range(60, 600, 60):
        template[:, x : x + 18] = 0

    pixels, truths = paint_template(np.random.default_rng(1), template, replace(ALWAYS, most_defects=6))

    changed = pixels != template
    assert truths
    for truth in truths:
        box = truth.box
        changed[int(box.y0) : int(np.ceil(box.y1)), int(box.x0) : int(np.ceil(box.x1))] = False
    assert not changed.any()
