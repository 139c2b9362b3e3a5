"""People's texts in place of those of reports: a further row each, with its entry in the trail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlmodel import col

from inspector.domain import (
    Act,
    InspectionReport,
    LanguageError,
    Person,
    TextCorrection,
    corrected_text,
    texts_and_engines,
)
from inspector.store.audit import append_act
from inspector.store.database import Database
from inspector.store.rows import stored_correction, stored_report
from inspector.store.tables import InspectionRow, TextCorrectionRow

__all__ = ["SqlCorrections"]

PAGE = 200


def _now() -> datetime:
    return datetime.now(UTC)


class SqlCorrections:
    """``PastCorrections`` over a database, and where they are kept; the parts of one line and station."""

    def __init__(self, database: Database, *, line: str, station: str, clock: Callable[[], datetime] = _now) -> None:
        self._database, self._clock = database, clock
        self._own = (col(InspectionRow.line) == line, col(InspectionRow.station) == station)

    def add(self, person: Person, report_id: UUID, language: str, text: str) -> TextCorrection | None:
        """Keep a correction, and the act in the trail, in one transaction; None where there is no such inspection.

        The same text again changes nothing. Raises ``LanguageError`` or ``StoreError``.
        """
        text = corrected_text(text)
        inspection = select(col(InspectionRow.id), col(InspectionRow.part_id), col(InspectionRow.texts)).where(
            *self._own, col(InspectionRow.report_id) == str(report_id)
        )
        newest = (
            select(TextCorrectionRow.__table__)  # type: ignore[attr-defined]
            .where(col(TextCorrectionRow.language) == language)
            .order_by(col(TextCorrectionRow.id).desc())
            .limit(1)
        )
        with self._database.write() as connection:
            # The inspection's row is the lock: of two who write the same at once, one finds the other's text.
            found = connection.execute(inspection.with_for_update()).first()
            if found is None:
                return None
            written = texts_and_engines(found.texts)[0]
            if language not in written:
                raise LanguageError(
                    f"inspection {report_id} has no report in {language!r}",
                    remedy=f"Choose one of {', '.join(written)}" if written else "Only what was written is corrected",
                )
            last = connection.execute(newest.where(col(TextCorrectionRow.inspection_id) == found.id)).first()
            if last is not None and last.text == text:
                return stored_correction(last, report_id)
            if last is None and written[language] == text:
                raise LanguageError("this is the text that was written", remedy="Change it, or leave it")
            at = self._clock()
            row = {"inspection_id": found.id, "language": language, "text": text, "who": person.name, "at": at}
            connection.execute(insert(TextCorrectionRow), row)
            append_act(connection, person, Act.CORRECT_TEXT.value, found.part_id, f"{language}: {text}", at=at)
        return TextCorrection(report_id, language, text, person.name, at)

    def corrections(self, since: datetime | None = None) -> Iterator[tuple[InspectionReport, TextCorrection]]:
        """Yield every correction made since then (None: ever) with its report, oldest first; raises ``StoreError``.

        A report that was corrected twice in one language is there twice; the later one holds.
        """
        table: Any = TextCorrectionRow.__table__  # type: ignore[attr-defined]
        query = (
            select(table, col(InspectionRow.report))
            .join(InspectionRow, col(InspectionRow.id) == table.c.inspection_id)
            .where(*self._own)
            .order_by(table.c.id)
            .limit(PAGE)
        )
        if since is not None:
            query = query.where(table.c.at >= since)
        after = 0
        while True:
            with self._database.read() as connection:
                rows = connection.execute(query.where(table.c.id > after)).all()
            for row in rows:
                report = stored_report(
                    row.report, f"inspection {row.inspection_id} in the record {self._database.name}"
                )
                yield report, stored_correction(row, report.id)
            if len(rows) < PAGE:
                return
            after = rows[-1].id
