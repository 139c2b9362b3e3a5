"""Labels that a model gives to images without any: what it is sure of is taught, what it doubts is painted over."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.training.dataset import (
    ABSENT_GREY,
    IMAGE_SUFFIXES,
    DatasetError,
    Example,
    read_colour,
    read_grey,
    yolo_lines,
)
from inspector.training.evaluate import Findings
from inspector.training.groups import grouping
from inspector.training.near import finger_print, likenesses

__all__ = ["Sorted", "Told", "sort_out", "told_by", "without_doubts", "write_told"]

LEAST_DOUBT = 0.01  # low: a missed defect that is not painted over is taught as a good place


@dataclass(frozen=True, slots=True)
class Sorted:
    """Which images may be given labels, and how many may not.

    ``held_out`` show what the model is judged on, or are of its lot; ``labelled`` are trained on already.
    """

    images: tuple[Path, ...]
    held_out: int
    labelled: int


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What a model says of one image: boxes (n, 4) float32 x1 y1 x2 y2 px and labels (n,) int64 that it is sure of.

    ``doubted`` (m, 4) float32 are places where it may have found something: neither a defect nor a good place.
    """

    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    doubted: NDArray[np.float32]


def sort_out(folder: Path, train: Sequence[Example], held_out: Sequence[Example], *, group: str) -> Sorted:
    """Leave out whatever the model is judged on, and what has labels of its own.

    Parameters
    ----------
    group
        Rule as of `inspector data split --group` by which names in ``folder`` tell their lot. Images of held-out
        lots are left out then, and copies of held-out images; without it, those that nearly equal one too.

    Raises
    ------
    DatasetError
        There are no images, an image has no group, or the labelled ones have lots and ``group`` is not said.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise DatasetError(f"{folder}: no images", remedy="Correct training.pseudo_labels.images")
    lots = Counter(example.group for example in (*train, *held_out))
    if not group and max(lots.values(), default=0) > 1:
        raise DatasetError(
            f"{folder}: the labelled images are divided by groups, but of which group each of these is nobody says",
            remedy="Say training.pseudo_labels.group, as --group of `inspector data split`",
        )
    group_of = grouping(group)
    judged = {example.group for example in held_out} if group else set()
    of_judged = {path for path in found if group_of(path.relative_to(folder).as_posix()) in judged}
    rest = [path for path in found if path not in of_judged]
    known = [example.image for example in (*held_out, *train)]
    prints = [finger_print(read_grey(path)) for path in (*known, *rest)]
    alike: dict[int, int] = {}  # image -> the first known one that it shows again
    for pair in likenesses(prints):
        if pair.first < len(known) <= pair.second and (pair.exact or not group):
            alike[pair.second] = min(pair.first, alike.get(pair.second, len(known)))
    copies = sum(first < len(held_out) for first in alike.values())
    return Sorted(
        tuple(path for index, path in enumerate(rest, start=len(known)) if index not in alike),
        held_out=len(of_judged) + copies,
        labelled=len(alike) - copies,
    )


def told_by(found: Findings, certainty: Callable[[float], float], confidence: float) -> Told:
    """Return what is sure enough to be taught, and what is doubtful.

    Parameters
    ----------
    certainty
        The probability of being right that a score stands for.
    """
    chance = np.array([certainty(float(score)) for score in found.scores], np.float64)
    sure = chance >= confidence
    return Told(found.boxes[sure], found.labels[sure], found.boxes[~sure & (chance >= LEAST_DOUBT)])


def write_told(folder: Path, images: Sequence[Path], told: Sequence[Told]) -> int:
    """Write the images with something sure on them as ``images/train``, ``labels/train``; return how many these are.

    Doubted places are painted over. Images with nothing sure are left out: whether they are good, or their defects
    were missed, is not known.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("images", "labels"):
        (folder / part / "train").mkdir(parents=True)
    sure = [(path, each) for path, each in zip(images, told, strict=True) if len(each.labels)]
    for number, (path, each) in enumerate(sure):
        pixels = without_doubts(read_colour(path), each)
        height, width = pixels.shape[:2]
        name = f"{number:06d}_{path.stem}"  # folders may hold equal names
        cv2.imwrite(str(folder / "images" / "train" / f"{name}.png"), pixels)
        boxes = np.clip(each.boxes, 0, np.array([width, height, width, height], np.float32))
        lines = yolo_lines(boxes, each.labels, width=width, height=height)
        (folder / "labels" / "train" / f"{name}.txt").write_text("".join(lines), encoding="ascii")
    return len(sure)


def without_doubts(pixels: NDArray[np.uint8], told: Told) -> NDArray[np.uint8]:
    """Return a copy of the pixels (H, W, 3) with the doubted places grey, but for what lies in boxes that are sure."""
    painted = pixels.copy()
    for x0, y0, x1, y1 in _whole(told.doubted):
        painted[y0:y1, x0:x1] = ABSENT_GREY
    for x0, y0, x1, y1 in _whole(told.boxes):
        painted[y0:y1, x0:x1] = pixels[y0:y1, x0:x1]
    return painted


def _whole(boxes: NDArray[np.float32]) -> list[list[int]]:
    """Return the boxes in whole pixels, the outer ones, from the image's edge on."""
    corners = np.concatenate([np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])], axis=1)
    rows: list[list[int]] = np.maximum(corners, 0).astype(int).tolist()
    return rows
