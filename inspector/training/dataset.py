"""Labelled image folders: the YOLO layout on disk, read and written with its manifest."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import ConfigurationError

BOARD_CLASSES = ("open", "short", "mousebite", "spur", "spurious_copper", "pin_hole")
SPLITS = ("train", "val", "good")
IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff"})
FIELDS_PER_LABEL = 5
ABSENT_GREY = 114  # of a plane on which nothing is shown
FEWEST_OUTLINE_FIELDS = 7


class DatasetError(ConfigurationError):
    """A data-set folder cannot be used; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Example:
    """One image with its true boxes.

    ``boxes`` is float32 of shape (n, 4), x1 y1 x2 y2 in pixels; ``labels`` is int64 of shape (n,),
    indices into the class list. ``group`` names what must never be divided between splits. ``golden`` is the
    picture of the same board without defects, lying on the image to a fraction of a pixel, where there is one.
    """

    image: Path
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    group: str
    golden: Path | None = None

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.labels), 4):
            raise DatasetError(f"{self.image}: boxes of shape {self.boxes.shape}, expected ({len(self.labels)}, 4)")


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where a data set comes from and how it was divided; written beside the images.

    ``task`` says what its labels are good for (``detect``, ``segment``, ``obb``), ``divided`` by which rule its
    splits were made, empty where the source or the import did.
    """

    name: str
    licence: str
    source: str
    classes: tuple[str, ...]
    groups: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    content_sha256: str = ""
    task: str = "detect"
    divided: str = ""


def read_grey(path: Path) -> NDArray[np.uint8]:
    """Return the image as 8-bit grey, shape (height, width).

    Raises
    ------
    DatasetError
        The file is missing or is no readable image.
    """
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise DatasetError(f"{path}: not a readable image; export it again or remove it from the data set")
    return np.asarray(pixels, dtype=np.uint8)


def read_colour(path: Path) -> NDArray[np.uint8]:
    """Return the image as 8-bit BGR, shape (height, width, 3); raises ``DatasetError`` as ``read_grey`` does."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise DatasetError(f"{path}: not a readable image; export it again or remove it from the data set")
    return np.asarray(pixels, dtype=np.uint8)


class View(StrEnum):
    """What a network sees of an example."""

    IMAGE = "image"
    PAIR = "image and golden board"
    PAIR_WITHOUT_GOLDEN = "image and an empty plane"


def read_view(example: Example, view: View) -> NDArray[np.uint8]:
    """Return the image (height, width), or with its golden board or an empty plane (height, width, 2).

    Raises
    ------
    DatasetError
        There is no golden board, or one of another size.
    """
    image = read_grey(example.image)
    if view is View.IMAGE:
        return image
    if view is View.PAIR_WITHOUT_GOLDEN:
        return np.stack([image, np.full_like(image, ABSENT_GREY)], axis=2)
    golden = read_grey(example.golden) if example.golden is not None else None
    if golden is None or golden.shape != image.shape:
        raise DatasetError(
            f"{example.image}: {'no golden board' if golden is None else 'the golden board has another size'}",
            remedy="Import or make the data set again: golden boards lie in golden/SPLIT/NAME.png",
        )
    return np.stack([image, golden], axis=2)


def write_golden(folder: Path, split: str, stem: str, pixels: NDArray[np.uint8]) -> None:
    """Write the golden board that belongs to the image with this stem."""
    target = folder / "golden" / split
    target.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(target / f"{stem}.png"), pixels)


def write_split(folder: Path, split: str, examples: Iterable[Example]) -> int:
    """Copy the images and write one label file each; return how many images were written."""
    images, labels = folder / "images" / split, folder / "labels" / split
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    written = 0
    for example in examples:
        height, width = read_grey(example.image).shape
        target = images / example.image.name
        if target.resolve() != example.image.resolve():
            shutil.copyfile(example.image, target)
        lines = yolo_lines(example.boxes, example.labels, width=width, height=height)
        (labels / f"{example.image.stem}.txt").write_text("".join(lines), encoding="ascii")
        written += 1
    return written


def yolo_lines(boxes: NDArray[np.float32], labels: NDArray[np.int64], *, width: int, height: int) -> list[str]:
    """Return one line per box: class, centre x, centre y, width, height, the last four in 0..1."""
    scale = np.array([width, height, width, height], dtype=np.float64)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    sizes = boxes[:, 2:] - boxes[:, :2]
    rows = np.concatenate([centres, sizes], axis=1) / scale
    return [
        f"{label} {' '.join(f'{value:.6f}' for value in row)}\n"
        for label, row in zip(labels.tolist(), rows.tolist(), strict=True)
    ]


def read_split(folder: Path, split: str) -> list[Example]:
    """Return the examples of one split, sorted by file name.

    Raises
    ------
    DatasetError
        The split is absent or empty, or a label line is broken.
    """
    images = folder / "images" / split
    found = sorted(p for p in images.glob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise DatasetError(f"{images}: no images; run `inspector data import` or `inspector data synth` first")
    groups = _group_of_each_image(folder)
    return [_read_example(path, folder, split, groups.get(path.stem, path.stem)) for path in found]


def _group_of_each_image(folder: Path) -> dict[str, str]:
    table = folder / "groups.json"
    if not table.is_file():
        return {}
    return {str(k): str(v) for k, v in json.loads(table.read_text(encoding="utf-8")).items()}


def _read_example(path: Path, folder: Path, split: str, group: str) -> Example:
    label_file = folder / "labels" / split / f"{path.stem}.txt"
    height, width = read_grey(path).shape
    table = np.array(_label_rows(label_file), dtype=np.float64).reshape(-1, FIELDS_PER_LABEL)
    size = np.array([width, height], dtype=np.float64)
    centres, extents = table[:, 1:3] * size, table[:, 3:5] * size
    boxes = np.concatenate([centres - extents / 2, centres + extents / 2], axis=1)
    golden = folder / "golden" / split / f"{path.stem}.png"
    return Example(
        path, boxes.astype(np.float32), table[:, 0].astype(np.int64), group, golden if golden.is_file() else None
    )


def _label_rows(label_file: Path) -> list[list[float]]:
    rows: list[list[float]] = []
    for number, line in enumerate(read_lines(label_file), start=1):
        try:
            row = [float(field) for field in line.split()]
        except ValueError:
            row = []
        outline = len(row) >= FEWEST_OUTLINE_FIELDS and len(row) % 2
        if (
            (len(row) != FIELDS_PER_LABEL and not outline)
            or row[0] < 0
            or not all(0 <= value <= 1 for value in row[1:])
        ):
            raise DatasetError(
                f"{label_file}:{number}: {line!r} is not: class cx cy w h, or class x1 y1 x2 y2 x3 y3 …, all but the "
                "class 0 … 1",
                remedy="Correct the line, or import the data again",
            )
        rows.append([row[0], *_box_around(row[1:])] if outline else row)
    return rows


def _box_around(corners: Sequence[float]) -> tuple[float, float, float, float]:
    """Return centre x, centre y, width and height of the upright box around an outline."""
    x, y = corners[::2], corners[1::2]
    return (min(x) + max(x)) / 2, (min(y) + max(y)) / 2, max(x) - min(x), max(y) - min(y)


def read_lines(path: Path) -> list[str]:
    """Return the lines that are not empty; raises ``DatasetError`` where the file cannot be read."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: labels cannot be read: {error}", remedy="Every image needs its labels") from error
    return [line for line in text.splitlines() if line.strip()]


def write_manifest(folder: Path, manifest: Manifest, groups: dict[str, str]) -> None:
    """Write ``manifest.json``, ``groups.json`` (image stem to group) and ultralytics' ``data.yaml``."""
    text = json.dumps(
        {
            "name": manifest.name,
            "licence": manifest.licence,
            "source": manifest.source,
            "classes": list(manifest.classes),
            "groups": manifest.groups,
            "counts": manifest.counts,
            "content_sha256": manifest.content_sha256,
            "task": manifest.task,
            "divided": manifest.divided,
        },
        indent=2,
    )
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
    (folder / "groups.json").write_text(json.dumps(groups, indent=0) + "\n", encoding="utf-8")
    names = "".join(f"  {index}: {name}\n" for index, name in enumerate(manifest.classes))
    (folder / "data.yaml").write_text(
        f"path: .\ntrain: images/train\nval: images/val\nnames:\n{names}", encoding="utf-8"
    )


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest beside the images.

    Raises
    ------
    DatasetError
        There is none, so nobody knows where the images came from.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise DatasetError(f"{path}: missing; import the data again so that its source and licence are known")
    raw = json.loads(path.read_text(encoding="utf-8"))
    return Manifest(
        name=raw["name"],
        licence=raw["licence"],
        source=raw["source"],
        classes=tuple(raw["classes"]),
        groups=raw["groups"],
        counts=raw["counts"],
        content_sha256=raw["content_sha256"],
        task=raw.get("task", "detect"),
        divided=raw.get("divided", ""),
    )


def content_hash(files: Sequence[Path]) -> str:
    """Return the SHA-256 over names and bytes of the files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda p: p.name):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
