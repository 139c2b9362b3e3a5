"""Every trigger accounted for, and the times in which none came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise

from inspector.domain import FaultCode, SeenTrigger
from inspector.reports.calendar import Shift, Span

__all__ = ["Gap", "Ledger", "Stop", "keep_ledger", "stops_of"]

SEQUENCES = 2**32
LARGEST_GAP = 100_000  # more is a counter set to another value, not that many lost parts


@dataclass(frozen=True, slots=True)
class Gap:
    """Sequence numbers of the PLC that no record has; ``restarted`` where its counter went back or far ahead."""

    station: str
    after: int
    before: int
    at: datetime
    restarted: bool

    @property
    def missing(self) -> int:
        """How many triggers are missing."""
        return 0 if self.restarted else (self.before - self.after) % SEQUENCES - 1


@dataclass(frozen=True, slots=True)
class Ledger:
    """Triggers, verdicts and what became of them.

    Attributes
    ----------
    triggers
        Those the PLC counted: the recorded ones and the numbers missing between them.
    verdicts
        Recorded verdicts; one for each recorded trigger.
    written
        Verdicts that the PLC is known to have: without those on which its connection was lost.
    unwritten
        Part ids of the others.
    """

    triggers: int
    verdicts: int
    written: int
    gaps: tuple[Gap, ...]
    unwritten: tuple[str, ...]
    overruns: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether each trigger has one verdict, and the PLC has it."""
        return self.triggers == self.verdicts == self.written


@dataclass(frozen=True, slots=True)
class Stop:
    """A time without triggers, longer than the line allows; breaks within it are not counted."""

    span: Span
    seconds: float


def keep_ledger(triggers: Sequence[SeenTrigger]) -> Ledger:
    """Return the ledger of these triggers, in the order of time."""
    gaps = []
    ordered = sorted(triggers, key=lambda trigger: trigger.station)  # stable: still by time within a station
    for station, seen in groupby(ordered, key=lambda trigger: trigger.station):
        for before, after in pairwise(seen):
            step = (after.sequence - before.sequence) % SEQUENCES
            if step != 1:
                gaps.append(Gap(station, before.sequence, after.sequence, after.at, not 1 < step <= LARGEST_GAP))
    lost = (FaultCode.PLC_LOST, FaultCode.PLC_ACK)
    unwritten = tuple(trigger.part_id for trigger in triggers if trigger.fault in lost)
    return Ledger(
        triggers=len(triggers) + sum(gap.missing for gap in gaps),
        verdicts=len(triggers),
        written=len(triggers) - len(unwritten),
        gaps=tuple(gaps),
        unwritten=unwritten,
        overruns=tuple(trigger.part_id for trigger in triggers if trigger.fault is FaultCode.OVERRUN),
    )


def stops_of(
    shift: Shift, triggers: Sequence[SeenTrigger], *, longer_than_s: float, until: datetime
) -> tuple[Stop, ...]:
    """Return the stops of a shift up to ``until``, from its first minute on, breaks taken off."""
    end = min(shift.span.end.astimezone(UTC), until.astimezone(UTC))
    moments = [shift.span.start.astimezone(UTC), *(trigger.at.astimezone(UTC) for trigger in triggers), end]
    stops = []
    for before, after in pairwise(moments):
        if (after - before).total_seconds() <= longer_than_s:
            continue
        span = Span(before, after)
        seconds = span.seconds - sum(span.overlap(pause) for pause in shift.breaks)
        if seconds > longer_than_s:
            stops.append(Stop(span, seconds))
    return tuple(stops)
