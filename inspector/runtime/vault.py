"""The folder of a backup: each file once, under its hash, and a list that says where it belongs."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

from pydantic import TypeAdapter, ValidationError

from inspector.domain import DiskFull, StoreError
from inspector.runtime.spool import NO_ROOM

__all__ = ["Kept", "KeptRecord", "Manifest", "Place", "Progress", "Vault", "hash_of_file", "usable"]

Place = Literal["config", "line", "images", "record", "elsewhere"]
Progress = Callable[[str, int, int], None]
"""Hears what is done, how much of it, and of how much."""

MANIFEST, FILES = "manifest.json", "files"
CHUNK = 1 << 20
NAMED = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Kept:
    """One file: where it belongs, what it held, whose it was.

    ``path`` is relative to its place: the folder of the line's YAML, of its data, of its images; absolute elsewhere.
    """

    place: Place
    path: str
    sha256: str
    size: int
    modified_ns: int
    mode: int
    owner: str
    group: str


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """What the record held: parts, acts in the trail, and the hash of the newest."""

    parts: int
    acts: int
    head: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is of, and every file in it; ``record`` is None where a database server has it.

    ``yaml`` is the path of the line's own file among those of ``config``, ``left`` what was not kept.
    """

    format: Literal[1]
    version: str
    line: str
    at: datetime
    yaml: str
    record: KeptRecord | None
    left: tuple[str, ...]
    files: tuple[Kept, ...]


_manifests = TypeAdapter(Manifest)


class Vault:
    """One backup in one folder; a new one replaces the last when it is whole, and shares what has not changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = folder / FILES

    def manifest(self) -> Manifest | None:
        """Return the list of the last whole backup, None where there is none.

        Raises ``StoreError`` where it cannot be read, or names a file outside its place.
        """
        file = self.folder / MANIFEST
        try:
            found = _manifests.validate_json(file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise StoreError(
                f"{file} cannot be read as the list of a backup: {' '.join(str(error).split())[:200]}",
                remedy="Name another backup; one that a newer version made needs that version",
            ) from error
        for kept in found.files:
            path = PurePosixPath(kept.path)
            if ".." in path.parts or path.is_absolute() != (kept.place == "elsewhere"):
                raise StoreError(f"{file}: {kept.path} is no path in a backup", remedy="Name another backup")
        return found

    def file(self, kept: Kept) -> Path:
        """Return where its content lies."""
        return self._files / kept.sha256[:2] / kept.sha256

    def put(self, source: Path, place: Place, path: str, *, known: Kept | None = None) -> Kept | None:
        """Keep a file; None where it has gone meanwhile. One that looks as ``known`` did is not read again.

        Raises ``StoreError``, ``DiskFull``.
        """
        with usable(self.folder):
            try:
                file = source.open("rb")
            except FileNotFoundError:
                return None
            with file:
                facts = os.fstat(file.fileno())
                if (
                    known is not None
                    and (known.size, known.modified_ns) == (facts.st_size, facts.st_mtime_ns)
                    and self.file(known).is_file()
                ):
                    sha256 = known.sha256
                else:
                    sha256 = self._store(file)
            owner, group = _owners(source)
        mode = facts.st_mode & 0o777
        return Kept(place, path, sha256, facts.st_size, facts.st_mtime_ns, mode, owner, group)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Lend a folder beside the files, for what has to be made before it can be kept."""
        with usable(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lent = Path(tempfile.mkdtemp(prefix="unfinished-", dir=self.folder))
        try:
            yield lent
        finally:
            shutil.rmtree(lent, ignore_errors=True)

    def seal(self, manifest: Manifest) -> None:
        """Make this the backup, once everything is on the disk, and drop what only earlier ones needed."""
        unfinished = self.folder / f"{MANIFEST}.part"
        with usable(self.folder):
            os.sync()
            with unfinished.open("wb") as file:
                file.write(_manifests.dump_json(manifest, indent=1))
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.folder / MANIFEST)
            wanted = {kept.sha256 for kept in manifest.files}
            for file_there in self._files.glob("[0-9a-f][0-9a-f]/*"):
                if NAMED.fullmatch(file_there.name) and file_there.name not in wanted:
                    file_there.unlink()

    def check(self, manifest: Manifest, progress: Progress) -> None:
        """Read every file and compare it with its hash; raises ``StoreError`` at the first that differs."""
        for number, kept in enumerate(manifest.files, 1):
            file = self.file(kept)
            if not file.is_file() or hash_of_file(file) != kept.sha256:
                raise StoreError(
                    f"the backup {self.folder} is damaged: {kept.path} is not what was kept",
                    remedy="Take an earlier backup",
                )
            progress("checking the backup", number, len(manifest.files))

    def _store(self, file: BinaryIO) -> str:
        self._files.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._files, prefix="unfinished-")
        unfinished, digest = Path(name), hashlib.sha256()
        try:
            with os.fdopen(descriptor, "wb") as copy:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
            goal = self._files / digest.hexdigest()[:2] / digest.hexdigest()
            goal.parent.mkdir(exist_ok=True)
            unfinished.replace(goal)
        finally:
            unfinished.unlink(missing_ok=True)
        return digest.hexdigest()


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Say in the domain's words why a folder, or a file in it, could not be used."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        if error.errno in NO_ROOM:
            raise DiskFull(f"no room for {where}", remedy="Free disk space there, or choose another disk") from error
        raise StoreError(
            f"{where} cannot be used: {error.strerror or error}", remedy="Check the path and the rights of this user"
        ) from error


def hash_of_file(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _owners(file: Path) -> tuple[str, str]:
    with suppress(KeyError, FileNotFoundError):  # a user this machine does not know, or gone meanwhile
        return file.owner(), file.group()
    return "", ""
