"""How long a page of the history takes over a very large record: a made-up one, written by the database itself."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.schema import CreateIndex, DropIndex

from inspector.domain import HistoryQuery, PartKind, Place
from inspector.store import Database, RecordStore, SqlHistory
from inspector.store.tables import DefectRow, InspectionRow

__all__ = ["HistoryFigures", "measure_history"]

START = datetime(2024, 1, 1, tzinfo=UTC)
LINE, STATION = "bench", "s"
REPEATS = 7
PAGE = 50
BLOCK = 1_000_000
LABELS = ("open", "short", "mousebite", "spur", "spurious_copper", "pin_hole")
RARE_EACH = 999_983  # a prime: findings of a rare class, or of a rare size, so many parts apart

# One part a second. Of a thousand parts 700 pass, 49 are held, 1 is a fault; a held or rejected part has one finding.
KIND = "CASE WHEN n * 7919 % 1000 < 700 THEN 'pass' WHEN n * 7919 % 1000 < 950 THEN 'fail' "
KIND += "WHEN n * 7919 % 1000 < 999 THEN 'review' ELSE 'fault' END"
LABEL = f"CASE WHEN n % {RARE_EACH} = 0 THEN 'rare' ELSE "
LABEL += "CASE n * 31 % 6 " + " ".join(f"WHEN {i} THEN '{name}'" for i, name in enumerate(LABELS)) + " END END"
SIZE = f"CASE WHEN n % {RARE_EACH} = 0 THEN 2.0 ELSE 0.1 + n * 104729 % 10000 / 20000.0 END"


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
        findings = _fill(database, rows, said)
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


def _fill(database: Database, rows: int, said: Callable[[str], None]) -> int:
    tables: list[Any] = [InspectionRow.__table__, DefectRow.__table__]  # type: ignore[attr-defined]
    with database.write() as connection:
        for table in tables:
            for index in table.indexes:
                connection.execute(DropIndex(index))
    for first in range(1, rows + 1, BLOCK):
        last = min(first + BLOCK - 1, rows)
        with database.write() as connection:
            _insert(connection, first, last)
        said(f"{last:,} inspections")
    for table in tables:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            with database.write() as connection:
                connection.execute(CreateIndex(index))
            said(f"index {index.name}")
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ANALYZE"))
        return int(connection.execute(text("SELECT COUNT(*) FROM defect")).scalar_one())


def _insert(connection: Connection, first: int, last: int) -> None:
    began = int(START.timestamp())
    postgres = connection.dialect.name == "postgresql"
    if postgres:
        numbers, moment = "SELECT generate_series(CAST(:first AS bigint), :last) AS n", f"to_timestamp({began} + n)"
        pad = "lpad(CAST(n AS text), {}, '0')"
    else:
        numbers = "SELECT :first AS n UNION ALL SELECT n + 1 FROM number WHERE n < :last"
        moment = f"strftime('%Y-%m-%d %H\\:%M\\:%S', {began} + n, 'unixepoch') || '.000000'"
        pad = "printf('%0{}d', n)"
    each = f"WITH RECURSIVE number(n) AS ({numbers}), "
    each += f"part AS (SELECT n, {moment} AS at, {KIND} AS kind FROM number) "  # noqa: S608 - our own words
    span = {"first": first, "last": last}
    connection.execute(
        text(
            "INSERT INTO inspection (id, report_id, part_id, part_number, lot, station, line, sequence, triggered_at,"  # noqa: S608
            " recorded_at, kind, outcome, fault, verdict, recipe, model_name, model_version, model_sha256, total_ms,"
            f" report, image, texts) {each} SELECT n, {pad.format(32)}, 'PCB-' || {pad.format(9)}, n,"
            f" 'L' || (n / 5000), '{STATION}', '{LINE}', n, at, at, kind,"
            " CASE kind WHEN 'pass' THEN 'PASS' WHEN 'fail' THEN 'FAIL' ELSE 'REVIEW' END,"
            " CASE kind WHEN 'fault' THEN 'DEADLINE' ELSE 'NONE' END,"
            " CASE kind WHEN 'pass' THEN 'OK' WHEN 'fail' THEN 'NOK' ELSE 'UNKNOWN' END,"
            " 'default', 'm', '1', '', 40.0, '{}', NULL, '{}' FROM part"
        ),
        span,
    )
    connection.execute(
        text(
            "INSERT INTO defect (id, inspection_id, line, station, triggered_at, size_mm, detection, label, score,"  # noqa: S608
            f" x0, y0, x1, y1, zone) {each} SELECT n, n, '{LINE}', '{STATION}', at, {SIZE}, 0, {LABEL}, 0.9,"
            " 1, 1, 9, 9, '' FROM part WHERE kind IN ('fail', 'review')"
        ),
        span,
    )
