"""The review queue: one held part after the other, and three large keys."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape

from nicegui import run, ui
from nicegui.events import GenericEventArguments, KeyEventArguments

from hmi import markup
from hmi.elements import BoardPicture, Region, key
from hmi.house import Visit
from hmi.icons import icon
from hmi.scenes import scene_of
from hmi.shell import Shell
from inspector.domain import (
    REVIEW_REASONS,
    AlreadyDecided,
    Decision,
    NotAllowed,
    OverlayKind,
    RecordedPart,
    ReviewDesk,
    ReviewError,
    StoreError,
    may_decide,
)

__all__ = ["ReviewPage"]

_TICK_S = 0.5
_LOOK_EVERY = 10  # ticks: parts are held and decided elsewhere, too
_SHOWN = 12
_SIGNS = {Decision.ACCEPT: "pass", Decision.REWORK: "rework", Decision.SCRAP: "fail"}
_LETTERS = {"a": Decision.ACCEPT, "r": Decision.REWORK, "s": Decision.SCRAP}
_PICK = "(event) => { const thumb = event.target.closest('[data-report]'); if (thumb) emit(thumb.dataset.report); }"


class ReviewPage:
    """One open tab on the queue."""

    def __init__(self, visit: Visit, desk: ReviewDesk) -> None:
        self._visit, self._house, self._desk, self._known = visit, visit.house, desk, visit.who
        self._parts: list[RecordedPart] = []
        self._chosen: str | None = None
        self._reason: str | None = None
        self._told = ""
        self._overlays: Sequence[OverlayKind] = ()
        self._overlaid: RecordedPart | None = None
        self._ticks = 0
        self._shell = Shell(visit, title="review_queue", here="/review", changed=self._show)
        with self._shell.body:
            self._lay_out()
        # By default keys are not heard while a button has the focus, which it has after each touch.
        ui.keyboard(on_key=self._pressed, ignore=[])
        self._show()
        ui.timer(_TICK_S, self._tick)

    def _lay_out(self) -> None:
        with ui.element("section").classes("panel panel-picture"):
            self._picture = BoardPicture()
            with ui.element("div").classes("picture-bar"):
                self._caption = Region("div", "caption")
        with ui.element("div").classes("side"):
            self._banner = Region("div", "banner")
            self._measures = Region("section", "panel measures")
            with ui.element("section").classes("panel decide"):
                self._said = Region("p", "said", role="status")
                with ui.element("div").classes("reasons").props("role=group") as self._reasons:
                    self._reason_keys = {
                        reason: key(partial(self._because, reason), "", "reason") for reason in REVIEW_REASONS
                    }
                with ui.element("div").classes("decisions"):
                    self._decision_keys = {
                        decision: key(partial(self._decide, decision), "", f"decision decision-{decision.name.lower()}")
                        for decision in _SIGNS
                    }
        self._strip = Region("section", "strip queue")
        self._strip.element.on("click", self._pick, js_handler=_PICK)

    # --- what the person does ---------------------------------------------------------------------------

    def _because(self, reason: str) -> None:
        self._reason, self._told = reason, ""
        self._show()

    async def _pick(self, event: GenericEventArguments) -> None:
        self._chosen, self._reason = str(event.args), None
        await self._compare()
        self._show()

    async def _pressed(self, event: KeyEventArguments) -> None:
        if not event.action.keydown or event.action.repeat or any((event.modifiers.ctrl, event.modifiers.alt)):
            return
        name = str(event.key).lower()
        if name in _LETTERS:
            await self._decide(_LETTERS[name])
        elif name.isdigit() and 0 < int(name) <= len(REVIEW_REASONS):
            self._because(REVIEW_REASONS[int(name) - 1])

    async def _decide(self, decision: Decision) -> None:
        part, words = self._shown(), self._shell.words
        if part is None:
            return
        if self._reason is None:
            self._told = words["reason_first"]
            self._show()
            return
        person = await self._visit.again()
        if person is None:
            return
        name = part.report.trigger.part_id.strip() or words["no_id"]
        told = f"{name}: {words[f'decision_{decision.name.lower()}']} – {words['decided']}"
        try:
            await run.io_bound(self._desk.decide, person, part.report.id, decision, self._reason)
        except NotAllowed:
            told = words["not_allowed_here"]
        except AlreadyDecided:
            told = words["already_decided"]
        except (ReviewError, StoreError) as error:
            told = f"{words['not_recorded']}: {error.message}"
        self._reason = self._reason if told == words["not_allowed_here"] else None
        self._told = told
        await self._look()

    # --- what the page shows ----------------------------------------------------------------------------

    async def _tick(self) -> None:
        self._shell.beat()
        if self._ticks % _LOOK_EVERY == 0:
            await self._look()
        self._ticks += 1

    async def _look(self) -> None:
        try:
            self._parts = list(await run.io_bound(self._desk.waiting, _SHOWN) or ())
        except StoreError as error:
            self._told = error.message
        await self._compare()
        self._show()

    async def _compare(self) -> None:
        """Find out what the shown part can be compared with."""
        part, overlays = self._shown(), self._house.desks.overlays
        if overlays is not None and part is not None and part is not self._overlaid:
            self._overlaid, self._overlays = part, await run.io_bound(overlays.kinds, part) or ()

    def _shown(self) -> RecordedPart | None:
        chosen = (part for part in self._parts if str(part.report.id) == self._chosen)
        return next(chosen, self._parts[0] if self._parts else None)

    def _show(self) -> None:
        words, part = self._shell.words, self._shown()
        self._picture.show(scene_of(part, words, self._house.image_url, empty="queue_empty", overlays=self._overlays))
        self._caption.show(markup.caption(part, words) if part else "")
        empty = f'<p class="quiet empty">{icon("pass")}{escape(words["queue_empty"])}</p>'
        self._banner.show(markup.banner(part, words, earlier=False) if part else empty)
        self._measures.show(markup.measures(part, words) if part else "")
        # Until something has been said, it says what comes first.
        self._said.show(escape(self._told or (words["reason_first"] if part and self._reason is None else "")))
        self._reasons.props(f'aria-label="{words["choose_reason"]}"')
        for number, (reason, button) in enumerate(self._reason_keys.items(), start=1):
            button.set_content(f"<kbd>{number}</kbd><span>{escape(words[f'reason_{reason}'])}</span>")
            button.props(f"aria-pressed={str(reason == self._reason).lower()}")
        for decision, button in self._decision_keys.items():
            letter = decision.name[0]
            word = escape(words[f"do_{decision.name.lower()}"])
            button.set_content(f"{icon(_SIGNS[decision])}<span>{word}</span><kbd>{letter}</kbd>")
            button.props(f"aria-disabled={str(part is None or not may_decide(self._known, decision)).lower()}")
        thumbnails = [self._house.image_url(item, thumbnail=True) for item in self._parts]
        shown = str(part.report.id) if part else ""
        self._strip.show(markup.strip(self._parts, thumbnails, shown, words))
