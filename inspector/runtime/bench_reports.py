"""How long a shift report takes over a large record: a made-up one, written once for the measurement."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from inspector.reports import Identity, ShiftCalendar, ShiftPattern, compile_shift, write_report
from inspector.store import Database, ShiftRecord
from inspector.store.tables import DefectRow, InspectionRow, MeasurementRow

__all__ = ["ReportFigures", "measure_reports"]

START = datetime(2026, 1, 5, 6, tzinfo=UTC)
LABELS = ("open", "short", "mousebite", "spur", "spurious_copper", "pin_hole")
DEFECT_RATE = 0.3
BLOCK = 20_000
REPEATS = 5
FILLER = "x" * 1200  # a report's JSON is about this long


@dataclass(frozen=True, slots=True)
class ReportFigures:
    """What was measured; times are medians, those of the processor beside those of the clock."""

    inspections: int
    parts_in_shift: int
    database_mb: float
    first_shift_s: float
    last_shift_s: float
    first_shift_cpu_s: float
    last_shift_cpu_s: float
    page_s: float

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)


def measure_reports(folder: Path, *, inspections: int, cycle_s: float) -> ReportFigures:
    """Fill a record below this folder and report its second and its last shift; raises ``StoreError``.

    Parameters
    ----------
    cycle_s
        Seconds from part to part: an eight-hour shift has 28,800 divided by this many parts.
    """
    file = folder / "record.db"
    database = Database(f"sqlite:///{file}")
    try:
        _fill(database, inspections, cycle_s)
        eight = timedelta(hours=8)
        patterns = [
            ShiftPattern(name, clock(at), clock((at + 8) % 24)) for name, at in (("A", 6), ("B", 14), ("C", 22))
        ]
        calendar = ShiftCalendar(patterns, "UTC")
        end = START + timedelta(seconds=inspections * cycle_s)
        reader = ShiftRecord(database, line="bench", station="s")
        seconds, busy = {}, {}
        for name, moment in (("first", START + eight), ("last", end - eight)):
            shift = calendar.at(moment)
            if shift is None:
                raise RuntimeError("the calendar covers every moment")
            taken, used = [], []
            for _ in range(REPEATS):
                began, before = time.perf_counter(), time.process_time()
                report = compile_shift(
                    reader, calendar, shift, line="bench", now=end, identity=Identity({}, ""), limits_for=lambda _: None
                )
                taken.append(time.perf_counter() - began)
                used.append(time.process_time() - before)
            seconds[name], busy[name] = statistics.median(taken), statistics.median(used)
        began = time.perf_counter()
        write_report(report, folder, language="en", pdf=False)
        page_s = time.perf_counter() - began
    finally:
        database.close()
    return ReportFigures(
        inspections=inspections,
        parts_in_shift=report.counts.total,
        database_mb=file.stat().st_size / 1e6,
        first_shift_s=seconds["first"],
        last_shift_s=seconds["last"],
        first_shift_cpu_s=busy["first"],
        last_shift_cpu_s=busy["last"],
        page_s=page_s,
    )


def _fill(database: Database, inspections: int, cycle_s: float) -> None:
    for first in range(1, inspections + 1, BLOCK):
        rows = list(_rows(first, min(first + BLOCK, inspections + 1), cycle_s))
        with database.write() as connection:
            for table, part in zip((InspectionRow, DefectRow, MeasurementRow), zip(*rows, strict=True), strict=True):
                flat: Sequence[dict[str, Any]] = [row for group in part for row in group]
                if flat:
                    connection.execute(insert(table), flat)


def _rows(first: int, end: int, cycle_s: float) -> Iterator[tuple[list[dict[str, Any]], ...]]:
    chance = random.Random(first)  # noqa: S311 - made-up parts
    for key in range(first, end):
        bad = chance.random() < DEFECT_RATE
        at = START + timedelta(seconds=key * cycle_s)
        part = {
            "id": key, "report_id": f"{key:036d}", "part_id": f"P{key:08d}", "station": "s", "line": "bench",
            "sequence": key, "triggered_at": at, "recorded_at": at, "outcome": "FAIL" if bad else "PASS",
            "fault": "NONE", "verdict": "NOK" if bad else "OK", "recipe": "default", "model_name": "bare-board",
            "model_version": "1", "model_sha256": "0" * 64, "total_ms": 40.0, "report": FILLER, "image": None,
            "texts": {},
        }  # fmt: skip
        if not bad:
            yield [part], [], []
            continue
        box = {"x0": 1.0, "y0": 1.0, "x1": 9.0, "y1": 9.0, "zone": ""}
        found = {"inspection_id": key, "detection": 0, "label": chance.choice(LABELS), "score": 0.9, **box}
        measured = [
            {"inspection_id": key, "detection": 0, "characteristic": name, "value": chance.gauss(0.3, 0.03),
             "uncertainty": 0.03, "unit": "mm", "method": "box", "zone": ""}
            for name in ("length", "width", "area", "position_x", "position_y")
        ]  # fmt: skip
        yield [part], [found], measured
