"""The history: a search whose every answer has an address of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from nicegui import run, ui

from hmi import lists
from hmi.asking import Asked
from hmi.elements import Region
from hmi.house import Visit
from hmi.shell import Shell
from inspector.domain import Act, DefectFinder, FoundDefects, HistoryPage, HistoryReader, StoreError, may

__all__ = ["SearchPage"]

_TICK_S = 0.5
_ROWS = 50


class SearchPage:
    """One open tab on the history."""

    def __init__(self, visit: Visit, history: HistoryReader, *, asked: Asked) -> None:
        self._history, self._person, self._asked = history, visit.who, asked
        self._finder: DefectFinder | None = visit.house.desks.finder
        self._page: HistoryPage | None = None
        self._found: FoundDefects | None = None
        self._labels: Sequence[str] = ()
        self._wrong = ""
        self._shell = Shell(visit, title="history_page", here="/history", changed=self._show)
        with self._shell.body:
            self._form = Region("search", "panel ask")
            if self._finder is not None:
                self._described = Region("div", "panel ask")
            self._list = Region("section", "panel found")
            self._pager = Region("nav", "pager")
        ui.timer(_TICK_S, self._shell.beat)

    async def find(self) -> None:
        """Look it up and show it."""
        try:
            self._labels = await run.io_bound(self._history.labels) or ()
            if self._finder is not None and self._asked.words:
                self._found = await run.io_bound(self._finder.find, self._asked.words, limit=_ROWS)
                self._show()
                return
            query, place = self._asked.query(datetime.now().astimezone()), self._asked.place()
            self._page = await run.io_bound(self._history.search, query, older_than=place, limit=_ROWS)
        except ValueError as error:
            self._wrong = f"{self._shell.words['wrong_input']}: {error}"
        except StoreError as error:
            self._wrong = error.message
        self._show()

    def _show(self) -> None:
        words, now = self._shell.words, datetime.now().astimezone()
        self._form.show(lists.ask_form(self._asked, self._labels, words))
        if self._finder is not None:
            self._described.show(lists.words_form(self._asked, words))
        if self._found is not None:
            self._list.show(lists.found_table(self._found, words, now))
            return
        if self._page is None:
            self._list.show(f'<p class="refused" role="alert">{escape(self._wrong)}</p>' if self._wrong else "")
            return
        self._list.show(lists.rows_table(self._page.rows, words, now))
        exports = []
        if may(self._person, Act.EXPORT) and self._page.rows:
            forms = ("csv", "parquet")
            exports = [(words[f"export_{form}"], self._asked.export_address(form, now)) for form in forms]
        older = str(self._page.older) if self._page.older is not None else None
        self._pager.show(lists.pager(self._asked, older, words, exports=exports))
