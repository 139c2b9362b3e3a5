"""The figures of the quality page: those of the shift report over any span, and what people found."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

from inspector.domain import (
    ConfigurationError,
    InspectorError,
    QualityFigure,
    QualitySpan,
    QualityTable,
    QualityView,
)
from inspector.language import DEFAULT_GLOSSARY
from inspector.reports import (
    Shift,
    Span,
    advice_table,
    advice_weeks,
    figures_of,
    lot_table,
    review_figures,
    review_tables,
    tables_of,
)
from inspector.reports.words import ReportWords
from inspector.runtime.agreement import costs_of, zone_of
from inspector.runtime.aside import aside
from inspector.runtime.reporting import calendar_of, compile_report
from inspector.settings import LineSettings
from inspector.store import Database, ShiftRecord, SqlReviews

__all__ = ["LineQuality", "quality_of"]

KEPT_S = 20.0
PARTS = 2  # column of the hours' parts
SHOWN = ("counts", "recipes", "hours", "fault_table", "pareto", "zones", "characteristics", "capability", "decisions")
LENGTHS = {QualitySpan.DAY: timedelta(days=1), QualitySpan.WEEK: timedelta(days=7)}


class LineQuality:
    """A ``QualityDesk``; the figures are worked out by a process of their own, and kept for some seconds."""

    def __init__(self, settings: LineSettings) -> None:
        self._settings = settings
        self._turn = threading.Lock()
        self._kept: dict[tuple[QualitySpan, str], tuple[float, QualityView]] = {}

    def view(self, span: QualitySpan, language: str) -> QualityView:
        """Return the figures; raises ``ConfigurationError``, ``ReportError`` or ``StoreError``."""
        with self._turn:
            made_at, kept = self._kept.get((span, language), (0.0, None))
            if kept is None or time.monotonic() - made_at > KEPT_S:
                kept = aside(_work, self._settings, span, language, what="the figures")
                self._kept[span, language] = time.monotonic(), kept
            return kept


def quality_of(settings: LineSettings, span: QualitySpan, language: str, *, now: datetime) -> QualityView:
    """Return the figures of this span; raises ``ConfigurationError`` or ``StoreError``."""
    words, store = ReportWords(language, DEFAULT_GLOSSARY), settings.store
    if store.url is None:
        raise ConfigurationError("store: the paths of the record are not settled", remedy="Load the line by load_line")
    shift = _shift(settings, span, now)
    calendar = calendar_of(settings) if settings.shifts is not None else None
    with closing(Database(store.url, username=store.username, password=store.password())) as database:
        report = compile_report(settings, database, calendar, shift, now)
        record = ShiftRecord(database, line=settings.line, station=settings.station)
        start, end = shift.span.start, shift.span.end
        lots, reviewed = record.lots(start, end), record.reviewed(start, end)
        advised = SqlReviews(database, line=settings.line, station=settings.station).advised(start, end)
    tables = [table for table in tables_of(report, words) if table.key in SHOWN and table.rows]
    # An hour without parts says nothing here; a week has many.
    tables = [
        replace(table, rows=tuple(row for row in table.rows if row[PARTS] != "0")) if table.key == "hours" else table
        for table in tables
    ]
    costs = costs_of(settings)
    weeks = advice_weeks(advised, zone_of(settings, now), costs)
    tables += [
        lot_table(lots, words),
        *review_tables(review_figures(reviewed), words),
        advice_table(weeks, words, costs.currency if costs is not None else ""),
    ]
    return QualityView(
        begins=start,
        ends=min(end, now),
        parts=report.counts.total,
        tables=tuple(
            QualityTable(table.key, table.title, table.head, table.rows, table.more) for table in tables if table.rows
        ),
        figures=tuple(
            QualityFigure(section, str(figure.svg), figure.caption)
            for section, figures in figures_of(report, words).items()
            for figure in figures
        ),
        notes=(words["not_capable"], words["reviews_note"], words["sources"]),
    )


def _shift(settings: LineSettings, span: QualitySpan, now: datetime) -> Shift:
    if span in LENGTHS:
        # Whole hours, so that the chart by hour has no stump at its beginning.
        end = now.astimezone().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        return Shift(span.value, end.date(), Span(end - LENGTHS[span], end))
    calendar = calendar_of(settings)
    found = calendar.at(now) if span is QualitySpan.SHIFT else next(iter(calendar.before(now, 1)), None)
    if found is None:
        raise ConfigurationError("there is no shift at this time", remedy="Choose 24 hours")
    return found


def _work(pipe: Connection, settings: LineSettings, span: QualitySpan, language: str) -> None:
    try:
        pipe.send(quality_of(settings, span, language, now=datetime.now(UTC)))
    except InspectorError as error:
        pipe.send(error)
