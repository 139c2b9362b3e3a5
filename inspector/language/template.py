"""The report writer that is always there: fixed sentences filled from the record, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from inspector.domain import FaultCode, InspectionReport, LanguageError, Outcome
from inspector.language.brief import Brief
from inspector.language.chinese import Chinese
from inspector.language.english import English
from inspector.language.findings import Finding, findings_of, largest
from inspector.language.glossary import Glossary

__all__ = ["TemplateWriter"]


class _Phrases(Protocol):
    def fault(self, part_id: str, fault: FaultCode) -> str: ...
    def passed(self, part_id: str, found: int, largest: Finding | None) -> str: ...
    def rejected(self, part_id: str, outcome: Outcome, findings: tuple[Finding, ...], shown: int) -> str: ...
    def slotted(self, brief: Brief) -> str: ...


class TemplateWriter:
    """Writes one to three sentences: the verdict, each nonconformity with its figures, what happens next.

    Every number is a figure of the record, rounded with its uncertainty (``domain.measured_text``), or the count
    of its findings. Foreign words (part id, zone, class) are printed on one line and never interpreted.

    Parameters
    ----------
    glossary
        Term -> language -> name, laid over ``DEFAULT_GLOSSARY``; an unknown term is printed as it is.
    shown
        How many nonconformities are told in full; beyond that the text gives their count and the worst ones.
    """

    def __init__(self, glossary: Mapping[str, Mapping[str, str]] | None = None, *, shown: int = 3) -> None:
        names = Glossary(glossary)
        self._phrases: Mapping[str, _Phrases] = {"en": English(names), "zh": Chinese(names)}
        self._shown = shown

    def speaks(self, language: str) -> bool:
        """Return whether it has phrases of this language."""
        return language in self._phrases

    def write(self, report: InspectionReport, language: str) -> str:
        """Return the report's text in ``en`` or ``zh``; raises ``LanguageError`` for any other language."""
        phrases = self._phrases.get(language)
        if phrases is None:
            known = ", ".join(self._phrases)
            raise LanguageError(f"no report texts in language {language!r}", remedy=f"Choose one of: {known}.")
        part_id, verdict = report.trigger.part_id, report.verdict
        if verdict.fault is not FaultCode.NONE:
            return phrases.fault(part_id, verdict.fault)
        if verdict.outcome is Outcome.PASS:
            found = len(report.detections.items) if report.detections else 0
            return phrases.passed(part_id, found, largest(report) if found else None)
        return phrases.rejected(part_id, verdict.outcome, findings_of(report), self._shown)

    def slotted(self, brief: Brief, language: str) -> str:
        """Return what the template says to one brief, its slots still empty; for engines' checks and examples."""
        return self._phrases[language].slotted(brief)
