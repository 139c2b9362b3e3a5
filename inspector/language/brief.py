"""What a generator is told of a part: statuses without a single figure, and named slots for everything else.

A report is a sequence of briefs: one opens the text, one stands for each nonconformity, one closes it. Each brief has
slots of its own, so that no sentence can name another finding's figure, class or zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from inspector.domain import FaultCode, InspectionReport, Outcome
from inspector.language.findings import Clause, Finding, findings_of, largest

__all__ = [
    "CLAUSE_NAMES",
    "MOST_CLAUSES",
    "Brief",
    "ClauseStatus",
    "Count",
    "Degree",
    "Figures",
    "Kind",
    "Rank",
    "briefs_of",
    "known_code",
    "slotted_finding",
]

CLAUSE_NAMES = ("first", "second", "third")
MOST_CLAUSES = len(CLAUSE_NAMES)
SHOWN = 3

_SLIGHT, _CLEAR = 0.1, 0.5


class Kind(StrEnum):
    """What a sentence is for."""

    OPENING = "opening"
    FINDING = "finding"
    LARGEST = "largest"
    CLOSING = "closing"
    FAULT = "fault"


class Count(StrEnum):
    """How many findings the text is about; ``MANY`` are more than are told one by one."""

    NONE = "none"
    ONE = "one"
    FEW = "few"
    MANY = "many"


class Rank(StrEnum):
    """Place of a finding among those that are told, the most severe first."""

    ONLY = "only"
    FIRST = "first"
    NEXT = "next"


class Degree(StrEnum):
    """How far beyond the limit: up to a tenth of it, up to a half, or more; unknown without figures."""

    UNKNOWN = "unknown"
    SLIGHT = "slight"
    CLEAR = "clear"
    FAR = "far"


class Figures(StrEnum):
    """Which figures of a clause the record has."""

    NONE = "none"
    VALUE = "value"
    LIMIT = "value+limit"
    ALL = "value+limit+distance"


KNOWN_CODES = (
    "above_usl",
    "below_lsl",
    "guard_inside",
    "guard_beyond",
    "confidence",
    "not_allowed",
    "unlisted",
    "not_measured",
)


@dataclass(frozen=True, slots=True)
class ClauseStatus:
    """One reason as a generator sees it; ``code`` is one of ``KNOWN_CODES``."""

    code: str
    figures: Figures = Figures.NONE
    degree: Degree = Degree.UNKNOWN


@dataclass(frozen=True, slots=True)
class Brief:
    """What one sentence has to say.

    Attributes
    ----------
    zone, place, size
        Whether the finding has a zone, a position and a length of its own (the slots ``zone``, ``x`` and ``y``,
        ``length``).
    values
        Slot -> what is printed there, before the glossary; the generator never sees it.
    terms
        Slots whose value is a term of the glossary.
    """

    kind: Kind
    outcome: Outcome | None = None
    count: Count = Count.NONE
    rank: Rank = Rank.ONLY
    zone: bool = False
    place: bool = False
    size: bool = False
    clauses: tuple[ClauseStatus, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict, compare=False)
    terms: frozenset[str] = field(default_factory=frozenset, compare=False)
    fault: FaultCode = FaultCode.NONE

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))

    @property
    def required(self) -> frozenset[str]:
        """Slots that the sentence must name, each once."""
        return frozenset(self._slots(required=True))

    @property
    def offered(self) -> frozenset[str]:
        """Slots that the sentence may name."""
        return frozenset(self._slots(required=False))

    def _slots(self, *, required: bool) -> Iterator[str]:
        match self.kind:
            case Kind.OPENING:
                yield "part"
                if self.count in {Count.FEW, Count.MANY}:
                    yield "count"
            case Kind.FAULT:
                yield from ("part", "cause", "remedy")
            case Kind.FINDING | Kind.LARGEST:
                yield "class"
                yield from (slot for slot, has in (("zone", self.zone), ("length", self.size)) if has)
                yield from ("x", "y") if self.place else ()
                for name, clause in zip(CLAUSE_NAMES, self.clauses, strict=False):
                    yield from _clause_slots(name, clause, required=required)
            case Kind.CLOSING:
                pass


def _clause_slots(name: str, clause: ClauseStatus, *, required: bool) -> Iterator[str]:
    if clause.code in {"not_allowed", "unlisted"}:
        return
    if clause.code == "confidence":
        if clause.figures is not Figures.NONE:
            yield f"{name}.value"
            yield f"{name}.limit"
        return
    yield name
    if clause.figures is not Figures.NONE:
        yield f"{name}.value"
    if clause.figures in {Figures.LIMIT, Figures.ALL}:
        yield f"{name}.limit"
    if clause.figures is Figures.ALL and not required:
        yield f"{name}.distance"


def known_code(clause: Clause) -> str:
    """Return the clause's code among ``KNOWN_CODES``, or empty where it is none of them."""
    code = clause.code
    if code == "guard_band":
        code = "guard_beyond" if clause.beyond else "guard_inside"
    return code if code in KNOWN_CODES else ""


def briefs_of(report: InspectionReport, *, shown: int = SHOWN) -> tuple[Brief, ...] | None:
    """Return the briefs of a report in the order of its text.

    None where its reasons do not fit the contract (a reason code of a newer version, more clauses for one finding
    than there are slots, a finding without a reason): then only the template, which prints anything, may speak.
    """
    part = {"part": report.trigger.part_id}
    verdict = report.verdict
    if verdict.fault is not FaultCode.NONE:
        return (Brief(Kind.FAULT, values=part, fault=verdict.fault, outcome=Outcome.REVIEW),)
    outcome = verdict.outcome
    closing = Brief(Kind.CLOSING, outcome)
    if outcome is Outcome.PASS:
        found = len(report.detections.items) if report.detections else 0
        count = Count.NONE if not found else Count.ONE if found == 1 else Count.FEW
        opening = Brief(Kind.OPENING, outcome, count, values={**part, "count": str(found)})
        longest = largest(report) if found else None
        if longest is None:
            return opening, closing
        return opening, _finding(Kind.LARGEST, longest, outcome, Rank.ONLY if found == 1 else Rank.FIRST), closing
    findings = findings_of(report)
    if not findings or not all(map(_fits, findings[:shown])):
        return None
    count = Count.ONE if len(findings) == 1 else Count.FEW if len(findings) <= shown else Count.MANY
    opening = Brief(Kind.OPENING, outcome, count, values={**part, "count": str(len(findings))})
    ranks = [Rank.ONLY] if count is Count.ONE else [Rank.FIRST, *[Rank.NEXT] * (min(len(findings), shown) - 1)]
    told = [_finding(Kind.FINDING, finding, outcome, rank) for finding, rank in zip(findings, ranks, strict=False)]
    return opening, *told, closing


def _fits(finding: Finding) -> bool:
    return 0 < len(finding.clauses) <= MOST_CLAUSES and all(map(known_code, finding.clauses))


def _finding(kind: Kind, finding: Finding, outcome: Outcome, rank: Rank) -> Brief:
    values = {"class": finding.label or "part", "zone": finding.zone, "length": finding.size}
    if finding.position:
        x, y, unit = finding.position
        values |= {"x": x, "y": f"{y} {unit}".rstrip()}
    terms = {"class", "zone"}
    for name, clause in zip(CLAUSE_NAMES, finding.clauses, strict=False):
        values |= {
            name: clause.characteristic,
            f"{name}.value": clause.value,
            f"{name}.limit": clause.limit,
            f"{name}.distance": clause.distance,
        }
        terms.add(name)
    return Brief(
        kind,
        outcome,
        rank=rank,
        zone=bool(finding.zone),
        place=finding.position is not None,
        size=bool(finding.size),
        clauses=tuple(_status(clause) for clause in finding.clauses),
        values=values,
        terms=frozenset(terms),
    )


def _status(clause: Clause) -> ClauseStatus:
    code = known_code(clause)
    if code in {"not_allowed", "unlisted", "not_measured"} or not clause.value:
        return ClauseStatus(code)
    if code == "confidence":
        return ClauseStatus(code, Figures.LIMIT if clause.limit else Figures.NONE)
    figures = Figures.VALUE
    if clause.limit:
        figures = Figures.ALL if clause.distance else Figures.LIMIT
    degree = _degree(clause.excess) if code in {"above_usl", "below_lsl"} and figures is Figures.ALL else Degree.UNKNOWN
    return ClauseStatus(code, figures, degree)


def _degree(excess: float | None) -> Degree:
    if excess is None:
        return Degree.UNKNOWN
    return Degree.SLIGHT if excess <= _SLIGHT else Degree.CLEAR if excess <= _CLEAR else Degree.FAR


def slotted_finding(brief: Brief) -> Finding:
    """Return a finding whose every figure and name is its slot, for whoever phrases findings."""
    clauses = []
    for name, status in zip(CLAUSE_NAMES, brief.clauses, strict=False):
        figures, code = status.figures, status.code
        clauses.append(
            Clause(
                code="guard_band" if code.startswith("guard_") else code,
                characteristic=f"{{{name}}}",
                value=f"{{{name}.value}}" if figures is not Figures.NONE else "",
                limit=f"{{{name}.limit}}" if figures in {Figures.LIMIT, Figures.ALL} else "",
                distance=f"{{{name}.distance}}" if figures is Figures.ALL else "",
                beyond=code == "guard_beyond",
            )
        )
    return Finding(
        label="{class}",
        zone="{zone}" if brief.zone else "",
        size="{length}" if brief.size else "",
        position=("{x}", "{y}", "") if brief.place else None,
        clauses=tuple(clauses),
    )
