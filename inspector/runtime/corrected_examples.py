"""What people corrected in a line's reports, as examples to learn from."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from inspector.domain import ConfigurationError, InspectionReport
from inspector.language import Glossary
from inspector.language.corrections import examples_of
from inspector.language.examples import CORRECTION, Refusal, as_line, read_entries
from inspector.runtime.wiring.record import build_record
from inspector.runtime.wiring.terms import build_terms
from inspector.settings import LineSettings
from inspector.store import SqlCorrections

__all__ = ["write_corrected"]


def write_corrected(settings: LineSettings, out: Path) -> int:
    """Write what can be learned from a line's corrections, and why not from the others; return how many there are.

    Of several corrections of a text the latest counts. The file is written anew each time.

    Raises
    ------
    ConfigurationError
        The file cannot be written, or holds something else than corrections.
    StoreError
        The record cannot be read.
    """
    if out.exists() and any(entry.source != CORRECTION for entry in read_entries(out)):
        raise ConfigurationError(f"{out} holds sentences of a teacher", remedy="Choose another --out")
    latest: dict[tuple[str, str], tuple[InspectionReport, str]] = {}
    with closing(build_record(settings)[0]) as database:
        glossary = Glossary(build_terms(settings, database))
        past = SqlCorrections(database, line=settings.line, station=settings.station)
        for report, correction in past.corrections():
            latest[str(report.id), correction.language] = report, correction.text
    lines: list[str] = []
    for (_, language), (report, text) in latest.items():
        found = examples_of(report, language, text, glossary=glossary)
        lines += map(as_line, found.accepted)
        for reason, times in found.refused.items():
            lines += [as_line(Refusal(reason, CORRECTION))] * times
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error}", remedy="Choose another --out") from error
    return len(latest)
