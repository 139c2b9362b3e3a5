"""COCO instance files: one JSON names images, categories and annotations."""

# mypy: disable-error-code="import-not-found, import-untyped"
# faster-coco-eval comes with the evaluate and train extras only.

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from inspector.domain import require_extra
from inspector.training.dataset import DatasetError
from inspector.training.sources.labelled import (
    LabelledImage,
    Shape,
    ShapeKind,
    Source,
    box_shape,
    pictures_below,
    split_name,
)
from inspector.training.sources.outlines import outlines_of

__all__ = ["coco_files", "read_coco"]

_FEWEST_COORDINATES = 6
_SHOWN = 3


class _Image(BaseModel):
    id: int | str
    file_name: str
    width: int | None = Field(default=None, ge=1)
    height: int | None = Field(default=None, ge=1)


class _Category(BaseModel):
    id: int | str
    name: str = Field(min_length=1)


class _Annotation(BaseModel):
    id: int | str | None = None
    image_id: int | str
    category_id: int | str
    bbox: tuple[float, float, float, float] | None = None
    segmentation: list[list[float]] | dict[str, Any] | None = None


class _File(BaseModel):
    images: list[_Image]
    annotations: list[_Annotation] = []
    categories: list[_Category]


def coco_files(folder: Path) -> list[Path]:
    """Return the JSON files in the folder, or one or two folders down, that look like COCO instance files."""
    candidates = sorted({*folder.glob("*.json"), *folder.glob("*/*.json"), *folder.glob("*/*/*.json")})
    return [path for path in candidates if _looks_like_coco(path)]


def read_coco(folder: Path) -> Source:
    """Return all COCO files of a folder as one source; classes are joined by name.

    Raises
    ------
    DatasetError
        No file, a broken key, or an image that is not there; the message names file and key.
    """
    files = coco_files(folder)
    if not files:
        raise DatasetError(
            f"{folder}: no COCO file, a .json with the keys images, annotations and categories",
            remedy="Give the folder that holds the annotation file and the images",
        )
    parsed = {path: _parse(path) for path in files}
    names = dict.fromkeys(category.name for content in parsed.values() for category in content.categories)
    pictures = pictures_below(folder)
    images: list[LabelledImage] = []
    for path, content in parsed.items():
        split = split_name(path.stem) or (split_name(path.parent.name) if path.parent != folder else "")
        images += _images(path, content, _Finder(path, folder, pictures), split)
    listed = {image.path for image in images}
    unlisted = [path for path in pictures if path not in listed]
    left_out = f"{len(unlisted)} images are in no annotation file and were left out"
    return Source("coco", tuple(names), tuple(images), (left_out,) if unlisted else ())


def _looks_like_coco(path: Path) -> bool:
    with path.open("rb") as content:
        head = content.read(1 << 20)
    return b'"images"' in head or b'"annotations"' in head or b'"categories"' in head


def _parse(path: Path) -> _File:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read as JSON: {error}", remedy="Export the annotations again") from error
    try:
        return _File.model_validate(raw)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, item['loc'])) or 'the file'}: {item['msg']}"
            for item in error.errors(include_url=False)
        ]
        more = f", and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise DatasetError(
            f"{path}: {'; '.join(problems[:_SHOWN])}{more}",
            remedy="A COCO file has images (id, file_name), annotations (image_id, category_id, bbox) and categories",
        ) from error


class _Finder:
    """Finds the images that a COCO file names, wherever the export put them."""

    def __init__(self, file: Path, folder: Path, pictures: list[Path]) -> None:
        self._file = file
        self._roots = [file.parent, file.parent / "images", folder, folder / "images", file.parent.parent / "images"]
        self._roots += [root / file.stem.removeprefix("instances_") for root in tuple(self._roots)]
        self._by_name: dict[str, list[Path]] = {}
        for picture in pictures:
            self._by_name.setdefault(picture.name, []).append(picture)

    def find(self, name: str) -> Path:
        for root in self._roots:
            if (root / name).is_file():
                return root / name
        same = self._by_name.get(Path(name).name, [])
        if len(same) == 1:
            return same[0]
        trouble = f"{len(same)} files have this name" if same else "there is no such image"
        raise DatasetError(
            f"{self._file}: images: file_name {name!r}: {trouble}",
            remedy="Put the images beside the annotation file, or into images/, with the paths that it names",
        )


def _images(path: Path, content: _File, finder: _Finder, split: str) -> list[LabelledImage]:
    names = {category.id: category.name for category in content.categories}
    shapes: dict[int | str, list[Shape]] = {image.id: [] for image in content.images}
    sizes = {image.id: (image.height, image.width) for image in content.images}
    for number, annotation in enumerate(content.annotations):
        where = f"{path}: annotations.{number}"
        if annotation.image_id not in shapes:
            raise DatasetError(f"{where}.image_id: {annotation.image_id} is the id of no image")
        if annotation.category_id not in names:
            raise DatasetError(f"{where}.category_id: {annotation.category_id} is the id of no category")
        shapes[annotation.image_id].append(
            _shape(annotation, names[annotation.category_id], sizes[annotation.image_id], where)
        )
    return [
        LabelledImage(
            finder.find(image.file_name),
            tuple(shapes[image.id]),
            (image.width, image.height) if image.width and image.height else None,
            split=split,
        )
        for image in content.images
    ]


def _shape(annotation: _Annotation, name: str, size: tuple[int | None, int | None], where: str) -> Shape:
    outline = annotation.segmentation
    if isinstance(outline, Mapping):
        return Shape(name, _from_run_lengths(outline, size, where), ShapeKind.POLYGON, where)
    if outline:
        parts = [np.array(part, np.float64) for part in outline]
        if any(part.size < _FEWEST_COORDINATES or part.size % 2 for part in parts):
            raise DatasetError(f"{where}.segmentation: an outline needs three or more x y pairs")
        return Shape(name, _largest([part.reshape(-1, 2) for part in parts]), ShapeKind.POLYGON, where)
    if annotation.bbox is None:
        raise DatasetError(f"{where}.bbox: missing, and there is no segmentation either")
    x, y, width, height = annotation.bbox
    return box_shape(name, (x, y, x + width, y + height), where)


def _largest(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return one outline for an object in several pieces: the piece itself, or the hull around all of them."""
    if len(parts) == 1:
        return parts[0]
    hull = cv2.convexHull(np.concatenate(parts).astype(np.float32))
    return np.asarray(hull, np.float64).reshape(-1, 2)


def _from_run_lengths(
    outline: Mapping[str, Any], size: tuple[int | None, int | None], where: str
) -> NDArray[np.float64]:
    counts: str | list[int] | None = outline.get("counts")
    claimed: list[int] = [side for side in outline.get("size") or size if side is not None]
    if not counts or len(claimed) != 2:  # noqa: PLR2004 - height and width
        raise DatasetError(f"{where}.segmentation: run lengths need the keys counts and size")
    if isinstance(counts, str):
        mask = _compressed(counts, (claimed[0], claimed[1]), where)
    else:
        runs = np.asarray(counts, np.int64)
        flat = np.repeat(np.arange(len(runs)) % 2, runs)
        if flat.size != claimed[0] * claimed[1]:
            raise DatasetError(f"{where}.segmentation.counts: {flat.size} pixels, the image has {claimed}")
        mask = flat.reshape(claimed[1], claimed[0]).T.astype(np.uint8)  # COCO counts down the columns
    parts = outlines_of(mask)
    return _largest(parts) if parts else np.zeros((0, 2))


def _compressed(counts: str, size: tuple[int, int], where: str) -> NDArray[np.uint8]:
    require_extra("evaluate", "faster_coco_eval", needed_by=f"{where}.segmentation, compressed,")
    from faster_coco_eval.core import mask as masks

    return np.asarray(masks.decode({"counts": counts.encode("ascii"), "size": list(size)}), np.uint8)
