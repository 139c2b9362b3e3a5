"""The report as one HTML page that needs nothing else: styles, charts and pictures are inside."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from inspector.domain import DefectExample
from inspector.reports.charts import control_svg, pareto_svg
from inspector.reports.narrative import narrate, stray_numbers
from inspector.reports.shift import ShiftReport
from inspector.reports.tables import Table, figure_name, tables_of
from inspector.reports.words import ReportWords

__all__ = ["Figure", "figures_of", "locked_narrative", "page_of"]

log = logging.getLogger(__name__)

TEMPLATE = "shift.html.j2"
MOST_CHARTS = 8
CROP_PX = 192
LEAST_CROP_PX = 96
# Tables without a row that say nothing by that are left out; the others say "none".
_ONLY_WITH_ROWS = frozenset({"counts_band", "recipes", "fault_table", "zones", "gaps", "unwritten", "stops"})


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart and what stands below it."""

    svg: Markup
    caption: str


@dataclass(frozen=True, slots=True)
class _Example:
    source: str
    caption: str


def locked_narrative(report: ShiftReport, words: ReportWords, tables: tuple[Table, ...]) -> str:
    """Return the narrative; empty, with a line in the log, where a number in it stands in no table."""
    text = narrate(report, words)
    stray = stray_numbers(text, tables, (report.line, report.shift.key))
    if stray:
        log.error("the summary of shift %s is left out: %s stands in no table", report.shift.key, ", ".join(stray))
        return ""
    return text


def page_of(report: ShiftReport, words: ReportWords) -> str:
    """Return the whole page in the language of ``words``."""
    tables = tables_of(report, words)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    span = report.shift.span
    return environment.get_template(TEMPLATE).render(
        report=report,
        language=words.language,
        words=words,
        footer=_css_text(f"{report.line} · {report.shift.key}"),
        span=f"{span.start:%Y-%m-%d %H:%M} – {span.end:%Y-%m-%d %H:%M} ({span.start.tzinfo})",
        made=f"{report.made_at.astimezone(span.start.tzinfo):%Y-%m-%d %H:%M}",
        narrative=locked_narrative(report, words, tables),
        tables=[table for table in tables if table.rows or table.key not in _ONLY_WITH_ROWS],
        figures=figures_of(report, words),
        examples=[found for example in report.examples if (found := _example(example, words)) is not None],
    )


def figures_of(report: ShiftReport, words: ReportWords) -> Mapping[str, list[Figure]]:
    """Return the charts by the key of the table that they belong to."""
    figures: dict[str, list[Figure]] = {}
    if report.chart is not None:
        labels = [f"{span.start:%H:%M}" for span in report.chart_slots]
        drawn = control_svg(report.chart, words, title=words["p_chart"], labels=labels, share=True)
        figures["hours"] = [Figure(Markup(drawn), words["p_chart"])]  # noqa: S704 - every text in it is escaped
    if report.pareto:
        drawn = pareto_svg(report.pareto, words, title=words["pareto"])
        figures["pareto"] = [Figure(Markup(drawn), words["pareto"])]  # noqa: S704 - every text in it is escaped
    for item in report.characteristics[:MOST_CHARTS]:
        if item.chart is None:
            continue
        name = f"{figure_name(item.key, words)} · {item.chart.kind}"
        signals = ", ".join(dict.fromkeys(words[f"signal_{signal.kind}"] for signal in item.chart.signals))
        parts = ", ".join(dict.fromkeys(item.signal_parts[:6]))
        marked = f" · {words['signals']}: {signals} ({parts})" if signals else ""
        drawn = control_svg(item.chart, words, title=name)
        figures.setdefault("characteristics", []).append(
            Figure(Markup(drawn), f"{name}{marked}")  # noqa: S704 - every text in it is escaped
        )
    return figures


def _example(example: DefectExample, words: ReportWords) -> _Example | None:
    try:
        pixels = cv2.imread(str(example.image), cv2.IMREAD_COLOR)
        if pixels is None:
            return None
        _, encoded = cv2.imencode(".jpg", _cut(pixels.astype(np.uint8), example), [cv2.IMWRITE_JPEG_QUALITY, 85])
    except cv2.error as error:
        log.warning("picture %s of an example cannot be read: %s", example.image, error)
        return None
    source = "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")
    return _Example(source, f"{words.term(example.label)} · {example.part_id}")


def _cut(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], example: DefectExample) -> cv2.typing.MatLike:
    """Return a square around the finding with its outline, at the size in which it is shown."""
    box = example.box
    (x, y), (height, width) = box.centre, pixels.shape[:2]
    half = max(LEAST_CROP_PX, 2 * max(box.width, box.height)) / 2
    left, top = (int(max(0, min(c - half, size - 2 * half))) for c, size in ((x, width), (y, height)))
    cut = pixels[top : top + int(2 * half), left : left + int(2 * half)].copy()
    scale = CROP_PX / max(cut.shape[:2])
    shown = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    corners = [(int((a - left) * scale), int((b - top) * scale)) for a, b in ((box.x0, box.y0), (box.x1, box.y1))]
    cv2.rectangle(shown, corners[0], corners[1], (0, 0, 0), 3)
    cv2.rectangle(shown, corners[0], corners[1], (60, 200, 255), 1)
    return shown


def _css_text(text: str) -> str:
    """Return text that is safe inside a quoted CSS string in a style element."""
    return "".join(character if character.isalnum() or character in " .-_/·" else " " for character in text)
