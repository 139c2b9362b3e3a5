"""The picture archive: one lossless file per inspection, kept for a while, never at the record's expense."""

from __future__ import annotations

import logging
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from hashlib import sha256
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import InspectionReport, Outcome, Picture, StoreError

__all__ = ["ImageArchive", "Keep", "Room"]

logger = logging.getLogger(__name__)

Keep = Literal["all", "not_passed", "none"]
MB = 1_000_000
PART_CHARACTERS = 60


class Room(IntEnum):
    """What the disk still takes, ordered."""

    NOTHING = 0
    ROWS = 1
    PICTURES = 2


def _free_mb(folder: Path) -> float:
    return shutil.disk_usage(folder).free / MB


class ImageArchive:
    """Pictures under ``folder/YYYY-MM-DD/<part>-<report id>.png``, the day in UTC.

    When free space falls below ``min_free_mb`` the oldest pictures make room for the newest; when none are
    left to drop, pictures stop and rows go on. Losing and regaining that is logged once each.

    Parameters
    ----------
    folder
        Where the pictures go; made when it is not there.
    keep
        ``all``, only parts that are ``not_passed``, or ``none``.
    keep_days
        Pictures older than this are removed; 0 keeps them until the disk needs the space.
    min_free_mb
        Space on that disk that pictures leave alone.
    reserve_mb
        Space below which not even rows are safe: ``room()`` says NOTHING, and the line should hold.

    Raises
    ------
    StoreError
        The folder cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep: Keep = "all",
        keep_days: int = 30,
        min_free_mb: float = 500,
        reserve_mb: float = 20,
        free_mb: Callable[[Path], float] = _free_mb,
    ) -> None:
        self.folder = folder
        self._keep = keep
        self._keep_days = keep_days
        self._min_free_mb = min_free_mb
        self._reserve_mb = reserve_mb
        self._free_mb = free_mb
        self._turn = threading.Lock()
        self._cleaned: date | None = None
        self._archiving = True
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the picture folder {folder} cannot be made: {error.strerror}",
                remedy="Check the path in store.images.folder, its permissions and the free space",
            ) from error

    def name(self, report: InspectionReport) -> str:
        """Return where this report's picture belongs, relative to the folder; the same every time."""
        # Part ids come from outside: anything that is not plainly a name becomes "_", so that none can leave
        # the folder, hide itself or grow too long. The report id keeps the name unique all the same.
        part = re.sub(r"[^A-Za-z0-9_-]", "_", report.trigger.part_id)[:PART_CHARACTERS] or "_"
        return f"{report.trigger.at.astimezone(UTC):%Y-%m-%d}/{part}-{report.id}.png"

    def save(self, report: InspectionReport, pixels: NDArray[np.uint8]) -> Picture | None:
        """Archive the picture; return its name and hash, or None where it is not kept or there is no room for it.

        ``pixels`` is ``uint8`` of shape (H, W) or (H, W, 3) BGR. The file appears whole or not at all.
        """
        if self._keep == "none" or (self._keep == "not_passed" and report.verdict.outcome is Outcome.PASS):
            return None
        with self._turn:
            self._expire_daily()
            try:
                if not self._make_room():
                    self._lost(f"less than {self._min_free_mb:g} MB free")
                    return None
                name = self.name(report)
                digest = self._write(self.folder / name, pixels)
            except OSError as error:
                self._lost(str(error))
                return None
            self._back()
            return Picture(name, digest)

    def remove(self, name: str) -> None:
        """Drop a picture whose row was not written; nothing happens where it is gone already."""
        try:
            (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            logger.warning("picture %s could not be removed: %s", self.folder / name, error)

    def path(self, name: str | None) -> Path | None:
        """Return the file of a picture's name, None where it was not kept or has expired."""
        if name is None:
            return None
        path = self.folder / name
        return path if path.is_file() else None

    def room(self) -> Room:
        """Return what the disk still takes now."""
        try:
            free = self._free_mb(self.folder)
        except OSError:
            return Room.NOTHING
        if free < self._reserve_mb:
            return Room.NOTHING
        return Room.PICTURES if free >= self._min_free_mb else Room.ROWS

    def expire(self, today: date | None = None) -> int:
        """Remove the days that are older than ``keep_days``; return how many pictures went."""
        if self._keep_days <= 0:
            return 0
        first_kept = (today or datetime.now(UTC).date()) - timedelta(days=self._keep_days)
        gone = 0
        for day, folder in self._days():
            if day >= first_kept:
                break
            gone += sum(1 for _ in folder.glob("*.png"))
            shutil.rmtree(folder, ignore_errors=True)
        return gone

    # --- inside -------------------------------------------------------------------------------------------

    def _expire_daily(self) -> None:
        today = datetime.now(UTC).date()
        if self._cleaned != today:
            self._cleaned = today
            self.expire(today)

    def _days(self) -> Iterator[tuple[date, Path]]:
        """Yield the day folders, oldest first; what is not named like a day is not ours."""
        for folder in sorted(self.folder.iterdir()):
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", folder.name) and folder.is_dir():
                try:
                    yield date.fromisoformat(folder.name), folder
                except ValueError:
                    continue

    def _oldest(self) -> Iterator[Path]:
        for _, folder in self._days():
            yield from sorted(folder.glob("*.png"), key=lambda file: file.stat().st_mtime)
            if not any(folder.iterdir()):
                folder.rmdir()

    def _make_room(self) -> bool:
        oldest = self._oldest()
        while self._free_mb(self.folder) < self._min_free_mb:
            picture = next(oldest, None)
            if picture is None:
                return False
            picture.unlink(missing_ok=True)
        return True

    @staticmethod
    def _write(path: Path, pixels: NDArray[np.uint8]) -> str:
        """Write the file, on the platter before it gets its name; return its SHA-256."""
        # PNG because an audit needs the pixels that the detector saw, and every tool opens it. No level given: that
        # lets OpenCV take its run-length strategy, half the time of any level and a quarter of lossless WebP's.
        done, encoded = cv2.imencode(".png", pixels)
        if not done:
            raise OSError(f"a picture of shape {pixels.shape} could not be encoded")
        path.parent.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".part")
        try:
            with unfinished.open("wb") as file:
                file.write(encoded.data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        return sha256(encoded.data).hexdigest()

    def _lost(self, why: str) -> None:
        if self._archiving:
            self._archiving = False
            logger.warning("pictures are not archived in %s: %s; the record goes on", self.folder, why)

    def _back(self) -> None:
        if not self._archiving:
            self._archiving = True
            logger.info("pictures are archived in %s again", self.folder)
