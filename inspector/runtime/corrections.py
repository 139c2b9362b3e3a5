"""Where people correct the texts of reports: who may, and that refused attempts are written down."""

from __future__ import annotations

from uuid import UUID

from inspector.domain import Act, AuditTrail, NotAllowed, Person, TextCorrection, may
from inspector.store import SqlCorrections

__all__ = ["RecordCorrectionDesk"]


class RecordCorrectionDesk:
    """A ``CorrectionDesk`` over the record."""

    def __init__(self, corrections: SqlCorrections, trail: AuditTrail) -> None:
        self._corrections, self._trail = corrections, trail

    def correct(self, person: Person, report_id: UUID, language: str, text: str) -> TextCorrection | None:
        """Put this text in place of the report's; None where the record has no such inspection.

        Raises ``NotAllowed``, ``LanguageError`` or ``StoreError``.
        """
        if not may(person, Act.CORRECT_TEXT):
            self._trail.add(person, f"{Act.CORRECT_TEXT}_refused", str(report_id))
            raise NotAllowed(f"{person.name} ({person.role}) may not correct texts", remedy="Log in")
        return self._corrections.add(person, report_id, language, text)
