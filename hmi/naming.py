"""What things are called on this line: every term with its names, a form to change them, and who did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from nicegui import run, ui
from nicegui.events import GenericEventArguments

from hmi.elements import Field, Region, key
from hmi.house import Visit
from hmi.words import LANGUAGES, Words
from inspector.domain import Act, GlossaryDesk, LanguageError, NotAllowed, StoreError, TermChange, Terms, may

__all__ = ["NamesPanel"]

_CHANGES = 20
_PICK = "(event) => { const name = event.target.closest('[data-term]'); if (name) emit(name.dataset.term); }"


class NamesPanel:
    """The glossary; whoever may change it picks a term or writes one, such as a zone's."""

    def __init__(self, visit: Visit, desk: GlossaryDesk) -> None:
        self._visit, self._desk = visit, desk
        self._terms: Terms = {}
        self._changes: Sequence[TermChange] = ()
        self._words = Words(visit.choices.language, visit.house.glossary)
        with ui.element("section").classes("panel act names"):
            self._head = Region("div", "names-head")
            with ui.element("div").classes("writing") as form:
                self._term = Field("text", autocomplete="off")
                self._fields = {language: Field("text", autocomplete="off") for language in LANGUAGES}
                self._save = key(self._write, "", "act-key main save-name")
                self._said = Region("p", "name-said", role="status")
            self._list = Region("div", "names-list")
            self._past = Region("div", "names-past")
        self._changing = may(visit.who, Act.CHANGE_TERM)
        form.set_visibility(self._changing)
        if self._changing:
            self._list.element.on("click", self._pick, js_handler=_PICK)

    async def find(self) -> None:
        """Read the names again; where the record does not answer, they stay as they are."""
        try:
            terms = await run.io_bound(self._desk.terms) or {}
            self._terms = {term: dict(names) for term, names in terms.items()}
            self._changes = await run.io_bound(self._desk.history, _CHANGES) or ()
        except StoreError as error:
            self._said.show(escape(error.message))
        self.show(self._words)

    def show(self, words: Words) -> None:
        """Say it in the page's language."""
        self._words = words
        self._head.show(f"<h2>{escape(words['names'])}</h2><p>{escape(words['names_note'])}</p>")
        self._term.show(words["term"])
        for language, field in self._fields.items():
            field.show(LANGUAGES[language])
        self._save.set_content(escape(words["save"]))
        self._list.show(_table(self._terms, words, keys=self._changing))
        self._past.show(_past(self._changes, words))

    def _pick(self, event: GenericEventArguments) -> None:
        term = str(event.args)
        self._term.write(term)
        for language, field in self._fields.items():
            field.write(self._terms.get(term, {}).get(language, ""))
        self._said.show("")

    async def _write(self) -> None:
        words, term = self._words, self._term.value.strip()
        person = await self._visit.again()
        if person is None:
            return
        told = words["done"]
        try:
            for language, field in self._fields.items():
                name = field.value.strip()
                if name != self._terms.get(term, {}).get(language, ""):
                    await run.io_bound(self._desk.set, person, term, language, name)
        except NotAllowed:
            told = words["not_allowed_here"]
        except (LanguageError, StoreError) as error:
            told = str(error)
        await self.find()
        self._said.show(escape(told))


def _table(terms: Terms, words: Words, *, keys: bool) -> str:
    row = '<td><button type="button" class="key">{}</button></td>' if keys else '<td class="who">{}</td>'
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in (words["term"], *LANGUAGES.values()))
    rows = "".join(
        f'<tr data-term="{escape(term)}">{row.format(escape(term))}'
        + "".join(f"<td>{escape(names.get(language, ''))}</td>" for language in LANGUAGES)
        + "</tr>"
        for term, names in terms.items()
    )
    return f'<table class="list"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _past(changes: Sequence[TermChange], words: Words) -> str:
    if not changes:
        return ""
    lines = "".join(
        f"<li>{_moment(change.at)} · {escape(change.who)} · {escape(change.term)} "
        f"({escape(LANGUAGES.get(change.language, change.language))}): "
        f"<b>{escape(change.name or words['own_name'])}</b></li>"
        for change in changes
    )
    return f"<h2>{escape(words['names_past'])}</h2><ol>{lines}</ol>"


def _moment(at: datetime) -> str:
    return f'<time datetime="{at.isoformat()}">{at.astimezone():%Y-%m-%d %H:%M}</time>'
