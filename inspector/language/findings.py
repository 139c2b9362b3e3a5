"""What a report says, before any language: the nonconformities of a part with their figures as text."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.domain import (
    InspectionReport,
    Measurement,
    Outcome,
    Reason,
    distance_text,
    exact_text,
    measured_text,
    percent_texts,
    place_text,
    unit_text,
)

__all__ = ["Clause", "Finding", "findings_of", "largest"]

_SIZE = "length"


@dataclass(frozen=True, slots=True)
class Clause:
    """One reason with its figures ready to print; a figure that the record lacks is empty.

    Attributes
    ----------
    code, characteristic
        As in the record.
    value
        ``0.421 ± 0.033 mm``, or a percentage for a confidence.
    limit, distance
        The limit and how far the value lies from it (never negative), with units.
    beyond
        True where the value lies on the wrong side of the limit.
    excess
        Distance to the limit as a share of the limit; None where the record lacks one of them or the limit is zero.
    """

    code: str
    characteristic: str
    value: str = ""
    limit: str = ""
    distance: str = ""
    beyond: bool = False
    excess: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One nonconformity: what and where it is, and every clause held against it.

    ``size`` is the length with uncertainty, empty where a clause already says it or nothing was measured;
    ``position`` is ``(x, y)`` of the centre as text with the unit last, empty where it was not measured.
    """

    label: str
    zone: str
    size: str
    position: tuple[str, str, str] | None
    clauses: tuple[Clause, ...]


def findings_of(report: InspectionReport) -> tuple[Finding, ...]:
    """Return the nonconformities of the verdict, the most severe first."""
    groups: dict[object, list[Reason]] = {}
    for number, reason in enumerate(report.verdict.reasons):
        if reason.outcome is Outcome.PASS or reason.code == "fault":
            continue
        alone = ("", number) if reason.detection is None else reason.detection
        groups.setdefault(alone, []).append(reason)
    ordered = sorted(groups.values(), key=lambda reasons: min(map(_severity, reasons)))
    return tuple(_finding(report, reasons) for reasons in ordered)


def largest(report: InspectionReport) -> Finding | None:
    """Return the longest finding of the part, whether or not it breaks a limit; None where none was measured."""
    sizes = [item for item in report.measurements if item.characteristic == _SIZE and item.detection is not None]
    if not sizes:
        return None
    longest = max(sizes, key=lambda item: item.value)
    return Finding(
        label=_label(report, longest.detection),
        zone=longest.zone,
        size=_with_uncertainty(longest),
        position=_position(report, longest.detection),
        clauses=(),
    )


def _severity(reason: Reason) -> tuple[float, float]:
    """Sort key: FAIL before REVIEW, then by how much of the limit is exceeded, or how sure the model is."""
    if reason.characteristic == "confidence":
        return (-reason.outcome, -(reason.value or 0.0))
    relative = reason.margin / abs(reason.limit) if reason.margin is not None and reason.limit else 0.0
    return (-reason.outcome, relative)


def _finding(report: InspectionReport, reasons: list[Reason]) -> Finding:
    first = reasons[0]
    clauses = tuple(_clause(report, reason) for reason in sorted(reasons, key=_severity))
    size = _measurement(report, first.detection, _SIZE) if first.detection is not None else None
    said = any(clause.characteristic == _SIZE and clause.value for clause in clauses)
    return Finding(
        label=first.label or _label(report, first.detection),
        zone=first.zone or (size.zone if size else ""),
        size=_with_uncertainty(size) if size and not said else "",
        position=_position(report, first.detection),
        clauses=clauses,
    )


def _clause(report: InspectionReport, reason: Reason) -> Clause:
    if reason.characteristic == "confidence":
        if reason.value is None or reason.limit is None:
            return Clause(reason.code, reason.characteristic, beyond=True)
        value, limit = percent_texts(reason.value, reason.limit)
        return Clause(reason.code, reason.characteristic, value, limit, beyond=True)
    measured = _measurement(report, reason.detection, reason.characteristic)
    uncertainty = measured.uncertainty if measured else None
    unit = unit_text(reason.unit or (measured.unit if measured else ""))
    value = "" if reason.value is None else _quantity(reason.value, uncertainty, unit)
    limit = "" if reason.limit is None else _join(exact_text(reason.limit), unit)
    distance = "" if reason.margin is None else _join(distance_text(reason.margin, uncertainty), unit)
    beyond = reason.margin is not None and reason.margin < 0
    excess = abs(reason.margin / reason.limit) if reason.margin is not None and reason.limit else None
    return Clause(reason.code, reason.characteristic, value, limit, distance, beyond, excess)


def _measurement(report: InspectionReport, detection: int | None, characteristic: str) -> Measurement | None:
    for item in report.measurements:
        if item.detection == detection and item.characteristic == characteristic:
            return item
    return None


def _position(report: InspectionReport, detection: int | None) -> tuple[str, str, str] | None:
    if detection is None:
        return None
    x, y = (_measurement(report, detection, name) for name in ("position_x", "position_y"))
    if x is None or y is None:
        return None
    return place_text(x.value), place_text(y.value), unit_text(x.unit)


def _label(report: InspectionReport, detection: int | None) -> str:
    if detection is None or report.detections is None or detection >= len(report.detections.items):
        return ""
    return report.detections.items[detection].label


def _with_uncertainty(item: Measurement) -> str:
    return _quantity(item.value, item.uncertainty, unit_text(item.unit))


def _quantity(value: float, uncertainty: float | None, unit: str) -> str:
    figure, spread = measured_text(value, uncertainty)
    return _join(f"{figure} ± {spread}" if spread else figure, unit)


def _join(figure: str, unit: str) -> str:
    return f"{figure} {unit}" if unit else figure
