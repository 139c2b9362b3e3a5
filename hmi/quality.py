"""The quality page: how well the line does, in the figures and charts of the shift report, over a span of time."""

from __future__ import annotations

from functools import partial
from html import escape

from nicegui import run, ui

from hmi.elements import Region, key
from hmi.house import Visit
from hmi.icons import icon
from hmi.shell import Shell
from hmi.words import Words
from inspector.domain import InspectorError, QualityDesk, QualityFigure, QualitySpan, QualityTable, QualityView

__all__ = ["QualityPage"]

_TICK_S = 0.5


class QualityPage:
    """One open tab on the quality."""

    def __init__(self, visit: Visit, desk: QualityDesk, *, span: QualitySpan) -> None:
        self._desk, self._span = desk, span
        self._view: QualityView | None = None
        self._shown = ""
        self._shell = Shell(visit, title="quality_page", here="/quality", changed=self._show)
        with self._shell.body:
            with ui.element("section").classes("quality-bar"):
                with ui.element("div").classes("segments").props("role=group") as self._spans:
                    self._keys = {item: key(partial(self._choose, item), "", "span") for item in QualitySpan}
                self._said = Region("p", "said", role="status")
            self._paper = Region("article", "panel paper")
            self._paper.element.props("tabindex=0")
        self._show()
        ui.timer(_TICK_S, self._shell.beat)
        ui.timer(0, self._find, once=True)

    async def _choose(self, span: QualitySpan) -> None:
        self._span = span
        self._show()
        await self._find()

    async def _find(self) -> None:
        words, span = self._shell.words, self._span
        self._said.show(f"{icon('waiting')}{escape(words['worked_out'])}")
        told = ""
        try:
            view = await run.io_bound(self._desk.view, span, words.language)
        except InspectorError as error:
            view, told = None, str(error)
        if (span, words.language) != (self._span, self._shell.words.language):
            return  # another one was chosen meanwhile
        self._view, self._shown = view, words.language
        self._said.show(escape(told))
        self._show()

    def _show(self) -> None:
        words = self._shell.words
        self._spans.props(f'aria-label="{words["when"]}"')
        for item, button in self._keys.items():
            button.set_content(escape(words[f"span_{item}"]))
            button.props(f"aria-pressed={str(item is self._span).lower()}")
        if self._view is None:
            self._paper.show("")
            return
        if self._shown != words.language:
            self._shown = words.language
            ui.timer(0, self._find, once=True)
        self._paper.show(_paper(self._view, words))


def _paper(view: QualityView, words: Words) -> str:
    begins, ends = view.begins.astimezone(), view.ends.astimezone()
    head = f"<h2>{begins:%Y-%m-%d %H:%M} – {ends:%Y-%m-%d %H:%M}</h2>"
    if not view.parts:
        return f'{head}<p class="quiet empty">{icon("waiting")}{escape(words["no_parts_then"])}</p>'
    sections = "".join(_section(table, view.figures) for table in view.tables)
    notes = "".join(f"<p>{escape(note)}</p>" for note in view.notes)
    return f'{head}{sections}<footer class="notes">{notes}</footer>'


def _section(table: QualityTable, figures: tuple[QualityFigure, ...]) -> str:
    drawn = "".join(
        f"<figure>{figure.svg}<figcaption>{escape(figure.caption)}</figcaption></figure>"
        for figure in figures
        if figure.section == table.key
    )
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.head)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    more = f'<p class="quiet">+ {table.more}</p>' if table.more else ""
    return (
        f'<section class="figures" data-table="{table.key}"><h3>{escape(table.title)}</h3>{drawn}'
        f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{more}'
        "</section>"
    )
