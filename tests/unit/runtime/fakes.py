"""Stages that do as they are told, and a PLC that writes down what it was told."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from inspector.domain import (
    Detections,
    Disposition,
    Frame,
    InspectionReport,
    Measurement,
    ModelId,
    Outcome,
    Trigger,
    Verdict,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MODEL = ModelId("fake", "1", "0" * 64)


def trigger(sequence: int = 1, *, overrun: bool = False) -> Trigger:
    return Trigger(f"{sequence:06d}", "cell-1", sequence, NOW, overrun=overrun)


def frame(of: Trigger) -> Frame:
    return Frame(of, np.full((8, 8), of.sequence % 251, np.uint8), "fake", NOW)


@dataclass
class Stages:
    """Camera, detector, gauge and judge in one; ``at`` maps a stage to what it does instead."""

    at: dict[str, Callable[[], None]] = field(default_factory=dict)
    read_part_id: str = ""

    def grab(self, of: Trigger) -> Frame:
        self.at.get("grab", int)()
        return frame(of)

    def detect(self, _frame: Frame) -> Detections:
        self.at.get("detect", int)()
        return Detections((), MODEL, self.read_part_id)

    def measure(self, _frame: Frame, _detections: Detections) -> tuple[Measurement, ...]:
        self.at.get("measure", int)()
        return ()

    def judge(self, _of: Trigger, _detections: Detections, _measurements: Sequence[Measurement]) -> Verdict:
        self.at.get("judge", int)()
        return Verdict(Outcome.PASS, (), "default")

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class Plc:
    """A trigger source in memory."""

    parts: list[Trigger] = field(default_factory=list)
    answers: list[tuple[Trigger, Verdict]] = field(default_factory=list)
    error: Exception | None = None
    pending: Trigger | None = None
    answered_sequence: int | None = None

    async def triggers(self) -> AsyncIterator[Trigger]:
        for part in self.parts:
            yield part

    async def answer(self, of: Trigger, verdict: Verdict, disposition: Disposition | None = None) -> None:
        if self.error:
            raise self.error
        self.answers.append((of, verdict))

    async def set_ready(self, ready: bool, *, fault: int = 0) -> None: ...

    async def survey(self) -> Plc:
        return self

    async def close(self) -> None: ...


@dataclass
class Journal:
    """A report sink in memory; ``errors`` maps a step to what it raises."""

    steps: list[tuple[str, InspectionReport]] = field(default_factory=list)
    errors: dict[str, Exception] = field(default_factory=dict)

    def opened(self, report: InspectionReport) -> None:
        self._note("opened", report)

    def judged(self, report: InspectionReport) -> None:
        self._note("judged", report)

    def answered(self, report: InspectionReport, _frame: Frame | None) -> None:
        self._note("answered", report)

    def _note(self, step: str, report: InspectionReport) -> None:
        if step in self.errors:
            raise self.errors[step]
        self.steps.append((step, report))

    @property
    def answered_reports(self) -> list[InspectionReport]:
        return [report for step, report in self.steps if step == "answered"]


class Hang:
    """A stage that does not come back until it is let go."""

    def __init__(self) -> None:
        self.reached, self.let_go = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        self.let_go.wait(30)
