"""The record of one trigger, and what leaves the record on its way to others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from inspector.domain.types import Detections, Measurement, Trigger, Verdict

__all__ = ["InspectionReport", "OutboxMessage", "Picture", "Queue", "Stage", "Timings", "Waiting"]


class Stage(StrEnum):
    """The stages of the verdict path, in order."""

    GRAB = "grab"
    DETECT = "detect"
    MEASURE = "measure"
    JUDGE = "judge"
    JOURNAL = "journal"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds spent in each stage and from trigger to verdict written."""

    stages: Mapping[Stage, float] = field(default_factory=dict)
    total_ms: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", MappingProxyType(dict(self.stages)))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Timings, (dict(self.stages), self.total_ms))


@dataclass(frozen=True, slots=True, eq=False)
class InspectionReport:
    """The frozen record of one trigger; ``id`` makes every later write idempotent."""

    trigger: Trigger
    verdict: Verdict
    detections: Detections | None = None
    measurements: tuple[Measurement, ...] = ()
    timings: Timings = field(default_factory=Timings)
    id: UUID = field(default_factory=uuid4)

    def __post_init__(self) -> None:
        count = len(self.detections.items) if self.detections else 0
        for measurement in self.measurements:
            index = measurement.detection
            if index is not None and not 0 <= index < count:
                raise ValueError(f"measurement {measurement.characteristic} names detection {index} of {count}")


class Queue(StrEnum):
    """The streams out of the record: each has its own order and its own acknowledgement."""

    RESULTS = "results"
    EVENTS = "events"
    SPARKPLUG = "sparkplug"


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One message on its way to the MES; ``body`` is JSON text without ``seq``, which the store assigns.

    ``refused`` says why a message cannot be delivered as it is; its place in the order is kept.
    """

    msg_id: str
    topic: str
    body: str
    seq: int = 0
    queue: Queue = Queue.RESULTS
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of a queue is not acknowledged; ``oldest`` is when the oldest was written, None where nothing waits."""

    messages: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Picture:
    """An archived picture: its name in the archive and the SHA-256 of the file, hexadecimal."""

    name: str
    sha256: str
