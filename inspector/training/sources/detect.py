"""Which format a folder has, and its reader."""

from __future__ import annotations

from pathlib import Path

from inspector.training.dataset import DatasetError
from inspector.training.sources.coco import coco_files, read_coco
from inspector.training.sources.labelled import Source
from inspector.training.sources.mvtec import read_mvtec
from inspector.training.sources.voc import read_voc, voc_files
from inspector.training.sources.yolo import class_file, read_yolo

__all__ = ["FORMATS", "detect_format", "read_source"]

FORMATS = ("coco", "yolo", "voc", "mvtec", "deeppcb")


def detect_format(folder: Path) -> str:
    """Return the format of a folder.

    Raises
    ------
    DatasetError
        The folder is missing, or looks like none or several of the formats.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder", remedy="Give the folder of images and labels")
    if all((folder / name).is_dir() for name in ("images", "templates", "labels")):
        return "deeppcb"
    if (folder / "train" / "good").is_dir() or (folder / "ground_truth").is_dir():
        return "mvtec"
    found = [
        name
        for name, there in (
            ("coco", bool(coco_files(folder))),
            ("yolo", class_file(folder) is not None),
            ("voc", bool(voc_files(folder))),
        )
        if there
    ]
    if len(found) == 1:
        return found[0]
    trouble = f"looks like {' and '.join(found)}" if found else "no format was recognised"
    raise DatasetError(
        f"{folder}: {trouble}",
        remedy=f"Say which with --format: {', '.join(FORMATS)}" + ("" if found else "; see docs/train.md"),
    )


def read_source(folder: Path, wanted: str, *, unlabelled_good: bool = False) -> Source:
    """Return what a folder of the wanted format holds; raises ``DatasetError``."""
    match wanted:
        case "coco":
            return read_coco(folder)
        case "yolo":
            return read_yolo(folder, unlabelled_good=unlabelled_good)
        case "voc":
            return read_voc(folder, unlabelled_good=unlabelled_good)
        case "mvtec":
            return read_mvtec(folder)
    raise DatasetError(f"format {wanted} is unknown", remedy=f"Choose one of {', '.join(FORMATS)}")
