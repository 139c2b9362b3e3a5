"""Training crops: boxes stay on what they mark, whatever is cut, turned or varied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.training.crops import Crop, CropSettings, CropSource, negative, turned, vary_grey
from inspector.training.dataset import ABSENT_GREY, BOARD_CLASSES, Example

PLAIN = CropSettings(size=160, plain=1.0, zoom_share=0.0, on_defect=1.0)


@pytest.fixture
def marked(tmp_path: Path) -> Example:
    """A black image with white rectangles exactly where the boxes are."""
    pixels = np.zeros((400, 400), dtype=np.uint8)
    boxes = np.array([[30, 40, 70, 60], [300, 310, 320, 370], [180, 200, 240, 220]], dtype=np.float32)
    for x1, y1, x2, y2 in boxes.astype(int).tolist():
        pixels[y1:y2, x1:x2] = 255
    path = tmp_path / "marked.png"
    cv2.imwrite(str(path), pixels)
    return Example(path, boxes, np.array([0, 1, 2]), "g")


def test_boxes_follow_the_pixels(marked: Example) -> None:
    source, rng = CropSource([marked], PLAIN), np.random.default_rng(0)

    for _ in range(60):
        crop = source.draw(rng)
        assert crop.pixels.shape == (160, 160)
        for x1, y1, x2, y2 in crop.boxes.astype(int).tolist():
            assert (crop.pixels[y1:y2, x1:x2] == 255).all()


def test_zoomed_boxes_follow_the_pixels(marked: Example) -> None:
    settings = CropSettings(size=160, plain=1.0, zoom_share=1.0, zoom=(0.7, 1.4), on_defect=1.0)
    source, rng = CropSource([marked], settings), np.random.default_rng(0)

    for _ in range(60):
        crop = source.draw(rng)
        for x1, y1, x2, y2 in crop.boxes.astype(int).tolist():
            assert crop.pixels[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].mean() > 250


def test_a_defect_of_which_too_little_is_left_is_no_target(marked: Example) -> None:
    source, rng = CropSource([marked], PLAIN), np.random.default_rng(1)

    for _ in range(60):
        crop = source.draw(rng)
        areas = np.prod(crop.boxes[:, 2:] - crop.boxes[:, :2], axis=1)
        assert (areas >= 0.44 * 800).all()


def test_an_image_smaller_than_the_crop_is_padded(tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    cv2.imwrite(str(path), np.zeros((100, 80), dtype=np.uint8))
    example = Example(path, np.zeros((0, 4), np.float32), np.zeros(0, np.int64), "g")

    crop = CropSource([example], PLAIN).draw(np.random.default_rng(0))

    assert crop.pixels.shape == (160, 160)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_turning_keeps_box_and_pixels_together(turns: int, mirrored: bool) -> None:
    pixels = np.zeros((32, 32), dtype=np.uint8)
    pixels[4:10, 20:23] = 255
    crop = Crop(pixels, np.array([[20, 4, 23, 10]], dtype=np.float32), np.array([0]))

    after = turned(crop, quarter_turns=turns, mirrored=mirrored)

    x1, y1, x2, y2 = after.boxes[0].astype(int).tolist()
    assert (after.pixels[y1:y2, x1:x2] == 255).all()
    assert after.pixels.sum() == pixels.sum()
    assert (x2 - x1) * (y2 - y1) == 18


def test_the_same_seed_gives_the_same_crop(marked: Example) -> None:
    source = CropSource([marked], CropSettings(size=160))

    one, two = (source.draw(np.random.default_rng(5)) for _ in range(2))

    assert np.array_equal(one.pixels, two.pixels)
    assert np.array_equal(one.boxes, two.boxes)


def test_varied_grey_keeps_copper_darker_than_laminate() -> None:
    pixels = np.repeat(np.array([[0, 255]], dtype=np.uint8), 40, axis=1).repeat(80, axis=0)

    for seed in range(20):
        varied = vary_grey(pixels, np.random.default_rng(seed))
        assert varied.dtype == np.uint8
        assert varied[:, 5:35].mean() + 25 < varied[:, 45:75].mean()


def test_the_negative_of_a_board_shows_the_mirrored_defects() -> None:
    pixels = np.zeros((32, 32), dtype=np.uint8)
    crop = Crop(pixels, np.tile(np.array([[1, 2, 3, 4]], np.float32), (6, 1)), np.arange(6))

    after = negative(crop)

    assert (after.pixels == 255).all()
    names = [BOARD_CLASSES[label] for label in after.labels]
    assert names == ["short", "open", "spur", "mousebite", "pin_hole", "spurious_copper"]


@pytest.fixture
def pair(marked: Example, tmp_path: Path) -> Example:
    """The marked image beside a golden board that is black."""
    path = tmp_path / "golden.png"
    cv2.imwrite(str(path), np.zeros((400, 400), dtype=np.uint8))
    return replace(marked, golden=path)


def test_a_pair_is_cut_and_turned_as_one(marked: Example) -> None:
    settings = CropSettings(size=160, plain=1.0, zoom_share=0.0, on_defect=1.0, paired=True)
    source, rng = CropSource([replace(marked, golden=marked.image)], settings), np.random.default_rng(2)

    for _ in range(40):
        seen, golden = np.moveaxis(source.draw(rng).pixels.astype(float), 2, 0)
        # The golden board is misplaced by a few pixels at most: only edges differ.
        inner = cv2.erode(seen, np.ones((13, 13)))
        assert (golden[inner == 255] > 200).all()


def test_the_golden_board_is_absent_as_often_as_wished(pair: Example) -> None:
    settings = CropSettings(size=160, paired=True, without_golden=0.5)
    source, rng = CropSource([pair], settings), np.random.default_rng(3)

    absent = sum(bool((source.draw(rng).pixels[:, :, 1] == ABSENT_GREY).all()) for _ in range(200))

    assert 70 < absent < 130


def test_the_golden_board_varies_by_itself(pair: Example) -> None:
    settings = CropSettings(size=160, plain=0.0, paired=True)
    source, rng = CropSource([pair], settings), np.random.default_rng(4)
    crops = [source.draw(rng).pixels for _ in range(20)]

    assert any(crop[:, :, 0].min() != crop[:, :, 1].min() for crop in crops)
