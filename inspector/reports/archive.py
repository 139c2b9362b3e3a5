"""Reports as files: page, PDF and JSON beside each other, each there whole or not at all."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from inspector.domain import ReportError
from inspector.reports.page import page_of
from inspector.reports.plain import report_json
from inspector.reports.shift import ShiftReport
from inspector.reports.words import ReportWords

__all__ = ["WrittenReport", "write_report"]

log = logging.getLogger(__name__)

ASK_FONTS_S = 20
PANGO = "apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """Where a report is; ``notes`` say what is missing and why."""

    html: Path
    pdf: Path | None
    json: Path
    notes: tuple[str, ...] = ()


def write_report(
    report: ShiftReport,
    folder: Path,
    *,
    language: str,
    glossary: Mapping[str, Mapping[str, str]] | None = None,
    pdf: bool = True,
) -> WrittenReport:
    """Write ``DAY-NAME.LANGUAGE.html``, ``.pdf`` and ``DAY-NAME.json`` into the folder, replacing earlier ones.

    A PDF that cannot be made is a note, not an error: the page says the same.

    Raises
    ------
    ReportError
        The folder cannot be written, or the report does not speak the language.
    """
    words = ReportWords(language, glossary or {})
    page = page_of(report, words)
    stem = report.shift.key.replace("/", "-")
    html = folder / f"{stem}.{language}.html"
    data = folder / f"{stem}.json"
    notes: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _put(html, page.encode())
        _put(data, report_json(report).encode())
        made = _pdf(page, notes, language) if pdf else None
        if made is not None:
            _put(html.with_suffix(".pdf"), made)
    except OSError as error:
        raise ReportError(
            f"the report cannot be written to {folder}: {error.strerror or error}",
            remedy="Check the folder, its permissions and the free space",
        ) from error
    for note in notes:
        log.warning("report %s %s: %s", report.line, report.shift.key, note)
    return WrittenReport(html, html.with_suffix(".pdf") if made is not None else None, data, tuple(notes))


def _put(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _pdf(page: str, notes: list[str], language: str) -> bytes | None:
    """Return the page as PDF with its fonts embedded, None where the libraries for it are missing."""
    try:
        # Loads Pango: half a second, and an OSError where it is not installed.
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except OSError as error:
        notes.append(f"no PDF was made, Pango is missing ({error}): {PANGO}")
        return None
    if language == "zh" and not _has_chinese():
        notes.append("no installed font has Chinese characters, the PDF shows boxes: apt install fonts-noto-cjk")
    # The page carries all it needs: nothing is read from a disk or a network.
    made = HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=("data",))).write_pdf()
    return bytes(made) if made is not None else None


def _has_chinese() -> bool:
    """Ask the same font configuration that the PDF uses; where it cannot be asked, assume there is one."""
    asked = shutil.which("fc-list")
    if asked is None:
        return True
    try:
        found = subprocess.run(  # noqa: S603 - a fixed command
            [asked, ":lang=zh-cn", "family"], capture_output=True, text=True, timeout=ASK_FONTS_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return True
    return bool(found.stdout.strip())
