"""The live page: what the line sees, decides and counts, as it happens."""

from __future__ import annotations

from datetime import datetime

from nicegui import ui
from nicegui.events import GenericEventArguments

from hmi import markup
from hmi.elements import BoardPicture, Link, Region, key
from hmi.house import THEMES, Visit, begin, speak
from hmi.icons import icon
from hmi.menu import Menu
from hmi.scenes import scene_of
from hmi.shell import Languages, beat_of, warning
from hmi.talk import talk_key
from hmi.trend import trend
from hmi.view import kind_of
from hmi.words import Words
from inspector.domain import RecordedPart

__all__ = ["LivePage"]

_TICK_S = 0.2
_BEAT_EVERY = 3
_ASK_EVERY = 100
_STRIP = 20
_LOOK_BACK = 100
# A click anywhere in the strip names the part under the finger, even if the strip has moved on since.
_PICK = "(event) => { const thumb = event.target.closest('[data-report]'); if (thumb) emit(thumb.dataset.report); }"


class LivePage:
    """One open browser tab: its choices and the regions it shows."""

    def __init__(self, visit: Visit) -> None:
        self._visit, self._house, self._choices = visit, visit.house, visit.choices
        house = visit.house
        self._feed, self._image_url = house.feed, house.image_url
        self._words = Words(visit.choices.language, house.glossary)
        self._follow = "all"
        self._pinned: RecordedPart | None = None
        self._seen = -1
        self._title = ""
        self._ticks = 0
        self._lay_out()
        self._tick()
        ui.timer(_TICK_S, self._tick)

    # --- structure --------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        begin(self._words.language)
        with ui.element("div").classes("screen") as self._root:
            with ui.element("header").classes("top"):
                self._brand = Region("div", "brand")
                self._lamps = Region("ul", "lamps")
                with ui.element("div").classes("tools"):
                    self._languages = Languages(self._house.languages, self._speak)
                    self._review = Region("nav", "way")
                    # Stays empty until the line listens: the push-to-talk key goes in here.
                    self._talk = talk_key(self._house, ui.element("div").classes("talk-slot"))
                    self._menu = Menu(self._visit, here="/", flip=self._flip_theme)
                    self._link = Link()
            self._alert = Region("div", "alert", role="alert")
            with ui.element("main").classes("middle"):
                with ui.element("section").classes("panel panel-picture"):
                    self._picture = BoardPicture()
                    with ui.element("div").classes("picture-bar"):
                        self._caption = Region("div", "caption")
                        with ui.element("div").classes("segments").props("role=group"):
                            self._all = key(lambda: self._follow_only("all"), "", "follow")
                            self._rejects = key(lambda: self._follow_only("rejects"), "", "follow")
                        self._hold = key(self._hold_or_release, "", "tool tool-wide hold")
                with ui.element("div").classes("side"):
                    self._banner = Region("div", "banner", role="status")
                    self._report = Region("section", "panel report")
                    self._measures = Region("section", "panel measures")
            with ui.element("footer").classes("bottom"):
                with ui.element("section").classes("panel counts"):
                    self._yield = Region("div", "yield")
                    self._trend = Region("div", "trend")
                    self._counts = Region("div", "tally")
                self._strip = Region("section", "strip")
                self._strip.element.on("click", self._pick, js_handler=_PICK)

    # --- what the operator does -------------------------------------------------------------------------

    def _speak(self, language: str) -> None:
        self._words = Words(language, self._house.glossary)
        speak(language)
        self._refresh()

    def _flip_theme(self) -> None:
        self._choices.flip()
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

    # --- what the page shows ----------------------------------------------------------------------------

    def _tick(self) -> None:
        version = self._feed.version()
        if version != self._seen:
            self._seen = version
            self._refresh()
        elif self._ticks % _BEAT_EVERY == 0:
            self._beat()
        self._ticks += 1
        if self._ticks % _ASK_EVERY == 0 and not self._visit.still():
            ui.navigate.to("/login")

    def _beat(self) -> None:
        self._link.beat(beat_of(self._words, self._ticks))

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
        self._brand.show(markup.brand(status, words, notice="" if self._house.login else warning(words)))
        self._review.show(self._way_to_review())
        self._lamps.show(markup.lamps(status, words, now))
        if self._talk is not None:
            self._talk.follow(status)
        desk = self._house.desks.line
        alarms, held = (desk.alarms(), desk.held()) if desk is not None else (None, None)
        lot = self._house.held_lot(desk.lot()) if desk is not None else None
        self._alert.show(markup.alert(status, words, alarms=alarms, held=held, lot=lot))
        self._banner.show(markup.banner(part, words, earlier=earlier))
        self._caption.show(markup.caption(part, words))
        self._report.show(markup.report_text(part, words))
        self._measures.show(markup.measures(part, words))
        tally = self._feed.counts()
        self._yield.show(markup.first_pass_yield(tally, words))
        self._trend.show(trend(self._feed.trend(), tally.first_pass_yield, words))
        self._counts.show(markup.counts(tally, words))
        thumbnails = [self._image_url(item, thumbnail=True) for item in newest]
        self._strip.show(markup.strip(newest, thumbnails, str(part.report.id) if part else "", words))
        self._picture.show(scene_of(part, words, self._image_url, empty="picture_waiting"))
        self._beat()

    def _frame(self) -> None:
        """Theme, language and the state of the keys."""
        words = self._words
        held = self._pinned is not None
        theme = self._choices.theme
        self._root.classes(add=f"theme-{theme}", remove=f"theme-{THEMES[1 - THEMES.index(theme)]}")
        self._root.classes(add="held" if held else "", remove="" if held else "held")
        self._root.props(f"lang={words.language}")
        self._languages.show(words)
        self._menu.show(words, theme)
        self._all.set_content(words["follow_all"])
        self._rejects.set_content(words["follow_rejects"])
        self._all.props(f"aria-pressed={str(not held and self._follow == 'all').lower()}")
        self._rejects.props(f"aria-pressed={str(not held and self._follow == 'rejects').lower()}")
        sign, word = ("live", "back_to_live") if held else ("hold", "hold_picture")
        self._hold.set_content(f"{icon(sign)}<span>{words[word]}</span>")

    def _way_to_review(self) -> str:
        if self._house.desks.review is None:
            return ""
        name = self._words["review_queue"]
        return f'<a class="key tool" href="/review" aria-label="{name}" title="{name}">{icon("review")}</a>'

    def _say_title(self, title: str) -> None:
        if title != self._title:
            self._title = title
            ui.page_title(title)
