"""How well the adviser foretells what people decide: reviewers who follow a plant's written procedure, and err.

The procedures (``procedures.yaml``) are independent of the adviser: it learns from the decisions alone, part by part,
as it would on the line, and is asked about parts that nobody has decided yet.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

from ruamel.yaml import YAML

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
    ReviewedPart,
    Trigger,
    Verdict,
)
from inspector.language.advice import DispositionAdvisor, Envelope
from inspector.language.doubts import Recurrences
from inspector.language.precedents import DECIDABLE, Precedents

__all__ = ["Clause", "Procedure", "ReviewFigures", "measure_reviews", "procedures", "stream_of"]

HISTORIES = (0, 50, 100, 200, 400, 800)
SLIPS = 0.03
_HELD_OUT = 400
_FIRST_SEED = 3_000_000
_UNCERTAINTY, _LIMIT, _GATE = 0.02, 0.35, 0.9
_CHARACTERISTICS = {"length": 60, "width": 25, "area": 15}
_MODEL = ModelId("drawn", "1", "0" * 64)
_START = datetime(2026, 1, 5, 6, tzinfo=UTC)

Finding = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of a procedure; empty and None ask for nothing."""

    decision: Decision
    defect: tuple[str, ...] = ()
    zone: tuple[str, ...] = ()
    characteristic: tuple[str, ...] = ()
    below: float | None = None
    seen: int = 1

    def applies(self, reason: Reason, seen: int) -> bool:
        """Return whether it decides about this open reason of a part."""
        named = all(
            not wanted or found in wanted
            for wanted, found in (
                (self.defect, reason.label),
                (self.zone, reason.zone),
                (self.characteristic, reason.characteristic),
            )
        )
        if not named or seen < self.seen:
            return False
        if self.below is None:
            return True
        return reason.code == "guard_band" and reason.margin is not None and reason.margin < self.below * _UNCERTAINTY


@dataclass(frozen=True, slots=True)
class Procedure:
    """A plant's written procedure, and what its parts are like."""

    plant: str
    defects: Mapping[str, float]
    zones: Mapping[str, float]
    clauses: tuple[Clause, ...]

    def decide(self, report: InspectionReport, seen: Recurrences) -> Decision:
        """Return what it does with a part: the most severe decision among its open reasons."""
        return max(self._decide(reason, seen.seen((reason.label, reason.zone))) for reason in report.verdict.reasons)

    def _decide(self, reason: Reason, seen: int) -> Decision:
        return next(clause.decision for clause in self.clauses if clause.applies(reason, seen))


@dataclass(frozen=True, slots=True)
class ReviewFigures:
    """Shares 0 … 1 of held-out parts at REVIEW.

    Attributes
    ----------
    agreement
        Reviewed parts on record -> the opinion is exactly the person's decision: accept, rework or scrap.
    released_alike
        The same for accept or not accept alone.
    holding_all
        ``released_alike`` of the rules, which hold every such part.
    commonest
        ``agreement`` of whoever always says what people decide most often there.
    escapes
        Of the parts that people did not accept, the share that the opinion would accept, with the most precedents.
    """

    plant: str
    parts: int
    slips: float
    agreement: dict[int, float]
    released_alike: dict[int, float]
    holding_all: float
    commonest: float
    escapes: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def procedures() -> list[Procedure]:
    """Return the written procedures."""
    text = (resources.files("inspector.language") / "procedures.yaml").read_text(encoding="utf-8")
    return [
        Procedure(each["plant"], each["defects"], each["zones"], tuple(map(_clause, each["clauses"])))
        for each in YAML(typ="safe").load(text)
    ]


def _clause(written: Mapping[str, Any]) -> Clause:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in written.items()
    }
    return Clause(**{**values, "decision": Decision[written["decision"].upper()]})


def measure_reviews(
    procedure: Procedure, *, histories: Sequence[int] = HISTORIES, seed: int = 0, held_out: int = _HELD_OUT
) -> ReviewFigures:
    """Return the figures of one plant.

    One stream of parts is reviewed and learnt from, with ``SLIPS`` of the decisions at random; after so many reviewed
    parts as ``histories`` say, the opinions on the open parts of another stream are held against the procedure.
    """
    precedents = Precedents()
    teacher = DispositionAdvisor(Envelope(), precedents=precedents)
    rng = random.Random(_FIRST_SEED + seed)  # noqa: S311
    reviewed = _reviewed(procedure, rng)
    truth: list[Decision] = []
    agreement, released, escapes = {}, {}, 0.0
    for wanted in histories:
        while len(precedents) < wanted:
            teacher.learn(next(reviewed))
        opinions, truth = _opinions(procedure, precedents, seed, held_out)
        agreement[wanted] = _share(opinion is true for opinion, true in zip(opinions, truth, strict=True))
        alike = [
            (opinion is Decision.ACCEPT, true is Decision.ACCEPT) for opinion, true in zip(opinions, truth, strict=True)
        ]
        released[wanted] = _share(ours == theirs for ours, theirs in alike)
        escapes = _share(ours for ours, theirs in alike if not theirs)
    return ReviewFigures(
        plant=procedure.plant,
        parts=len(truth),
        slips=SLIPS,
        agreement=agreement,
        released_alike=released,
        holding_all=_share(each is not Decision.ACCEPT for each in truth),
        commonest=round(Counter(truth).most_common(1)[0][1] / len(truth), 4),
        escapes=escapes,
    )


def _opinions(
    procedure: Procedure, precedents: Precedents, seed: int, count: int
) -> tuple[list[Decision], list[Decision]]:
    """Return the opinions on the open parts of a stream of its own, and the decisions by the procedure."""
    advisor, seen = DispositionAdvisor(Envelope(), precedents=precedents), Recurrences()
    opinions, truth = [], []
    for report in stream_of(procedure, random.Random(_FIRST_SEED // 2 + seed)):  # noqa: S311
        seen.remember(report)
        advisor.remember(report)
        if report.verdict.outcome is Outcome.REVIEW:
            opinions.append(advisor.opinion(report).decision)
            truth.append(procedure.decide(report, seen))
        if len(truth) == count:
            break
    return opinions, truth


def _reviewed(procedure: Procedure, rng: random.Random) -> Iterator[ReviewedPart]:
    seen, number = Recurrences(), 0
    for report in stream_of(procedure, rng):
        seen.remember(report)
        if report.verdict.outcome is Outcome.REVIEW:
            number += 1
            decision = procedure.decide(report, seen)
            if rng.random() < SLIPS:
                decision = rng.choice(DECIDABLE)
            found = {
                (reason.label, reason.zone): seen.seen((reason.label, reason.zone)) for reason in report.verdict.reasons
            }
            yield ReviewedPart(number, report, decision, "defect_confirmed", found)


def _share(hits: Iterator[bool]) -> float:
    found = list(hits)
    return round(sum(found) / max(1, len(found)), 4)


# --- parts ------------------------------------------------------------------------------------------------


def stream_of(procedure: Procedure, rng: random.Random) -> Iterator[InspectionReport]:
    """Yield parts without end: some pass, the others are open; now and then a finding recurs for a while."""
    number, left = 0, 0
    episode: Finding = ("", "")
    while True:
        number += 1
        if left == 0 and rng.random() < 0.03:  # noqa: PLR2004
            episode, left = _finding(procedure, rng), 30
        left = max(0, left - 1)
        findings = []
        if rng.random() < 0.4:  # noqa: PLR2004
            recurs = left > 0 and rng.random() < 0.6  # noqa: PLR2004
            findings = [episode if recurs else _finding(procedure, rng)]
            if rng.random() < 0.12:  # noqa: PLR2004
                findings.append(_finding(procedure, rng))
        yield _report(number, findings, rng)


def _finding(procedure: Procedure, rng: random.Random) -> Finding:
    label = rng.choices(list(procedure.defects), list(procedure.defects.values()))[0]
    return label, rng.choices(list(procedure.zones), list(procedure.zones.values()))[0]


def _report(number: int, findings: Sequence[Finding], rng: random.Random) -> InspectionReport:
    trigger = Trigger(f"PART-{number:06d}", "cell-1", number, _START + timedelta(seconds=number))
    reasons, measured, found = [], [], []
    # Findings stand in the order of their scores.
    scores = sorted((rng.uniform(0.5, _GATE) if rng.random() < 0.15 else 0.95 for _ in findings), reverse=True)  # noqa: PLR2004
    for index, ((label, zone), score) in enumerate(zip(findings, scores, strict=True)):
        found.append(Detection(label, score, Box(10 * index, 0, 10 * index + 8, 8)))
        name = rng.choices(list(_CHARACTERISTICS), list(_CHARACTERISTICS.values()))[0]
        margin = rng.uniform(-_UNCERTAINTY, _UNCERTAINTY)
        measured.append(Measurement(name, _LIMIT - margin, "mm", _UNCERTAINTY, "drawn", index, zone))
        figures: dict[str, Any] = {"detection": index, "zone": zone, "label": label}
        if score < _GATE:
            figures |= {"value": score, "unit": "1", "limit": _GATE, "margin": score - _GATE}
            reasons.append(Reason(Outcome.REVIEW, "confidence", "confidence", **figures))
        else:
            figures |= {"value": _LIMIT - margin, "unit": "mm", "limit": _LIMIT, "margin": margin}
            reasons.append(Reason(Outcome.REVIEW, "guard_band", name, **figures))
    verdict = Verdict(Outcome.REVIEW if reasons else Outcome.PASS, tuple(reasons), "default")
    return InspectionReport(trigger, verdict, Detections(tuple(found), _MODEL), tuple(measured))
