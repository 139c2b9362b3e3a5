"""What the adviser's opinion is worth on borderline parts, held against a truth that it cannot see."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from inspector.domain import (
    Box,
    Decision,
    Detection,
    Detections,
    InspectionReport,
    Measurement,
    ModelId,
    Outcome,
    Reason,
    Trigger,
    Verdict,
)
from inspector.language.advice import DispositionAdvisor, Envelope, Release

__all__ = ["AdviceFigures", "measure_advice"]

_AT = datetime(2026, 1, 5, tzinfo=UTC)
_MODEL = ModelId("drawn", "1", "0" * 64)
_UNCERTAINTY_MM = 0.02
_FIRST_SEED = 2_000_000


@dataclass(frozen=True, slots=True)
class AdviceFigures:
    """Shares 0 … 1 of borderline parts, whose value lies within its expanded uncertainty of the limit.

    Attributes
    ----------
    agreement
        The opinion (accept or hold) is what the true value calls for.
    holding_all
        The same for the rules alone, which hold every such part.
    best_possible
        The same for a decision that knows the distribution of the error: nothing that sees the measured value only
        can do better.
    released, released_beyond
        Under ``may_release: inside``: parts released, and the share of these whose true value is beyond the limit.
    """

    parts: int
    inside: float
    agreement: float
    holding_all: float
    best_possible: float
    released: float
    released_beyond: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def measure_advice(*, parts: int = 2000, inside: float = 0.5, seed: int = 0) -> AdviceFigures:
    """Return the figures over parts with measured margins evenly spread over both guard bands.

    The true margin differs from the measured one by a Gaussian error whose 2 σ is the expanded uncertainty.
    """
    rng = random.Random(_FIRST_SEED + seed)  # noqa: S311
    advisor = DispositionAdvisor(Envelope([Release("length", inside)]))
    agreed = conforming = best = released = beyond = 0
    for number in range(parts):
        margin = rng.uniform(-_UNCERTAINTY_MM, _UNCERTAINTY_MM)
        true_margin = margin + rng.gauss(0, _UNCERTAINTY_MM / 2)
        report = _borderline(number, margin)
        agreed += (advisor.opinion(report).decision is Decision.ACCEPT) == (true_margin >= 0)
        conforming += true_margin >= 0
        best += (margin >= 0) == (true_margin >= 0)
        advisor.remember(report)
        if advisor.advise(report).decision is Decision.ACCEPT:
            released += 1
            beyond += true_margin < 0
    return AdviceFigures(
        parts=parts,
        inside=inside,
        agreement=round(agreed / parts, 4),
        holding_all=round(1 - conforming / parts, 4),
        best_possible=round(best / parts, 4),
        released=round(released / parts, 4),
        released_beyond=round(beyond / released, 4) if released else 0.0,
    )


def _borderline(number: int, margin: float) -> InspectionReport:
    limit = 0.35
    value = limit - margin
    reason = Reason(
        Outcome.REVIEW,
        "guard_band",
        "length",
        value=value,
        unit="mm",
        limit=limit,
        margin=margin,
        detection=0,
        label="spur",
    )
    return InspectionReport(
        Trigger(f"PCB-{number:06d}", "cell-1", number, _AT),
        Verdict(Outcome.REVIEW, (reason,), "default"),
        Detections((Detection("spur", 0.95, Box(0, 0, 10, 10)),), _MODEL),
        (Measurement("length", value, "mm", _UNCERTAINTY_MM, "drawn", 0),),
    )
