"""Inspection reports for tests of everything that comes after the verdict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from inspector.domain import (
    Box,
    Detection,
    Detections,
    FaultCode,
    InspectionReport,
    Measurement,
    ModelId,
    Outcome,
    Reason,
    Stage,
    Timings,
    Trigger,
    Verdict,
)

START = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
MODEL = ModelId("bare-board", "3", "ab" * 32)


def passed(number: int = 1, *, part_id: str = "") -> InspectionReport:
    return InspectionReport(
        _trigger(number, part_id), Verdict(Outcome.PASS, (), "default"), Detections((), MODEL), (), _timings()
    )


def failed(number: int = 1, *, part_id: str = "") -> InspectionReport:
    """An open and a spur in the connector zone, 0.24 mm long where 0.2 mm is the limit."""
    found = Detections(
        (Detection("open", 0.98, Box(10, 20, 30, 44)), Detection("spur", 0.95, Box(100.5, 8, 112, 14))), MODEL
    )
    measured = tuple(
        Measurement(name, value, unit, 0.02, "box", index, zone)
        for index, zone in ((0, ""), (1, "connector"))
        for name, value, unit in (("length", 0.24, "mm"), ("width", 0.125, "mm"), ("area", 0.03, "mm2"))
    )
    reasons = (
        Reason(Outcome.FAIL, "not_allowed", "open", detection=0, label="open"),
        Reason(
            Outcome.FAIL, "above_usl", "length", value=0.24, unit="mm", limit=0.2, margin=-0.04, detection=1,
            zone="connector", label="spur",
        ),
    )  # fmt: skip
    verdict = Verdict(Outcome.FAIL, reasons, "default")
    return InspectionReport(_trigger(number, part_id), verdict, found, measured, _timings())


def held(number: int = 1) -> InspectionReport:
    verdict = Verdict(Outcome.REVIEW, (Reason(Outcome.REVIEW, "confidence", "score", value=0.6),), "default")
    return InspectionReport(_trigger(number, ""), verdict, Detections((), MODEL), (), _timings())


def faulted(number: int = 1) -> InspectionReport:
    verdict = Verdict.unknown(FaultCode.CAMERA_LOST, "cable", recipe="default")
    return InspectionReport(_trigger(number, ""), verdict)


def _trigger(number: int, part_id: str) -> Trigger:
    return Trigger(part_id or f"PART-{number:05d}", "aoi-1", number, START + timedelta(seconds=number))


def _timings() -> Timings:
    return Timings({Stage.DETECT: 20.0}, 31.5)
