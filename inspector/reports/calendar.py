"""The shift calendar: which span of time a shift is, across midnight and through the change of the clocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from inspector.domain import ConfigurationError

__all__ = ["EVERY_DAY", "Shift", "ShiftCalendar", "ShiftPattern", "Span"]

EVERY_DAY = frozenset(range(7))
_LOOK_BACK_DAYS = 60
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A span of time, its end excluded; both with time zone."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """Its length as time that passes, whatever the clocks do meanwhile."""
        # Subtracting two times of one zone compares the clocks on the wall; UTC compares moments.
        return max(0.0, (self.end.astimezone(UTC) - self.start.astimezone(UTC)).total_seconds())

    def overlap(self, other: Span) -> float:
        """Return how many seconds both share."""
        return Span(max(self.start, other.start, key=_utc), min(self.end, other.end, key=_utc)).seconds

    def __contains__(self, moment: datetime) -> bool:
        return _utc(self.start) <= _utc(moment) < _utc(self.end)


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift of one day; the day is the one on which it begins."""

    name: str
    day: date
    span: Span
    breaks: tuple[Span, ...] = ()

    @property
    def key(self) -> str:
        """Its identity: ``2026-11-22/B``."""
        return f"{self.day.isoformat()}/{self.name}"

    @property
    def planned_s(self) -> float:
        """Seconds of work: the shift without its breaks."""
        return self.span.seconds - sum(pause.seconds for pause in self.breaks)

    def slots(self, length: timedelta = timedelta(hours=1)) -> tuple[Span, ...]:
        """Return the shift cut into slots of this length, the last one shorter where it does not fit."""
        edges = [_utc(self.span.start)]
        while edges[-1] < _utc(self.span.end):
            edges.append(min(edges[-1] + length, _utc(self.span.end)))
        zone = self.span.start.tzinfo
        return tuple(Span(start.astimezone(zone), end.astimezone(zone)) for start, end in pairwise(edges))


@dataclass(frozen=True, slots=True)
class ShiftPattern:
    """A shift as it repeats: times on the clock on the wall, weekdays 0 (Monday) … 6.

    An end that is not later than the start lies on the next day; so does a break before the start.
    """

    name: str
    start: time
    end: time
    days: frozenset[int] = EVERY_DAY
    breaks: tuple[tuple[time, time], ...] = ()


class ShiftCalendar:
    """The shifts of one plant.

    A time that the clocks skip in spring counts from before the change, so that it lies one hour later; of a time
    that comes twice in autumn the first is meant (PEP 495). Consecutive shifts therefore always meet.
    """

    def __init__(self, patterns: Sequence[ShiftPattern], timezone: str) -> None:
        self._patterns = {pattern.name: pattern for pattern in patterns}
        self._zone = ZoneInfo(timezone)

    def shift(self, key: str) -> Shift:
        """Return the shift ``YYYY-MM-DD/NAME``; raises ``ConfigurationError`` where there is none."""
        matched = re.fullmatch(r"(\d{4}-\d{2}-\d{2})/(.+)", key)
        known = ", ".join(self._patterns)
        if matched is None:
            raise ConfigurationError(
                f"{key!r} is not a shift", remedy=f"Write the day and the name, such as 2026-11-22/{known[:1] or 'A'}"
            )
        try:
            day = date.fromisoformat(matched[1])
        except ValueError as error:
            raise ConfigurationError(
                f"{matched[1]} is not a day", remedy="Write it as year-month-day, such as 2026-11-22"
            ) from error
        pattern = self._patterns.get(matched[2])
        if pattern is None:
            raise ConfigurationError(f"there is no shift {matched[2]!r}", remedy=f"This line has the shifts {known}")
        if day.weekday() not in pattern.days:
            raise ConfigurationError(
                f"there is no shift {pattern.name!r} on {day:%A}, {day}",
                remedy="See shifts.calendar in the line's YAML",
            )
        return self._on(pattern, day)

    def at(self, moment: datetime) -> Shift | None:
        """Return the shift of this moment; None between shifts."""
        today = moment.astimezone(self._zone).date()
        shifts = (shift for day in (today - _ONE_DAY, today) for shift in self._of(day))
        return next((shift for shift in shifts if moment in shift.span), None)

    def before(self, moment: datetime, count: int) -> tuple[Shift, ...]:
        """Return the last shifts that had ended at this moment, newest first; at most ``count`` of sixty days."""
        today = moment.astimezone(self._zone).date()
        found: list[Shift] = []
        for back in range(_LOOK_BACK_DAYS):
            of_day = self._of(today - back * _ONE_DAY)
            found += [shift for shift in reversed(of_day) if _utc(shift.span.end) <= _utc(moment)]
            if len(found) >= count:
                break
        return tuple(found[:count])

    def _of(self, day: date) -> list[Shift]:
        patterns = (pattern for pattern in self._patterns.values() if day.weekday() in pattern.days)
        return sorted((self._on(pattern, day) for pattern in patterns), key=lambda shift: _utc(shift.span.start))

    def _on(self, pattern: ShiftPattern, day: date) -> Shift:
        def moment(clock: time, *, after: time) -> datetime:
            return datetime.combine(day + _ONE_DAY * (clock < after), clock, tzinfo=self._zone)

        start = datetime.combine(day, pattern.start, tzinfo=self._zone)
        end = datetime.combine(day + _ONE_DAY * (pattern.end <= pattern.start), pattern.end, tzinfo=self._zone)
        breaks = [
            Span(moment(begin, after=pattern.start), moment(finish, after=pattern.start))
            for begin, finish in pattern.breaks
        ]
        return Shift(pattern.name, day, Span(start, end), tuple(breaks))


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
