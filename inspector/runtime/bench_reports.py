"""How long a shift report takes over a large record: a made-up one, written once for the measurement."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any

from inspector.reports import Identity, ShiftCalendar, ShiftPattern, compile_shift, write_report
from inspector.runtime.made_up import LINE, STATION, fill
from inspector.store import Database, ShiftRecord

__all__ = ["ReportFigures", "measure_reports"]

START = datetime(2026, 1, 5, 6, tzinfo=UTC)
REPEATS = 5
COMPARED = 21  # an early shift that has as many before it to be compared with as the last one has
REPORT = 1200  # a report's JSON has about so many characters


@dataclass(frozen=True, slots=True)
class ReportFigures:
    """What was measured; times are medians, those of the processor beside those of the clock."""

    inspections: int
    parts_in_shift: int
    database_mb: float
    early_shift_s: float
    last_shift_s: float
    early_shift_cpu_s: float
    last_shift_cpu_s: float
    page_s: float

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)


def measure_reports(folder: Path, *, inspections: int, cycle_s: float) -> ReportFigures:
    """Fill a record below this folder and report an early and its last shift; raises ``StoreError``.

    Parameters
    ----------
    cycle_s
        Seconds from part to part: an eight-hour shift has 28,800 divided by this many parts.
    """
    file = folder / "record.db"
    database = Database(f"sqlite:///{file}")
    try:
        fill(
            database,
            inspections,
            start=START,
            cycle_s=cycle_s,
            report_length=REPORT,
            measured=True,
            said=lambda _: None,
        )
        eight = timedelta(hours=8)
        patterns = [
            ShiftPattern(name, clock(at), clock((at + 8) % 24)) for name, at in (("A", 6), ("B", 14), ("C", 22))
        ]
        calendar = ShiftCalendar(patterns, "UTC")
        end = START + timedelta(seconds=inspections * cycle_s)
        reader = ShiftRecord(database, line=LINE, station=STATION)
        seconds, busy = {}, {}
        for name, moment in (("early", min(START + COMPARED * eight, end - eight)), ("last", end - eight)):
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
        early_shift_s=seconds["early"],
        last_shift_s=seconds["last"],
        early_shift_cpu_s=busy["early"],
        last_shift_cpu_s=busy["last"],
        page_s=page_s,
    )
