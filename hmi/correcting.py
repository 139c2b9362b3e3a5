"""The key that corrects a report's text, and the dialog behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape

from nicegui import run, ui

from hmi.elements import Field, Region, key
from hmi.house import Visit
from hmi.words import LANGUAGES, Words
from inspector.domain import CorrectionDesk, LanguageError, NotAllowed, RecordedPart, StoreError

__all__ = ["TextCorrector"]


class TextCorrector:
    """One key and one dialog with the report's text in each language; a part without a text has neither.

    Parameters
    ----------
    done
        Called when something may have been corrected.
    """

    def __init__(self, visit: Visit, desk: CorrectionDesk, *, done: Callable[[], Awaitable[None]]) -> None:
        self._visit, self._desk, self._done = visit, desk, done
        self._part: RecordedPart | None = None
        self._words = Words(visit.choices.language, visit.house.glossary)
        self._before: dict[str, str] = {}
        self._key = key(self._open, "", "correct-key")
        # The browser's own dialog: it keeps the focus inside, lies above everything and closes on Escape.
        with ui.element("dialog").classes("correcting") as self._dialog:
            self._head = Region("div", "correcting-head")
            self._fields = {language: Field("paragraph", autocomplete="off") for language in LANGUAGES}
            self._said = Region("p", "said", role="alert")
            with ui.element("div").classes("correcting-keys"):
                self._keep = key(self._write, "", "act-key main keep-text")
                self._leave = key(self._close, "", "act-key leave-text")

    def show(self, part: RecordedPart, words: Words) -> None:
        """Offer this part's texts, in the page's language."""
        self._part, self._words = part, words
        self._key.set_visibility(bool(part.texts))
        self._key.set_content(escape(words["correct_text"]))
        self._head.show(f"<h2>{escape(words['correct_text'])}</h2><p>{escape(words['correct_note'])}</p>")
        self._keep.set_content(escape(words["keep_text"]))
        self._leave.set_content(escape(words["leave_text"]))
        for language, field in self._fields.items():
            field.show(LANGUAGES[language], visible=language in part.texts)

    def _open(self) -> None:
        if self._part is None:
            return
        texts = {**self._part.texts, **{language: item.text for language, item in self._part.corrections.items()}}
        self._before = {language: text for language, text in texts.items() if language in self._fields}
        for language, text in self._before.items():
            self._fields[language].write(text)
        self._said.show("")
        self._run("showModal")

    async def _write(self) -> None:
        part, words = self._part, self._words
        person = await self._visit.again()
        if person is None:
            return
        if part is None:
            return
        try:
            for language, before in self._before.items():
                text = " ".join(self._fields[language].value.split())  # people press Enter, a report is one line
                if text != " ".join(before.split()):
                    await run.io_bound(self._desk.correct, person, part.report.id, language, text)
        except NotAllowed:
            self._said.show(escape(words["not_allowed_here"]))
        except (LanguageError, StoreError) as error:
            self._said.show(escape(f"{words['text_not_kept']}: {error}"))
        else:
            self._close()
        await self._done()

    def _close(self) -> None:
        self._run("close")

    def _run(self, what: str) -> None:
        ui.run_javascript(f"getHtmlElement({self._dialog.id}).{what}()")
