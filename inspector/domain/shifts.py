"""What a shift report reads from the record: aggregates over a span of time, never whole reports."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from inspector.domain.history import PartKind
from inspector.domain.types import Box, Decision, FaultCode, ModelId, Outcome

__all__ = [
    "CharacteristicKey",
    "CharacteristicValues",
    "Decided",
    "DefectExample",
    "DefectTally",
    "LotTally",
    "PartTally",
    "Reviewed",
    "SeenTrigger",
    "ShiftReader",
]


@dataclass(frozen=True, slots=True)
class PartTally:
    """How many parts had this outcome, fault and recipe."""

    outcome: Outcome
    fault: FaultCode
    recipe: str
    parts: int


@dataclass(frozen=True, slots=True)
class LotTally:
    """How many parts of a lot became what; the lot is empty where none was known."""

    lot: str
    kind: PartKind
    parts: int


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One part that a person decided about, and what the line had said of it; the latest decision counts."""

    kind: PartKind
    labels: tuple[str, ...]
    decision: Decision
    reason_code: str


@dataclass(frozen=True, slots=True)
class DefectTally:
    """How often a class was found in a zone; ``parts`` counts a part with several of them once."""

    label: str
    zone: str
    findings: int
    parts: int


@dataclass(frozen=True, slots=True)
class DefectExample:
    """One finding that can be shown; ``box`` is in pixels of the image."""

    label: str
    part_id: str
    at: datetime
    box: Box
    image: Path


@dataclass(frozen=True, slots=True)
class CharacteristicKey:
    """What belongs into one control chart: the same characteristic of the same kind of finding, one recipe."""

    recipe: str
    label: str
    zone: str
    characteristic: str
    unit: str


@dataclass(frozen=True, slots=True, eq=False)
class CharacteristicValues:
    """Values of one characteristic in the order of production; ``part_ids`` has one entry per value."""

    key: CharacteristicKey
    values: NDArray[np.float64]
    uncertainty: float
    part_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenTrigger:
    """One trigger as the record knows it."""

    part_id: str
    station: str
    sequence: int
    at: datetime
    outcome: Outcome
    fault: FaultCode


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision about one part; ``latest`` is False where a later decision replaced it."""

    part_id: str
    decision: Decision
    reason_code: str
    text: str
    decided_by: str
    at: datetime
    latest: bool


@runtime_checkable
class ShiftReader(Protocol):
    """Reading a span of the record, ``start <= triggered < end``; every method raises ``StoreError``.

    The time a call takes depends on the parts in the span, not on those before it.
    """

    def tallies(self, start: datetime, end: datetime) -> Sequence[PartTally]:
        """Return the parts by outcome, fault and recipe."""
        ...

    def triggers(self, start: datetime, end: datetime) -> Sequence[SeenTrigger]:
        """Return every trigger, in the order of time."""
        ...

    def models(self, start: datetime, end: datetime) -> Sequence[ModelId]:
        """Return the models that spoke."""
        ...

    def defects(self, start: datetime, end: datetime) -> Sequence[DefectTally]:
        """Return the findings by class and zone, the most frequent first."""
        ...

    def examples(self, start: datetime, end: datetime) -> Sequence[DefectExample]:
        """Return the newest finding of each class whose image is kept."""
        ...

    def characteristics(self, start: datetime, end: datetime, names: Collection[str]) -> Sequence[CharacteristicValues]:
        """Return the values of these characteristics, the most frequent first."""
        ...

    def decisions(self, start: datetime, end: datetime) -> Sequence[Decided]:
        """Return every decision about these parts, oldest first."""
        ...
