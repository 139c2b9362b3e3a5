"""The report as tables of texts: each figure is written here once, and everything else quotes it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from inspector.domain import CharacteristicKey, Counts, Decided, measured_text, unit_text
from inspector.reports.capability import Index
from inspector.reports.shift import CharacteristicFigures, ShiftReport
from inspector.reports.words import ReportWords

__all__ = ["Table", "figure_name", "minutes", "percent", "points", "tables_of"]

_MOST_ROWS = 50
_INDEX_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Table:
    """One table; ``key`` names it in every language, ``more`` is how many rows did not fit."""

    key: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0


def percent(share: float | None) -> str:
    """Return a share as a percentage with one decimal."""
    return "–" if share is None else f"{share * 100:.1f} %"


def points(change: float) -> str:
    """Return a change of a share in percentage points, signed."""
    return f"{change * 100:+.1f}".replace("-", "−")


def minutes(seconds: float) -> str:
    """Return a duration in whole minutes."""
    return f"{seconds / 60:.0f}"


def figure_name(key: CharacteristicKey, words: ReportWords) -> str:
    """Return what a characteristic is called: class, zone, characteristic, unit."""
    zone = f" ({words.term(key.zone)})" if key.zone else ""
    unit = f", {unit_text(key.unit)}" if key.unit else ""
    return f"{words.term(key.label)}{zone} · {words.term(key.characteristic)}{unit}".lstrip(" ·")


def tables_of(report: ShiftReport, words: ReportWords) -> tuple[Table, ...]:
    """Return every table of the report, in its order; those without a row say so by having none."""
    return (
        *_count_tables(report, words),
        *_finding_tables(report, words),
        *_characteristic_tables(report, words),
        *_decision_tables(report, words),
        *_ledger_tables(report, words),
        _identity(report, words),
    )


# --- counts -----------------------------------------------------------------------------------------------

_COUNTS = ("parts", "passed", "review", "failed", "faults", "yield")


def _counts(counts: Counts) -> tuple[str, ...]:
    numbers = (counts.total, counts.passed, counts.review, counts.failed, counts.faults)
    return (*map(str, numbers), percent(counts.first_pass_yield))


def _count_tables(report: ShiftReport, words: ReportWords) -> list[Table]:
    rows = [(report.shift.key, *_counts(report.counts), "")]
    if report.previous is not None:
        shift, counts = report.previous
        rows.append((shift.key, *_counts(counts), ""))
        now, then = report.counts.first_pass_yield, counts.first_pass_yield
        if now is not None and then is not None:
            rows[0] = (*rows[0][:-1], points(now - then))
    yields = [share for _, share in report.band]
    band = []
    if yields:
        middle = statistics.median(yields)
        band = [(str(len(yields)), percent(min(yields)), percent(middle), percent(max(yields)))]
    hours = [(_clock(slot.span.start), _clock(slot.span.end), *_counts(slot.counts)) for slot in report.slots]
    return [
        _table("counts", words, ("shift", *_COUNTS, "change"), rows),
        _table("counts_band", words, ("shifts", "lowest", "median", "highest"), band),
        _table("recipes", words, ("recipe", *_COUNTS), [(row.recipe, *_counts(row.counts)) for row in report.recipes]),
        _table("hours", words, ("from", "to", *_COUNTS), hours),
        _table("fault_table", words, ("fault", "parts"), [(key.name, str(n)) for key, n in report.faults.items()]),
    ]


# --- findings and characteristics -------------------------------------------------------------------------


def _finding_tables(report: ShiftReport, words: ReportWords) -> list[Table]:
    pareto = [
        (words.term(row.label), str(row.findings), str(row.parts), percent(row.share), percent(row.cumulative))
        for row in report.pareto
    ]
    zones = [(words.term(zone), words.term(label), str(number)) for label, zone, number in report.zones]
    return [
        _table("pareto", words, ("class", "findings", "parts", "share", "cumulative"), pareto),
        _table("zones", words, ("zone", "class", "findings"), zones),
    ]


def _characteristic_tables(report: ShiftReport, words: ReportWords) -> list[Table]:
    figures = report.characteristics
    head = (
        "characteristic", "recipe", "number", "mean", "deviation", "smallest", "largest", "uncertainty",
        "lsl", "usl", "outside", "within", "signals",
    )  # fmt: skip
    able = [(item, item.capability) for item in figures if item.capability is not None]
    indices = [
        (
            figure_name(item.key, words),
            item.key.recipe,
            *(_index(index) for index in (found.cp, found.cpk, found.pp, found.ppk)),
            "–" if found.looks_normal is None else words["yes" if found.looks_normal else "no"],
        )
        for item, found in able
    ]
    names = (words["characteristic"], words["recipe"], "Cp", "Cpk", "Pp", "Ppk", words["normal"])
    return [
        _table("characteristics", words, head, [_characteristic(item, words) for item in figures]),
        Table("capability", words["capability"], names, tuple(indices[:_MOST_ROWS]), max(0, len(indices) - _MOST_ROWS)),
    ]


def _characteristic(item: CharacteristicFigures, words: ReportWords) -> tuple[str, ...]:
    limits = item.limits
    # Every figure ends at the decimal place of the uncertainty, as the mean does.
    decimals = len(measured_text(item.mean, item.uncertainty)[0].partition(".")[2])
    mean, deviation, smallest, largest, spread = (
        f"{value:.{decimals}f}" for value in (item.mean, item.deviation, item.smallest, item.largest, item.uncertainty)
    )
    return (
        figure_name(item.key, words),
        item.key.recipe,
        str(item.number),
        mean,
        deviation,
        smallest,
        largest,
        f"± {spread}",
        f"{limits.lower:g}" if limits and limits.lower is not None else "–",
        f"{limits.upper:g}" if limits and limits.upper is not None else "–",
        str(item.outside) if limits else "–",
        f"{item.chart.sigma_within:.{decimals + 1}f}" if item.chart else "–",
        str(len(item.chart.signals)) if item.chart else "–",
    )


def _index(index: Index | None) -> str:
    if index is None:
        return "–"
    value, low, high = (f"{figure:.{_INDEX_DECIMALS}f}" for figure in (index.value, index.low, index.high))
    return f"{value} [{low}; {high}]".replace("-", "−")


# --- decisions, ledger, identity --------------------------------------------------------------------------


def _decision_tables(report: ShiftReport, words: ReportWords) -> list[Table]:
    decisions = [(words[f"decision_{key.name.lower()}"], str(number)) for key, number in report.decisions.items()]
    people = [_override(item, words, report.shift.span.start) for item in report.overrides]
    return [
        _table("decisions", words, ("decision", "parts"), decisions),
        _table("overrides", words, ("part", "decision", "reason", "by", "at"), people),
    ]


def _override(item: Decided, words: ReportWords, start: datetime) -> tuple[str, ...]:
    why = f"{item.reason_code}: {item.text}" if item.text else item.reason_code
    at = f"{item.at.astimezone(start.tzinfo):%Y-%m-%d %H:%M}"
    return item.part_id, words[f"decision_{item.decision.name.lower()}"], why, item.decided_by, at


def _ledger_tables(report: ShiftReport, words: ReportWords) -> list[Table]:
    ledger, zone = report.ledger, report.shift.span.start.tzinfo
    numbers = [
        (str(ledger.triggers), str(ledger.verdicts), str(ledger.written), words["yes" if ledger.complete else "no"])
    ]
    gaps = [
        (
            gap.station,
            str(gap.after),
            str(gap.before),
            words["restarted"] if gap.restarted else str(gap.missing),
            f"{gap.at.astimezone(zone):%H:%M:%S}",
        )
        for gap in ledger.gaps
    ]
    stops = [
        (_clock(stop.span.start.astimezone(zone)), _clock(stop.span.end.astimezone(zone)), minutes(stop.seconds))
        for stop in report.stops
    ]
    total = [(minutes(report.shift.planned_s), str(len(report.stops)), minutes(report.stopped_s))]
    return [
        _table("ledger", words, ("triggers", "verdicts", "written", "agree"), numbers),
        _table("gaps", words, ("line", "after", "before", "missing", "at"), gaps),
        _table("unwritten", words, ("part",), [(part,) for part in ledger.unwritten]),
        _table("planned", words, ("planned", "stops", "stopped"), total),
        _table("stops", words, ("from", "to", "minutes"), stops),
    ]


def _identity(report: ShiftReport, words: ReportWords) -> Table:
    used = {row.recipe for row in report.recipes}
    rows = [
        *((words["model"], f"{model.name} {model.version}", model.sha256) for model in report.models),
        *((words["recipe"], name, digest) for name, digest in report.identity.recipes.items() if name in used),
        (words["calibration"], "–", report.identity.calibration),
    ]
    return _table("identity", words, ("what", "name", "hash"), rows)


def _table(key: str, words: ReportWords, head: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    names = tuple(words[name] for name in head)
    return Table(key, words[key], names, tuple(rows[:_MOST_ROWS]), max(0, len(rows) - _MOST_ROWS))


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M}"
