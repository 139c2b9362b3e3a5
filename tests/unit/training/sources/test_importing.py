"""Import to our own layout: labels survive, pictures come out upright and 8-bit, broken input is named."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from inspector.cli.data import app
from inspector.training.checking import check_dataset
from inspector.training.dataset import DatasetError, read_grey, read_manifest, read_split
from inspector.training.sources import ImportPlan, detect_format, import_source, read_source
from inspector.training.sources.pictures import Picture, turned
from tests.support.foreign_sets import BOXES, CLASSES, HEIGHT, WIDTH, write_coco, write_mvtec, write_voc, write_yolo

PLAN = ImportPlan("parts", "MIT", "test")


def imported(source: Path, target: Path, plan: ImportPlan = PLAN) -> tuple[str, ...]:
    return import_source(read_source(source, detect_format(source)), source, target, plan).notes


@pytest.mark.parametrize("write", [write_coco, write_yolo, write_voc])
def test_boxes_survive_the_import(tmp_path: Path, write: type) -> None:
    imported(write(tmp_path / "from"), tmp_path / "to")

    manifest = read_manifest(tmp_path / "to")
    assert (manifest.classes, manifest.task, manifest.licence) == (CLASSES, "detect", "MIT")
    found = {e.image.stem: e for split in manifest.counts for e in read_split(tmp_path / "to", split)}
    for name, labels in BOXES.items():
        assert found[name].labels.tolist() == [label for label, _ in labels]
        assert found[name].boxes == pytest.approx(np.array([box for _, box in labels]), abs=0.01)


def test_outlines_make_a_set_for_segmentation(tmp_path: Path) -> None:
    imported(write_coco(tmp_path / "from", outlines=True), tmp_path / "to")

    assert read_manifest(tmp_path / "to").task == "segment"
    examples = read_split(tmp_path / "to", "train")
    assert examples[0].boxes == pytest.approx(np.array([box for _, box in BOXES["lot1_a"]]), abs=0.01)


def test_mvtec_masks_become_labels_and_names_do_not_collide(tmp_path: Path) -> None:
    notes = imported(write_mvtec(tmp_path / "from"), tmp_path / "to")

    assert sorted(e.image.stem for e in read_split(tmp_path / "to", "val")) == ["dent_000", "good_000", "scratch_000"]
    assert any("data split" in note for note in notes)


def test_outlines_for_upright_boxes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="task segment needs the outline"):
        imported(write_voc(tmp_path / "from"), tmp_path / "to", ImportPlan("p", "MIT", "test", task="segment"))


def test_groups_come_from_names(tmp_path: Path) -> None:
    plan = ImportPlan("p", "MIT", "test", group="^(lot[0-9])")
    imported(write_yolo(tmp_path / "from"), tmp_path / "to", plan)

    assert read_manifest(tmp_path / "to").groups == {"train": ["lot1", "lot3"], "val": ["lot2"]}


def test_an_existing_folder_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "mine.txt").touch()

    with pytest.raises(DatasetError, match="exists already"):
        imported(write_yolo(tmp_path / "from"), tmp_path / "to")
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["mine.txt"]


def test_a_failed_import_leaves_nothing_behind(tmp_path: Path) -> None:
    source = write_yolo(tmp_path / "from")
    (source / "images" / "train" / "lot1_a.png").write_bytes(b"no image")

    with pytest.raises(DatasetError, match=r"lot1_a\.png: not a readable image"):
        imported(source, tmp_path / "to")
    assert [path.name for path in tmp_path.iterdir()] == ["from"]


# --- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 1.5 0.5 0.2 0.2", "lies outside the image of 64x48 px"),
        ("0 0.5 0.5 0.001 0.2", "no area to learn from"),
        ("0 -0.4 0.5 0.2 0.2", "lies outside"),
    ],
)
def test_a_label_outside_the_image_is_refused_or_left_out(tmp_path: Path, line: str, message: str) -> None:
    source = write_yolo(tmp_path / "from")
    path = source / "labels" / "train" / "lot1_a.txt"
    path.write_text(path.read_text() + line + "\n")

    with pytest.raises(DatasetError, match=rf"lot1_a\.txt:3 \(dent\).*{message}.*--broken drop"):
        imported(source, tmp_path / "to")
    notes = imported(source, tmp_path / "to", ImportPlan("p", "MIT", "test", broken="drop"))

    assert "1 broken labels were left out" in notes[0]
    assert len(read_split(tmp_path / "to", "train")[0].boxes) == 2


def test_a_label_across_the_edge_is_cut_there(tmp_path: Path) -> None:
    source = write_yolo(tmp_path / "from")
    (source / "labels" / "train" / "lot1_a.txt").write_text("0 0.95 0.5 0.3 0.2\n")

    notes = imported(source, tmp_path / "to")

    assert any("cut at its edge" in note for note in notes)
    assert read_split(tmp_path / "to", "train")[0].boxes[0].tolist() == pytest.approx([51.2, 19.2, 64, 28.8], abs=0.01)


def test_mixed_sizes_and_a_class_missing_in_a_split_are_told(tmp_path: Path) -> None:
    source = write_yolo(tmp_path / "from")
    cv2.imwrite(str(source / "images" / "valid" / "lot2_b.png"), np.full((96, 128), 90, np.uint8))

    notes = imported(source, tmp_path / "to")

    assert any("2 sizes" in note for note in notes)
    assert "split val has no dent" in notes


def test_deep_images_of_one_set_are_scaled_alike(tmp_path: Path) -> None:
    source = write_voc(tmp_path / "from")
    for name, level in (("lot1_a", 4095), ("lot2_b", 2048)):
        cv2.imwrite(str(source / "JPEGImages" / f"{name}.png"), np.full((HEIGHT, WIDTH), level, np.uint16))

    notes = imported(source, tmp_path / "to")

    assert any("from 12 bits" in note for note in notes)
    levels = {
        e.image.stem: int(read_grey(e.image)[0, 0]) for s in ("train", "val") for e in read_split(tmp_path / "to", s)
    }
    assert levels == {"lot1_a": 255, "lot2_b": 128}


def test_pixels_that_do_not_fit_the_given_depth_are_refused(tmp_path: Path) -> None:
    source = write_voc(tmp_path / "from")
    cv2.imwrite(str(source / "JPEGImages" / "lot1_a.png"), np.full((HEIGHT, WIDTH), 4095, np.uint16))

    with pytest.raises(DatasetError, match="grey level 4095"):
        imported(source, tmp_path / "to", ImportPlan("p", "MIT", "test", bits=10))


def test_alpha_is_dropped(tmp_path: Path) -> None:
    source = write_voc(tmp_path / "from")
    cv2.imwrite(str(source / "JPEGImages" / "lot1_a.png"), np.full((HEIGHT, WIDTH, 4), 77, np.uint8))

    notes = imported(source, tmp_path / "to")

    assert any("alpha" in note for note in notes)
    (example,) = read_split(tmp_path / "to", "train")
    assert cv2.imread(str(example.image), cv2.IMREAD_UNCHANGED).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("labelled", ["upright", "stored"])
def test_a_picture_with_exif_rotation_keeps_its_labels_in_place(tmp_path: Path, labelled: str) -> None:
    """The bright patch of the upright picture has the label, whichever raster the labelling tool spoke of."""
    upright = np.full((64, 48), 40, np.uint8)
    upright[10:30, 5:20] = 220
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    source = write_coco(tmp_path / "from")
    stored = Image.fromarray(np.rot90(upright))
    stored.save(source / "images" / "lot1_a.jpg", exif=exif, quality=95)
    path = source / "annotations.json"
    content = json.loads(path.read_text())
    width, height = (48, 64) if labelled == "upright" else (64, 48)
    box = [5, 10, 15, 20] if labelled == "upright" else [10, 48 - 20, 20, 15]
    content["images"][0].update(file_name="lot1_a.jpg", width=width, height=height)
    content["annotations"] = [{"id": 1, "image_id": 10, "category_id": 3, "bbox": box}]
    path.write_text(json.dumps(content))

    imported(source, tmp_path / "to")

    example = next(e for e in read_split(tmp_path / "to", "train") if e.image.stem == "lot1_a")
    assert example.boxes[0].tolist() == pytest.approx([5, 10, 20, 30], abs=0.01)
    pixels = read_grey(example.image)
    assert pixels.shape == (64, 48)
    assert pixels[10:30, 5:20].mean() > 210


def test_labels_of_an_image_that_was_scaled_afterwards_are_refused(tmp_path: Path) -> None:
    source = write_coco(tmp_path / "from")
    cv2.imwrite(str(source / "images" / "lot1_a.png"), np.full((90, 120), 90, np.uint8))

    with pytest.raises(DatasetError, match=r"64x48 px, but lot1_a\.png has 120x90 px"):
        imported(source, tmp_path / "to")


@given(orientation=st.integers(1, 8), x=st.floats(0, 64), y=st.floats(0, 48))
def test_turning_points_agrees_with_turning_pixels(orientation: int, x: float, y: float) -> None:
    picture = Picture(Path("a.jpg"), (64, 48), orientation, "L")

    (moved,) = turned(np.array([[x, y]]), picture)

    width, height = picture.size
    assert 0 <= moved[0] <= width
    assert 0 <= moved[1] <= height


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_points_follows_the_decoder(tmp_path: Path, orientation: int) -> None:
    stored = np.zeros((48, 64), np.uint8)
    stored[10:14, 20:24] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    Image.fromarray(stored).save(path, exif=exif, quality=95)

    (centre,) = turned(np.array([[22.0, 12.0]]), Picture(path, (64, 48), orientation, "L"))

    rows, columns = np.nonzero(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 128)
    assert centre == pytest.approx((columns.mean() + 0.5, rows.mean() + 0.5), abs=0.3)


# --- command ------------------------------------------------------------------------------------------------


def test_the_command_finds_the_format_and_tells_what_it_wrote(tmp_path: Path) -> None:
    source = write_coco(tmp_path / "from")

    result = CliRunner().invoke(app, ["import", str(source), str(tmp_path / "to"), "--licence", "CC-BY-4.0"])

    assert result.exit_code == 0, result.output
    assert "3 train images from coco, task detect" in result.output
    assert "inspector data split" in result.output
    assert read_manifest(tmp_path / "to").licence == "CC-BY-4.0"


def test_an_imported_set_passes_the_check_but_for_its_splits(tmp_path: Path) -> None:
    imported(write_yolo(tmp_path / "from"), tmp_path / "to")

    kinds = {finding.kind for finding in check_dataset(tmp_path / "to").findings if finding.severity == "error"}

    assert kinds == {"missing_class"}  # val has no dent


def test_class_names_become_words_of_rules(tmp_path: Path) -> None:
    source = write_yolo(tmp_path / "from")
    (source / "data.yaml").write_text("train: images/train\nval: images/valid\nnames: [Big Dent, 划痕]\n", "utf-8")

    with pytest.raises(DatasetError, match=r"划痕.*--rename"):
        imported(source, tmp_path / "to")
    result = CliRunner().invoke(app, ["import", str(source), str(tmp_path / "to"), "--rename", "划痕=scratch"])

    assert result.exit_code == 0, result.output
    assert read_manifest(tmp_path / "to").classes == ("big_dent", "scratch")


def test_two_classes_do_not_become_one_unnoticed(tmp_path: Path) -> None:
    source = write_yolo(tmp_path / "from")
    (source / "data.yaml").write_text("train: images/train\nval: images/valid\nnames: [Dent, dent]\n", "utf-8")

    with pytest.raises(DatasetError, match="becomes 'dent', as another does"):
        imported(source, tmp_path / "to")
