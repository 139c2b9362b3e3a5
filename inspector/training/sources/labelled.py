"""What every foreign labelling format is read into: images with named shapes in pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.training.dataset import DatasetError

__all__ = [
    "PICTURE_SUFFIXES",
    "LabelledImage",
    "Shape",
    "ShapeKind",
    "Source",
    "Task",
    "box_shape",
    "pictures_below",
    "split_name",
    "task_of",
    "with_class_words",
]

# WebP is read and written on as PNG; what a data set holds is listed in dataset.IMAGE_SUFFIXES.
PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

_CLASS_WORD = re.compile("[a-z][a-z0-9_]*")
_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}


class ShapeKind(StrEnum):
    """How a label draws its defect."""

    BOX = "box"
    POLYGON = "polygon"
    ORIENTED = "oriented"


class Task(StrEnum):
    """What a network can learn from the labels."""

    DETECT = "detect"
    SEGMENT = "segment"
    OBB = "obb"


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One label: the name of its class, and its corners (n, 2) as x y in pixels; a box has its four corners.

    ``where`` says where the label stands, for messages.
    """

    name: str
    points: NDArray[np.float64]
    kind: ShapeKind
    where: str


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImage:
    """One image and its labels.

    Attributes
    ----------
    size
        Width and height that the label file claims, None where it says nothing.
    relative
        The points are shares of width and height, not pixels.
    split
        ``train``, ``val`` or ``test`` where the source divides its images, else empty.
    name
        Name that the image should get, without suffix; empty: its own.
    """

    path: Path
    shapes: tuple[Shape, ...]
    size: tuple[int, int] | None = None
    relative: bool = False
    split: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A foreign folder: its format, its class names in their order, its images, and what was odd about it."""

    format: str
    classes: tuple[str, ...]
    images: tuple[LabelledImage, ...]
    notes: tuple[str, ...] = field(default=())


def box_shape(name: str, corners: tuple[float, float, float, float], where: str) -> Shape:
    """Return a label that is an upright box x0 y0 x1 y1."""
    x0, y0, x1, y1 = corners
    return Shape(name, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64), ShapeKind.BOX, where)


def with_class_words(source: Source, renamed: Mapping[str, str]) -> Source:
    """Return the source with class names as a line's rules write them: lower-case words, "Missing Hole" missing_hole.

    Parameters
    ----------
    renamed
        Names that a person chose, by the source's own.

    Raises
    ------
    DatasetError
        A name cannot be written so, or two become one.
    """
    unknown = [name for name in renamed if name not in source.classes]
    if unknown:
        raise DatasetError(
            f"rename {unknown[0]}: there is no such class", remedy=f"The classes are {', '.join(source.classes)}"
        )
    words = {name: renamed.get(name) or _as_words(name) for name in source.classes}
    broken = [name for name, word in words.items() if not _CLASS_WORD.fullmatch(word)]
    twice = [name for name in words if list(words.values()).count(words[name]) > 1 and name not in renamed]
    if broken or twice:
        name = (broken or twice)[0]
        trouble = (
            f"becomes {words[name]!r}, as another does" if twice and not broken else "has no name in a line's rules"
        )
        raise DatasetError(
            f"class {name!r} {trouble}", remedy=f"Say --rename '{name}=word', in lower-case letters, digits and _"
        )
    images = tuple(
        replace(image, shapes=tuple(replace(shape, name=words[shape.name]) for shape in image.shapes))
        for image in source.images
    )
    return replace(source, classes=tuple(dict.fromkeys(words.values())), images=images)


def _as_words(name: str) -> str:
    return re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")


def split_name(text: str) -> str:
    """Return ``train``, ``val`` or ``test`` where the name of a file or folder says so, else an empty string."""
    words = text.lower().replace("_", " ").replace("-", " ").replace(".", " ").split()
    found = {_SPLIT_NAMES[word.rstrip("0123456789")] for word in words if word.rstrip("0123456789") in _SPLIT_NAMES}
    return found.pop() if len(found) == 1 else ""


def pictures_below(folder: Path) -> list[Path]:
    """Return every image file in the folder and the folders in it, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file())


def task_of(images: tuple[LabelledImage, ...], wanted: str = "") -> Task:
    """Return what the labels are good for: outlines only where every label has one.

    Raises
    ------
    DatasetError
        The wanted task needs what the labels do not have.
    """
    kinds = {shape.kind for image in images for shape in image.shapes}
    if not wanted:
        if kinds == {ShapeKind.POLYGON}:
            return Task.SEGMENT
        return Task.OBB if kinds == {ShapeKind.ORIENTED} else Task.DETECT
    task = Task(wanted)
    if task is not Task.DETECT and ShapeKind.BOX in kinds:
        first = next(s for image in images for s in image.shapes if s.kind is ShapeKind.BOX)
        raise DatasetError(
            f"{first.where}: an upright box, but task {task} needs the outline of every defect",
            remedy="Import with --task detect, or draw outlines",
        )
    return task
