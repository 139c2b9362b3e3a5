"""Speech models from their vendor's site: pinned by hash, resumed where a download broke off."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from inspector.domain import ModelError

__all__ = ["CATALOGUE", "SpeechModel", "installed_model", "pull"]

_BLOCK = 1 << 16
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class SpeechModel:
    """A model that can be had: a zip file with one folder in it."""

    name: str
    language: str
    url: str
    sha256: str
    licence: str


CATALOGUE: Mapping[str, SpeechModel] = {
    model.name: model
    for model in (
        SpeechModel(
            "vosk-en-small",
            "en",
            "https://alphacephei.com/vosk/models/vosk-model-small-en-us-0.15.zip",
            "30f26242c4eb449f948e42cb302dd7a686cb29a3423a8367f99ff41780942498",
            "Apache-2.0",
        ),
        SpeechModel(
            "vosk-zh-small",
            "zh",
            "https://alphacephei.com/vosk/models/vosk-model-small-cn-0.22.zip",
            "3af8b0e7e0f835ae9d414ce5df580237a3cfb08d586c9fbbb0f7ff29ad5b14ba",
            "Apache-2.0",
        ),
    )
}
"""Name -> model."""


def installed_model(name: str, folder: Path) -> Path | None:
    """Return where a pulled model lies, None where it does not."""
    path = folder / name
    return path if path.is_dir() else None


def pull(model: SpeechModel, folder: Path, *, progress: Callable[[int, int | None], None] | None = None) -> Path:
    """Fetch a model into ``folder/NAME`` and return it; does nothing where it is there already.

    A download that broke off goes on where it stopped. Nothing is unpacked whose hash is not the pinned one.

    Parameters
    ----------
    progress
        Called with the bytes so far and, where the server says so, the bytes in all.

    Raises
    ------
    ModelError
        Where the server cannot be reached, breaks off, or sends something else than the pinned file.
    """
    goal = folder / model.name
    if goal.is_dir():
        return goal
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{model.name}.zip.part"
    _fetch(model, part, progress)
    with part.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != model.sha256:
        part.unlink()
        raise ModelError(
            f"{model.url} sent another file than expected (SHA-256 {found[:12]}…, not {model.sha256[:12]}…)",
            remedy="Try again; if it stays so, the file was changed or the connection is tampered with",
        )
    _unpack(part, goal)
    part.unlink()
    return goal


def _fetch(model: SpeechModel, part: Path, progress: Callable[[int, int | None], None] | None) -> None:
    have = part.stat().st_size if part.exists() else 0
    if not model.url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise ModelError(f"{model.url} is not fetched: only https is")
    request = Request(model.url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 (checked above)
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 (checked above)
            if answer.status != HTTPStatus.PARTIAL_CONTENT:
                have = 0  # the server begins anew
            length = answer.headers.get("Content-Length")
            total = have + int(length) if length else None
            with part.open("ab" if have else "wb") as stream:
                while block := answer.read(_BLOCK):
                    stream.write(block)
                    have += len(block)
                    if progress is not None:
                        progress(have, total)
    except HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # all of it was there already; the hash decides
        raise ModelError(f"{model.url} cannot be fetched: {error}", remedy="Check the address and the proxy") from error
    except (URLError, OSError) as error:
        raise ModelError(
            f"{model.url} cannot be fetched: {error}",
            remedy="Check the connection, then pull again: it goes on where it stopped",
        ) from error
    if total is not None and have < total:
        raise ModelError(
            f"{model.url} broke off after {have} of {total} bytes", remedy="Pull again: it goes on where it stopped"
        )


def _unpack(archive: Path, goal: Path) -> None:
    """Unpack the one folder of the archive as ``goal``, all of it or nothing."""
    work = goal.with_name(f".{goal.name}.unpacking")
    shutil.rmtree(work, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(work)
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(f"{archive} cannot be unpacked: {error}", remedy="Make room, then pull again") from error
    inside = [path for path in work.iterdir() if path.is_dir()]
    source = inside[0] if len(inside) == 1 else work
    source.rename(goal)
    shutil.rmtree(work, ignore_errors=True)
