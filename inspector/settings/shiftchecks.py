"""The relations within the shift calendar: a time zone that exists, shifts and breaks that do not overlap."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from inspector.settings.base import CLOCK
from inspector.settings.raw import Data, Loc, Problems, entries, problem, table, text

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN = 24 * 60
WEEK_MIN = 7 * DAY_MIN


def shift_problems(data: Data) -> Problems:
    """Yield every broken relation in the shift calendar of a line's raw data."""
    shifts = table(data, "shifts")
    zone = text(shifts, "timezone")
    if zone and not _known(zone):
        yield problem(
            ("shifts", "timezone"),
            "unknown_timezone",
            f"there is no time zone '{zone}'",
            "Write the IANA name of the plant's zone, such as 'Europe/Berlin', 'Asia/Shanghai' or 'UTC'.",
            zone,
        )
    # Not by the models: a list whose only entry is wrong would be called empty as well.
    yield from _empty(shifts, ("shifts",), "calendar")
    mail = table(shifts, "mail")
    if mail.get("security") == "none" and "username" in mail:
        yield problem(
            ("shifts", "mail", "security"),
            "password_in_the_clear",
            "a password would be sent in the clear",
            "Write starttls or tls, or take username away.",
        )
    taken: dict[int, str] = {}
    names: set[str] = set()
    for index, shift in enumerate(entries(shifts, "calendar")):
        if not isinstance(shift, Mapping):
            continue
        here: Loc = ("shifts", "calendar", index)
        name = text(shift, "name") or f"number {index + 1}"
        if name in names:
            yield problem((*here, "name"), "duplicate", f"'{name}' is there twice", "Give each shift its own name.")
        names.add(name)
        yield from _empty(shift, here, "days")
        yield from _overlap(shift, here, name, taken)
        yield from _breaks(shift, here)


def _empty(data: Data, here: Loc, key: str) -> Problems:
    if isinstance(data.get(key), Sequence) and not data[key]:
        yield problem((*here, key), "empty", f"'{key}' is empty", "Write at least one entry.")


def _known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _overlap(shift: Data, here: Loc, name: str, taken: dict[int, str]) -> Problems:
    span = _span(shift)
    if span is None:
        return
    days = [DAYS.index(day) for day in entries(shift, "days") if day in DAYS] if "days" in shift else range(7)
    clash = ""
    for day in days:
        for minute in range(day * DAY_MIN + span[0], day * DAY_MIN + span[1]):
            clash = clash or taken.get(minute % WEEK_MIN, "")
            taken.setdefault(minute % WEEK_MIN, name)
    if clash:
        yield problem(
            (*here, "start"),
            "overlap",
            f"shift '{name}' overlaps shift '{clash}'" if clash != name else f"shift '{name}' overlaps itself",
            "Let a shift begin when the one before it ends; a part belongs to one shift.",
        )


def _breaks(shift: Data, here: Loc) -> Problems:
    span = _span(shift)
    if span is None:
        return
    end_before = span[0]
    for index, pause in enumerate(entries(shift, "breaks")):
        inside = _span(pause, after=span[0]) if isinstance(pause, Mapping) else None
        if inside is None:
            continue
        if inside[1] > span[1]:
            yield problem(
                (*here, "breaks", index, "start"),
                "outside",
                "the break lies outside its shift",
                f"Write times between {shift['start']} and {shift['end']}.",
            )
        elif inside[0] < end_before:
            yield problem(
                (*here, "breaks", index, "start"),
                "overlap",
                "the break begins before the one before it has ended",
                "Write the breaks in order, one after the other.",
            )
        end_before = inside[1]


def _span(data: Any, *, after: int = 0) -> tuple[int, int] | None:
    """Return start and end in minutes of the first day, the end after the start and both not before ``after``."""
    start, end = (_minutes(text(data, key)) for key in ("start", "end"))
    if start is None or end is None:
        return None
    start += DAY_MIN * (start < after)
    end += DAY_MIN * (end < after)
    return start, end + DAY_MIN * (end <= start)


def _minutes(clock: str | None) -> int | None:
    if clock is None or not re.match(CLOCK, clock):
        return None
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
