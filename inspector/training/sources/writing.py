"""A foreign source -> our own data set on disk: upright 8-bit images, YOLO labels, groups and a manifest."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.training.dataset import DatasetError, Manifest, write_manifest
from inspector.training.groups import check_grouping, grouping
from inspector.training.sources.labelled import LabelledImage, Shape, ShapeKind, Source, Task, task_of, with_class_words
from inspector.training.sources.pictures import Picture, deepest_bits, look_at, turned, write_picture
from inspector.training.versioning import ORIGINS, version_of

__all__ = ["ImportPlan", "Imported", "import_source"]

LEAST_SIDE_PX = 1.0
EDGE_SLACK_PX = 2.0
SHOWN_PROBLEMS = 8

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """How a source is imported.

    Attributes
    ----------
    name, licence, origin
        For the manifest, and from there for the cards of models.
    group
        Rule of ``inspector.training.groups``.
    task
        ``detect``, ``segment``, ``obb``, or empty for what the labels are good for.
    broken
        What happens to a label outside the image or without an area.
    bits
        Depth of deep pictures; None: found by their brightest pixel.
    renamed
        Classes by the source's name and the one they get.
    """

    name: str
    licence: str
    origin: str
    group: str = ""
    task: str = ""
    broken: Literal["refuse", "drop"] = "refuse"
    bits: int | None = None
    renamed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """What was written, and what a person should know of it."""

    manifest: Manifest
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One image with its label lines, ready to be written."""

    picture: Picture
    split: str
    lines: tuple[str, ...]


def import_source(
    source: Source, root: Path, target: Path, plan: ImportPlan, progress: Progress = lambda _what, _done, _of: None
) -> Imported:
    """Write a source as a data set; the folder appears whole or not at all.

    Parameters
    ----------
    root
        Folder that the paths of the images are told relative to.

    Raises
    ------
    DatasetError
        The target exists, an image cannot be read, or labels are broken; the message names files and remedy.
    """
    if target.exists() and any(target.iterdir() if target.is_dir() else [target]):
        raise DatasetError(f"{target}: exists already", remedy="Name a new folder, or remove this one first")
    if not source.images:
        raise DatasetError(f"{root}: no images", remedy="Give the folder of images and labels")
    source = with_class_words(source, dict(plan.renamed))
    task = task_of(source.images, plan.task)
    pictures = [
        _tell(progress, "reading", i, source.images, look_at(each.path)) for i, each in enumerate(source.images)
    ]
    deep = [picture for picture in pictures if picture.deep]
    bits = plan.bits or (deepest_bits(deep, lambda: None) if deep else 8)
    rows, problems, clipped = _label_rows(source, pictures, task)
    if problems and plan.broken == "refuse":
        more = f"; and {len(problems) - SHOWN_PROBLEMS} more" if len(problems) > SHOWN_PROBLEMS else ""
        raise DatasetError(
            f"{len(problems)} broken labels: {'; '.join(problems[:SHOWN_PROBLEMS])}{more}",
            remedy="Correct them, or leave these labels out with --broken drop",
        )
    origins = [_relative(picture.path, root) for picture in pictures]
    group_of = grouping(plan.group)
    stems = _stems(source.images, origins)
    groups = [group_of(origin) if plan.group else stem for origin, stem in zip(origins, stems, strict=True)]
    check_grouping(groups, plan.group)
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for index, (row, stem) in enumerate(zip(rows, stems, strict=True)):
            _write(part, row, stem, bits)
            progress("writing", index + 1, len(rows))
        manifest = _describe(part, source, plan, task=task, rows=rows, groups=dict(zip(stems, groups, strict=True)))
        table = json.dumps(dict(zip(stems, origins, strict=True)), indent=0, ensure_ascii=False)
        (part / ORIGINS).write_text(table + "\n", encoding="utf-8")
        if target.is_dir():
            target.rmdir()
        part.replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    dropped = [f"{len(problems)} broken labels were left out, first {problems[0]}"] if problems else []
    notes = (*source.notes, *dropped, *_notes(source, pictures, rows, clipped, bits))
    return Imported(manifest, notes)


def _tell(progress: Progress, what: str, index: int, all_: tuple[LabelledImage, ...], picture: Picture) -> Picture:
    progress(what, index + 1, len(all_))
    return picture


def _relative(path: Path, root: Path) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.name


def _stems(images: tuple[LabelledImage, ...], origins: list[str]) -> list[str]:
    """Return one name per image that no other has: its own, with its folders in front where two share it."""
    own = [image.name or image.path.stem for image in images]
    shared = Counter(own)
    longer = [
        name if shared[name] == 1 else Path(origin).with_suffix("").as_posix().replace("/", "_")
        for name, origin in zip(own, origins, strict=True)
    ]
    taken: Counter[str] = Counter()
    stems = []
    for name in longer:
        taken[name] += 1
        stems.append(name if taken[name] == 1 else f"{name}-{taken[name]}")
    return stems


def _label_rows(source: Source, pictures: list[Picture], task: Task) -> tuple[list[_Row], list[str], int]:
    """Return the rows to write, what is broken, and how many labels were cut at the image's edge."""
    rows, problems, clipped = [], [], 0
    for image, picture in zip(source.images, pictures, strict=True):
        lines = []
        for shape in image.shapes:
            points = _upright(shape, image, picture)
            inside, trouble = _inside(points, picture.size)
            if trouble:
                problems.append(f"{shape.where} ({shape.name}): {trouble}")
                continue
            clipped += bool(np.abs(inside - points).max() > EDGE_SLACK_PX)
            lines.append(_line(source.classes.index(shape.name), inside, picture.size, task, shape.kind))
        rows.append(_Row(picture, image.split, tuple(lines)))
    return rows, problems, clipped


def _upright(shape: Shape, image: LabelledImage, picture: Picture) -> NDArray[np.float64]:
    """Return the points in pixels of the upright picture, whichever raster the labelling tool saw."""
    if image.relative:
        return shape.points * np.array(picture.size, np.float64)
    if image.size is None or image.size == picture.size:
        return shape.points
    if image.size == picture.stored:
        return turned(shape.points, picture)
    raise DatasetError(
        f"{shape.where}: labels of an image of {image.size[0]}x{image.size[1]} px, but {picture.path.name} has "
        f"{picture.size[0]}x{picture.size[1]} px",
        remedy="The image was scaled or cut after it was labelled: export both again",
    )


def _inside(points: NDArray[np.float64], size: tuple[int, int]) -> tuple[NDArray[np.float64], str]:
    """Return the points moved onto the image, and what is wrong with them."""
    if not len(points) or not np.isfinite(points).all():
        return points, "has no corners" if not len(points) else "has a corner that is no number"
    low, high = points.min(axis=0), points.max(axis=0)
    if (high - low).min() < LEAST_SIDE_PX:
        return points, f"is {high[0] - low[0]:.1f} x {high[1] - low[1]:.1f} px, no area to learn from"
    moved = np.clip(points, 0, np.array(size, np.float64))
    if np.ptp(moved, axis=0).min() < LEAST_SIDE_PX:
        return points, f"lies outside the image of {size[0]}x{size[1]} px: {low.round(1)} to {high.round(1)}"
    return moved, ""


def _line(label: int, points: NDArray[np.float64], size: tuple[int, int], task: Task, kind: ShapeKind) -> str:
    width_height = np.array(size, np.float64)
    if task is Task.DETECT:
        low, high = points.min(axis=0) / width_height, points.max(axis=0) / width_height
        values = [*((low + high) / 2), *(high - low)]
    elif task is Task.OBB and kind is not ShapeKind.ORIENTED:
        values = (_rectangle(points) / width_height).clip(0, 1).ravel().tolist()
    else:
        values = (points / width_height).ravel().tolist()
    return f"{label} {' '.join(f'{value:.6f}' for value in values)}\n"


def _rectangle(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.boxPoints(cv2.minAreaRect(points.astype(np.float32))), np.float64)


def _write(folder: Path, row: _Row, stem: str, bits: int) -> None:
    split = row.split or "train"
    images, labels = folder / "images" / split, folder / "labels" / split
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    write_picture(row.picture, images / stem, bits)
    (labels / f"{stem}.txt").write_text("".join(row.lines), encoding="ascii")


def _describe(
    folder: Path, source: Source, plan: ImportPlan, *, task: Task, rows: list[_Row], groups: dict[str, str]
) -> Manifest:
    by_split: dict[str, list[str]] = {}
    for row, group in zip(rows, groups.values(), strict=True):
        by_split.setdefault(row.split or "train", []).append(group)
    manifest = Manifest(
        name=plan.name,
        licence=plan.licence,
        source=plan.origin,
        classes=source.classes,
        groups={split: sorted(set(names)) for split, names in by_split.items()} if plan.group else {},
        counts={split: len(names) for split, names in by_split.items()},
        content_sha256=version_of(folder),
        task=task.value,
    )
    write_manifest(folder, manifest, groups)
    return manifest


def _notes(source: Source, pictures: list[Picture], rows: list[_Row], clipped: int, bits: int) -> list[str]:
    notes = []
    sizes = Counter(picture.size for picture in pictures)
    if len(sizes) > 1:
        told = ", ".join(f"{width}x{height} ({count})" for (width, height), count in sizes.most_common(3))
        notes.append(f"images of {len(sizes)} sizes: {told}")
    if deep := sum(picture.deep for picture in pictures):
        notes.append(f"{deep} images of more than 8 bits were scaled to 8, all alike, from {bits} bits")
    if alpha := sum(picture.alpha for picture in pictures):
        notes.append(f"{alpha} images lost their alpha channel")
    if turned_ := sum(picture.orientation != 1 for picture in pictures):
        notes.append(f"{turned_} images were turned upright as their EXIF orientation says")
    if clipped:
        notes.append(f"{clipped} labels reached beyond their image and were cut at its edge")
    notes += _missing(source, rows)
    if not any(row.split for row in rows):
        notes.append("the source names no splits: run `inspector data split` next")
    return notes


def _missing(source: Source, rows: list[_Row]) -> list[str]:
    notes = []
    for split in dict.fromkeys(row.split for row in rows if row.split):
        seen = {int(line.split()[0]) for row in rows if row.split == split for line in row.lines}
        absent = [name for number, name in enumerate(source.classes) if number not in seen]
        if absent and seen:
            notes.append(f"split {split} has no {', '.join(absent)}")
    return notes
