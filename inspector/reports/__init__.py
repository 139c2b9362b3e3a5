"""Shift quality reports from the record."""

from inspector.reports.advice import AdviceWeek, Costs, advice_table, advice_weeks
from inspector.reports.archive import WrittenReport, write_report
from inspector.reports.calendar import Shift, ShiftCalendar, ShiftPattern, Span
from inspector.reports.page import figures_of
from inspector.reports.plain import report_json, report_summary
from inspector.reports.reviews import lot_table, review_figures, review_tables
from inspector.reports.shift import Identity, LimitsFor, ShiftReport, compile_shift
from inspector.reports.tables import tables_of

__all__ = [
    "AdviceWeek",
    "Costs",
    "Identity",
    "LimitsFor",
    "Shift",
    "ShiftCalendar",
    "ShiftPattern",
    "ShiftReport",
    "Span",
    "WrittenReport",
    "advice_table",
    "advice_weeks",
    "compile_shift",
    "figures_of",
    "lot_table",
    "report_json",
    "report_summary",
    "review_figures",
    "review_tables",
    "tables_of",
    "write_report",
]
