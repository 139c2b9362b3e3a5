"""Shift quality reports from the record."""

from inspector.reports.archive import WrittenReport, write_report
from inspector.reports.calendar import Shift, ShiftCalendar, ShiftPattern, Span
from inspector.reports.plain import report_json, report_summary
from inspector.reports.shift import Identity, LimitsFor, ShiftReport, compile_shift

__all__ = [
    "Identity",
    "LimitsFor",
    "Shift",
    "ShiftCalendar",
    "ShiftPattern",
    "ShiftReport",
    "Span",
    "WrittenReport",
    "compile_shift",
    "report_json",
    "report_summary",
    "write_report",
]
