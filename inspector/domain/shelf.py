"""The shift reports of a line, made and to be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from inspector.domain.people import Person

__all__ = ["ReportShelf", "ShelvedShift"]


@dataclass(frozen=True, slots=True)
class ShelvedShift:
    """One shift and its report.

    Attributes
    ----------
    key
        ``2026-11-22/B``.
    ended
        False while the shift is running.
    made_at
        When the report was written; None: not yet. A report of a shift that was still running says so itself.
    parts, passed
        Counts of the report.
    pages, prints
        Names of the files by language: HTML, and PDF where it could be made.
    data
        Name of the JSON file.
    """

    key: str
    begins: datetime
    ends: datetime
    ended: bool
    made_at: datetime | None = None
    complete: bool = False
    parts: int = 0
    passed: int = 0
    pages: Mapping[str, str] = field(default_factory=dict)
    prints: Mapping[str, str] = field(default_factory=dict)
    data: str = ""


@runtime_checkable
class ReportShelf(Protocol):
    """Where shift reports are kept."""

    def shifts(self, limit: int) -> Sequence[ShelvedShift]:
        """Return the running shift and those before it, newest first."""
        ...

    def make(self, person: Person, key: str) -> ShelvedShift:
        """Write the report of this shift, replacing an earlier one; takes seconds.

        Raises
        ------
        ConfigurationError
            The line has no such shift.
        ReportError
            It cannot be written.
        StoreError
            The record cannot be read.
        """
        ...

    def file(self, name: str) -> Path | None:
        """Return a file of the shelf; None where there is none of that name."""
        ...
