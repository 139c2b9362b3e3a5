"""The report as plain data, for the JSON beside the page: figures with all their digits, and the parts behind them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from inspector.reports.shift import ShiftReport

__all__ = ["FORMAT", "report_json", "report_summary"]

FORMAT = "shift-report/1"
SUMMARY = (
    "line",
    "simulated",
    "shift",
    "made_at",
    "finished",
    "counts",
    "recipes",
    "faults",
    "slots",
    "pareto",
    "zones",
    "decisions",
    "stops",
    "models",
    "identity",
)


def report_json(report: ShiftReport) -> str:
    """Return the report as JSON text; times are ISO 8601 with offset, figures that do not exist are null."""
    return json.dumps({**_head(report), **_plain(report)}, ensure_ascii=False, indent=1)


def report_summary(report: ShiftReport) -> dict[str, Any]:
    """Return what of it does not grow with the number of parts: for a message; the rest is in the report's own file."""
    kept = {name: _plain(getattr(report, name)) for name in SUMMARY}
    return {**_head(report), **kept, "ledger": {"complete": report.ledger.complete}}


def _head(report: ShiftReport) -> dict[str, Any]:
    derived = {
        "shift": {"key": report.shift.key, "planned_s": report.shift.planned_s},
        "first_pass_yield": report.counts.first_pass_yield,
        "stopped_s": report.stopped_s,
        "ledger_complete": report.ledger.complete,
    }
    return {"format": FORMAT, "derived": derived}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {_name(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Enum | Path | date | datetime):
        return _name(value)
    return value


def _name(value: Any) -> str:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, date):
        return value.isoformat()
    return value.name if isinstance(value, Path) else str(value)
