"""What pages are made of: pieces of HTML, keys, and the parts that live in the browser."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from html import escape

from nicegui import ui
from nicegui.events import GenericEventArguments

__all__ = ["AskBox", "BoardPicture", "Field", "Link", "Region", "key"]


class Region:
    """One piece of HTML on the page that is sent only when it has changed."""

    def __init__(self, tag: str, css: str, *, role: str = "") -> None:
        self.element = ui.html("", sanitize=False, tag=tag).classes(css)
        if role:
            self.element.props(f"role={role}")

    def show(self, content: str) -> None:
        """Show this HTML; foreign text in it is escaped already."""
        if self.element.content != content:
            self.element.set_content(content)


class Field:
    """What a person writes, with its name above; ``value`` follows every letter.

    Parameters
    ----------
    kind
        Of a line: ``text``, ``password`` …; ``paragraph`` has several.
    """

    def __init__(self, kind: str, *, autocomplete: str) -> None:
        self.value = ""
        with ui.element("label").classes("field") as self._label:
            self._name = ui.html("", sanitize=False, tag="span")
            lines = kind == "paragraph"
            self._input = ui.element("textarea" if lines else "input").props(f"autocomplete={autocomplete}")
            self._input.props("rows=4" if lines else f"type={kind}")
        self._input.on("input", self._heard, js_handler="(event) => emit(event.target.value)")

    def show(self, name: str, *, visible: bool = True) -> None:
        """Name it in the page's language."""
        if self._name.content != name:
            self._name.set_content(name)
        self._label.set_visibility(visible)

    def write(self, text: str) -> None:
        """Put this into it."""
        self.value = text
        ui.run_javascript(f"getHtmlElement({self._input.id}).value = {json.dumps(text)}")

    def clear(self) -> None:
        """Empty it."""
        self.write("")

    def _heard(self, event: GenericEventArguments) -> None:
        self.value = str(event.args)


class AskBox:
    """A question with its key; both the key and Enter ask it."""

    def __init__(self, ask: Callable[[str], Awaitable[None]]) -> None:
        self._ask = ask
        with ui.element("form").classes("fields ask-box") as form:
            with ui.element("label"):
                self._name = ui.html("", sanitize=False, tag="span")
                ui.element("input").props("name=question maxlength=200 autocomplete=off enterkeyhint=send")
            self._key = ui.html("", sanitize=False, tag="button").classes("key ask-key").props("type=submit")
        # The text travels with the act: what is asked before the page has its link may come in any order.
        form.on("submit.prevent", self._send, js_handler="(event) => emit(event.target.elements.question.value)")

    def show(self, name: str, word: str) -> None:
        """Name it in the page's language; both are plain text."""
        for element, text in ((self._name, escape(name)), (self._key, escape(word))):
            if element.content != text:
                element.set_content(text)

    async def _send(self, event: GenericEventArguments) -> None:
        if text := str(event.args).strip():
            await self._ask(text)


def key(act: Callable[[], object], text: str, css: str) -> ui.html:
    """Make a key that does this when it is pressed."""
    button = ui.html(text, sanitize=False, tag="button").classes(f"key {css}").props("type=button")
    button.on("click", act, [])
    return button


class BoardPicture(ui.element, component="picture.js"):
    """Shows a part's picture and its marks; both change together once the picture has arrived."""

    def show(self, scene: Mapping[str, object]) -> None:
        """Show this scene: ``src``, ``alt``, ``report``, ``marks``, ``empty`` and ``broken`` (texts)."""
        if self.props.get("scene") != scene:
            self.props["scene"] = dict(scene)


class Link(ui.element, component="link.js"):
    """Shows the clock, and covers the page when no beat has come for two seconds."""

    def beat(self, words: Mapping[str, str]) -> None:
        """Tell the browser that the line is there: ``clock`` and the texts to show when it no longer is."""
        self.props["beat"] = dict(words)
