"""The seams of the product: what the flow needs, said without naming who provides it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from inspector.domain.commands import Command, Transcript
from inspector.domain.live import Counts, LineStatus, RecordedPart
from inspector.domain.record import InspectionReport, OutboxMessage, Picture
from inspector.domain.texts import ReportText
from inspector.domain.types import Detections, Disposition, Frame, Measurement, Trigger, Verdict

__all__ = [
    "Advisor",
    "Camera",
    "CommandSource",
    "Detector",
    "Gauge",
    "Judge",
    "LiveFeed",
    "LotReader",
    "Messages",
    "Outbox",
    "Recogniser",
    "RecordReader",
    "ReportArchive",
    "ReportAuthor",
    "ReportSink",
    "ReportWriter",
    "TriggerSource",
]


Messages = Iterable[OutboxMessage] | Callable[[Picture | None], Iterable[OutboxMessage]]
"""Messages for the outbox, or what makes them once it is known whether and how the picture was archived."""


# --- the verdict path -------------------------------------------------------------------------------------


@runtime_checkable
class TriggerSource(Protocol):
    """Where triggers come from and verdicts go back to: the PLC's side of the line.

    Reconnecting is the adapter's own business: ``triggers`` yields nothing while the peer is away and
    never yields a trigger of before the loss again; ``answer`` raises ``PlcLost`` then.
    """

    def triggers(self) -> AsyncIterator[Trigger]:
        """Yield each trigger once, acknowledged to the sender."""
        ...

    async def answer(self, trigger: Trigger, verdict: Verdict, disposition: Disposition | None = None) -> None:
        """Write the verdict of this trigger: data first, the flag after; return when it is written."""
        ...

    async def set_ready(self, ready: bool, *, fault: int = 0) -> None:
        """Say whether the line takes triggers, and the fault code if not."""
        ...

    async def close(self) -> None:
        """Drop Ready, say good-bye, release the connection; safe to call twice."""
        ...


@runtime_checkable
class Camera(Protocol):
    """One image source."""

    def grab(self, trigger: Trigger) -> Frame:
        """Return the frame of this trigger; raises ``BadFrame`` or ``CameraLost``."""
        ...

    def close(self) -> None:
        """Release the device."""
        ...


@runtime_checkable
class Detector(Protocol):
    """Frame -> Detections in raw-image pixels."""

    def warm_up(self) -> None:
        """Run once on an empty frame, so that the first part is not slower than the rest."""
        ...

    def detect(self, frame: Frame) -> Detections:
        """Return every finding at or above the model's floor; raises ``DetectionError``."""
        ...

    def close(self) -> None:
        """Release the runtime."""
        ...


@runtime_checkable
class Gauge(Protocol):
    """Detections -> Measurements with uncertainty."""

    def measure(self, frame: Frame, detections: Detections) -> tuple[Measurement, ...]:
        """Return the measurements of every finding; raises ``GaugingError``."""
        ...


@runtime_checkable
class Judge(Protocol):
    """Measurements -> Verdict; pure, so that the same record always gives the same verdict."""

    def judge(self, trigger: Trigger, detections: Detections, measurements: Sequence[Measurement]) -> Verdict:
        """Return the verdict of this part."""
        ...


@runtime_checkable
class ReportSink(Protocol):
    """Where the verdict path leaves a finished report; must be quick and durable."""

    def opened(self, report: InspectionReport) -> None:
        """Remember that this trigger was accepted, before it is inspected; raises ``StoreError``."""
        ...

    def judged(self, report: InspectionReport) -> None:
        """Remember the verdict before the PLC is told; raises ``StoreError``."""
        ...

    def answered(self, report: InspectionReport, frame: Frame | None) -> None:
        """Hand over: the PLC has been told; everything slow may start."""
        ...


# --- the slow path ----------------------------------------------------------------------------------------


@runtime_checkable
class ReportArchive(Protocol):
    """The record."""

    def record(
        self,
        report: InspectionReport,
        *,
        pixels: NDArray[np.uint8] | None,
        texts: Mapping[str, str],
        messages: Messages,
        disposition: Disposition | None = None,
        lot: str = "",
    ) -> bool:
        """Write report, rows and outbox messages in one transaction; ``pixels`` go to the image archive.

        ``messages`` may be a function that makes them, given the picture as it was archived; ``lot`` is what the part
        belongs to, where that is known.
        Returns False, changing nothing, where this report id is already recorded. Raises ``StoreError``.
        """
        ...


@runtime_checkable
class RecordReader(Protocol):
    """Reading the record."""

    def latest(self, limit: int) -> Sequence[RecordedPart]:
        """Return the newest parts, newest first."""
        ...

    def part(self, part_id: str) -> Sequence[RecordedPart]:
        """Return every inspection of this part, newest first; empty where there is none."""
        ...

    def counts(self, since: datetime | None = None) -> Counts:
        """Return how many parts were recorded per outcome since then (None: ever)."""
        ...


@runtime_checkable
class LotReader(Protocol):
    """Reading the record by lot."""

    def lots(self, limit: int) -> Sequence[str]:
        """Return the lots of the newest parts, newest first; raises ``StoreError``."""
        ...

    def counts_of_lot(self, lot: str) -> Counts:
        """Return how many parts of this lot were recorded per outcome; raises ``StoreError``."""
        ...


@runtime_checkable
class LiveFeed(Protocol):
    """What a screen watches; every method is cheap and safe to call from any thread."""

    def version(self) -> int:
        """Return a number that grows whenever anything below has changed."""
        ...

    def status(self) -> LineStatus:
        """Return the line's latest word of itself."""
        ...

    def counts(self) -> Counts:
        """Return the counts of this run."""
        ...

    def trend(self) -> Sequence[float]:
        """Return the first-pass yield, 0 … 1, of every ``TREND_BLOCK`` parts of this run, oldest first."""
        ...

    def recent(self, limit: int) -> Sequence[RecordedPart]:
        """Return the newest parts, newest first."""
        ...


@runtime_checkable
class Outbox(Protocol):
    """The ordered queue between the record and the MES."""

    def pending(self, after: int, limit: int) -> Sequence[OutboxMessage]:
        """Return unacknowledged messages with ``seq > after``, in order."""
        ...

    def acknowledge(self, upto: int) -> None:
        """Mark every message with ``seq <= upto`` as safely at the consumer."""
        ...

    def set_aside(self, seq: int, reason: str) -> None:
        """Note that this message cannot be delivered as it is; it stays in its place, with the reason."""
        ...


@runtime_checkable
class ReportWriter(Protocol):
    """InspectionReport -> text a person reads."""

    def write(self, report: InspectionReport, language: str) -> str:
        """Return the report's text in ``language`` (``en``, ``zh``); raises ``LanguageError``."""
        ...


@runtime_checkable
class ReportAuthor(Protocol):
    """InspectionReport -> its texts in several languages, within a deadline of its own."""

    def compose(
        self, report: InspectionReport, languages: Sequence[str], *, hurry: bool = False
    ) -> Mapping[str, ReportText]:
        """Return the text in each language, left out where nobody speaks it; ``hurry`` says that parts are waiting."""
        ...


@runtime_checkable
class Advisor(Protocol):
    """Second opinion on parts that the rules left at REVIEW."""

    def advise(self, report: InspectionReport) -> Disposition:
        """Return what it would do with the part; raises ``LanguageError``."""
        ...


@runtime_checkable
class CommandSource(Protocol):
    """Where people's commands come from: screen or voice."""

    def commands(self) -> AsyncIterator[Command]:
        """Yield each confirmed command once."""
        ...


@runtime_checkable
class Recogniser(Protocol):
    """Speech to text, streaming."""

    def feed(self, pcm: NDArray[np.int16]) -> Transcript | None:
        """Take 16 kHz mono samples; return a partial or a final transcript when there is one."""
        ...

    def flush(self) -> Transcript | None:
        """Say that the stream has ended; return the final of what was being said, if anything."""
        ...

    def close(self) -> None:
        """Release the model."""
        ...
