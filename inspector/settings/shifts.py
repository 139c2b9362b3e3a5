"""When people work: the shifts of a line, with their breaks."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from inspector.settings.base import HOST, Address, ClockTime, FilePath, Items, Name, Settings
from inspector.settings.login import Login

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


class Mail(Login):
    """Who gets the shift reports by mail, and by which server."""

    section: ClassVar[str] = "shifts.mail"

    host: str = Field(min_length=1, max_length=253, pattern=HOST, description="Mail server (SMTP).")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(default=587, description="Its TCP port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="`starttls` or `tls`: the server is proven by its certificate; `none`: in the clear, for a server "
        "in the same plant that wants no password.",
    )
    ca_file: FilePath | None = Field(
        default=None, description="Certificates to trust instead of this machine's, PEM; relative to this file."
    )
    sender: Address = Field(description="Address that the mail is from.")
    to: Annotated[Items[Address], Field(min_length=1)] = Field(description="Addresses that it goes to.")


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
    reports: Literal["at_end", "by_hand"] = Field(
        default="at_end",
        description="`at_end`: each report is made by itself a minute after its shift; `by_hand`: by the command or "
        "the page only.",
    )
    mail: Mail | None = Field(default=None, description="Who gets the reports made at the end of a shift by mail.")
