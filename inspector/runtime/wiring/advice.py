"""What becomes of open parts on a line, out of its settings: the adviser, what it learns from, and whom it tells."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from inspector.runtime.advice_wire import AdviceSender
from inspector.runtime.advising import AdviceDesk, stop_by_policy
from inspector.runtime.control import Control
from inspector.runtime.wiring.language import build_advisor
from inspector.settings import LineSettings
from inspector.store import Database, RecordStore, SqlAuditTrail, SqlReviews

__all__ = ["build_advice"]


def build_advice(
    settings: LineSettings, data: Path, *, database: Database, record: RecordStore, control: Control
) -> AdviceDesk | None:
    """Return the second opinion on open parts, None where the line wants none; raises ``ConfigurationError``."""
    adviser = build_advisor(settings)
    if adviser is None:
        return None
    return AdviceDesk(
        adviser,
        latest=record.latest,
        reviews=SqlReviews(database, line=settings.line, station=settings.station),
        stop=stop_by_policy(control, SqlAuditTrail(database), settings.line),
        tell=AdviceSender(data / settings.line).send,
        deadline=timedelta(milliseconds=settings.disposition.deadline_ms),
    )
