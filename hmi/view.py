"""What the live page shows of a part, worked out from the record before any markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hmi.words import Words
from inspector.domain import (
    Detection,
    FaultCode,
    InspectionReport,
    Measurement,
    Outcome,
    Reason,
    RecordedPart,
    distance_text,
    exact_text,
    measured_text,
    percent_texts,
    place_text,
    unit_text,
)

__all__ = ["Bar", "FindingView", "Row", "findings_of", "headline", "kind_of", "marks_of"]

_KINDS = {Outcome.PASS: "pass", Outcome.REVIEW: "review", Outcome.FAIL: "fail"}
_POSITION = ("position_x", "position_y")
_HEADROOM = 1.15


@dataclass(frozen=True, slots=True)
class Bar:
    """A measured value against its limit, as shares of the bar's length (0 … 1)."""

    value: float
    low: float
    high: float
    limit: float
    upper: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of a finding; texts are ready to show, empty where the record has none."""

    name: str
    value: str
    spread: str
    unit: str
    kind: str
    limit: str = ""
    sign: str = ""
    why: str = ""
    bar: Bar | None = None


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding with its number on the picture; ``number`` 0 is the part itself."""

    number: int
    name: str
    kind: str
    zone: str
    position: str
    score: str
    size: str
    held: tuple[Row, ...]
    others: tuple[Row, ...]
    why: str
    detection: int | None


def kind_of(report: InspectionReport) -> str:
    """Return ``pass``, ``review``, ``fail`` or ``fault``."""
    return "fault" if report.verdict.fault is not FaultCode.NONE else _KINDS[report.verdict.outcome]


def findings_of(report: InspectionReport, words: Words) -> tuple[FindingView, ...]:
    """Return every finding of the part, the worst first; numbers follow this order."""
    items = report.detections.items if report.detections else ()
    reasons: dict[int | None, list[Reason]] = {}
    for reason in report.verdict.reasons:
        if reason.code != "fault":
            known = reason.detection is not None and reason.detection < len(items)
            reasons.setdefault(reason.detection if known else None, []).append(reason)
    measured: dict[int | None, list[Measurement]] = {}
    for measurement in report.measurements:
        measured.setdefault(measurement.detection, []).append(measurement)
    order = sorted(range(len(items)), key=lambda index: _severity(reasons.get(index, []), measured.get(index, [])))
    views = [
        _finding(number, (index, items[index]), reasons.get(index, []), measured.get(index, []), words)
        for number, index in enumerate(order, start=1)
    ]
    if None in reasons or None in measured:
        views.insert(0, _finding(0, None, reasons.get(None, []), measured.get(None, []), words))
    return tuple(views)


def marks_of(findings: tuple[FindingView, ...], report: InspectionReport) -> list[Mapping[str, object]]:
    """Return what is drawn over the picture: one outline in raw-image pixels and one label per finding."""
    items = report.detections.items if report.detections else ()
    marks: list[Mapping[str, object]] = []
    for finding in findings:
        if finding.detection is not None:
            box = items[finding.detection].box
            marks.append(
                {
                    "number": finding.number,
                    "box": [box.x0, box.y0, box.x1, box.y1],
                    "kind": finding.kind,
                    "name": finding.name,
                    "size": finding.size,
                }
            )
    return marks


def headline(report: InspectionReport, findings: tuple[FindingView, ...], words: Words) -> str:
    """Return the verdict's cause in a few words."""
    if report.verdict.fault is not FaultCode.NONE:
        return words.get(f"fault_{report.verdict.fault.name.lower()}", report.verdict.fault.name)
    bad = [finding for finding in findings if finding.kind != "pass"]
    if not bad:
        return words["within"] if findings else words["clean"]
    worst = bad[0]
    row = next((row for row in worst.held if row.limit), None)
    if row is None:
        text = " · ".join(filter(None, (worst.name, worst.size, worst.why)))
    else:
        what = worst.name if row.name == words.title("length") else f"{worst.name} · {row.name}"
        text = f"{what} {f'{row.value} {row.unit}'.strip()} {row.sign} {row.limit}"
    return f"{text}  +\u00a0{len(bad) - 1}\u00a0{words['more']}" if len(bad) > 1 else text


def part_name(part: RecordedPart, words: Words) -> str:
    """Return the part's id as it is, or the word for a part without one."""
    return part.report.trigger.part_id.strip() or words["no_id"]


def _severity(reasons: list[Reason], measured: list[Measurement]) -> tuple[int, float, float]:
    """Sort key: by outcome, then by how much of a limit is exceeded or how sure the model is, then by size."""
    worst = max((reason.outcome for reason in reasons), default=Outcome.PASS)
    size = max((item.value for item in measured if item.characteristic == "length"), default=0.0)
    return (-worst, min(map(_excess, reasons), default=0.0), -size)


def _excess(reason: Reason) -> float:
    if reason.characteristic == "confidence":
        return -(reason.value or 0.0)
    return reason.margin / abs(reason.limit) if reason.margin is not None and reason.limit else 0.0


def _finding(
    number: int,
    found: tuple[int, Detection] | None,
    reasons: list[Reason],
    measured: list[Measurement],
    words: Words,
) -> FindingView:
    index, item = found or (None, None)
    by_name = {measurement.characteristic: measurement for measurement in measured}
    bad = [reason for reason in reasons if reason.outcome is not Outcome.PASS]
    held = [reason for reason in reasons if reason.value is not None or reason.limit is not None]
    told = {reason.characteristic for reason in held}
    length = by_name.get("length")
    label = item.label if item else next((reason.label for reason in reasons if reason.label), "")
    zones = [reason.zone for reason in reasons] + [measurement.zone for measurement in measured]
    zone = next(filter(None, zones), "")
    gates = [reason for reason in bad if reason not in held]
    return FindingView(
        number=number,
        name=words.title(label) if label else words["part"],
        kind=_KINDS[max((reason.outcome for reason in bad), default=Outcome.PASS)],
        zone=words.term(zone) if zone else "",
        position=" · ".join(filter(None, (item.view if item else "", _position(by_name)))),
        score=f"{item.score * 100:.0f} %" if item else "",
        size=f"{measured_text(length.value, length.uncertainty)[0]} {unit_text(length.unit)}" if length else "",
        held=tuple(_held(reason, by_name.get(reason.characteristic), words) for reason in held),
        others=tuple(
            _measured(measurement, words)
            for measurement in measured
            if measurement.characteristic not in {*told, *_POSITION}
        ),
        why=", ".join(dict.fromkeys(_why_gate(reason, words) for reason in gates)),
        detection=index,
    )


def _position(by_name: Mapping[str, Measurement]) -> str:
    pair = [by_name.get(name) for name in _POSITION]
    texts = [place_text(entry.value) for entry in pair if entry is not None]
    if len(texts) < len(_POSITION):
        return ""
    return f"x {texts[0]} · y {texts[1]} {unit_text(by_name['position_x'].unit)}".strip()


def _measured(item: Measurement, words: Words) -> Row:
    value, spread = measured_text(item.value, item.uncertainty)
    return Row(words.title(item.characteristic), value, spread, unit_text(item.unit), "pass")


def _held(reason: Reason, item: Measurement | None, words: Words) -> Row:
    kind = _KINDS[reason.outcome]
    name = words.title(reason.characteristic)
    if reason.characteristic == "confidence" and reason.value is not None and reason.limit is not None:
        value, limit = percent_texts(reason.value, reason.limit)
        return Row(name, value, "", "", kind, limit=limit, sign="<", why=words["unsure"], bar=_bar(reason, 0.0))
    uncertainty = item.uncertainty if item else 0.0
    unit = unit_text(reason.unit or (item.unit if item else ""))
    value, spread = measured_text(reason.value, uncertainty) if reason.value is not None else ("–", "")
    limit = f"{exact_text(reason.limit)} {unit}".strip() if reason.limit is not None else ""
    bar = _bar(reason, uncertainty)
    sign = "≈" if reason.code == "guard_band" else ">" if bar is None or bar.upper else "<"
    why = _why(reason, bar, uncertainty, unit, words)
    return Row(name, value, spread, unit, kind, limit=limit, sign=sign, why=why, bar=bar)


def _why(reason: Reason, bar: Bar | None, uncertainty: float, unit: str, words: Words) -> str:
    if reason.outcome is Outcome.PASS:
        return words["within_limit"]
    if reason.code == "guard_band":
        return words["too_close"]
    if reason.margin is not None and reason.margin < 0 and bar is not None:
        by = distance_text(reason.margin, uncertainty)
        return f"{words['over_by' if bar.upper else 'under_by']} {by} {unit}".strip()
    return _why_gate(reason, words)


def _why_gate(reason: Reason, words: Words) -> str:
    if reason.code == "not_measured":
        return f"{words.title(reason.characteristic)}: {words['not_measured']}"
    return words.get(reason.code, reason.note or reason.code.replace("_", " "))


def _bar(reason: Reason, uncertainty: float) -> Bar | None:
    """Scale value, whisker and limit onto one bar that starts at zero, or below where a figure is negative."""
    value, limit = reason.value, reason.limit
    if value is None or limit is None:
        return None
    below = {"below_lsl": True, "above_usl": False, "confidence": True}.get(reason.code)
    if below is None:
        below = (value < limit) != ((reason.margin or 0.0) >= 0)
    floor = min(0.0, value - uncertainty, limit)
    top = max(value + uncertainty, limit, floor + 1e-12)
    scale = 1.0 if reason.characteristic == "confidence" else (top - floor) * _HEADROOM

    def share(figure: float) -> float:
        return min(max((figure - floor) / scale, 0.0), 1.0)

    return Bar(share(value), share(value - uncertainty), share(value + uncertainty), share(limit), upper=not below)
