"""What people write in place of a report's text; the text itself stays as it was."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from inspector.domain.errors import LanguageError
from inspector.domain.people import Person
from inspector.domain.record import InspectionReport

__all__ = ["LONGEST_CORRECTION", "CorrectionDesk", "PastCorrections", "TextCorrection", "corrected_text"]

LONGEST_CORRECTION = 2000
"""Characters of one text."""

_LINE_ENDS = ("Zl", "Zp")


@dataclass(frozen=True, slots=True)
class TextCorrection:
    """One person's text of one report in one language; a later one replaces it, and both are kept."""

    report_id: UUID
    language: str
    text: str
    by: str
    at: datetime


def corrected_text(text: str) -> str:
    """Return the text as it is kept, without spaces around it.

    Raises
    ------
    LanguageError
        It is empty, longer than ``LONGEST_CORRECTION``, or not printable in one line: control characters, those that
        turn the direction of writing, line ends.
    """
    text = text.strip()
    kinds = {unicodedata.category(sign) for sign in text}
    if not text or len(text) > LONGEST_CORRECTION or any(kind[0] == "C" or kind in _LINE_ENDS for kind in kinds):
        raise LanguageError(
            f"{text[:40]!r} cannot stand in a report",
            remedy=f"Write 1 to {LONGEST_CORRECTION} printable characters in one line",
        )
    return text


@runtime_checkable
class CorrectionDesk(Protocol):
    """Where people correct the texts of reports; no correction goes to the PLC or to the MES."""

    def correct(self, person: Person, report_id: UUID, language: str, text: str) -> TextCorrection | None:
        """Put this text in place of the report's; None where the record has no such inspection.

        Correction and the entry in the trail become visible together; the text that is there already changes nothing.

        Raises
        ------
        NotAllowed
            The role may not; the attempt is in the trail.
        LanguageError
            It is no text for a report (``corrected_text``), the report was not written in this language, or it is
            what the engine wrote.
        StoreError
            Nothing was written.
        """
        ...


@runtime_checkable
class PastCorrections(Protocol):
    """People's corrections, to learn from."""

    def corrections(self, since: datetime | None = None) -> Iterator[tuple[InspectionReport, TextCorrection]]:
        """Yield every correction made since then (None: ever) with its report, oldest first; raises ``StoreError``.

        A report that was corrected twice in one language is there twice; the later one holds.
        """
        ...
