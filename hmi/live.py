"""The live page: what the line sees, decides and counts, as it happens."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from nicegui import app, ui
from nicegui.events import GenericEventArguments

from hmi import markup
from hmi.elements import BoardPicture, Link
from hmi.icons import icon
from hmi.view import findings_of, kind_of, marks_of
from hmi.words import LANGUAGES, Words
from inspector.domain import LiveFeed, RecordedPart

__all__ = ["ImageUrl", "build_pages"]

_STATIC = Path(__file__).parent / "static"
_TICK_S = 0.2
_BEAT_EVERY = 3
_STRIP = 12
_LOOK_BACK = 100
_A_YEAR_S = 31_536_000
_THEMES = ("dark", "light")
# A click anywhere in the strip names the part under the finger, even if the strip has moved on since.
_PICK = "(event) => { const thumb = event.target.closest('[data-report]'); if (thumb) emit(thumb.dataset.report); }"


class ImageUrl(Protocol):
    """Where the picture of a part is; None where none is kept."""

    def __call__(self, part: RecordedPart, *, thumbnail: bool = False) -> str | None:
        """Return the path or URL."""
        ...


def build_pages(
    feed: LiveFeed,
    image_url: ImageUrl,
    *,
    glossary: Mapping[str, Mapping[str, str]] | None = None,
    languages: Sequence[str] = ("en", "zh"),
) -> None:
    """Declare the pages; call once, before the server starts.

    Parameters
    ----------
    feed
        What the page shows; read five times a second for each open page.
    glossary
        Term -> language -> name of defect classes, characteristics and zones.
    languages
        Those the operator can choose from; the first is the default.
    """
    spoken = tuple(language for language in languages if language in LANGUAGES) or ("en",)
    app.add_static_files("/hmi", _STATIC)

    @ui.page("/", favicon=_STATIC / "favicon.svg", viewport="width=device-width, initial-scale=1")
    def live() -> None:
        request = ui.context.client.request
        cookies = request.cookies if request else {}
        language = cookies.get("inspector_language", spoken[0])
        theme = cookies.get("inspector_theme", _THEMES[0])
        LivePage(
            feed,
            image_url,
            glossary or {},
            spoken,
            language=language if language in spoken else spoken[0],
            theme=theme if theme in _THEMES else _THEMES[0],
        )


class _Region:
    """One piece of HTML on the page that is sent only when it has changed."""

    def __init__(self, tag: str, css: str, *, role: str = "") -> None:
        self.element = ui.html("", sanitize=False, tag=tag).classes(css)
        if role:
            self.element.props(f"role={role}")

    def show(self, content: str) -> None:
        if self.element.content != content:
            self.element.set_content(content)


class LivePage:
    """One open browser tab: its choices and the regions it shows."""

    def __init__(
        self,
        feed: LiveFeed,
        image_url: ImageUrl,
        glossary: Mapping[str, Mapping[str, str]],
        languages: Sequence[str],
        *,
        language: str,
        theme: str,
    ) -> None:
        self._feed = feed
        self._image_url = image_url
        self._glossary = glossary
        self._words = Words(language, glossary)
        self._theme = theme
        self._follow = "all"
        self._pinned: RecordedPart | None = None
        self._seen = -1
        self._title = ""
        self._ticks = 0
        self._lay_out(languages)
        self._tick()
        ui.timer(_TICK_S, self._tick)

    # --- structure --------------------------------------------------------------------------------------

    def _lay_out(self, languages: Sequence[str]) -> None:
        ui.add_head_html('<link rel="stylesheet" href="/hmi/theme.css">')
        with ui.element("div").classes("screen") as self._root:
            with ui.element("header").classes("top"):
                self._brand = _Region("div", "brand")
                self._lamps = _Region("ul", "lamps")
                with ui.element("div").classes("tools"):
                    with ui.element("div").classes("segments").props("role=group") as self._languages:
                        self._language_keys = {
                            code: self._button(partial(self._speak, code), LANGUAGES[code], f"lang-{code}")
                            for code in languages
                        }
                    self._languages.set_visibility(len(languages) > 1)
                    self._theme_button = self._button(self._flip_theme, "", "tool")
                    self._link = Link()
            self._alert = _Region("div", "alert", role="alert")
            with ui.element("main").classes("middle"):
                with ui.element("section").classes("panel panel-picture"):
                    self._picture = BoardPicture()
                    with ui.element("div").classes("picture-bar"):
                        self._caption = _Region("div", "caption")
                        with ui.element("div").classes("segments").props("role=group"):
                            self._all = self._button(lambda: self._follow_only("all"), "", "follow")
                            self._rejects = self._button(lambda: self._follow_only("rejects"), "", "follow")
                        self._hold = self._button(self._hold_or_release, "", "tool tool-wide hold")
                with ui.element("div").classes("side"):
                    self._banner = _Region("div", "banner", role="status")
                    self._report = _Region("section", "panel report")
                    self._measures = _Region("section", "panel measures")
            with ui.element("footer").classes("bottom"):
                self._counts = _Region("section", "panel counts")
                self._strip = _Region("section", "strip")
                self._strip.element.on("click", self._pick, js_handler=_PICK)

    @staticmethod
    def _button(act: Callable[[], None], text: str, css: str) -> ui.html:
        button = ui.html(text, sanitize=False, tag="button").classes(f"key {css}").props("type=button")
        button.on("click", act, [])
        return button

    # --- what the operator does -------------------------------------------------------------------------

    def _speak(self, language: str) -> None:
        self._words = Words(language, self._glossary)
        self._remember("inspector_language", language)
        self._refresh()

    def _flip_theme(self) -> None:
        self._theme = _THEMES[1 - _THEMES.index(self._theme)]
        self._remember("inspector_theme", self._theme)
        self._refresh()

    def _follow_only(self, what: str) -> None:
        self._follow, self._pinned = what, None
        self._refresh()

    def _hold_or_release(self) -> None:
        self._pinned = None if self._pinned else self._shown()
        self._refresh()

    def _pick(self, event: GenericEventArguments) -> None:
        chosen = next((part for part in self._feed.recent(_LOOK_BACK) if str(part.report.id) == event.args), None)
        again = chosen is not None and self._pinned is not None and chosen.report.id == self._pinned.report.id
        self._pinned = None if again else chosen
        self._refresh()

    @staticmethod
    def _remember(name: str, value: str) -> None:
        cookie = f"{name}={value}; path=/; max-age={_A_YEAR_S}; samesite=lax"
        ui.run_javascript(f"document.cookie = {json.dumps(cookie)}")

    # --- what the page shows ----------------------------------------------------------------------------

    def _tick(self) -> None:
        version = self._feed.version()
        if version != self._seen:
            self._seen = version
            self._refresh()
        elif self._ticks % _BEAT_EVERY == 0:
            self._beat()
        self._ticks += 1

    def _beat(self) -> None:
        words = self._words
        self._link.beat(
            {
                "clock": f"{datetime.now().astimezone():%H:%M:%S}",
                "count": str(self._ticks),
                "icon": icon("link", "lost-sign"),
                "title": words["lost_title"],
                "detail": words["lost_detail"],
                "since": words["lost_since"],
                "retry": words["lost_retry"],
            }
        )

    def _shown(self) -> RecordedPart | None:
        if self._pinned is not None:
            return self._pinned
        parts = self._feed.recent(_LOOK_BACK if self._follow == "rejects" else 1)
        wanted = (part for part in parts if self._follow == "all" or kind_of(part.report) != "pass")
        return next(wanted, None)

    def _refresh(self) -> None:
        words, status, now = self._words, self._feed.status(), datetime.now().astimezone()
        part, newest = self._shown(), self._feed.recent(_STRIP)
        earlier = self._pinned is not None and (not newest or newest[0].report.id != self._pinned.report.id)
        self._frame()
        self._say_title(f"{status.line} · {words['title']}".lstrip(" ·"))
        self._brand.show(markup.brand(status, words))
        self._lamps.show(markup.lamps(status, words, now))
        self._alert.show(markup.alert(status, words))
        self._banner.show(markup.banner(part, words, earlier=earlier))
        self._caption.show(markup.caption(part, words))
        self._report.show(markup.report_text(part, words))
        self._measures.show(markup.measures(part, words))
        self._counts.show(markup.counts(self._feed.counts(), words))
        thumbnails = [self._image_url(item, thumbnail=True) for item in newest]
        self._strip.show(markup.strip(newest, thumbnails, str(part.report.id) if part else "", words))
        self._picture.show(self._scene(part))
        self._beat()

    def _frame(self) -> None:
        """Theme, language and the state of the keys."""
        words = self._words
        held = self._pinned is not None
        self._root.classes(add=f"theme-{self._theme}", remove=f"theme-{_THEMES[1 - _THEMES.index(self._theme)]}")
        self._root.classes(add="held" if held else "", remove="" if held else "held")
        self._root.props(f"lang={words.language}")
        for code, button in self._language_keys.items():
            button.props(f"aria-pressed={str(code == words.language).lower()}")
        self._languages.props(f'aria-label="{words["language"]}"')
        self._theme_button.set_content(icon("sun" if self._theme == "dark" else "moon"))
        self._theme_button.props(f'aria-label="{words["theme_light" if self._theme == "dark" else "theme_dark"]}"')
        self._all.set_content(words["follow_all"])
        self._rejects.set_content(words["follow_rejects"])
        self._all.props(f"aria-pressed={str(not held and self._follow == 'all').lower()}")
        self._rejects.props(f"aria-pressed={str(not held and self._follow == 'rejects').lower()}")
        sign, word = ("live", "back_to_live") if held else ("hold", "hold_picture")
        self._hold.set_content(f"{icon(sign)}<span>{words[word]}</span>")

    def _say_title(self, title: str) -> None:
        if title != self._title:
            self._title = title
            ui.page_title(title)

    def _scene(self, part: RecordedPart | None) -> Mapping[str, object]:
        words = self._words
        if part is None:
            return {"src": None, "empty": words["picture_waiting"], "marks": []}
        return {
            "src": self._image_url(part),
            "report": str(part.report.id),
            "alt": f"{words['picture_alt']} {part.report.trigger.part_id}",
            "empty": words["picture_none"],
            "broken": words["picture_broken"],
            "marks": marks_of(findings_of(part.report, words), part.report),
        }
