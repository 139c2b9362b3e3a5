"""YOLO folders: images beside or parallel to text files with one label a line, classes in a data.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from inspector.training.dataset import DatasetError, read_lines
from inspector.training.sources.labelled import (
    PICTURE_SUFFIXES,
    LabelledImage,
    Shape,
    ShapeKind,
    Source,
    box_shape,
    pictures_below,
    split_name,
)

__all__ = ["class_file", "read_yolo"]

_BOX_FIELDS = 5
_ORIENTED_FIELDS = 9
_FEWEST_OUTLINE_FIELDS = 7
_NAME_FILES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml", "classes.txt", "obj.names")


def class_file(folder: Path) -> Path | None:
    """Return the file that names the classes: data.yaml, or any other YAML with the key names, or a list."""
    for name in _NAME_FILES:
        for place in (folder / name, folder / "labels" / name):
            if place.is_file():
                return place
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        if "\nnames:" in "\n" + path.read_text(encoding="utf-8", errors="replace"):
            return path
    return None


def read_yolo(folder: Path, *, unlabelled_good: bool = False) -> Source:
    """Return the images of a YOLO folder, boxes, outlines or oriented boxes alike.

    An image without label file is an error, unless ``unlabelled_good`` says that it shows a good part: a forgotten
    label must not teach that a defect is good.

    Raises
    ------
    DatasetError
        The class names, an image's labels or a line are missing or broken.
    """
    named = class_file(folder)
    if named is None:
        raise DatasetError(
            f"{folder}: no class names", remedy="Add a data.yaml with the key names, or a classes.txt with one a line"
        )
    classes, description = _classes(named)
    labelled = [
        (picture, split, _label_file(picture)) for picture, split in _pictures(named.parent, folder, description)
    ]
    if not labelled:
        raise DatasetError(
            f"{folder}: no images; {named.name} and images/ were looked at",
            remedy="Give the folder that holds images/ and labels/",
        )
    without = [picture for picture, _, labels in labelled if labels is None]
    if without and not unlabelled_good:
        raise DatasetError(
            f"{without[0]}: has no label file, nor have {len(without) - 1} other images",
            remedy="Write an empty .txt for each good part, or import with --unlabelled good",
        )
    images = tuple(
        LabelledImage(picture, _shapes(labels, classes) if labels else (), relative=True, split=split)
        for picture, split, labels in labelled
    )
    notes = [f"{len(without)} images without label file were taken for good parts"] if without else []
    return Source("yolo", classes, _as_oriented(images), tuple(notes))


def _classes(path: Path) -> tuple[tuple[str, ...], dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix not in {".yaml", ".yml"}:
        return tuple(line.strip() for line in text.splitlines() if line.strip()), {}
    try:
        raw = YAML(typ="safe", pure=True).load(text) or {}
    except YAMLError as error:
        raise DatasetError(f"{path}: not YAML: {error}", remedy="Correct the file") from error
    names = raw.get("names") if isinstance(raw, dict) else None
    if isinstance(names, dict):
        try:
            ordered = {int(key): str(value) for key, value in names.items()}
        except ValueError as error:
            raise DatasetError(f"{path}: key names: its keys must be class numbers") from error
        if sorted(ordered) != list(range(len(ordered))):
            raise DatasetError(f"{path}: key names: class numbers must run from 0 without a gap, got {sorted(ordered)}")
        names = [ordered[number] for number in range(len(ordered))]
    if not isinstance(names, list) or not names:
        raise DatasetError(f"{path}: key names is missing", remedy="Name the classes in their order")
    return tuple(map(str, names)), raw


def _pictures(base: Path, folder: Path, description: dict[str, Any]) -> list[tuple[Path, str]]:
    """Return images with their split, as data.yaml lists them; else everything there is, split by folder names."""
    root = base / str(description.get("path") or ".")
    listed: dict[Path, str] = {}
    for key in ("train", "val", "test"):
        for entry in _entries(description.get(key)):
            for place in (root / entry, base / entry, base / entry.removeprefix("../")):
                if place.is_dir():
                    listed |= dict.fromkeys(pictures_below(place), key)
                    break
                if place.is_file():
                    listed |= dict.fromkeys(_from_list(place, root), key)
                    break
            else:
                if key != "test":  # exports name a test folder even where they leave it out
                    raise DatasetError(f"{base}: key {key}: {entry} is not there", remedy="Correct data.yaml")
    if listed:
        return sorted(listed.items())
    start = folder / "images" if (folder / "images").is_dir() else folder
    return [(picture, _split_of(picture, start)) for picture in pictures_below(start)]


def _entries(value: object) -> list[str]:
    if value is None or value == "":
        return []
    return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]


def _from_list(path: Path, root: Path) -> list[Path]:
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    found = [next((p for p in (path.parent / line, root / line, Path(line)) if p.is_file()), None) for line in lines]
    for line, place in zip(lines, found, strict=True):
        if place is None or place.suffix.lower() not in PICTURE_SUFFIXES:
            raise DatasetError(f"{path}: {line!r} is no image that is there", remedy="Correct the list")
    return [place for place in found if place is not None]


def _split_of(picture: Path, start: Path) -> str:
    for part in picture.relative_to(start).parts[:-1]:
        if name := split_name(part):
            return name
    return ""


def _label_file(picture: Path) -> Path | None:
    """Return the label file beside the image, or where ``images`` in its path reads ``labels``."""
    places = [picture.with_suffix(".txt")]
    parts = list(picture.parts)
    if "images" in parts:
        last = len(parts) - 1 - parts[::-1].index("images")
        places.insert(0, Path(*parts[:last], "labels", *parts[last + 1 :]).with_suffix(".txt"))
    return next((place for place in places if place.is_file()), None)


def _shapes(path: Path, classes: tuple[str, ...]) -> tuple[Shape, ...]:
    shapes = []
    for number, line in enumerate(read_lines(path), start=1):
        where = f"{path}:{number}"
        try:
            label, *values = (float(field) for field in line.split())
        except ValueError:
            label, values = -1.0, []
        count = len(values) + 1
        outline = count >= _FEWEST_OUTLINE_FIELDS and count % 2
        if (count != _BOX_FIELDS and not outline) or not label.is_integer() or not np.isfinite(values).all():
            raise DatasetError(
                f"{where}: {line!r} is neither class cx cy w h nor class x1 y1 x2 y2 x3 y3 …",
                remedy="Correct the line, or export the labels again",
            )
        if not 0 <= label < len(classes):
            raise DatasetError(
                f"{where}: class {label:g}, but there are {len(classes)} names, 0 … {len(classes) - 1}",
                remedy="Correct the line, or the key names of data.yaml",
            )
        name = classes[int(label)]
        if outline:
            shapes.append(Shape(name, np.array(values).reshape(-1, 2), ShapeKind.POLYGON, where))
        else:
            x, y, width, height = values
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            shapes.append(box_shape(name, box, where))
    return tuple(shapes)


def _as_oriented(images: tuple[LabelledImage, ...]) -> tuple[LabelledImage, ...]:
    """Take outlines for oriented boxes where each label of the whole set is a rectangle of four corners."""
    shapes = [shape for image in images for shape in image.shapes]
    if not shapes or not all(shape.kind is ShapeKind.POLYGON and _is_parallelogram(shape) for shape in shapes):
        return images
    return tuple(
        LabelledImage(
            image.path,
            tuple(Shape(s.name, s.points, ShapeKind.ORIENTED, s.where) for s in image.shapes),
            relative=True,
            split=image.split,
        )
        for image in images
    )


def _is_parallelogram(shape: Shape) -> bool:
    """Return whether opposite sides are equal, which survives the scaling to shares of width and height."""
    if shape.points.shape != (_ORIENTED_FIELDS // 2, 2):
        return False
    a, b, c, d = shape.points
    extent = float(np.ptp(shape.points, axis=0).max())
    return bool(np.abs(a + c - b - d).max() <= 0.05 * max(extent, 1e-9))
