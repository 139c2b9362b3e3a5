"""The trail: who did what, page by page, and whether nobody has changed it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from nicegui import run, ui

from hmi.elements import Region, key
from hmi.house import Visit
from hmi.icons import icon
from hmi.shell import Shell
from hmi.words import Words
from inspector.domain import AuditEntry, AuditFlaw, AuditTrail, StoreError

__all__ = ["TrailPage"]

_TICK_S = 0.5
_ROWS = 50


class TrailPage:
    """One open tab on the trail; ``before`` is the number where the page begins."""

    def __init__(self, visit: Visit, trail: AuditTrail, *, before: int | None) -> None:
        self._trail, self._before = trail, before
        self._entries: Sequence[AuditEntry] = ()
        self._checked: AuditFlaw | str | None = None
        self._shell = Shell(visit, title="trail_page", here="/audit", changed=self._show)
        with self._shell.body:
            with ui.element("section").classes("panel act checking"):
                self._verify = key(self._check, "", "act-key verify")
                self._said = Region("p", "said", role="status")
            self._list = Region("section", "panel found")
            self._pager = Region("nav", "pager")
        ui.timer(_TICK_S, self._shell.beat)

    async def find(self) -> None:
        """Read the page and show it."""
        try:
            self._entries = await run.io_bound(self._trail.latest, _ROWS, before=self._before) or ()
        except StoreError as error:
            self._checked = error.message
        self._show()

    async def _check(self) -> None:
        self._said.show(escape(self._shell.words["checking"]))
        try:
            flaw = await run.io_bound(self._trail.verify)
            newest = await run.io_bound(self._trail.latest, 1) or ()
            self._checked = flaw or (newest[0].hash if newest else "–")
        except StoreError as error:
            self._checked = error.message
        self._show()

    def _show(self) -> None:
        words = self._shell.words
        self._verify.set_content(f"{icon('pass')}<span>{escape(words['verify'])}</span>")
        flawed = self._checked.number if isinstance(self._checked, AuditFlaw) else None
        if isinstance(self._checked, AuditFlaw):
            broken = words["trail_broken"].format(number=self._checked.number)
            self._said.show(f'<span class="refused">{icon("fail")}{broken} {escape(self._checked.problem)}</span>')
        elif self._checked is not None:
            self._said.show(f"{icon('pass')} {escape(words['trail_holds'])} <code>{escape(self._checked)}</code>")
        self._list.show(_table(self._entries, words, flawed))
        links = [f'<a class="key" href="/audit">{escape(words["newest"])}</a>'] if self._before else []
        if len(self._entries) == _ROWS:
            number = self._entries[-1].number
            links.append(f'<a class="key" href="/audit?before={number}">{escape(words["older"])} ›</a>')
        self._pager.show(f'<span class="pages">{"".join(links)}</span>')


def _table(entries: Sequence[AuditEntry], words: Words, flawed: int | None) -> str:
    names = ("number", "time", "name", "act", "subject", "detail")
    head = "".join(f'<th scope="col">{escape(words[name])}</th>' for name in names)
    rows = "".join(_row(entry, words, flawed=entry.number == flawed) for entry in entries)
    return f'<table class="list"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(entry: AuditEntry, words: Words, *, flawed: bool) -> str:
    role = words.get(f"role_{entry.role}", entry.role)
    sign = icon("fail") if flawed else ""
    return (
        f'<tr{" class=flawed" if flawed else ""} title="{escape(entry.hash)}"><td>{sign}{entry.number}</td>'
        f"<td>{_moment(entry.at)}</td><td><b>{escape(entry.who)}</b> · {escape(role)}</td>"
        f"<td>{escape(words.get(f'act_{entry.act}', entry.act.replace('_', ' ')))}</td>"
        f"<td>{escape(entry.subject)}</td><td>{escape(entry.detail)}</td></tr>"
    )


def _moment(at: datetime) -> str:
    return f'<time datetime="{at.isoformat()}">{at.astimezone():%Y-%m-%d %H:%M:%S}</time>'
