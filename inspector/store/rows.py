"""A report as the rows that people search by."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from inspector.domain import (
    InspectionReport,
    StoreError,
    TextCorrection,
    kind_of_part,
    number_of_part,
    report_from_json,
    report_to_json,
)

__all__ = ["defect_rows", "inspection_row", "measurement_rows", "stored_correction", "stored_report"]


def inspection_row(report: InspectionReport) -> dict[str, Any]:
    """Return the row of the inspection itself, without what only the store knows."""
    trigger, verdict = report.trigger, report.verdict
    model = report.detections.model if report.detections is not None else None
    return {
        "report_id": str(report.id),
        "part_id": trigger.part_id.replace("\0", ""),
        "part_number": number_of_part(trigger.part_id),
        "kind": kind_of_part(report).value,
        "station": trigger.station,
        "sequence": trigger.sequence,
        "triggered_at": trigger.at,
        "outcome": verdict.outcome.name,
        "fault": verdict.fault.name,
        "verdict": verdict.wire.name,
        "recipe": verdict.recipe,
        "model_name": model.name if model else "",
        "model_version": model.version if model else "",
        "model_sha256": model.sha256 if model else "",
        "total_ms": report.timings.total_ms,
        "report": report_to_json(report),
    }


def stored_report(text: str, where: str) -> InspectionReport:
    """Return the report that a row holds; raises ``StoreError``, which names ``where`` it is."""
    try:
        return report_from_json(text)
    except ValueError as error:
        raise StoreError(
            f"{where} cannot be read: {error}",
            remedy="It was altered or written by another version; restore it from a backup",
        ) from error


def stored_correction(row: Any, report_id: UUID) -> TextCorrection:
    """Return the correction that a row holds."""
    return TextCorrection(report_id, row.language, row.text, row.who, row.at)


def defect_rows(key: int, report: InspectionReport, line: str) -> list[dict[str, Any]]:
    """Return one row for each finding of the inspection ``key``."""
    if report.detections is None:
        return []
    zones = {measurement.detection: measurement.zone for measurement in report.measurements}
    lengths = {
        item.detection: item.value
        for item in report.measurements
        if (item.characteristic, item.unit) == ("length", "mm")
    }
    return [
        {
            "inspection_id": key,
            "line": line,
            "station": report.trigger.station,
            "triggered_at": report.trigger.at,
            "size_mm": lengths.get(index),
            "detection": index,
            "label": item.label,
            "score": item.score,
            "x0": item.box.x0,
            "y0": item.box.y0,
            "x1": item.box.x1,
            "y1": item.box.y1,
            "zone": zones.get(index, ""),
        }
        for index, item in enumerate(report.detections.items)
    ]


def measurement_rows(key: int, report: InspectionReport) -> list[dict[str, Any]]:
    """Return one row for each measurement of the inspection ``key``."""
    return [
        {
            "inspection_id": key,
            "detection": item.detection,
            "characteristic": item.characteristic,
            "value": item.value,
            "uncertainty": item.uncertainty,
            "unit": item.unit,
            "method": item.method,
            "zone": item.zone,
        }
        for item in report.measurements
    ]
