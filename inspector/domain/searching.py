"""Finding past defects by describing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from inspector.domain.history import PartKind
from inspector.domain.types import Box

__all__ = [
    "DefectFinder",
    "DefectVectors",
    "FoundDefect",
    "FoundDefects",
    "KeptVector",
    "UnreadFinding",
    "UnreadPicture",
]


@dataclass(frozen=True, slots=True)
class FoundDefect:
    """One finding of a past inspection.

    Attributes
    ----------
    detection
        Number of the finding in its report, from 0 on.
    likeness
        Cosine between the description and the finding, -1 … 1: an order, no probability.
    """

    report_id: UUID
    part_id: str
    at: datetime
    kind: PartKind
    detection: int
    label: str
    zone: str
    size_mm: float | None
    pictured: bool
    likeness: float = 0.0


@dataclass(frozen=True, slots=True)
class FoundDefects:
    """What a description found, the likest first.

    Attributes
    ----------
    understood
        False where no word of it is known: then nothing was looked for.
    searched
        Among how many findings.
    """

    rows: tuple[FoundDefect, ...]
    understood: bool
    searched: int


@runtime_checkable
class DefectFinder(Protocol):
    """Where descriptions find past defects."""

    def find(self, words: str, *, limit: int = 10) -> FoundDefects:
        """Return the findings that are likest to the description; raises ``StoreError``."""
        ...


@dataclass(frozen=True, slots=True)
class UnreadFinding:
    """One finding that has no vector yet; ``size_mm`` is its longer side where it was measured."""

    detection: int
    box: Box
    size_mm: float | None


@dataclass(frozen=True, slots=True)
class UnreadPicture:
    """One inspection with findings and a picture; ``image`` is None where the picture has expired."""

    key: int
    image: Path | None
    findings: tuple[UnreadFinding, ...]


@dataclass(frozen=True, slots=True, eq=False)
class KeptVector:
    """Where one finding lies: number of its inspection's row, its own number, class, zone and unit vector."""

    key: int
    detection: int
    label: str
    zone: str
    vector: NDArray[np.float32]


@runtime_checkable
class DefectVectors(Protocol):
    """The record's vectors of findings; those of two models do not compare. Every method raises ``StoreError``."""

    def unread(self, model: str, *, after: int, limit: int) -> Sequence[UnreadPicture]:
        """Return inspections behind the newest with vectors, and behind ``after``, the oldest first."""
        ...

    def add(self, key: int, model: str, vectors: Sequence[tuple[int, NDArray[np.float32]]]) -> None:
        """Keep the vectors of one inspection's findings (number, unit vector); known ones stay as they are."""
        ...

    def newest(self, model: str, *, after: int, limit: int) -> Sequence[KeptVector]:
        """Return what is behind ``after``: the newest inspections, the oldest first."""
        ...

    def shown(self, places: Sequence[tuple[int, int]]) -> Sequence[FoundDefect]:
        """Return the findings at (inspection, number), in this order."""
        ...
