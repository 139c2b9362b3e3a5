"""How long a page of the history takes over a very large record: a made-up one, written by the database itself."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from inspector.domain import HistoryQuery, PartKind, Place
from inspector.runtime.made_up import LINE, STATION, fill
from inspector.store import Database, RecordStore, SqlHistory

__all__ = ["HistoryFigures", "measure_history"]

START = datetime(2024, 1, 1, tzinfo=UTC)
REPEATS = 7
PAGE = 50


@dataclass(frozen=True, slots=True)
class HistoryFigures:
    """What was measured; milliseconds for one page of fifty, the median of seven."""

    database: str
    rows: int
    findings: int
    pages_ms: dict[str, float]

    @property
    def slowest_ms(self) -> float:
        """The slowest of all questions."""
        return max(self.pages_ms.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return {**asdict(self), "slowest_ms": self.slowest_ms}


def measure_history(folder: Path, *, rows: int, url: str = "", said: Callable[[str], None] = print) -> HistoryFigures:
    """Fill an empty record and ask it everything that the page can ask; raises ``StoreError``.

    Parameters
    ----------
    url
        An empty PostgreSQL database; without one, SQLite below the folder.
    said
        Told what is being done.
    """
    database = Database(url or f"sqlite:///{folder / 'record.db'}", synchronous="NORMAL")
    try:
        findings = fill(database, rows, start=START, said=said)
        reader = SqlHistory(database, RecordStore(database, line=LINE, station=STATION), line=LINE, station=STATION)
        pages = {}
        for name, (query, place) in _questions(rows).items():
            taken = []
            for _ in range(REPEATS):
                began = time.perf_counter()
                reader.search(query, older_than=place, limit=PAGE)
                taken.append((time.perf_counter() - began) * 1000)
            pages[name] = statistics.median(taken)
            said(f"{name}: {pages[name]:.1f} ms")
    finally:
        database.close()
    return HistoryFigures("PostgreSQL" if url else "SQLite", rows, findings, pages)


def _questions(rows: int) -> dict[str, tuple[HistoryQuery, Place | None]]:
    end = START + timedelta(seconds=rows)
    middle = START + timedelta(seconds=rows // 2)
    since, until = START + timedelta(hours=10), START + timedelta(hours=34)
    # From the far end on: everything after it in the index has to be passed over, or skipped.
    deep = Place(START + timedelta(seconds=rows // 10), rows // 10)
    return {
        "newest": (HistoryQuery(), None),
        "deep page": (HistoryQuery(), deep),
        "a day long ago": (HistoryQuery(since, until), None),
        "part by number": (HistoryQuery(part="17"), None),
        "part by number, one day": (
            HistoryQuery(part=str(rows // 2), since=middle - timedelta(days=1), until=end),
            None,
        ),
        "part by id": (HistoryQuery(part=f"PCB-{rows // 3:09d}"), None),
        "lot": (HistoryQuery(lot="L3"), None),
        "lot and class": (HistoryQuery(lot="L3", label="spur"), None),
        "rejected": (HistoryQuery(kind=PartKind.FAIL), None),
        "not inspected, deep": (HistoryQuery(kind=PartKind.FAULT), deep),
        "held, a day long ago": (HistoryQuery(since, until, kind=PartKind.REVIEW), None),
        "class": (HistoryQuery(label="spur"), deep),
        "rare class": (HistoryQuery(label="rare"), None),
        "class and rare size": (HistoryQuery(label="spur", size_from=1.0), None),
        "class and outcome": (HistoryQuery(label="spur", kind=PartKind.REVIEW), None),
        "size": (HistoryQuery(size_from=0.3, size_to=0.4), deep),
        "rare size": (HistoryQuery(size_from=1.0), None),
        "no such class": (HistoryQuery(label="none such"), None),
    }
