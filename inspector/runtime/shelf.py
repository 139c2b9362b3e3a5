"""The shelf of a line's shift reports: read from its folder, written by a process of its own."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from inspector.domain import AuditTrail, InspectorError, Person, ShelvedShift
from inspector.reports import Shift
from inspector.runtime.aside import aside
from inspector.runtime.reporting import calendar_of, report_shift
from inspector.settings import LineSettings

__all__ = ["LineShelf"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\.(html|pdf|json)")


class LineShelf:
    """A ``ReportShelf`` over a folder; safe to use from several threads.

    A report is made by a process of its own at low priority: drawing a PDF takes seconds, and the office serves pages.
    """

    def __init__(self, settings: LineSettings, folder: Path, trail: AuditTrail) -> None:
        self._settings, self._folder, self._trail = settings, folder, trail
        self._calendar = calendar_of(settings)
        self._turn = threading.Lock()

    def shifts(self, limit: int) -> Sequence[ShelvedShift]:
        """Return the running shift and those before it, newest first."""
        now = datetime.now(UTC)
        running = self._calendar.at(now)
        ended = self._calendar.before(now, limit)
        return [self._shelved(shift, now) for shift in ([running] if running is not None else []) + list(ended)][:limit]

    def make(self, person: Person, key: str) -> ShelvedShift:
        """Write the report of this shift; raises ``ConfigurationError``, ``ReportError`` or ``StoreError``."""
        shift = self._calendar.shift(key)
        self._trail.add(person, "make_report", key)
        with self._turn:
            aside(_work, self._settings, key, self._folder, what=f"the report of shift {key}")
        return self._shelved(shift, datetime.now(UTC))

    def file(self, name: str) -> Path | None:
        """Return a file of the shelf; None where there is none of that name."""
        path = self._folder / name
        return path if NAME.fullmatch(name) and path.is_file() else None

    def _shelved(self, shift: Shift, now: datetime) -> ShelvedShift:
        stem = shift.key.replace("/", "-")
        span, ended = shift.span, shift.span.end <= now
        empty = ShelvedShift(shift.key, span.start, span.end, ended)
        try:
            body = json.loads((self._folder / f"{stem}.json").read_text(encoding="utf-8"))
            made_at, complete = datetime.fromisoformat(body["made_at"]), bool(body["finished"])
            counts = {name: int(body["counts"][name]) for name in ("passed", "review", "failed", "faults")}
        except (OSError, ValueError, KeyError, TypeError):
            return empty
        languages = self._settings.languages
        return ShelvedShift(
            key=shift.key,
            begins=span.start,
            ends=span.end,
            ended=ended,
            made_at=made_at,
            complete=complete,
            parts=sum(counts.values()),
            passed=counts["passed"],
            pages={name: file for name in languages if self.file(file := f"{stem}.{name}.html")},
            prints={name: file for name in languages if self.file(file := f"{stem}.{name}.pdf")},
            data=f"{stem}.json",
        )


def _work(pipe: Connection, settings: LineSettings, key: str, folder: Path) -> None:
    try:
        report_shift(settings, key, folder=folder, languages=settings.languages)
    except InspectorError as error:
        pipe.send(error)
    else:
        pipe.send(None)
