"""What pages are made of: pieces of HTML, keys, and the parts that live in the browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nicegui import ui

__all__ = ["BoardPicture", "Link", "Region", "key"]


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
