"""One part: its picture, every figure, and everything that happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from uuid import UUID

from nicegui import run, ui

from hmi import lists, markup
from hmi.correcting import TextCorrector
from hmi.elements import AskBox, BoardPicture, Region
from hmi.house import Visit
from hmi.icons import icon
from hmi.scenes import scene_of
from hmi.shell import Shell
from inspector.domain import HistoryReader, OverlayKind, PartAnswer, PartFile, StoreError

__all__ = ["PartPage"]

_TICK_S = 0.5
_LOOK_EVERY = 10  # ticks: somebody may decide about it meanwhile


class PartPage:
    """One open tab on a part."""

    def __init__(self, visit: Visit, history: HistoryReader, *, report_id: UUID) -> None:
        self._house, self._history, self._report_id = visit.house, history, report_id
        self._file: PartFile | None = None
        self._overlays: Sequence[OverlayKind] = ()
        self._said, self._ticks = "", 0
        self._desk = visit.house.desks.parts
        self._told: PartAnswer | None = None
        self._shell = Shell(visit, title="part_page", here="/part", changed=self._show)
        with self._shell.body:
            with ui.element("section").classes("panel panel-picture"):
                self._picture = BoardPicture()
                with ui.element("div").classes("picture-bar"):
                    self._caption = Region("div", "caption")
            with ui.element("div").classes("side"):
                self._banner = Region("div", "banner")
                with ui.element("div").classes("papers").props("tabindex=0"):
                    if self._desk is not None:
                        self._ask = AskBox(self._asked)
                        self._answer = Region("div", "answer", role="status")
                    with ui.element("section").classes("panel report"):
                        self._report = Region("div", "report-text")
                        if visit.house.desks.corrections is not None:
                            self._corrector = TextCorrector(visit, visit.house.desks.corrections, done=self.find)
                    self._measures = Region("section", "panel measures")
                    self._story = Region("section", "panel story")
                    self._others = Region("nav", "panel others-seen")
        ui.timer(_TICK_S, self._tick)

    async def find(self) -> None:
        """Look it up and show it."""
        try:
            self._file = await run.io_bound(self._history.file, self._report_id)
            self._said = ""
        except StoreError as error:
            self._said = error.message
        if self._file is not None and self._house.desks.overlays is not None:
            self._overlays = await run.io_bound(self._house.desks.overlays.kinds, self._file.part) or ()
        self._show()

    async def _tick(self) -> None:
        self._shell.beat()
        self._ticks += 1
        if self._ticks % _LOOK_EVERY == 0:
            await self.find()

    async def _asked(self, text: str) -> None:
        if self._desk is None:
            return
        try:
            self._told = await run.io_bound(self._desk.ask, self._report_id, text, self._shell.words.language)
        except StoreError as error:
            self._told = PartAnswer(error.message)
        self._show()

    def _show(self) -> None:
        words, now = self._shell.words, datetime.now().astimezone()
        if self._file is None:
            said = self._said or words["no_such_part"]
            self._banner.show(f'<p class="quiet empty">{icon("waiting")}{escape(said)}</p>')
            return
        part = self._file.part
        self._picture.show(scene_of(part, words, self._house.image_url, overlays=self._overlays))
        self._caption.show(markup.caption(part, words, lot=self._file.lot))
        lot = self._house.held_lot(self._file.lot)
        self._banner.show(markup.banner(part, words, earlier=False, lot=lot))
        self._report.show(markup.report_text(part, words))
        if self._house.desks.corrections is not None:
            self._corrector.show(part, words)
        self._measures.show(markup.measures(part, words))
        if self._desk is not None:
            self._ask.show(words["ask_part"], words["ask"])
            self._answer.show(lists.answer(self._told, part, words))
        self._story.show(lists.moments(self._file.moments, words))
        self._others.show(lists.other_inspections(self._file.others, words, now))
