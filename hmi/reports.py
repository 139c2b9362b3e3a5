"""The shift reports: choose a shift, read its report, print it, make it now."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape

from nicegui import run, ui

from hmi.elements import Region, key
from hmi.house import Visit
from hmi.icons import icon
from hmi.shell import Shell
from hmi.words import Words
from inspector.domain import InspectorError, ReportShelf, ShelvedShift

__all__ = ["ReportsPage"]

_TICK_S = 0.5
_LOOK_EVERY = 20
_SHOWN = 30
_PRINT = "document.querySelector('.report-page iframe').contentWindow.print()"


class ReportsPage:
    """One open tab on the reports."""

    def __init__(self, visit: Visit, shelf: ReportShelf) -> None:
        self._visit, self._shelf = visit, shelf
        self._shifts: Sequence[ShelvedShift] = ()
        self._chosen: str | None = None
        self._ticks = 0
        self._shell = Shell(visit, title="reports_page", here="/reports", changed=self._show)
        with self._shell.body:
            self._list = ui.element("section").classes("panel act shelf")
            self._keys: dict[str, ui.html] = {}
            with ui.element("section").classes("panel report-page"):
                with ui.element("div").classes("report-bar"):
                    self._head = Region("div", "report-head")
                    self._print = key(lambda: ui.run_javascript(_PRINT), "", "print")
                    self._pdf = Region("span", "pdf")
                    self._make = key(self._make_now, "", "make")
                self._said = Region("p", "said", role="status")
                self._page = Region("div", "report-frame")
        ui.timer(_TICK_S, self._tick)

    async def find(self) -> None:
        """Read the shelf and show it."""
        try:
            self._shifts = await run.io_bound(self._shelf.shifts, _SHOWN) or ()
        except InspectorError as error:
            self._said.show(escape(str(error)))
        if self._chosen is None:
            made = (shift.key for shift in self._shifts if shift.made_at is not None)
            self._chosen = next(made, self._shifts[0].key if self._shifts else None)
        self._show()

    # --- what the person does ---------------------------------------------------------------------------

    def _choose(self, chosen: str) -> None:
        self._chosen = chosen
        self._said.show("")
        self._show()

    async def _make_now(self) -> None:
        words, shift = self._shell.words, self._shift()
        if shift is None:
            return
        person = await self._visit.again()
        if person is None:
            return
        self._said.show(escape(words["being_made"]))
        try:
            await run.io_bound(self._shelf.make, person, shift.key)
            told = words["done"]
        except InspectorError as error:
            told = str(error)
        await self.find()
        self._said.show(escape(told))

    # --- what the page shows ----------------------------------------------------------------------------

    async def _tick(self) -> None:
        self._shell.beat()
        self._ticks += 1
        if self._ticks % _LOOK_EVERY == 0:
            await self.find()

    def _shift(self) -> ShelvedShift | None:
        return next((shift for shift in self._shifts if shift.key == self._chosen), None)

    def _show(self) -> None:
        words, shift = self._shell.words, self._shift()
        if list(self._keys) != [item.key for item in self._shifts]:
            self._list.clear()
            with self._list:
                self._keys = {item.key: key(partial(self._choose, item.key), "", "shift") for item in self._shifts}
        for item in self._shifts:
            self._keys[item.key].set_content(_said_of(item, words))
            self._keys[item.key].props(f"aria-pressed={str(item.key == self._chosen).lower()}")
        page = shift.pages.get(words.language) or next(iter(shift.pages.values()), "") if shift is not None else ""
        file = shift.prints.get(words.language) or next(iter(shift.prints.values()), "") if shift is not None else ""
        self._head.show(f"<h2>{escape(shift.key)}</h2>" if shift is not None else "")
        self._print.set_content(f"{icon('print')}<span>{escape(words['print'])}</span>")
        self._print.set_visibility(bool(page))
        link = f'<a class="key" href="/api/v1/reports/files/{escape(file)}" target="_blank">PDF</a>'
        self._pdf.show(link if file else "")
        made = shift is not None and shift.made_at is not None
        self._make.set_content(f"{icon('rework')}<span>{escape(words['make_again' if made else 'make_now'])}</span>")
        self._make.set_visibility(shift is not None)
        self._page.show(self._frame(shift, page))

    def _frame(self, shift: ShelvedShift | None, page: str) -> str:
        words = self._shell.words
        if shift is None or not page or shift.made_at is None:
            return f'<p class="quiet empty">{icon("waiting")}{escape(words["not_made"])}</p>'
        # The time in the address: a report made again is another one.
        source = f"/api/v1/reports/files/{escape(page)}?made={int(shift.made_at.timestamp())}"
        return (
            f'<iframe src="{source}" title="{escape(words["report"])} {escape(shift.key)}" tabindex="0" '
            'sandbox="allow-same-origin allow-modals"></iframe>'
        )


def _said_of(shift: ShelvedShift, words: Words) -> str:
    if shift.made_at is None:
        sign, said = "waiting", words["shift_running" if not shift.ended else "not_made"]
    else:
        share = f" · {shift.passed / shift.parts:.1%}" if shift.parts else ""
        sign = "pass" if shift.complete else "waiting"
        said = f"{shift.parts} {words['parts']}{share}"
    span = f"{shift.begins:%H:%M}–{shift.ends:%H:%M}"
    return f"{icon(sign)}<span><b>{escape(shift.key)}</b> {span}<br>{escape(said)}</span>"
