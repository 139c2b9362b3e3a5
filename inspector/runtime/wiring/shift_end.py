"""The shelf of the shift reports, and what happens by itself at the end of a shift, out of a line's settings."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from inspector.domain import AuditTrail
from inspector.reports.mail import Postman
from inspector.runtime.reporting import reports_folder
from inspector.runtime.shelf import LineShelf
from inspector.runtime.shift_end import ShiftEnd
from inspector.settings import LineSettings, Mail
from inspector.store import Database, ShiftRecord

__all__ = ["build_shelf", "build_shift_end"]


def build_shelf(settings: LineSettings, data: Path, trail: AuditTrail) -> LineShelf | None:
    """Return the shelf; None where the line has no shift calendar."""
    return LineShelf(settings, reports_folder(settings, data), trail) if settings.shifts is not None else None


def build_shift_end(settings: LineSettings, data: Path, database: Database, shelf: LineShelf | None) -> ShiftEnd | None:
    """Return what is done when a shift ends, not working yet; None where it is done by hand."""
    shifts = settings.shifts
    if shelf is None or shifts is None or shifts.reports != "at_end":
        return None
    record = ShiftRecord(database, line=settings.line, station=settings.station)

    def worked(begins: datetime, ends: datetime) -> bool:
        return any(tally.parts for tally in record.tallies(begins, ends))

    return ShiftEnd(
        shelf,
        line=settings.line,
        worked=worked,
        mail=_postman(shifts.mail).send if shifts.mail is not None else None,
        notes=reports_folder(settings, data) / "mailed",
        language=settings.languages[0],
    )


def _postman(mail: Mail) -> Postman:
    return Postman(
        mail.host,
        mail.port,
        mail.sender,
        mail.to,
        security=mail.security,
        username=mail.username,
        password=mail.password(),
        ca_file=mail.ca_file,
    )
