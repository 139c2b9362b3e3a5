"""The files that a line's file names, and which of the pictures and calibrations among them are not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from inspector.settings.cameras import VideoCamera
from inspector.settings.document import Path as Loc
from inspector.settings.line import LineSettings
from inspector.settings.links import ImageArchive
from inspector.settings.training import Training
from inspector.settings.vision import FolderCamera, RealSenseCamera

_READ = ("calibration", "camera", "camera_watch", "challenge", "detector", "gauging")
_LATER = {"password_file", "path"}  # a secret, or a folder of images to come, may be put in place at the start only
_SEEN = {"path", "file", "recording"}  # of a camera: what stands in for a real one


def named_files(settings: LineSettings) -> Iterator[tuple[Loc, Path]]:
    """Yield the key and the path of every picture, calibration or recording that the line sees or measures by."""
    for key in _READ:
        yield from _paths(getattr(settings, key), (key,))


def missing_files(settings: LineSettings, folder: Path) -> Iterator[tuple[Loc, Path]]:
    """Yield the key and the path of every one of them that is not there, relative to this folder."""
    for loc, path in named_files(settings):
        found = folder / path.expanduser()
        if not found.exists():
            yield loc, found


def kept_files(settings: LineSettings) -> tuple[frozenset[Path], frozenset[Path]]:
    """Return the files and folders that a line of ``load_line`` needs on another machine, and what may stay behind.

    What stays behind is not the line's own: images and recordings in place of a camera, and what it was trained on.
    Shipped models, which are named and not pointed to, are in neither.
    """
    found = list(_absolute(settings, own=True))
    needed = frozenset(path for path, own in found if own)
    return needed, frozenset(path for path, own in found if not own) - needed


def _absolute(value: Any, *, own: bool) -> Iterator[tuple[Path, bool]]:
    match value:
        case str() | Path() if Path(value).is_absolute() and (Path(value).is_file() or Path(value).is_dir()):
            yield Path(value), own
        case ImageArchive():  # what the line writes
            return
        case BaseModel():
            others = _SEEN if isinstance(value, FolderCamera | VideoCamera | RealSenseCamera) else set()
            own = own and not isinstance(value, Training)
            for name in type(value).model_fields:
                yield from _absolute(getattr(value, name), own=own and name not in others)
        case Mapping() | tuple():
            for inner in value.values() if isinstance(value, Mapping) else value:
                yield from _absolute(inner, own=own)


def _paths(value: Any, loc: Loc) -> Iterator[tuple[Loc, Path]]:
    match value:
        case Path():
            yield loc, value
        case BaseModel():
            for name in type(value).model_fields:
                if name not in _LATER:
                    yield from _paths(getattr(value, name), (*loc, name))
        case Mapping():
            for name, inner in value.items():
                yield from _paths(inner, (*loc, name))
        case tuple():
            for index, inner in enumerate(value):
                yield from _paths(inner, (*loc, index))
