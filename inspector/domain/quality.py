"""How well the line does over a span of time, ready to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

__all__ = ["QualityDesk", "QualityFigure", "QualitySpan", "QualityTable", "QualityView"]


class QualitySpan(StrEnum):
    """What time is looked at, up to now or up to its end."""

    SHIFT = "shift"
    """The running shift."""
    LAST_SHIFT = "last_shift"
    DAY = "day"
    """24 hours."""
    WEEK = "week"
    """7 days."""


@dataclass(frozen=True, slots=True)
class QualityTable:
    """One table of texts; ``key`` names it in every language, ``more`` is how many rows did not fit."""

    key: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class QualityFigure:
    """One chart as SVG, every foreign text in it escaped; ``section`` is the key of the table that it belongs to."""

    section: str
    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class QualityView:
    """Everything about one span."""

    begins: datetime
    ends: datetime
    parts: int
    tables: tuple[QualityTable, ...]
    figures: tuple[QualityFigure, ...]
    notes: tuple[str, ...] = ()


@runtime_checkable
class QualityDesk(Protocol):
    """Works the figures out from the record; takes seconds, never on the verdict path."""

    def view(self, span: QualitySpan, language: str) -> QualityView:
        """Return the figures in this language.

        Raises
        ------
        ConfigurationError
            The line has no such shift now.
        ReportError
            They could not be worked out.
        StoreError
            The record cannot be read.
        """
        ...
