"""What every page beside the live one shares: its head, the operator's choices, and the link to the line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from html import escape

from nicegui import ui

from hmi.elements import Link, Region, key
from hmi.house import THEMES, Visit, begin, speak
from hmi.icons import icon
from hmi.menu import Menu
from hmi.talk import talk_key
from hmi.words import LANGUAGES, Words

__all__ = ["Languages", "Shell", "beat_of", "warning"]

_ASK_EVERY = 40  # beats


class Shell:
    """The head of a page; the page itself is laid out inside ``body``.

    Parameters
    ----------
    title
        Key of the page's name in the words.
    here
        Path of the page.
    changed
        Called when the language has changed, so that the page says everything again.
    """

    def __init__(self, visit: Visit, *, title: str, here: str, changed: Callable[[], None]) -> None:
        house, self._choices, self._person = visit.house, visit.choices, visit.person
        self.words = Words(visit.choices.language, house.glossary)
        self._visit, self._house, self._title, self._changed = visit, house, title, changed
        self._ticks = 0
        begin(self.words.language)
        with ui.element("div").classes("screen page") as self.root:
            with ui.element("header").classes("top"):
                self._brand = Region("div", "brand")
                with ui.element("div").classes("tools"):
                    self._languages = Languages(house.languages, self._speak)
                    # Stays empty until the line listens: the push-to-talk key goes in here.
                    self._talk = talk_key(house, ui.element("div").classes("talk-slot"))
                    self._menu = Menu(visit, here=here, flip=self._flip) if visit.person is not None else None
                    self._link = Link()
            self.body = ui.element("main").classes(f"body body-{title.removesuffix('_page')}")
        self._say()

    def beat(self) -> None:
        """Tell the browser that the line is there; now and then, see whether the session still is."""
        self._ticks += 1
        if self._person is not None and self._ticks % _ASK_EVERY == 0 and not self._visit.still():
            ui.navigate.to("/login")
        if self._talk is not None:
            self._talk.follow(self._house.feed.status())
        self._link.beat(beat_of(self.words, self._ticks))

    def _speak(self, language: str) -> None:
        self._choices.language = language
        self.words = Words(language, self._house.glossary)
        speak(language)
        self._say()
        self._changed()

    def _flip(self) -> None:
        self._choices.flip()
        self._say()

    def _say(self) -> None:
        words, theme = self.words, self._choices.theme
        line = self._house.feed.status().line
        self.root.classes(add=f"theme-{theme}", remove=f"theme-{THEMES[1 - THEMES.index(theme)]}")
        self.root.props(f"lang={words.language}")
        self._languages.show(words)
        if self._menu is not None:
            self._menu.show(words, theme)
        title = f'<span class="line-name">{escape(words[self._title])}</span>'
        self._brand.show(
            f'{icon("mark", "brand-mark")}<div class="brand-text">'
            f"<h1>{title}{'' if self._house.login else warning(words)}</h1>"
            f'<p class="facts"><span><b>{escape(line)}</b></span>{self._who()}</p></div>'
        )
        ui.page_title(f"{line} · {words[self._title]}".lstrip(" ·"))
        self.beat()

    def _who(self) -> str:
        if not self._house.login or self._person is None:
            return ""
        role = self.words[f"role_{self._person.role}"]
        return f"<span>{icon('person')} <b>{escape(self._person.name)}</b> · {escape(role)}</span>"


class Languages:
    """The languages side by side; nothing where there is one only."""

    def __init__(self, languages: Sequence[str], speak: Callable[[str], object]) -> None:
        with ui.element("div").classes("segments").props("role=group") as self._group:
            self._keys = {code: key(partial(speak, code), LANGUAGES[code], f"lang-{code}") for code in languages}
        self._group.set_visibility(len(languages) > 1)

    def show(self, words: Words) -> None:
        """Say which one is spoken."""
        for code, button in self._keys.items():
            button.props(f"aria-pressed={str(code == words.language).lower()}")
        self._group.props(f'aria-label="{words["language"]}"')


def warning(words: Words) -> str:
    """Return the badge that says that nobody logs in here."""
    return (
        f'<span class="badge badge-open" title="{escape(words["no_login_detail"])}">{escape(words["no_login"])}</span>'
    )


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
