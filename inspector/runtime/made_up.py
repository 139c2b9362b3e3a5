"""A very large record for measurements, written by the database itself: seconds for a million inspections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.schema import CreateIndex, DropIndex

from inspector.store import Database
from inspector.store.tables import DefectRow, InspectionRow, MeasurementRow

__all__ = ["LINE", "STATION", "fill"]

LINE, STATION = "bench", "s"
BLOCK = 1_000_000
LABELS = ("open", "short", "mousebite", "spur", "spurious_copper", "pin_hole")
RARE_EACH = 999_983  # a prime: findings of a rare class, or of a rare size, so many parts apart
MEASURED = ("length", "width", "area", "position_x", "position_y")

# Of a thousand parts 700 pass, 49 are held, 1 is a fault; a held or rejected part has one finding.
KIND = "CASE WHEN n * 7919 % 1000 < 700 THEN 'pass' WHEN n * 7919 % 1000 < 950 THEN 'fail' "
KIND += "WHEN n * 7919 % 1000 < 999 THEN 'review' ELSE 'fault' END"
LABEL = f"CASE WHEN n % {RARE_EACH} = 0 THEN 'rare' ELSE "
LABEL += "CASE n * 31 % 6 " + " ".join(f"WHEN {i} THEN '{name}'" for i, name in enumerate(LABELS)) + " END END"
SIZE = f"CASE WHEN n % {RARE_EACH} = 0 THEN 2.0 ELSE 0.1 + n * 104729 % 10000 / 20000.0 END"


def fill(
    database: Database,
    rows: int,
    *,
    start: datetime,
    cycle_s: float = 1.0,
    report_length: int = 2,
    measured: bool = False,
    said: Callable[[str], None],
) -> int:
    """Fill an empty record with this many inspections of one line; return how many findings they have.

    Parameters
    ----------
    report_length
        Characters of each report's JSON, which is not one.
    measured
        Whether findings have measurements.
    """
    tables: list[Any] = [InspectionRow.__table__, DefectRow.__table__, MeasurementRow.__table__]  # type: ignore[attr-defined]
    with database.write() as connection:
        for table in tables:
            for index in table.indexes:
                connection.execute(DropIndex(index))
    for first in range(1, rows + 1, BLOCK):
        last = min(first + BLOCK - 1, rows)
        with database.write() as connection:
            at = f"{int(start.timestamp())} + n * {cycle_s}"
            for statement in _statements(connection.dialect.name, at, report_length, measured=measured):
                connection.execute(text(statement), {"first": first, "last": last})
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


def _statements(dialect: str, at: str, report_length: int, *, measured: bool) -> list[str]:
    if dialect == "postgresql":
        numbers, moment = "SELECT generate_series(CAST(:first AS bigint), :last) AS n", f"to_timestamp({at})"
        pad = "lpad(CAST(n AS text), {}, '0')"
    else:
        numbers = "SELECT :first AS n UNION ALL SELECT n + 1 FROM number WHERE n < :last"
        moment = f"strftime('%Y-%m-%d %H\\:%M\\:%f', {at}, 'unixepoch') || '000'"
        pad = "printf('%0{}d', n)"
    each = f"WITH RECURSIVE number(n) AS ({numbers}), "
    each += f"part AS (SELECT n, {moment} AS at, {KIND} AS kind FROM number) "  # noqa: S608 - our own words
    found = "FROM part WHERE kind IN ('fail', 'review')"
    statements = [
        "INSERT INTO inspection (id, report_id, part_id, part_number, lot, station, line, sequence, triggered_at,"  # noqa: S608
        " recorded_at, kind, outcome, fault, verdict, recipe, model_name, model_version, model_sha256, total_ms,"
        f" report, image, texts) {each} SELECT n, {pad.format(32)}, 'PCB-' || {pad.format(9)}, n,"
        f" 'L' || (n / 5000), '{STATION}', '{LINE}', n, at, at, kind,"
        " CASE kind WHEN 'pass' THEN 'PASS' WHEN 'fail' THEN 'FAIL' ELSE 'REVIEW' END,"
        " CASE kind WHEN 'fault' THEN 'DEADLINE' ELSE 'NONE' END,"
        " CASE kind WHEN 'pass' THEN 'OK' WHEN 'fail' THEN 'NOK' ELSE 'UNKNOWN' END,"
        f" 'default', 'm', '1', '', 40.0, '{'x' * report_length}', NULL, '{{}}' FROM part",
        "INSERT INTO defect (id, inspection_id, line, station, triggered_at, size_mm, detection, label, score,"
        f" x0, y0, x1, y1, zone) {each} SELECT n, n, '{LINE}', '{STATION}', at, {SIZE}, 0, {LABEL}, 0.9, 1, 1, 9, 9, ''"
        f" {found}",
    ]
    if measured:
        statements += [
            "INSERT INTO measurement (id, inspection_id, detection, characteristic, value, uncertainty, unit, method,"
            f" zone) {each} SELECT n * {len(MEASURED)} + {place}, n, 0, '{name}', {SIZE}, 0.03, 'mm', 'box', '' {found}"
            for place, name in enumerate(MEASURED)
        ]
    return statements
