"""What the pages are given: the line's desks, the words, and what one browser has chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from nicegui import run, ui

from inspector.domain import ANYBODY, Act, Desks, HoldLot, LiveFeed, Person, RecordedPart, hold_of, may

__all__ = ["THEMES", "Choices", "House", "ImageUrl", "Visit", "Way", "Who", "begin", "remember", "speak"]

THEMES = ("dark", "light")
_A_YEAR_S = 31_536_000


class ImageUrl(Protocol):
    """Where the picture of a part is; None where none is kept."""

    def __call__(self, part: RecordedPart, *, thumbnail: bool = False) -> str | None:
        """Return the path or URL."""
        ...


class Who(Protocol):
    """Whose session a token is; None where it has ended."""

    def __call__(self, token: str, *, touch: bool = True) -> Person | None:
        """Return the person; ``touch`` keeps the session alive."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """One page: its path, the key of its name in the words, its sign, and the right it takes."""

    path: str
    word: str
    sign: str
    act: Act = Act.SEE


@dataclass(frozen=True, slots=True)
class House:
    """Everything the pages talk to.

    Attributes
    ----------
    desks
        What there is beside the live feed; a page whose desk is None is not there.
    who
        Whose session a token is; None: nobody logs in, everybody is the same person, and the pages say so.
    """

    feed: LiveFeed
    image_url: ImageUrl
    glossary: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    languages: tuple[str, ...] = ("en", "zh")
    desks: Desks = field(default_factory=Desks)
    who: Who | None = None

    @property
    def login(self) -> bool:
        """Whether people log in."""
        return self.who is not None

    def person(self, token: str, *, touch: bool = True) -> Person | None:
        """Return who has this session; None where somebody has to log in first."""
        return ANYBODY if self.who is None else self.who(token, touch=touch)

    def held_lot(self, lot: str) -> HoldLot | None:
        """Return who holds this lot, None where nobody does."""
        return hold_of(lot, self.desks.line.held_lots()) if self.desks.line is not None else None

    def ways(self, person: Person | None) -> Sequence[Way]:
        """Return the pages that this person may open."""
        desks = self.desks
        there = (
            (True, Way("/", "live_page", "live")),
            (desks.review is not None, Way("/review", "review_queue", "review")),
            (desks.history is not None, Way("/history", "history_page", "history")),
            (desks.quality is not None, Way("/quality", "quality_page", "quality")),
            (desks.line is not None, Way("/line", "line_page", "plc")),
            (desks.shelf is not None, Way("/reports", "reports_page", "print")),
            (desks.trail is not None, Way("/audit", "trail_page", "trail", Act.SEE_AUDIT)),
            (desks.people is not None, Way("/users", "users_page", "person", Act.MANAGE_USERS)),
        )
        return [way for known, way in there if known and person is not None and may(person, way.act)]


@dataclass(slots=True)
class Choices:
    """What one browser has chosen."""

    language: str
    theme: str

    @classmethod
    def of(cls, cookies: Mapping[str, str], languages: Sequence[str]) -> Choices:
        """Read them from the cookies; whatever is unknown is the default."""
        language = cookies.get("inspector_language", languages[0])
        theme = cookies.get("inspector_theme", THEMES[0])
        return cls(language if language in languages else languages[0], theme if theme in THEMES else THEMES[0])

    def flip(self) -> None:
        """Change between dark and light, here and in the browser."""
        self.theme = THEMES[1 - THEMES.index(self.theme)]
        remember("inspector_theme", self.theme)


@dataclass(frozen=True, slots=True)
class Visit:
    """One open tab: who has opened it, and what this browser has chosen; nobody on the log-in."""

    house: House
    choices: Choices
    person: Person | None = None
    token: str = ""

    @property
    def who(self) -> Person:
        """The person; only pages behind the log-in ask."""
        if self.person is None:
            raise RuntimeError("this page is open to everybody")
        return self.person

    def still(self) -> bool:
        """Return whether the session goes on, without keeping it alive."""
        return self.house.person(self.token, touch=False) is not None

    async def again(self) -> Person | None:
        """Return the person once more; where the session has ended, None, and the browser is sent to the log-in."""
        person = await run.io_bound(self.house.person, self.token)
        if person is None:
            ui.navigate.to("/login")
        return person


def begin(language: str) -> None:
    """Say in the page's head which language it speaks, and how it looks."""
    ui.add_head_html('<link rel="stylesheet" href="/hmi/theme.css">')
    ui.add_head_html(f"<script>document.documentElement.lang = {json.dumps(language)}</script>")


def speak(language: str) -> None:
    """Change the language, here and in the browser."""
    remember("inspector_language", language)
    ui.run_javascript(f"document.documentElement.lang = {json.dumps(language)}")


def remember(name: str, value: str) -> None:
    """Keep a choice in the browser."""
    cookie = f"{name}={value}; path=/; max-age={_A_YEAR_S}; samesite=lax"
    ui.run_javascript(f"document.cookie = {json.dumps(cookie)}")
