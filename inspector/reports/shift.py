"""One shift in figures: everything a report says, worked out from the record once, before any page is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from inspector.domain import (
    CharacteristicKey,
    CharacteristicValues,
    Counts,
    Decided,
    Decision,
    DefectExample,
    DefectTally,
    FaultCode,
    ModelId,
    Outcome,
    PartTally,
    SeenTrigger,
    ShiftReader,
    SpecLimits,
)
from inspector.reports.calendar import Shift, ShiftCalendar, Span
from inspector.reports.capability import Capability, capability
from inspector.reports.ledger import Ledger, Stop, keep_ledger, stops_of
from inspector.reports.spc import ControlChart, individuals, p_chart, xbar_r

__all__ = [
    "CharacteristicFigures",
    "Identity",
    "LimitsFor",
    "ParetoRow",
    "RecipeCounts",
    "ShiftReport",
    "SlotCounts",
    "compile_shift",
    "counts_of",
]

BAND_SHIFTS = 20
LEAST_CHARTED = 8
SUBGROUP = 5
LEAST_SUBGROUPS = 20
BY_RULES = "rules"

LimitsFor = Callable[[CharacteristicKey], SpecLimits | None]
"""The limits that a recipe sets for a characteristic; None where it sets none."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What inspected: names and SHA-256 of recipes and calibration, as the line's description has them now."""

    recipes: Mapping[str, str]
    calibration: str


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """The parts of one hour."""

    span: Span
    counts: Counts


@dataclass(frozen=True, slots=True)
class RecipeCounts:
    """The parts of one recipe."""

    recipe: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class ParetoRow:
    """One class of findings; the shares are of all findings."""

    label: str
    findings: int
    parts: int
    share: float
    cumulative: float


@dataclass(frozen=True, slots=True, eq=False)
class CharacteristicFigures:
    """One characteristic: its values, chart and capability.

    ``chart`` is None with fewer than 8 values, ``capability`` with fewer than 25, without limits or variation.
    """

    key: CharacteristicKey
    number: int
    mean: float
    deviation: float
    smallest: float
    largest: float
    uncertainty: float
    limits: SpecLimits | None
    outside: int
    chart: ControlChart | None
    capability: Capability | None
    signal_parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ShiftReport:
    """Everything a shift report says.

    Attributes
    ----------
    finished
        False where the shift has not ended yet: the figures are those so far.
    previous
        The shift before, with its counts; None where the calendar or the record has none.
    band
        Yields of the up to 20 shifts before that had parts, newest first.
    """

    line: str
    simulated: bool
    shift: Shift
    made_at: datetime
    finished: bool
    counts: Counts
    recipes: tuple[RecipeCounts, ...]
    faults: Mapping[FaultCode, int]
    slots: tuple[SlotCounts, ...]
    chart: ControlChart | None
    chart_slots: tuple[Span, ...]
    pareto: tuple[ParetoRow, ...]
    zones: tuple[tuple[str, str, int], ...]
    examples: tuple[DefectExample, ...]
    characteristics: tuple[CharacteristicFigures, ...]
    decisions: Mapping[Decision, int]
    overrides: tuple[Decided, ...]
    ledger: Ledger
    stops: tuple[Stop, ...]
    previous: tuple[Shift, Counts] | None
    band: tuple[tuple[str, float], ...]
    models: tuple[ModelId, ...]
    identity: Identity

    @property
    def stopped_s(self) -> float:
        """Seconds in which no trigger came although work was planned."""
        return sum(stop.seconds for stop in self.stops)


def compile_shift(
    reader: ShiftReader,
    calendar: ShiftCalendar,
    shift: Shift,
    *,
    line: str,
    now: datetime,
    identity: Identity,
    limits_for: LimitsFor,
    characteristics: Collection[str] = ("length",),
    stop_after_s: float = 120.0,
    simulated: bool = False,
) -> ShiftReport:
    """Read one shift from the record and work its figures out; raises ``StoreError``.

    Parameters
    ----------
    limits_for
        Specification limits of a characteristic.
    characteristics
        Names of those that are charted.
    stop_after_s
        A time without triggers longer than this is a stop.
    """
    start, end = shift.span.start, shift.span.end
    triggers = reader.triggers(start, end)
    tallies = reader.tallies(start, end)
    slots = _slots(shift, triggers)
    worked = [slot for slot in slots if slot.counts.total]
    decisions, defects = reader.decisions(start, end), reader.defects(start, end)
    before = calendar.before(start, BAND_SHIFTS)
    earlier = [(item, counts_of(reader.tallies(item.span.start, item.span.end))) for item in before]
    return ShiftReport(
        line=line,
        simulated=simulated,
        shift=shift,
        made_at=now,
        finished=end <= now,
        counts=counts_of(tallies),
        recipes=_by_recipe(tallies),
        faults=dict(sorted(_faults(tallies).items())),
        slots=slots,
        chart=_share_chart(worked),
        chart_slots=tuple(slot.span for slot in worked),
        pareto=_pareto(defects),
        zones=tuple((row.label, row.zone, row.findings) for row in defects if row.zone),
        examples=tuple(reader.examples(start, end)),
        characteristics=tuple(
            _characteristic(values, limits_for(values.key))
            for values in reader.characteristics(start, end, characteristics)
        ),
        decisions=dict(sorted(Counter(item.decision for item in decisions if item.latest).items())),
        overrides=tuple(item for item in decisions if item.decided_by != BY_RULES),
        ledger=keep_ledger(triggers),
        stops=stops_of(shift, triggers, longer_than_s=stop_after_s, until=now),
        previous=next(((item, counts) for item, counts in earlier[:1] if counts.total), None),
        band=tuple(
            (item.key, counts.first_pass_yield) for item, counts in earlier if counts.first_pass_yield is not None
        ),
        models=tuple(reader.models(start, end)),
        identity=identity,
    )


def counts_of(tallies: Sequence[PartTally]) -> Counts:
    """Return the counts that these tallies add up to."""
    numbers: Counter[str] = Counter()
    for tally in tallies:
        numbers[_kind(tally.outcome, tally.fault)] += tally.parts
    return Counts(**numbers)


def _kind(outcome: Outcome, fault: FaultCode) -> str:
    if fault is not FaultCode.NONE:
        return "faults"
    return {Outcome.PASS: "passed", Outcome.REVIEW: "review", Outcome.FAIL: "failed"}[outcome]


def _by_recipe(tallies: Sequence[PartTally]) -> tuple[RecipeCounts, ...]:
    names = dict.fromkeys(tally.recipe for tally in tallies)
    return tuple(RecipeCounts(name, counts_of([tally for tally in tallies if tally.recipe == name])) for name in names)


def _faults(tallies: Sequence[PartTally]) -> Counter[FaultCode]:
    numbers: Counter[FaultCode] = Counter()
    for tally in tallies:
        if tally.fault is not FaultCode.NONE:
            numbers[tally.fault] += tally.parts
    return numbers


def _slots(shift: Shift, triggers: Sequence[SeenTrigger]) -> tuple[SlotCounts, ...]:
    spans = shift.slots()
    numbers: list[Counter[str]] = [Counter() for _ in spans]
    length = spans[0].seconds
    for trigger in triggers:
        index = int(Span(shift.span.start, trigger.at).seconds // length)
        numbers[min(index, len(spans) - 1)][_kind(trigger.outcome, trigger.fault)] += 1
    return tuple(SlotCounts(span, Counts(**number)) for span, number in zip(spans, numbers, strict=True))


def _share_chart(slots: Sequence[SlotCounts]) -> ControlChart | None:
    if not slots:
        return None
    sizes = [slot.counts.total for slot in slots]
    return p_chart([slot.counts.total - slot.counts.passed for slot in slots], sizes)


def _pareto(defects: Sequence[DefectTally]) -> tuple[ParetoRow, ...]:
    findings: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    for row in defects:
        findings[row.label] += row.findings
        parts[row.label] += row.parts
    total, so_far, rows = findings.total(), 0, []
    for label, number in findings.most_common():
        so_far += number
        rows.append(ParetoRow(label, number, parts[label], number / total, so_far / total))
    return tuple(rows)


def _characteristic(found: CharacteristicValues, limits: SpecLimits | None) -> CharacteristicFigures:
    values = found.values
    chart, by = None, 1
    if len(values) >= SUBGROUP * LEAST_SUBGROUPS:
        chart, by = xbar_r(values, SUBGROUP), SUBGROUP
    elif len(values) >= LEAST_CHARTED:
        chart = individuals(values)
    outside = 0
    if limits is not None:
        low = -np.inf if limits.lower is None else limits.lower
        high = np.inf if limits.upper is None else limits.upper
        outside = int(((values < low) | (values > high)).sum())
    return CharacteristicFigures(
        key=found.key,
        number=len(values),
        mean=float(values.mean()),
        deviation=float(values.std(ddof=1)) if len(values) > 1 else 0.0,
        smallest=float(values.min()),
        largest=float(values.max()),
        uncertainty=found.uncertainty,
        limits=limits,
        outside=outside,
        chart=chart,
        capability=capability(values, chart, limits) if chart is not None and limits is not None else None,
        signal_parts=tuple(found.part_ids[signal.point * by] for signal in chart.signals) if chart else (),
    )
