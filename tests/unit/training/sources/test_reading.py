"""Foreign formats: recognised, read to the same boxes, and refused by file and key where they are broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inspector.training.dataset import DatasetError
from inspector.training.sources import ShapeKind, Source, detect_format, read_source
from tests.support.foreign_sets import (
    BOXES,
    CLASSES,
    HEIGHT,
    WIDTH,
    picture,
    write_coco,
    write_mvtec,
    write_voc,
    write_yolo,
)

WRITERS: dict[str, Callable[[Path], Path]] = {
    "coco": write_coco,
    "yolo": write_yolo,
    "voc": write_voc,
    "mvtec": write_mvtec,
}


def boxes(source: Source, name: str) -> list[tuple[str, list[float]]]:
    (image,) = [each for each in source.images if each.path.stem == name]
    scale = np.array([WIDTH, HEIGHT]) if image.relative else np.ones(2)
    return [
        (shape.name, np.concatenate([shape.points.min(axis=0) * scale, shape.points.max(axis=0) * scale]).tolist())
        for shape in image.shapes
    ]


@pytest.mark.parametrize("kind", WRITERS)
def test_the_format_is_recognised(tmp_path: Path, kind: str) -> None:
    assert detect_format(WRITERS[kind](tmp_path / "set")) == kind


@pytest.mark.parametrize("kind", ["coco", "yolo", "voc"])
def test_every_format_says_the_same_boxes(tmp_path: Path, kind: str) -> None:
    source = read_source(WRITERS[kind](tmp_path), kind)

    assert source.classes == CLASSES
    for name, labels in BOXES.items():
        found = boxes(source, name)
        assert [label for label, _ in found] == [CLASSES[label] for label, _ in labels]
        assert [box for _, box in found] == [pytest.approx(box) for _, box in labels]


@pytest.mark.parametrize(
    ("kind", "splits"), [("yolo", ("train", "val")), ("voc", ("train", "val")), ("coco", ("", ""))]
)
def test_splits_of_the_source_are_kept(tmp_path: Path, kind: str, splits: tuple[str, str]) -> None:
    source = read_source(WRITERS[kind](tmp_path), kind)

    by_name = {image.path.stem: image.split for image in source.images}
    assert (by_name["lot1_a"], by_name["lot2_b"]) == splits


def test_masks_become_outlines_to_the_pixel(tmp_path: Path) -> None:
    source = read_source(write_mvtec(tmp_path), "mvtec")

    dent = next(image for image in source.images if image.name == "dent_000")
    (shape,) = dent.shapes
    assert shape.kind is ShapeKind.POLYGON
    assert (*shape.points.min(axis=0), *shape.points.max(axis=0)) == (8, 6, 24, 18)
    assert [image.name for image in source.images if not image.shapes] == ["train_good_000", "good_000"]


def test_run_lengths_become_outlines(tmp_path: Path) -> None:
    write_coco(tmp_path)
    path = tmp_path / "annotations.json"
    content = json.loads(path.read_text())
    mask = np.zeros((HEIGHT, WIDTH), int)
    mask[10:20, 5:9] = 1
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat, prepend=0))
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    content["annotations"][0]["segmentation"] = {"counts": counts, "size": [HEIGHT, WIDTH]}
    path.write_text(json.dumps(content))

    source = read_source(tmp_path, "coco")

    assert boxes(source, "lot1_a")[0] == ("dent", [5, 10, 9, 20])


def test_rectangles_of_four_corners_are_oriented_boxes(tmp_path: Path) -> None:
    write_yolo(tmp_path)
    for file in (tmp_path / "labels").rglob("*.txt"):
        file.write_text("1 0.5 0.1 0.9 0.5 0.5 0.9 0.1 0.5\n")

    source = read_source(tmp_path, "yolo")

    assert {shape.kind for image in source.images for shape in image.shapes} == {ShapeKind.ORIENTED}


def test_a_yolo_image_without_labels_is_no_good_part_unless_said_so(tmp_path: Path) -> None:
    write_yolo(tmp_path)
    picture(tmp_path / "images" / "train" / "forgotten.png")

    with pytest.raises(DatasetError, match=r"forgotten\.png.*--unlabelled good"):
        read_source(tmp_path, "yolo")
    assert len(read_source(tmp_path, "yolo", unlabelled_good=True).images) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["images"][0].pop("file_name"), r"annotations\.json: images\.0\.file_name"),
        (lambda c: c.pop("categories"), r"annotations\.json: categories"),
        (lambda c: c["annotations"][1].update(image_id=99), r"annotations\.1\.image_id: 99"),
        (lambda c: c["annotations"][1].update(category_id=99), r"annotations\.1\.category_id: 99"),
        (lambda c: c["annotations"][1].update(bbox=[1, 2, 3]), r"annotations\.1\.bbox"),
        (lambda c: c["annotations"][0].pop("bbox"), r"annotations\.0\.bbox: missing"),
        (lambda c: c["annotations"][0].update(segmentation=[[1, 2, 3]]), r"annotations\.0\.segmentation"),
        (lambda c: c["images"][0].update(file_name="gone.png"), r"gone\.png.*there is no such image"),
    ],
)
def test_a_broken_coco_file_is_named_with_its_key(
    tmp_path: Path, change: Callable[[dict[str, list[dict[str, object]]]], object], message: str
) -> None:
    path = write_coco(tmp_path) / "annotations.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))

    with pytest.raises(DatasetError, match=message):
        read_source(tmp_path, "coco")


@pytest.mark.parametrize(
    "line", ["0 0.5 0.5 0.1", "x 0.5 0.5 0.1 0.1", "7 0.5 0.5 0.1 0.1", "0 nan 0.5 0.1 0.1", "0.5 1 1 1 1"]
)
def test_a_broken_yolo_line_is_named(tmp_path: Path, line: str) -> None:
    write_yolo(tmp_path)
    (tmp_path / "labels" / "train" / "lot1_a.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")

    with pytest.raises(DatasetError, match=r"lot1_a\.txt:2"):
        read_source(tmp_path, "yolo")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<xmax>24</xmax>", "", "lot1_a.xml: object 1 .dent.: key bndbox"),
        ("<name>dent</name>", "", "lot1_a.xml: object 1: key name"),
        ("lot1_a.png", "gone.png", None),
        ("</annotation>", "", "lot1_a.xml: cannot be read as XML"),
    ],
)
def test_a_broken_voc_file_is_named(tmp_path: Path, old: str, new: str, message: str | None) -> None:
    path = write_voc(tmp_path) / "Annotations" / "lot1_a.xml"
    path.write_text(path.read_text().replace(old, new))

    if message is None:  # tools rename images: the name of the .xml itself is as good
        assert len(read_source(tmp_path, "voc").images) == 2
    else:
        with pytest.raises(DatasetError, match=message):
            read_source(tmp_path, "voc")


def test_entities_of_an_xml_file_are_not_expanded(tmp_path: Path) -> None:
    path = write_voc(tmp_path) / "Annotations" / "lot1_a.xml"
    path.write_text(
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + path.read_text().replace("dent", "&x;")
    )

    with pytest.raises(DatasetError, match=r"lot1_a\.xml: cannot be read"):
        read_source(tmp_path, "voc")


def test_a_defective_image_without_mask_is_named(tmp_path: Path) -> None:
    write_mvtec(tmp_path)
    (tmp_path / "ground_truth" / "dent" / "000_mask.png").unlink()

    with pytest.raises(DatasetError, match=r"dent/000\.png: has no mask"):
        read_source(tmp_path, "mvtec")


def test_a_folder_of_no_known_format_lists_the_formats(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")

    with pytest.raises(DatasetError, match="--format: coco, yolo, voc, mvtec, deeppcb"):
        detect_format(tmp_path)
    with pytest.raises(DatasetError, match="no such folder"):
        detect_format(tmp_path / "gone")
