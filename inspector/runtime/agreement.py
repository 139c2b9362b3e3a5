"""How the adviser and people agreed on a line, out of its record."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from inspector.domain import ConfigurationError
from inspector.reports import AdviceWeek, Costs, advice_weeks
from inspector.settings import LineSettings
from inspector.store import Database, SqlReviews

__all__ = ["agreement_of", "costs_of", "zone_of"]


def agreement_of(settings: LineSettings, *, weeks: int, now: datetime) -> list[AdviceWeek]:
    """Return the weeks up to ``now`` in which the adviser spoke, oldest first.

    Raises ``ConfigurationError`` or ``StoreError``.
    """
    store = settings.store
    if store.url is None:
        raise ConfigurationError("store: the paths of the record are not settled", remedy="Load the line by load_line")
    zone = zone_of(settings, now)
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    start = today - timedelta(days=today.weekday(), weeks=weeks - 1)
    with closing(Database(store.url, username=store.username, password=store.password())) as database:
        parts = SqlReviews(database, line=settings.line, station=settings.station).advised(start, now)
    return advice_weeks(parts, zone, costs_of(settings))


def costs_of(settings: LineSettings) -> Costs | None:
    """Return what wrong decisions cost on this line, None where nobody has said."""
    costs = settings.disposition.costs
    return Costs(costs.false_hold, costs.scrap, costs.escape, costs.currency) if costs is not None else None


def zone_of(settings: LineSettings, now: datetime) -> tzinfo:
    """Return the time zone of the line's shifts, else that of this machine."""
    if settings.shifts is not None:
        return ZoneInfo(settings.shifts.timezone)
    zone = now.astimezone().tzinfo
    assert zone is not None  # noqa: S101 - astimezone sets it
    return zone
