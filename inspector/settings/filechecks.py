"""The pictures and calibrations that a line's file names, and which of them are not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from inspector.settings.document import Path as Loc
from inspector.settings.line import LineSettings

_READ = ("calibration", "camera", "camera_watch", "challenge", "detector", "gauging")
_LATER = {"password_file", "path"}  # a secret, or a folder of images to come, may be put in place at the start only


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
