"""The ways from page to page: one key on every page, links behind it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from nicegui import ui

from hmi.elements import Region, key
from hmi.house import THEMES, Visit
from hmi.icons import icon
from hmi.words import Words

__all__ = ["Menu"]


class Menu:
    """A ``details`` element: it opens without the server, by touch and by key.

    Parameters
    ----------
    here
        Path of the page that it stands on.
    flip
        Called to change between dark and light.
    """

    def __init__(self, visit: Visit, *, here: str, flip: Callable[[], object]) -> None:
        self._house, self._person, self._here = visit.house, visit.person, here
        with ui.element("details").classes("menu"):
            self._key = Region("summary", "key tool")
            with ui.element("div").classes("menu-list"):
                self._who = Region("p", "menu-who")
                self._links = Region("nav", "menu-links")
                self._theme = key(flip, "", "menu-theme")
                self._out = Region("div", "menu-out")

    def show(self, words: Words, theme: str) -> None:
        """Say everything in this language."""
        self._key.show(f"{icon('menu')}<span>{escape(words['menu'])}</span>")
        self._key.element.props(f'aria-label="{words["menu"]}"')
        self._links.element.props(f'aria-label="{words["menu"]}"')
        self._links.show(
            "".join(self._link(way.path, way.word, way.sign, words) for way in self._house.ways(self._person))
        )
        other = THEMES[1 - THEMES.index(theme)]
        self._theme.set_content(f"{icon('sun' if other == 'light' else 'moon')}<span>{words[f'theme_{other}']}</span>")
        if self._house.login and self._person is not None:
            role = escape(words[f"role_{self._person.role}"])
            self._who.show(f"{icon('person')} <b>{escape(self._person.name)}</b> · {role}")
            out = f'<button class="key" type="submit">{escape(words["log_out"])}</button>'
            self._out.show(f'<form method="post" action="/api/v1/logout">{out}</form>')

    def _link(self, path: str, word: str, sign: str, words: Words) -> str:
        here = ' aria-current="page"' if path == self._here else ""
        return f'<a class="key" href="{path}"{here}>{icon(sign)}<span>{escape(words[word])}</span></a>'
