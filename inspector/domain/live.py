"""What the screen reads: the line's lamps and counts, and a part as the record keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from inspector.domain.corrections import TextCorrection
from inspector.domain.record import InspectionReport
from inspector.domain.texts import Writing, texts_and_engines
from inspector.domain.types import Disposition

__all__ = [
    "EVERY_LINE",
    "TREND_BLOCK",
    "Counts",
    "Lamp",
    "LampState",
    "LineStatus",
    "RecordedPart",
]

TREND_BLOCK = 25
"""So many parts make one point of the yield's trend: the same chart for quick lines and for slow ones."""


class Lamp(StrEnum):
    """The connections an operator watches."""

    CAMERA = "camera"
    MODEL = "model"
    PLC = "plc"
    MES = "mes"
    VOICE = "voice"
    """Only where the line listens."""


EVERY_LINE = tuple(lamp for lamp in Lamp if lamp is not Lamp.VOICE)
"""The lamps that no line is without."""


@dataclass(frozen=True, slots=True)
class LampState:
    """One lamp: good, bad, or not known yet (None), since when, and why.

    ``warning`` names what the operator has to know although it is good: ``not_encrypted``, or nothing.
    """

    good: bool | None
    since: datetime
    detail: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """Parts of the current run by outcome; faults are the parts that could not be inspected."""

    passed: int = 0
    review: int = 0
    failed: int = 0
    faults: int = 0

    @property
    def total(self) -> int:
        """All parts."""
        return self.passed + self.review + self.failed + self.faults

    @property
    def first_pass_yield(self) -> float | None:
        """Share of parts that passed at the first inspection, 0 … 1; None before the first part."""
        return self.passed / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class LineStatus:
    """What the line says of itself; ``writing`` is the office's to say."""

    line: str
    ready: bool
    recipe: str
    lamps: Mapping[Lamp, LampState]
    model: str = ""
    simulated: bool = False
    writing: Writing | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RecordedPart:
    """One inspection as the record keeps it.

    ``texts`` holds the report text by language and ``engines`` who wrote it; the record keeps both in one mapping
    (``kept_texts``), which is taken apart here. ``image`` is the archived picture, None where it was not kept or has
    expired. ``corrections`` holds the newest correction of each text; ``texts`` stays what was written at first.
    """

    report: InspectionReport
    texts: Mapping[str, str]
    image: Path | None
    recorded_at: datetime
    disposition: Disposition | None = None
    engines: Mapping[str, str] = field(default_factory=dict)
    corrections: Mapping[str, TextCorrection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts, engines = texts_and_engines(self.texts)
        object.__setattr__(self, "texts", texts)
        object.__setattr__(self, "engines", {**engines, **self.engines})
