"""A recorded shift whose every figure a test can count itself."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

from inspector.domain import (
    Box,
    Decision,
    Detection,
    Detections,
    Disposition,
    FaultCode,
    InspectionReport,
    Measurement,
    ModelId,
    Outcome,
    Reason,
    Timings,
    Trigger,
    Verdict,
)
from inspector.store import Database, ImageArchive, RecordStore

MODEL = ModelId("bare-board", "3", "ab" * 32)
LINE, STATION = "board-line-1", "cell-1"
NIGHT = datetime(2026, 11, 22, 21, tzinfo=UTC)  # 22:00 in Berlin: the beginning of shift C
LABELS = ("spur", "spur", "spur", "open", "pin_hole")


def inspection(
    number: int, at: datetime, *, label: str = "", length: float = 0.0, fault: FaultCode = FaultCode.NONE
) -> InspectionReport:
    """Make one inspection; with a label it has one finding of this length, rejected above 0.35 mm."""
    trigger = Trigger(f"P-{number:05d}", STATION, number, at)
    if fault is not FaultCode.NONE:
        return InspectionReport(trigger, Verdict.unknown(fault, "said by the test", recipe="default"))
    if not label:
        return InspectionReport(trigger, Verdict(Outcome.PASS, (), "default"), Detections((), MODEL))
    found = Detections((Detection(label, 0.95, Box(20, 20, 30, 28)),), MODEL)
    measured = (
        Measurement("length", length, "mm", 0.02, "box", 0),
        Measurement("position_x", 1.0, "mm", 0.02, "box", 0),
    )
    outcome = Outcome.FAIL if length > 0.35 else Outcome.REVIEW
    reason = Reason(outcome, "above_usl" if outcome is Outcome.FAIL else "confidence", "length", length, "mm", 0.35)
    return InspectionReport(
        trigger, Verdict(outcome, (replace(reason, detection=0, label=label),), "default"), found, measured, Timings()
    )


def shift_of(count: int, start: datetime = NIGHT, *, first: int = 1, seed: int = 1) -> Iterator[InspectionReport]:
    """Yield this many inspections, one a minute; the fortieth is a fault and number fifty is missing."""
    chance = random.Random(seed)
    for step in range(count):
        number = first + step
        at = start + timedelta(minutes=step, seconds=1)
        if step == 49:
            continue
        if step == 39:
            yield inspection(number, at, fault=FaultCode.PLC_LOST)
        elif chance.random() < 0.4:
            yield inspection(number, at, label=chance.choice(LABELS), length=chance.gauss(0.3, 0.03))
        else:
            yield inspection(number, at)


def picture(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pixels = np.full((96, 96), 40, np.uint8)
    cv2.rectangle(pixels, (20, 20), (30, 28), 220, -1)
    return pixels


def fill(
    folder: Path, reports: list[InspectionReport], *, line: str = LINE, texts: Mapping[str, str] | None = None
) -> tuple[Database, ImageArchive]:
    """Record these inspections, all with these texts; held parts are held by the rules, as the office does it."""
    database = Database(f"sqlite:///{folder / 'record.db'}")
    images = ImageArchive(folder / "images", min_free_mb=0)
    record = RecordStore(database, images, line=line)
    for report in reports:
        held = report.verdict.outcome is Outcome.REVIEW
        record.record(
            report,
            pixels=picture(folder) if report.verdict.outcome is Outcome.FAIL else None,
            texts=texts or {},
            messages=[],
            disposition=Disposition(Decision.HOLD, "confidence", "", "rules") if held else None,
        )
    return database, images
