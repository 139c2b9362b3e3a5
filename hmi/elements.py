"""The two parts of the page that live in the browser: the picture with its outlines, and the link to the line."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui

__all__ = ["BoardPicture", "Link"]


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
