"""Labelled folders: written and read back the same, split by whole groups, broken files named."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.training.dataset import (
    ABSENT_GREY,
    BOARD_CLASSES,
    DatasetError,
    Example,
    Manifest,
    View,
    content_hash,
    read_grey,
    read_manifest,
    read_split,
    read_view,
    write_manifest,
    write_split,
)
from inspector.training.deeppcb import import_deeppcb, read_deeppcb

BOXES = np.array([[10, 20, 40, 50], [0, 0, 64, 48]], dtype=np.float32)


def image(path: Path, value: int = 128) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((48, 64), value, dtype=np.uint8))
    return path


@pytest.fixture
def boards(tmp_path: Path) -> Path:
    """A folder as DeepPCB lays it out, with three groups of two boards."""
    folder = tmp_path / "boards"
    (folder / "labels").mkdir(parents=True)
    for group in ("10000", "20000", "30000"):
        for number in range(2):
            name = f"{group}{number:03d}"
            image(folder / "images" / f"{name}.jpg", 100)
            image(folder / "templates" / f"{name}.jpg", 200)
            (folder / "labels" / f"{name}.txt").write_text("1 2 30 40 1\n5 6 20 30 6\n", encoding="ascii")
    return folder


def test_boxes_survive_writing_and_reading(tmp_path: Path) -> None:
    example = Example(image(tmp_path / "a.png"), BOXES, np.array([2, 5]), "g")

    write_split(tmp_path / "set", "train", [example])
    (back,) = read_split(tmp_path / "set", "train")

    assert back.boxes == pytest.approx(BOXES, abs=0.01)
    assert back.labels.tolist() == [2, 5]


def test_an_image_without_boxes_is_an_example_too(tmp_path: Path) -> None:
    empty = Example(image(tmp_path / "a.png"), np.zeros((0, 4), np.float32), np.zeros(0, np.int64), "g")

    write_split(tmp_path / "set", "good", [empty])

    assert read_split(tmp_path / "set", "good")[0].boxes.shape == (0, 4)


def test_the_manifest_survives_writing_and_reading(tmp_path: Path) -> None:
    manifest = Manifest("n", "MIT", "here", BOARD_CLASSES, {"train": ["1"]}, {"train": 3}, "abc")

    write_manifest(tmp_path, manifest, {"a": "1"})

    assert read_manifest(tmp_path) == manifest


def moved(golden: NDArray[np.uint8], seen: NDArray[np.uint8]) -> NDArray[np.uint8]:
    assert golden.shape == seen.shape
    return np.asarray(np.roll(golden, 1, axis=1), np.uint8)


def test_every_board_keeps_its_golden_one_laid_on_it(boards: Path, tmp_path: Path) -> None:
    import_deeppcb(boards, tmp_path / "set", {"20000"}, register=moved)

    for split in ("train", "val"):
        for example in read_split(tmp_path / "set", split):
            pair = read_view(example, View.PAIR)
            template = read_grey(boards / "templates" / example.image.name)
            assert (pair[:, :, 0] == read_grey(example.image)).all()
            assert (pair[:, :, 1] == np.roll(template, 1, axis=1)).all()
            assert (read_view(example, View.PAIR_WITHOUT_GOLDEN)[:, :, 1] == ABSENT_GREY).all()
            assert read_view(example, View.IMAGE).ndim == 2


def test_a_pair_without_golden_board_is_named(tmp_path: Path) -> None:
    lone = Example(image(tmp_path / "a.png"), BOXES, np.array([2, 5]), "g")

    with pytest.raises(DatasetError, match=r"a\.png: no golden board"):
        read_view(lone, View.PAIR)


def test_groups_are_never_divided(boards: Path, tmp_path: Path) -> None:
    manifest = import_deeppcb(boards, tmp_path / "set", {"20000"}, register=moved)

    train, held_out = read_split(tmp_path / "set", "train"), read_split(tmp_path / "set", "val")
    assert manifest.groups == {"train": ["10000", "30000"], "val": ["20000"]}
    assert {example.group for example in train} == {"10000", "30000"}
    assert {example.group for example in held_out} == {"20000"}
    assert manifest.counts == {"train": 4, "val": 2, "good": 2}


def test_golden_boards_of_the_held_out_groups_are_good_parts(boards: Path, tmp_path: Path) -> None:
    import_deeppcb(boards, tmp_path / "set", {"20000"}, register=moved)

    good = read_split(tmp_path / "set", "good")

    assert [example.image.name for example in good] == ["20000000.jpg", "20000001.jpg"]
    assert not any(len(example.boxes) for example in good)


def test_classes_count_from_one_in_the_source_and_from_nought_here(boards: Path) -> None:
    assert read_deeppcb(boards)[0].labels.tolist() == [0, 5]


@pytest.mark.parametrize("held_out", [{"99999"}, {"10000", "20000", "30000"}])
def test_a_split_that_makes_no_sense_is_refused(boards: Path, tmp_path: Path, held_out: set[str]) -> None:
    with pytest.raises(DatasetError, match="10000"):
        import_deeppcb(boards, tmp_path / "set", held_out, register=moved)


@pytest.mark.parametrize("line", ["1 2 30 40 7", "1 2 30 40", "1 2 30 40 0", "1 2 x 40 1"])
def test_a_broken_board_label_is_named_with_its_line(boards: Path, line: str) -> None:
    (boards / "labels" / "10000000.txt").write_text(f"1 2 30 40 1\n{line}\n", encoding="ascii")

    with pytest.raises(DatasetError, match=r"10000000\.txt:2"):
        read_deeppcb(boards)


def test_a_missing_board_label_is_named(boards: Path) -> None:
    (boards / "labels" / "10000001.txt").unlink()

    with pytest.raises(DatasetError, match=r"10000001\.txt"):
        read_deeppcb(boards)


@pytest.mark.parametrize("line", ["0 0.5 0.5 0.1", "x 0.5 0.5 0.1 0.1", "0 1.5 0.5 0.1 0.1"])
def test_a_broken_label_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    image(tmp_path / "images" / "train" / "a.png")
    (tmp_path / "labels" / "train").mkdir(parents=True)
    (tmp_path / "labels" / "train" / "a.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n", encoding="ascii")

    with pytest.raises(DatasetError, match=r"a\.txt:2"):
        read_split(tmp_path, "train")


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    image(tmp_path / "images" / "train" / "a.png").write_bytes(b"no image")

    with pytest.raises(DatasetError, match=r"a\.png"):
        read_split(tmp_path, "train")


def test_an_empty_split_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="inspector data import"):
        read_split(tmp_path, "train")


def test_the_hash_follows_names_and_contents(tmp_path: Path) -> None:
    one, two = image(tmp_path / "a.png", 1), image(tmp_path / "b.png", 2)

    before = content_hash([one, two])

    assert content_hash([two, one]) == before
    image(one, 3)
    assert content_hash([one, two]) != before
