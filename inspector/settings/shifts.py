"""When people work: the shifts of a line, with their breaks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from inspector.settings.base import ClockTime, Items, Name, Settings

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Break(Settings):
    """A planned pause within a shift; it is not counted as lost time."""

    start: ClockTime = Field(description="When it begins, on the clock on the wall.")
    end: ClockTime = Field(description="When it ends; earlier than its start: the next morning.")


class Shift(Settings):
    """One shift of a working day; it belongs to the day on which it begins."""

    name: Name = Field(description="Name of the shift; `DAY/NAME` is its identity, such as `2026-11-22/B`.")
    start: ClockTime = Field(description="When it begins, on the clock on the wall.")
    end: ClockTime = Field(
        description="When it ends; not later than its start: on the next day, so that equal times are a whole day."
    )
    days: Items[Weekday] = Field(
        default=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), description="Days on which it begins."
    )
    breaks: Items[Break] = Field(default=(), description="Planned pauses.")


class Shifts(Settings):
    """The shift calendar."""

    timezone: str = Field(
        min_length=1,
        max_length=64,
        description="Time zone of the plant, by its IANA name, such as `Europe/Berlin`; it decides about summer time.",
    )
    stop_after_s: float = Field(
        default=120, ge=1, le=86_400, description="Time without a trigger that the reports call a stop, in s."
    )
    calendar: Items[Shift] = Field(description="The shifts of a week.")
