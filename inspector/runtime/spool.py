"""The line's journal: what happened to each trigger, on disk before anybody relies on it.

One trigger is one small file that is replaced as it advances; a name is written completely or not at all:

    <key>.opened     accepted; holds the UNKNOWN verdict that stands if nothing more ever comes
    <key>.judged     the verdict, written before the PLC is told
    <key>.answered   the PLC has been told; <key>.npy beside it holds the frame

The office reads and deletes answered entries. A process may be killed at any point: after a restart the
line finds its unfinished entries and closes them. Entries are not flushed to the platter one by one, so
they survive any process but not a power cut, which also ends the PLC's cycle.
"""

from __future__ import annotations

import errno
import itertools
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.domain import DiskFull, Frame, InspectionReport, StoreError, report_from_json, report_to_json

__all__ = ["Spool", "Spooled"]

log = logging.getLogger(__name__)

OPENED, JUDGED, ANSWERED, FRAME, DAMAGED = ".opened", ".judged", ".answered", ".npy", ".damaged"
RESERVE, RESERVE_BYTES, SLICE_BYTES = "reserve", 4 * 2**20, 2**16
DEAD_AFTER_S = 5.0
LOOK_EVERY_S = 0.002
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Spooled:
    """One journal entry as it was found on disk."""

    key: str
    report: InspectionReport


class Spool:
    """Journal of one line in one folder; the line writes, the office reads and deletes.

    Parameters
    ----------
    folder
        Created where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: dict[str, str] = {}
        self._numbers = itertools.count()
        with _translated(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self.room()

    # --- the line writes: ReportSink --------------------------------------------------------------------

    def opened(self, report: InspectionReport) -> None:
        """Remember an accepted trigger; raises ``StoreError`` or ``DiskFull``."""
        self._write(self._key(report) + OPENED, report)

    def judged(self, report: InspectionReport) -> None:
        """Replace the opened entry by the judged one; raises ``StoreError`` or ``DiskFull``."""
        self._advance(report, JUDGED)

    def answered(self, report: InspectionReport, frame: Frame | None) -> None:
        """Hand the finished entry over, with its frame; raises ``StoreError`` or ``DiskFull``.

        A frame that finds no room is left out: the record matters more than the picture.
        """
        if frame is not None:
            self._save(frame, self._path(self._key(report) + FRAME))
        self._advance(report, ANSWERED)
        del self._keys[str(report.id)]

    def room(self) -> bool:
        """Return whether there is room for more parts; renews the reserve that a full disk used up."""
        try:
            if self._reserved() == RESERVE_BYTES:
                return True
            with self._path(RESERVE).open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
        except OSError:
            return False
        return True

    def unfinished(self) -> Sequence[Spooled]:
        """Return the entries a killed line left behind, oldest first, and adopt them."""
        entries, seen = [], {path.stem for path in self._files(ANSWERED)}
        for path in (*self._files(JUDGED), *self._files(OPENED)):
            # Killed between writing the successor and removing the predecessor: the successor counts.
            if path.stem in seen:
                path.unlink(missing_ok=True)
            elif entry := self._read(path):
                entries.append(entry)
            seen.add(path.stem)
        entries.sort(key=lambda entry: entry.key)
        self._keys.update((str(entry.report.id), entry.key) for entry in entries)
        return entries

    # --- the office reads -------------------------------------------------------------------------------

    def finished(self, limit: int = 64) -> Iterator[Spooled]:
        """Yield answered entries, oldest first."""
        for path in self._files(ANSWERED)[:limit]:
            if entry := self._read(path):
                yield entry

    def backlog(self) -> int:
        """Return how many answered entries wait to be recorded."""
        return len(self._files(ANSWERED))

    def in_work(self) -> bool:
        """Return whether a part is on its way to its verdict; one that has been for seconds is a line that died."""
        alive_since = time.time_ns() - int(DEAD_AFTER_S * 1e9)
        try:
            with os.scandir(self._folder) as entries:
                return any(
                    entry.name.endswith((OPENED, JUDGED)) and int(entry.name[:20]) > alive_since for entry in entries
                )
        except OSError:
            return False

    def let_line_through(self, until: float) -> None:
        """Return as soon as no part is on its way to its verdict, or when the monotonic clock says ``until``."""
        while self.in_work() and time.monotonic() < until:
            time.sleep(LOOK_EVERY_S)

    def pixels(self, entry: Spooled) -> NDArray[np.uint8] | None:
        """Return the frame of an entry, None where there was none or it is damaged."""
        path = self._path(entry.key + FRAME)
        try:
            pixels: NDArray[np.uint8] = np.load(path, allow_pickle=False)
        except FileNotFoundError:
            return None
        except (ValueError, EOFError, OSError) as error:
            log.warning("journal: the frame of part %s is unreadable: %s", entry.report.trigger.part_id, error)
            return None
        return pixels

    def discard(self, entry: Spooled) -> None:
        """Forget an entry that the store has committed; safe to repeat."""
        with _translated(self._folder):
            # The entry goes last: a frame without an entry would never be cleaned up.
            for suffix in (FRAME, OPENED, JUDGED, ANSWERED):
                self._path(entry.key + suffix).unlink(missing_ok=True)

    # --- files ------------------------------------------------------------------------------------------

    def _path(self, name: str) -> Path:
        return self._folder / name

    def _files(self, suffix: str) -> list[Path]:
        with _translated(self._folder):
            return sorted(self._folder.glob("*" + suffix))

    def _key(self, report: InspectionReport) -> str:
        # The wall clock orders entries across restarts; the counter orders them within one clock tick.
        new = f"{time.time_ns():020d}-{next(self._numbers) % 10**6:06d}"
        return self._keys.setdefault(str(report.id), new)

    def _advance(self, report: InspectionReport, state: str) -> None:
        key = self._key(report)
        self._write(key + state, report)
        with _translated(self._folder):
            for earlier in {OPENED, JUDGED} - {state}:
                self._path(key + earlier).unlink(missing_ok=True)

    def _write(self, name: str, report: InspectionReport) -> None:
        text = report_to_json(report)
        with _translated(self._folder):
            while True:
                try:
                    _replace(self._path(name), text)
                except OSError as error:
                    if error.errno not in NO_ROOM or not self._drawn_on_reserve():
                        raise
                else:
                    return

    def _drawn_on_reserve(self) -> bool:
        """Give up a slice of the reserve, which exists for the parts under way; False where nothing is left.

        Slice by slice: what else fills the disk takes the room that comes free, and must not take all of it at once.
        """
        left = self._reserved() - SLICE_BYTES
        if left < 0:
            return False
        os.truncate(self._path(RESERVE), left)
        return True

    def _reserved(self) -> int:
        try:
            return self._path(RESERVE).stat().st_size
        except FileNotFoundError:
            return 0

    def _save(self, frame: Frame, path: Path) -> None:
        try:
            np.save(path, frame.pixels)
        except OSError as error:
            path.unlink(missing_ok=True)
            log.warning("journal: the picture of part %s is not kept: %s", frame.trigger.part_id, error)

    def _read(self, path: Path) -> Spooled | None:
        try:
            return Spooled(path.stem, report_from_json(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, OSError) as error:
            # Kept for a person to look at; it must not stop the parts behind it.
            log.error("journal: entry %s is damaged and set aside: %s", path.name, error)  # noqa: TRY400
            path.replace(path.with_suffix(DAMAGED))
            return None


def _replace(path: Path, text: str) -> None:
    half_written = path.with_name(path.name + ".part")
    try:
        half_written.write_text(text, encoding="utf-8")
        half_written.replace(path)
    except OSError:
        half_written.unlink(missing_ok=True)
        raise


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise DiskFull(f"no room for the line's journal in {folder}", remedy="Free disk space there") from error
        raise StoreError(
            f"the line's journal in {folder} cannot be used: {error.strerror or error}",
            remedy="Check that the folder exists and that this user may write there",
        ) from error
