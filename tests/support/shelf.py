"""A shelf with the report of one shift, for the pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from inspector.domain import Person, QualityFigure, QualitySpan, QualityTable, QualityView, ShelvedShift
from inspector.reports.charts import control_svg
from inspector.reports.spc import individuals
from inspector.reports.words import ReportWords

END = datetime(2026, 11, 22, 14, tzinfo=UTC)


class OneReport:
    """Two shifts; only the report of the older one is there until the other one is made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "reports"
        self._folder.mkdir()
        self._made = {"2026-11-22/A"}
        self._write("2026-11-22/A")

    def _write(self, key: str) -> None:
        stem = key.replace("/", "-")
        for language, title in (("en", "Shift quality report"), ("zh", "班次质量报告")):
            body = f"<!doctype html><meta charset=utf-8><title>{title}</title><h1>{title} {key}</h1>"
            (self._folder / f"{stem}.{language}.html").write_text(body, encoding="utf-8")

    def _shift(self, key: str, end: datetime) -> ShelvedShift:
        empty = ShelvedShift(key, end - timedelta(hours=8), end, True)
        if key not in self._made:
            return empty
        stem = key.replace("/", "-")
        pages = {language: f"{stem}.{language}.html" for language in ("en", "zh")}
        return ShelvedShift(key, empty.begins, end, True, END, complete=True, parts=200, passed=180, pages=pages)

    def shifts(self, limit: int) -> list[ShelvedShift]:
        return [self._shift("2026-11-22/B", END + timedelta(hours=8)), self._shift("2026-11-22/A", END)][:limit]

    def make(self, person: Person, key: str) -> ShelvedShift:
        self._made.add(key)
        self._write(key)
        return self.shifts(1)[0]

    def file(self, name: str) -> Path | None:
        path = self._folder / name
        return path if path.is_file() else None


class SomeFigures:
    """One table and one chart, as the reports draw them."""

    def view(self, span: QualitySpan, language: str) -> QualityView:
        words = ReportWords(language, {})
        chart = individuals([0.3, 0.31, 0.29, 0.3, 0.32, 0.9])
        counts = QualityTable("counts", words["counts"], (words["parts"], words["yield"]), (("200", "90.0 %"),))
        values = QualityTable("characteristics", words["characteristics"], (words["mean"],), (("0.304",),))
        drawn = QualityFigure("characteristics", control_svg(chart, words, title="spur"), "spur · I")
        return QualityView(END, END + timedelta(hours=1), 200, (counts, values), (drawn,), (words["sources"],))
