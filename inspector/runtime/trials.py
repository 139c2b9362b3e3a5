"""Pictures that people take by hand while the line is held: inspected, shown, and no part of any record."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2

from inspector.domain import (
    Frame,
    InspectionReport,
    RecordedPart,
    StoreError,
    Trial,
    Trigger,
    TriggerOnce,
    report_from_json,
    report_to_json,
)
from inspector.runtime.line import Line

__all__ = ["TrialRoom", "TrialStore"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrialStore:
    """The last picture taken by hand, as two files that the line writes and the office reads."""

    folder: Path

    def put(self, report: InspectionReport, by: str, picture: bytes | None, at: datetime) -> None:
        """Replace it, the picture first; raises ``StoreError``."""
        number = self._number() + 1
        body = {"number": number, "by": by, "at": at.isoformat(), "report": report_to_json(report)}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for old in self.folder.glob("trial-*.png"):
                old.unlink()
            if picture is not None:
                (self.folder / f"trial-{number}.png").write_bytes(picture)
            unfinished = self._file.with_suffix(".part")
            unfinished.write_text(json.dumps(body), encoding="utf-8")
            unfinished.replace(self._file)
        except OSError as error:
            raise StoreError(
                f"the picture taken by hand cannot be kept in {self.folder}: {error.strerror}",
                remedy="Check the folder's permissions and the free space",
            ) from error

    def latest(self) -> Trial | None:
        """Return it; None where there is none."""
        try:
            body = json.loads(self._file.read_text(encoding="utf-8"))
            report, at = report_from_json(body["report"]), datetime.fromisoformat(body["at"])
            number, by = int(body["number"]), str(body["by"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Trial(number, by, RecordedPart(report, {}, self._picture(number), at))

    def picture(self) -> Path | None:
        """Return its picture's file."""
        return self._picture(self._number())

    @property
    def _file(self) -> Path:
        return self.folder / "trial.json"

    def _number(self) -> int:
        try:
            return int(json.loads(self._file.read_text(encoding="utf-8"))["number"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def _picture(self, number: int) -> Path | None:
        file = self.folder / f"trial-{number}.png"
        return file if file.is_file() else None


class TrialRoom:
    """Pictures that people take by hand while the line is held."""

    def __init__(self, line: Line, store: TrialStore, station: str) -> None:
        self._line, self._store, self._station = line, store, station

    async def take(self, command: TriggerOnce) -> None:
        """Take one, inspect it and keep both; a disk that refuses is a line in the log."""
        now = datetime.now(UTC)
        inspection = await self._line.trial(Trigger("", self._station, 0, now))
        frame = inspection.frame
        picture = None if frame is None else await asyncio.to_thread(_png, frame)
        try:
            self._store.put(inspection.report, command.by, picture, now)
        except StoreError as error:
            log.warning("%s", error)


def _png(frame: Frame) -> bytes:
    done, encoded = cv2.imencode(".png", frame.pixels)
    return encoded.tobytes() if done else b""
