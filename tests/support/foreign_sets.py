"""Small labelled folders as other tools write them: two images of 64 x 48 px with one dent and one scratch each."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT = 64, 48
CLASSES = ("dent", "scratch")
BOXES = {"lot1_a": [(0, (8, 6, 24, 18)), (1, (30, 20, 60, 26))], "lot2_b": [(1, (2, 30, 40, 44))]}
"""Image name -> labels as class and corners x0 y0 x1 y1."""


def picture(path: Path, seed: int = 0, *, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """Write a noisy grey picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    cv2.imwrite(str(path), rng.integers(60, 200, (size[1], size[0]), np.uint8))
    return path


def write_coco(folder: Path, *, outlines: bool = False) -> Path:
    """COCO: one JSON, images beside it; an image without annotation is a good part."""
    annotations = []
    for image_id, labels in enumerate(BOXES.values(), start=10):
        for label, (x0, y0, x1, y1) in labels:
            entry = {"id": len(annotations) + 1, "image_id": image_id, "category_id": label * 7 + 3}
            entry["bbox"] = [x0, y0, x1 - x0, y1 - y0]
            if outlines:
                entry["segmentation"] = [[x0, y0, x1, y0, x1, y1, (x0 + x1) / 2, y1, x0, y1]]
            annotations.append(entry)
    names = [*BOXES, "lot3_good"]
    for number, name in enumerate(names):
        picture(folder / "images" / f"{name}.png", number)
    content = {
        "images": [
            {"id": number, "file_name": f"{name}.png", "width": WIDTH, "height": HEIGHT}
            for number, name in enumerate(names, start=10)
        ],
        "annotations": annotations,
        "categories": [{"id": number * 7 + 3, "name": name} for number, name in enumerate(CLASSES)],
    }
    (folder / "annotations.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def write_yolo(folder: Path) -> Path:
    """YOLO: images/train and images/val, labels beside them, data.yaml; the good part has an empty label file."""
    splits = {"lot1_a": "train", "lot2_b": "valid", "lot3_good": "train"}
    for number, (name, split) in enumerate(splits.items()):
        picture(folder / "images" / split / f"{name}.png", number)
        lines = [
            f"{label} {(x0 + x1) / 2 / WIDTH} {(y0 + y1) / 2 / HEIGHT} {(x1 - x0) / WIDTH} {(y1 - y0) / HEIGHT}\n"
            for label, (x0, y0, x1, y1) in BOXES.get(name, [])
        ]
        labels = folder / "labels" / split / f"{name}.txt"
        labels.parent.mkdir(parents=True, exist_ok=True)
        labels.write_text("".join(lines), encoding="ascii")
    (folder / "data.yaml").write_text(
        "train: images/train\nval: images/valid\nnames:\n  0: dent\n  1: scratch\n", encoding="utf-8"
    )
    return folder


def write_voc(folder: Path) -> Path:
    """Pascal VOC: Annotations/, JPEGImages/ and ImageSets/Main."""
    (folder / "Annotations").mkdir(parents=True)
    for number, (name, labels) in enumerate(BOXES.items()):
        picture(folder / "JPEGImages" / f"{name}.png", number)
        objects = "".join(
            f"<object><name>{CLASSES[label]}</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin>"
            f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
            for label, (x0, y0, x1, y1) in labels
        )
        (folder / "Annotations" / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.png</filename><size><width>{WIDTH}</width><height>{HEIGHT}</height>"
            f"<depth>1</depth></size>{objects}</annotation>",
            encoding="utf-8",
        )
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    (folder / "ImageSets" / "Main" / "train.txt").write_text("lot1_a\n", encoding="utf-8")
    (folder / "ImageSets" / "Main" / "val.txt").write_text("lot2_b\n", encoding="utf-8")
    return folder


def write_mvtec(folder: Path) -> Path:
    """MVTec: train/good, test/good, test/<defect> and ground_truth/<defect>."""
    picture(folder / "train" / "good" / "000.png", 1)
    picture(folder / "test" / "good" / "000.png", 2)
    for number, (kind, box) in enumerate({"dent": (8, 6, 24, 18), "scratch": (30, 20, 60, 26)}.items()):
        picture(folder / "test" / kind / "000.png", 3 + number)
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        x0, y0, x1, y1 = box
        mask[y0:y1, x0:x1] = 255
        target = folder / "ground_truth" / kind / "000_mask.png"
        target.parent.mkdir(parents=True)
        cv2.imwrite(str(target), mask)
    return folder
