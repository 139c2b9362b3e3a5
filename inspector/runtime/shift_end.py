"""What happens by itself when a shift has ended: its report is made, and mailed where the line says so."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inspector.domain import Person, ReportShelf, Role, ShelvedShift
from inspector.runtime.rounds import Rounds

__all__ = ["ShiftEnd"]

log = logging.getLogger(__name__)

ITSELF = Person("shift end", Role.ADMIN)
SETTLED = timedelta(minutes=1)  # the last parts are still on their way into the record
EARLIEST = timedelta(days=2)
LOOK_BACK = 4


class ShiftEnd:
    """Makes the reports of shifts that have ended, once each; works on its own thread.

    What an outage has left undone is made up for, up to two days back. A mail that no server takes is tried again.

    Parameters
    ----------
    worked
        Whether the record has parts between two moments: a shift without parts has no report.
    mail
        Sends subject, text and files; None: nobody is told.
    notes
        Folder for a small file per shift that says that it was mailed.
    """

    def __init__(
        self,
        shelf: ReportShelf,
        *,
        line: str,
        worked: Callable[[datetime, datetime], bool],
        mail: Callable[[str, str, Sequence[Path]], None] | None,
        notes: Path,
        language: str = "en",
        look_every_s: float = 20.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._shelf, self._line, self._worked, self._mail = shelf, line, worked, mail
        self._notes, self._language, self._clock = notes, language, clock
        self._done: set[str] = set()
        self._rounds = Rounds(self.look, what="the end of the shift", every_s=look_every_s)

    def start(self) -> None:
        """Begin to look at the clock."""
        self._rounds.start()

    def close(self) -> None:
        """End; safe to call twice."""
        self._rounds.close()

    def look(self) -> list[str]:
        """Do what is due; return the keys of the shifts that were finished now. Raises ``InspectorError``."""
        finished = []
        now = self._clock()
        for shift in self._shelf.shifts(LOOK_BACK):
            due = shift.ended and shift.ends + SETTLED <= now < shift.ends + EARLIEST
            if due and shift.key not in self._done:
                if self._worked(shift.begins, shift.ends):
                    self._finish(shift)
                    finished.append(shift.key)
                self._done.add(shift.key)
        return finished

    def _finish(self, shift: ShelvedShift) -> None:
        if shift.made_at is None or not shift.complete:
            shift = self._shelf.make(ITSELF, shift.key)
            log.info("the report of shift %s is made", shift.key)
        note = self._notes / f"{shift.key.replace('/', '-')}.mailed"
        if self._mail is None or note.exists():
            return
        share = f", {shift.passed / shift.parts:.1%} first-pass yield" if shift.parts else ""
        subject = f"{self._line} {shift.key}: {shift.parts} parts{share}"
        names = shift.prints or shift.pages
        wanted = [names.get(self._language) or next(iter(names.values()), ""), shift.data]
        files = [file for name in wanted if (file := self._shelf.file(name)) is not None]
        self._mail(subject, f"{subject}\n", files)
        self._notes.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"at": self._clock().isoformat()}), encoding="utf-8")
        log.info("the report of shift %s is mailed", shift.key)
