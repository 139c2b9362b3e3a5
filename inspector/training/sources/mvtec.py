"""MVTec-style folders: good parts to learn from, test parts by kind of defect, masks of the defects."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from inspector.training.dataset import DatasetError, read_grey
from inspector.training.sources.labelled import LabelledImage, Shape, ShapeKind, Source, pictures_below
from inspector.training.sources.outlines import outlines_of

__all__ = ["read_mvtec"]

GOOD = "good"


def read_mvtec(folder: Path) -> Source:
    """Return ``train/good``, ``test/good`` and ``test/<defect>`` with the outlines of ``ground_truth/<defect>``.

    Every connected region of a mask is one defect. Images get the name of their folder in front, because each
    folder counts from 000.

    Raises
    ------
    DatasetError
        A defective image has no mask, or an empty one.
    """
    images = [
        LabelledImage(path, (), split="train", name=f"train_{GOOD}_{path.stem}")
        for path in pictures_below(folder / "train" / GOOD)
    ]
    kinds = sorted(path.name for path in (folder / "test").glob("*") if path.is_dir())
    for kind in kinds:
        for path in pictures_below(folder / "test" / kind):
            shapes = () if kind == GOOD else _outlines(folder / "ground_truth" / kind, path, kind)
            images.append(LabelledImage(path, shapes, split="val", name=f"{kind}_{path.stem}"))
    if not images:
        raise DatasetError(
            f"{folder}: no images in train/{GOOD} or test/*", remedy="Give the folder of one product, such as bottle"
        )
    defects = tuple(kind for kind in kinds if kind != GOOD)
    note = "MVTec has no defects to learn from: run `inspector data split` to divide its test parts anew"
    return Source("mvtec", defects, tuple(images), (note,) if defects else ())


def _outlines(masks: Path, image: Path, kind: str) -> tuple[Shape, ...]:
    found = sorted(path for path in masks.glob(f"{image.stem}*") if path.stem in {image.stem, f"{image.stem}_mask"})
    if not found:
        raise DatasetError(
            f"{image}: has no mask {masks / image.stem}_mask.png", remedy="Add the mask, or move the image to test/good"
        )
    mask = (read_grey(found[0]) > 0).astype(np.uint8)
    parts = outlines_of(mask)
    if not parts:
        raise DatasetError(f"{found[0]}: the mask is empty", remedy="Draw the defect, or move the image to test/good")
    return tuple(Shape(kind, part, ShapeKind.POLYGON, f"{found[0]}") for part in parts)
