"""A line's backup while it runs, and the line put together again from it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from inspector import __version__
from inspector.domain import DiskFull, Person, StoreError
from inspector.runtime.alone import LOCK, alone_in
from inspector.runtime.vault import Kept, KeptRecord, Manifest, Place, Progress, Vault, hash_of_file, usable
from inspector.settings import LineSettings, kept_files, load_line
from inspector.store import check_schema, copy_record, let_go, take_up_record

__all__ = ["Restored", "back_up", "restore"]

RECORD = "record.db"
FASTEST = 1000  # messages a second: more than any line tells
MARGIN = 1_000_000
WAL = ("-wal", "-shm")
BEFORE = ".before-"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: files put in place, and those that stood there as they were.

    ``set_aside`` are the new names of files that were different, ``left_alone`` files outside the line's folders that
    differ from those of the backup and were not touched.
    """

    manifest: Manifest
    placed: int
    same: int
    set_aside: tuple[Path, ...]
    left_alone: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Folders:
    """Where the files of a line belong on this machine; ``record`` is None where a database server has it."""

    config: Path
    line: Path
    images: Path
    record: Path | None


def back_up(yaml: Path, data: Path, folder: Path, progress: Progress, *, images: bool = True) -> Manifest:
    """Keep everything that the line needs to go on, in ``folder``; the line may run meanwhile.

    Again into the same folder keeps what has changed; until that is whole, the backup before it stands.

    Raises
    ------
    StoreError
        The line has no record, somebody writes the same backup, the folder holds something else, or cannot be written.
    """
    yaml = yaml.absolute()
    settings = load_line(yaml, data=data)
    folders = _folders(settings, yaml, data)
    vault = Vault(folder.absolute())
    if any(vault.folder.is_relative_to(own) for own in (folders.line, folders.images)):
        raise StoreError(f"{folder} lies in what is to be kept", remedy="Name a folder on another disk")
    if folders.record is not None and not folders.record.is_file():
        raise StoreError(
            f"{settings.line} has no record yet: {folders.record}", remedy=f"Start it: inspector run {yaml}"
        )
    last = _manifest_before(vault, settings.line)
    with usable(vault.folder):
        vault.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # keys and passwords lie in there
    with alone_in(vault.folder):
        known = {(kept.place, kept.path): kept for kept in last.files} if last is not None else {}
        files: list[Kept] = []

        def keep(what: str, sources: list[tuple[Path, Place, str]]) -> None:
            for number, (source, place, path) in enumerate(sources, 1):
                if kept := vault.put(source, place, path, known=known.get((place, path))):
                    files.append(kept)
                progress(what, number, len(sources))

        at = datetime.now(UTC)
        # This order loses no part: what leaves the journal meanwhile is in the record, and a picture is there before
        # its row.
        keep("journal", list(_journal(folders.line)))
        record = None
        if folders.record is not None:
            record = _keep_record(vault, folders.record, files, progress)
        if images:
            keep("images", list(_below(folders.images, "images")))
        keep("the line's own files", list(_own(folders)))
        needed, left = kept_files(settings)
        keep("configuration", list(_configuration(yaml, needed, folders)))
        if not images:
            left |= {folders.images}
        manifest = Manifest(
            format=1,
            version=__version__,
            line=settings.line,
            at=at,
            yaml=yaml.name,
            record=record,
            left=tuple(sorted(map(str, left))),
            files=tuple(files),
        )
        vault.seal(manifest)
    return manifest


def restore(folder: Path, yaml: Path, data: Path, progress: Progress, *, by: Person) -> Restored:
    """Put a line together again from its backup: configuration beside ``yaml``, the rest below ``data``.

    Nothing is overwritten: a file that is there and different gets another name. The record comes last; its trail is
    checked against the backup's and gets an entry.

    Raises
    ------
    StoreError
        There is no backup, it is damaged, the line runs, or a newer version has written this record or that in place.
    """
    vault = Vault(folder.absolute())
    manifest = vault.manifest()
    if manifest is None:
        raise StoreError(f"{folder} holds no whole backup", remedy="Name the folder given to inspector backup")
    yaml, now = yaml.absolute(), datetime.now(UTC)
    if now < manifest.at:
        raise StoreError(
            f"the backup is of {manifest.at:%Y-%m-%d %H:%M:%S} UTC, and this machine's clock is behind that",
            remedy="Set the clock first: times and message numbers of the line go by it",
        )
    with alone_in(data / manifest.line):
        vault.check(manifest, progress)
        own = next(kept for kept in manifest.files if (kept.place, kept.path) == ("config", manifest.yaml))
        folders = _folders(load_line(vault.file(own), data=data), yaml, data)
        for kept in manifest.files:
            if kept.place == "record":
                check_schema(vault.file(kept))
        if folders.record is not None and folders.record.is_file():
            check_schema(folders.record)
            let_go(folders.record)
        _need_room(manifest, folders)
        work = _Placing(vault, manifest, folders, yaml, f"{now:%Y%m%dT%H%M%SZ}")
        # The record last: a line without it does not pass for a whole one.
        for number, kept in enumerate(sorted(manifest.files, key=lambda kept: kept.place == "record"), 1):
            if kept.place == "record":
                work.place_record(kept, skip=MARGIN + int((now - manifest.at).total_seconds() * FASTEST), by=by)
            else:
                work.place(kept)
            progress("restoring", number, len(manifest.files))
        # Made by who restores, and written by who runs the line.
        places = ("record", "line", "config")
        theirs = next(kept for place in places for kept in manifest.files if kept.place == place)
        for made in (folders.line, folders.line / LOCK):
            _own_by(made, theirs)
    return Restored(manifest, work.placed, work.same, tuple(work.set_aside), tuple(work.left_alone))


class _Placing:
    """Puts the files of one backup where they belong."""

    def __init__(self, vault: Vault, manifest: Manifest, folders: _Folders, yaml: Path, stamp: str) -> None:
        self._vault, self._manifest, self._folders, self._yaml, self._stamp = vault, manifest, folders, yaml, stamp
        self.placed = self.same = 0
        self.set_aside: list[Path] = []
        self.left_alone: list[Path] = []

    def place(self, kept: Kept) -> None:
        """Put a file where it belongs; what is there and different gets another name."""
        goal = _goal(kept, self._folders, self._yaml, self._manifest.yaml)
        with usable(goal):
            if goal.is_file() and goal.stat().st_size == kept.size and hash_of_file(goal) == kept.sha256:
                self.same += 1
                return
            if goal.exists() and kept.place == "elsewhere":  # may be another's too
                self.left_alone.append(goal)
                return
            copy = self._copy(kept, goal)
            self._move_away(goal)
            copy.replace(goal)
        self.placed += 1

    def place_record(self, kept: Kept, *, skip: int, by: Person) -> None:
        """Put the record in place, once it is fit to be one again."""
        facts, goal = self._manifest.record, self._folders.record
        if facts is None or goal is None:
            raise StoreError("the backup's record has no place on this line", remedy="Check store.url in its YAML")
        with usable(goal):
            copy = self._copy(kept, goal)
            flaw = take_up_record(
                copy, head=facts.head, skip=skip, by=by, subject=self._manifest.line,
                detail=f"backup of {self._manifest.at.isoformat(timespec='seconds')}",
            )  # fmt: skip
            if flaw is not None:
                copy.unlink()
                raise StoreError(f"the trail in the backup does not hold: {flaw.problem}", remedy="Take another backup")
            self._move_away(goal)
            for rest in WAL:
                self._move_away(goal.with_name(goal.name + rest), suffix=rest)
            os.sync()
            copy.replace(goal)
            _give_back(goal, kept)
        self.placed += 1

    def _copy(self, kept: Kept, goal: Path) -> Path:
        _make_folder(goal.parent, kept)
        copy = goal.with_name(f"{goal.name}.part")
        shutil.copyfile(self._vault.file(kept), copy)
        os.utime(copy, ns=(kept.modified_ns, kept.modified_ns))
        _give_back(copy, kept)
        return copy

    def _move_away(self, goal: Path, *, suffix: str = "") -> None:
        if goal.exists():
            aside = goal.with_name(f"{goal.name.removesuffix(suffix)}{BEFORE}{self._stamp}{suffix}")
            goal.rename(aside)
            self.set_aside.append(aside)


# --- what belongs to a line ---------------------------------------------------------------------------------


def _folders(settings: LineSettings, yaml: Path, data: Path) -> _Folders:
    own, url = data.absolute() / settings.line, settings.store.url or ""
    record = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else None
    return _Folders(yaml.parent, own, settings.store.images.folder or own / "images", record)


def _journal(line: Path) -> Iterator[tuple[Path, Place, str]]:
    """Yield the finished parts in the journal; what is under way is over when the line comes back."""
    for entry in sorted((line / "journal").glob("*.answered")):
        for file in (entry.with_suffix(".npy"), entry):
            yield file, "line", f"journal/{file.name}"


def _own(folders: _Folders) -> Iterator[tuple[Path, Place, str]]:
    """Yield what else lies in the line's folder: reports, whether it is held, numbers, trials, refused speech."""
    record = folders.record
    others = {record, *(record.with_name(record.name + rest) for rest in WAL)} if record is not None else set()
    for file, place, path in _below(folders.line, "line"):
        if not (file in others or file.is_relative_to(folders.images) or path.startswith("journal/") or path == LOCK):
            yield file, place, path


def _configuration(yaml: Path, needed: frozenset[Path], folders: _Folders) -> Iterator[tuple[Path, Place, str]]:
    yield yaml, "config", yaml.name
    files = {file for path in needed for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()}
    for file in sorted(files - {yaml}):
        if file.is_relative_to(folders.config):
            yield file, "config", str(file.relative_to(folders.config))
        elif not file.is_relative_to(folders.line):
            yield file, "elsewhere", str(file)


def _below(folder: Path, place: Place) -> Iterator[tuple[Path, Place, str]]:
    """Yield every plain file below a folder that is finished and was not set aside by a restore."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink() and file.suffix != ".part" and BEFORE not in file.name:
            yield file, place, str(file.relative_to(folder))


def _keep_record(vault: Vault, record: Path, files: list[Kept], progress: Progress) -> KeptRecord:
    with vault.scratch() as scratch:
        copy = scratch / RECORD
        held = copy_record(record, copy, lambda done, of: progress("record", done, of))
        shutil.copymode(record, copy)
        kept = vault.put(copy, "record", RECORD)
    if kept is None:
        raise StoreError(f"the copy of {record} has gone from {vault.folder}", remedy="Leave the folder alone")
    files.append(kept)
    return KeptRecord(held.parts, held.acts, held.head)


def _manifest_before(vault: Vault, line: str) -> Manifest | None:
    last = vault.manifest()
    if last is not None and last.line != line:
        raise StoreError(
            f"{vault.folder} is the backup of line {last.line}", remedy="Give each line a folder of its own"
        )
    if last is None and vault.folder.is_dir():
        ours = {LOCK, "files"}
        if any(entry.name not in ours and not entry.name.startswith("unfinished-") for entry in vault.folder.iterdir()):
            raise StoreError(f"{vault.folder} holds something else than a backup", remedy="Name an empty folder")
    return last


# --- where it goes ------------------------------------------------------------------------------------------


def _goal(kept: Kept, folders: _Folders, yaml: Path, own: str) -> Path:
    match kept.place:
        case "config":
            return yaml if kept.path == own else folders.config / kept.path
        case "line":
            return folders.line / kept.path
        case "images":
            return folders.images / kept.path
        case _:
            return Path(kept.path)


def _need_room(manifest: Manifest, folders: _Folders) -> None:
    wanted = sum(kept.size for kept in manifest.files)
    free = shutil.disk_usage(folders.line).free
    if free < wanted:
        raise DiskFull(
            f"the backup has {wanted / 1e6:.0f} MB, and {folders.line} has room for {free / 1e6:.0f} MB",
            remedy="Free disk space there",
        )


def _make_folder(folder: Path, kept: Kept) -> None:
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(exist_ok=True)
        _own_by(parent, kept)


def _give_back(file: Path, kept: Kept) -> None:
    file.chmod(kept.mode)
    _own_by(file, kept)


def _own_by(file: Path, kept: Kept) -> None:
    """Give a file to who had it, as only root may; a user this machine does not know stays out."""
    if os.geteuid() == 0 and kept.owner:
        try:
            shutil.chown(file, kept.owner, kept.group or None)
        except LookupError:
            return
