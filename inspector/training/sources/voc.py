"""Pascal VOC folders: one XML file an image."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from inspector.training.dataset import DatasetError
from inspector.training.sources.labelled import (
    LabelledImage,
    Shape,
    Source,
    box_shape,
    pictures_below,
    split_name,
)

__all__ = ["read_voc", "voc_files"]

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def voc_files(folder: Path) -> list[Path]:
    """Return the XML files of a folder, of its Annotations/ first."""
    inside = sorted((folder / "Annotations").glob("*.xml"))
    return inside or sorted(path for path in folder.rglob("*.xml") if path.is_file())


def read_voc(folder: Path, *, unlabelled_good: bool = False) -> Source:
    """Return the images of a VOC folder; ``ImageSets/Main/train.txt`` and ``val.txt`` give the splits.

    The corners are taken as they stand: VOC's own set counts pixels from 1, labelling tools count from 0.

    Raises
    ------
    DatasetError
        An XML file is broken or its image is not there; an image has no XML and ``unlabelled_good`` is not set.
    """
    files = voc_files(folder)
    if not files:
        raise DatasetError(f"{folder}: no .xml files", remedy="Give the folder with Annotations/ and JPEGImages/")
    pictures = pictures_below(folder)
    by_name: dict[str, list[Path]] = {}
    for picture in pictures:
        by_name.setdefault(picture.stem, []).append(picture)
    splits = _splits(folder)
    images = [_read(path, by_name, splits, folder) for path in files]
    taken = {image.path for image in images}
    without = [picture for picture in pictures if picture not in taken]
    if without and not unlabelled_good:
        raise DatasetError(
            f"{without[0]}: has no .xml, nor have {len(without) - 1} other images",
            remedy="Write an .xml without objects for each good part, or import with --unlabelled good",
        )
    images += [LabelledImage(picture, (), split=_split_of(picture, splits, folder)) for picture in without]
    classes = tuple(sorted({shape.name for image in images for shape in image.shapes}))
    notes = [f"{len(without)} images without .xml were taken for good parts"] if without else []
    return Source("voc", classes, tuple(images), tuple(notes))


def _splits(folder: Path) -> dict[str, str]:
    return {
        line.split()[0]: split_name(path.stem)
        for path in sorted((folder / "ImageSets" / "Main").glob("*.txt"))
        if path.stem in {"train", "val", "test"}
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    }


def _split_of(picture: Path, splits: dict[str, str], folder: Path) -> str:
    return splits.get(picture.stem) or next(filter(None, map(split_name, picture.relative_to(folder).parts[:-1])), "")


def _read(path: Path, by_name: dict[str, list[Path]], splits: dict[str, str], folder: Path) -> LabelledImage:
    try:
        root = ElementTree.parse(path).getroot()
    except (ParseError, DefusedXmlException, OSError) as error:
        raise DatasetError(f"{path}: cannot be read as XML: {error}", remedy="Export the annotations again") from error
    if root is None:
        raise DatasetError(f"{path}: is empty", remedy="Export the annotations again")
    named = (root.findtext("filename") or "").strip()
    beside = path.with_name(named)
    candidates = [beside] if named and beside.is_file() else by_name.get(Path(named).stem or path.stem, [])
    candidates = candidates or by_name.get(path.stem, [])
    if len(candidates) != 1:
        found = f"{len(candidates)} images have this name" if candidates else "there is no such image"
        raise DatasetError(
            f"{path}: key filename {named!r}: {found}", remedy="Put the image beside the .xml, or into JPEGImages/"
        )
    shapes = tuple(_shape(item, f"{path}: object {number}") for number, item in enumerate(root.iter("object"), start=1))
    return LabelledImage(candidates[0], shapes, _size(root), split=_split_of(candidates[0], splits, folder))


def _size(root: Element) -> tuple[int, int] | None:
    try:
        width, height = (int(float(root.findtext(f"size/{key}") or 0)) for key in ("width", "height"))
    except ValueError:
        return None
    return (width, height) if width > 0 and height > 0 else None


def _shape(item: Element, where: str) -> Shape:
    name = (item.findtext("name") or "").strip()
    if not name:
        raise DatasetError(f"{where}: key name is missing", remedy="Give the object a class")
    try:
        x0, y0, x1, y1 = (float(item.findtext(f"bndbox/{key}") or "") for key in _CORNERS)
    except ValueError as error:
        raise DatasetError(
            f"{where} ({name}): key bndbox needs the numbers {', '.join(_CORNERS)}", remedy="Correct the .xml"
        ) from error
    return box_shape(name, (x0, y0, x1, y1), where)
