"""The shift in about 120 words; every number in them stands in a table, which is checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from inspector.domain import Counts
from inspector.reports.shift import CharacteristicFigures, ShiftReport
from inspector.reports.tables import Table, figure_name, minutes, percent, points
from inspector.reports.words import ReportWords

__all__ = ["narrate", "stray_numbers"]

LEAST_BAND = 5  # fewer shifts are no band to lie in
_NUMBER = re.compile(r"[+−-]?\d+(?:[.,]\d+)*")


def narrate(report: ShiftReport, words: ReportWords) -> str:
    """Return the shift in a few sentences of the language of ``words``."""
    sentences = _chinese(report, words) if words.language == "zh" else _english(report, words)
    return ("" if words.language == "zh" else " ").join(sentences)


def stray_numbers(text: str, tables: Sequence[Table], identity: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the numbers of a text that stand in no cell of the tables, nor in what names the shift and the line.

    A number counts as quoted only whole: ``12`` is not quoted by a cell that says ``120`` or ``1.12``.
    """
    quoted = [*identity, *(cell for table in tables for row in table.rows for cell in row)]
    known = {number.lstrip("+") for cell in quoted for number in _NUMBER.findall(cell)}
    return tuple(number for number in _NUMBER.findall(text) if number.lstrip("+") not in known)


def _weakest(report: ShiftReport) -> CharacteristicFigures | None:
    able = [item for item in report.characteristics if item.capability is not None]
    return min(able, key=lambda item: item.capability.ppk.value if item.capability else 0.0, default=None)


def _place(report: ShiftReport) -> tuple[str, str, str] | None:
    """Return where the yield lies in the band of the shifts before, and the band."""
    now, band = report.counts.first_pass_yield, [share for _, share in report.band]
    if now is None or len(band) < LEAST_BAND:
        return None
    place = "below" if now < min(band) else "above" if now > max(band) else "within"
    return place, percent(min(band)), percent(max(band))


def _change(report: ShiftReport, previous: Counts) -> float | None:
    now, then = report.counts.first_pass_yield, previous.first_pass_yield
    return None if now is None or then is None else now - then


# --- English ----------------------------------------------------------------------------------------------


def _parts(number: int, verb: str) -> str:
    singular, plural = verb.split("|")
    return f"{number} {singular if number == 1 else plural}"


def _english(report: ShiftReport, words: ReportWords) -> list[str]:
    counts, ledger = report.counts, report.ledger
    if not counts.total:
        return [f"No part was triggered on line {report.line} in shift {report.shift.key}."]
    so_far = "" if report.finished else " so far"
    said = [
        f"In shift {report.shift.key}, line {report.line} inspected {counts.total} "
        f"part{'s' * (counts.total != 1)}{so_far}.",
        f"{counts.passed} passed at the first inspection, a first-pass yield of {percent(counts.first_pass_yield)}; "
        f"{_parts(counts.review, 'was|were')} left to review, {_parts(counts.failed, 'was|were')} rejected and "
        f"{counts.faults} could not be inspected.",
    ]
    if report.previous is not None:
        shift, before = report.previous
        change = _change(report, before)
        moved = "" if change is None else f", a change of {points(change)} points"
        said.append(f"The shift before, {shift.key}, had {percent(before.first_pass_yield)}{moved}.")
    place = _place(report)
    if place is not None:
        where = {"below": "below", "above": "above", "within": "within"}[place[0]]
        said.append(f"That is {where} the band of the shifts before, {place[1]} to {place[2]}.")
    if report.pareto:
        first = report.pareto[0]
        said.append(
            f"The most frequent finding was {words.term(first.label)}: {first.findings}, {percent(first.share)} of all."
        )
    signals = sum(len(item.chart.signals) for item in report.characteristics if item.chart)
    if report.chart is not None and not report.chart.signals and not signals:
        said.append("No control chart shows a special cause.")
    else:
        said.append("Control charts show special causes; they are marked in the charts.")
    weakest = _weakest(report)
    if weakest is not None and weakest.capability is not None:
        ppk = f"{weakest.capability.ppk.value:.2f}".replace("-", "−")
        said.append(f"The least capable characteristic is {figure_name(weakest.key, words)}, with a Ppk of {ppk}.")
    said.append(
        f"All {ledger.triggers} triggers have a verdict in the PLC."
        if ledger.complete
        else f"Of {ledger.triggers} triggers {ledger.verdicts} have a record, and {ledger.written} verdicts reached "
        "the PLC; the ledger lists the differences."
    )
    if report.stops:
        stopped, planned = minutes(report.stopped_s), minutes(report.shift.planned_s)
        said.append(f"The line stood still for {stopped} of {planned} planned minutes.")
    return said


# --- Chinese ----------------------------------------------------------------------------------------------


def _chinese(report: ShiftReport, words: ReportWords) -> list[str]:
    counts, ledger = report.counts, report.ledger
    if not counts.total:
        return [f"产线 {report.line} 在班次 {report.shift.key} 没有触发任何零件。"]
    so_far = "" if report.finished else "（截至目前）"
    said = [
        f"班次 {report.shift.key}，产线 {report.line} 共检测 {counts.total} 件{so_far}。",
        f"首次检测合格 {counts.passed} 件，一次合格率 {percent(counts.first_pass_yield)}；"
        f"待复检 {counts.review} 件，不合格 {counts.failed} 件，未能检测 {counts.faults} 件。",
    ]
    if report.previous is not None:
        shift, before = report.previous
        change = _change(report, before)
        moved = "" if change is None else f"，变化 {points(change)} 个百分点"
        said.append(f"上一班次 {shift.key} 为 {percent(before.first_pass_yield)}{moved}。")
    place = _place(report)
    if place is not None:
        where = {"below": "低于", "above": "高于", "within": "处于"}[place[0]]
        said.append(f"本班次{where}近期班次的范围（{place[1]} 至 {place[2]}）。")
    if report.pareto:
        first = report.pareto[0]
        said.append(f"最常见的缺陷是{words.term(first.label)}：{first.findings} 处，占 {percent(first.share)}。")
    signals = sum(len(item.chart.signals) for item in report.characteristics if item.chart)
    quiet = report.chart is not None and not report.chart.signals and not signals
    said.append("各控制图均无异常信号。" if quiet else "控制图中有异常信号，已在图中标出。")
    weakest = _weakest(report)
    if weakest is not None and weakest.capability is not None:
        ppk = f"{weakest.capability.ppk.value:.2f}".replace("-", "−")
        said.append(f"能力最弱的特性是{figure_name(weakest.key, words)}，Ppk 为 {ppk}。")
    said.append(
        f"全部 {ledger.triggers} 次触发均已在 PLC 中得到判定。"
        if ledger.complete
        else f"{ledger.triggers} 次触发中有 {ledger.verdicts} 次留有记录，{ledger.written} 个判定到达 PLC；"
        "差异见触发账目。"
    )
    if report.stops:
        said.append(f"计划的 {minutes(report.shift.planned_s)} 分钟中停机 {minutes(report.stopped_s)} 分钟。")
    return said
