"""Which span of time a shift is: midnight, summer time, breaks, and keys that name none."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain import ConfigurationError
from inspector.reports import ShiftCalendar, ShiftPattern

DAY = ShiftPattern("A", time(6), time(14), breaks=((time(9), time(9, 15)), (time(12), time(12, 30))))
LATE = ShiftPattern("B", time(14), time(22))
NIGHT = ShiftPattern("C", time(22), time(6), breaks=((time(2), time(2, 30)),))
WEEKDAYS = frozenset(range(5))


def calendar(*patterns: ShiftPattern, zone: str = "Europe/Berlin") -> ShiftCalendar:
    return ShiftCalendar(patterns or (DAY, LATE, NIGHT), zone)


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    shift = calendar().shift("2026-11-22/C")
    assert shift.span.start.isoformat() == "2026-11-22T22:00:00+01:00"
    assert shift.span.end.isoformat() == "2026-11-23T06:00:00+01:00"
    assert [pause.start.isoformat() for pause in shift.breaks] == ["2026-11-23T02:00:00+01:00"]
    assert calendar().at(datetime(2026, 11, 23, 4, 59, tzinfo=UTC)) == shift


def test_breaks_are_not_planned_time() -> None:
    assert calendar().shift("2026-11-22/A").planned_s == (8 * 60 - 45) * 60


@pytest.mark.parametrize(
    ("key", "hours"),
    [
        ("2026-03-28/C", 7),  # the clocks go from 02:00 to 03:00 on 29 March
        ("2026-10-24/C", 9),  # and back from 03:00 to 02:00 on 25 October
        ("2026-03-27/C", 8),
    ],
)
def test_a_shift_is_as_long_as_time_passes(key: str, hours: int) -> None:
    shift = calendar().shift(key)
    assert shift.span.seconds == hours * 3600
    assert sum(slot.seconds for slot in shift.slots()) == hours * 3600
    assert len(shift.slots()) == hours


def test_a_time_that_the_clocks_skip_still_lies_between_its_neighbours() -> None:
    early, late = ShiftPattern("X", time(22), time(2, 30)), ShiftPattern("Y", time(2, 30), time(10))
    skipped = calendar(early, late)
    assert skipped.shift("2026-03-28/X").span.seconds == 4.5 * 3600
    assert skipped.shift("2026-03-29/Y").span.seconds == 6.5 * 3600


@given(
    minute=st.integers(0, 2 * 365 * 24 * 60),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "UTC"]),
)
def test_three_shifts_cover_every_moment_once(minute: int, zone: str) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    around = calendar(zone=zone)
    found = around.at(moment)
    assert found is not None
    assert moment in found.span
    assert around.shift(found.key) == found
    ended = around.before(moment, 4)
    assert len(ended) == 4
    for newer, older in pairwise((found, *ended)):
        assert older.span.end.astimezone(UTC) == newer.span.start.astimezone(UTC)


def test_a_shift_of_a_whole_day_ends_when_it_began() -> None:
    assert calendar(ShiftPattern("D", time(6), time(6))).shift("2026-11-22/D").span.seconds == 24 * 3600


def test_days_without_the_shift_are_passed_over() -> None:
    weekdays = calendar(ShiftPattern("A", time(6), time(14), WEEKDAYS))
    monday = datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert weekdays.before(monday, 1)[0].day == date(2026, 11, 20)
    assert weekdays.at(monday - timedelta(days=1)) is None


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("B", "is not a shift"),
        ("2026-11-22", "is not a shift"),
        ("2026-13-22/A", "is not a day"),
        ("2026-11-22/N", "no shift 'N'"),
        ("2026-11-22/W", "no shift 'W' on Sunday, 2026-11-22"),
    ],
)
def test_a_key_that_names_no_shift_is_refused(key: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        calendar(DAY, ShiftPattern("W", time(14), time(22), WEEKDAYS)).shift(key)
