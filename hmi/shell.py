"""What every page beside the live one shares: its head, the operator's choices, and the link to the line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from html import escape
from typing import Protocol

from nicegui import ui

from hmi.elements import Link, Region, key
from hmi.icons import icon
from hmi.words import LANGUAGES, Words
from inspector.domain import ANYBODY, LiveFeed, Person, RecordedPart, ReviewDesk

__all__ = ["THEMES", "Choices", "House", "ImageUrl", "Shell", "beat_of", "remember", "warning"]

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
class House:
    """Everything the pages talk to.

    Attributes
    ----------
    desk
        The review queue; None: there is no such page.
    who
        Whose session a token is; None: nobody logs in, everybody is the same person, and the pages say so.
    """

    feed: LiveFeed
    image_url: ImageUrl
    glossary: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    languages: tuple[str, ...] = ("en", "zh")
    desk: ReviewDesk | None = None
    who: Who | None = None

    @property
    def login(self) -> bool:
        """Whether people log in."""
        return self.who is not None

    def person(self, token: str, *, touch: bool = True) -> Person | None:
        """Return who has this session; None where somebody has to log in first."""
        return ANYBODY if self.who is None else self.who(token, touch=touch)


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


class Shell:
    """The head of a page; the page itself is laid out inside ``body``.

    Parameters
    ----------
    title
        Key of the page's name in the words.
    changed
        Called when language or theme has changed, so that the page says everything again.
    """

    def __init__(
        self, house: House, choices: Choices, person: Person | None, *, title: str, changed: Callable[[], None]
    ) -> None:
        self.words = Words(choices.language, house.glossary)
        self._house, self._choices, self._person = house, choices, person
        self._title, self._changed = title, changed
        self._ticks = 0
        ui.add_head_html('<link rel="stylesheet" href="/hmi/theme.css">')
        with ui.element("div").classes("screen page") as self.root:
            with ui.element("header").classes("top"):
                self._brand = Region("div", "brand")
                self._way = Region("nav", "way")
                with ui.element("div").classes("tools"):
                    with ui.element("div").classes("segments").props("role=group") as self._languages:
                        self._language_keys = {
                            code: key(partial(self._speak, code), LANGUAGES[code], f"lang-{code}")
                            for code in house.languages
                        }
                    self._languages.set_visibility(len(house.languages) > 1)
                    self._theme = key(self._flip, "", "tool")
                    self._link = Link()
            self.body = ui.element("main").classes("body")
        self._say()

    def beat(self) -> None:
        """Tell the browser that the line is there."""
        self._ticks += 1
        self._link.beat(beat_of(self.words, self._ticks))

    def _speak(self, language: str) -> None:
        self._choices.language = language
        self.words = Words(language, self._house.glossary)
        remember("inspector_language", language)
        self._say()
        self._changed()

    def _flip(self) -> None:
        self._choices.theme = THEMES[1 - THEMES.index(self._choices.theme)]
        remember("inspector_theme", self._choices.theme)
        self._say()

    def _say(self) -> None:
        words, theme = self.words, self._choices.theme
        line = self._house.feed.status().line
        self.root.classes(add=f"theme-{theme}", remove=f"theme-{THEMES[1 - THEMES.index(theme)]}")
        self.root.props(f"lang={words.language}")
        for code, button in self._language_keys.items():
            button.props(f"aria-pressed={str(code == words.language).lower()}")
        self._languages.props(f'aria-label="{words["language"]}"')
        self._theme.set_content(icon("sun" if theme == "dark" else "moon"))
        self._theme.props(f'aria-label="{words["theme_light" if theme == "dark" else "theme_dark"]}"')
        title = f'<span class="line-name">{escape(words[self._title])}</span>'
        self._brand.show(
            f'{icon("mark", "brand-mark")}<div class="brand-text">'
            f"<h1>{title}{'' if self._house.login else warning(words)}</h1>"
            f'<p class="facts"><span><b>{escape(line)}</b></span>{self._who()}</p></div>'
        )
        self._way.show(self._ways())
        ui.page_title(f"{line} · {words[self._title]}".lstrip(" ·"))
        self.beat()

    def _who(self) -> str:
        if not self._house.login or self._person is None:
            return ""
        role = self.words[f"role_{self._person.role}"]
        return f"<span>{icon('person')} <b>{escape(self._person.name)}</b> · {escape(role)}</span>"

    def _ways(self) -> str:
        if self._house.login and self._person is None:
            return ""
        live = f'<a class="key" href="/">{icon("live")}<span>{escape(self.words["live_page"])}</span></a>'
        if not self._house.login:
            return live
        out = escape(self.words["log_out"])
        return (
            f'{live}<form method="post" action="/api/v1/logout"><button class="key" type="submit">{out}</button></form>'
        )


def warning(words: Words) -> str:
    """Return the badge that says that nobody logs in here."""
    return (
        f'<span class="badge badge-open" title="{escape(words["no_login_detail"])}">{escape(words["no_login"])}</span>'
    )


def remember(name: str, value: str) -> None:
    """Keep a choice in the browser."""
    cookie = f"{name}={value}; path=/; max-age={_A_YEAR_S}; samesite=lax"
    ui.run_javascript(f"document.cookie = {json.dumps(cookie)}")


def beat_of(words: Words, count: int) -> dict[str, str]:
    """Return the clock, and what the page says when it no longer hears from the line."""
    return {
        "clock": f"{datetime.now().astimezone():%H:%M:%S}",
        "count": str(count),
        "icon": icon("link", "lost-sign"),
        "title": words["lost_title"],
        "detail": words["lost_detail"],
        "since": words["lost_since"],
        "retry": words["lost_retry"],
    }
