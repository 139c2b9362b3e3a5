"""After a restart: close what a killed line left open, so that no trigger stays without verdict and record."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from inspector.domain import (
    FaultCode,
    InspectionReport,
    PlcError,
    ReportSink,
    Trigger,
    TriggerSource,
    Verdict,
)
from inspector.runtime.spool import Spooled

__all__ = ["PeerState", "Surveyed", "recover"]

log = logging.getLogger(__name__)

NOTE = "the line process ended before this part was finished"


class PeerState(Protocol):
    """What the PLC's registers say of the last exchange."""

    @property
    def pending(self) -> Trigger | None:
        """A raised trigger that has no valid result yet."""
        ...

    @property
    def answered_sequence(self) -> int | None:
        """Sequence number of the last result that was flagged valid."""
        ...


class Surveyed(TriggerSource, Protocol):
    """A trigger source that can tell how far the last exchange went."""

    async def survey(self) -> PeerState:
        """Return the state of the registers as they stand."""
        ...


@dataclass(frozen=True, slots=True)
class _Closing:
    report: InspectionReport
    to_be_told: bool


def _closing(entry: Spooled, peer: PeerState) -> _Closing:
    """Decide the final word on one unfinished entry; a verdict the PLC never saw becomes UNKNOWN."""
    report = entry.report
    waiting = peer.pending is not None and peer.pending.sequence == report.trigger.sequence
    told = peer.answered_sequence == report.trigger.sequence and not waiting
    if told or report.verdict.fault is FaultCode.CRASH:
        return _Closing(report, waiting)
    return _Closing(replace(report, verdict=report.verdict.faulted(FaultCode.CRASH, NOTE)), waiting)


async def recover(unfinished: Sequence[Spooled], source: Surveyed, journal: ReportSink) -> int:
    """Close every unfinished entry and answer the trigger still waiting; return how many parts were closed."""
    peer = await source.survey()
    closings = [_closing(entry, peer) for entry in unfinished]
    if peer.pending is not None and not any(closing.to_be_told for closing in closings):
        # Raised while nobody listened, or killed before the first line of the journal.
        report = InspectionReport(peer.pending, Verdict.unknown(FaultCode.CRASH, NOTE))
        journal.opened(report)
        closings.append(_Closing(report, to_be_told=True))
    for closing in closings:
        report = closing.report
        if closing.to_be_told and peer.pending is not None:
            try:
                await source.answer(peer.pending, report.verdict)
            except PlcError as error:
                report = replace(report, verdict=report.verdict.faulted(FaultCode.PLC_LOST, str(error)))
        journal.answered(report, None)
    if closings:
        log.warning("%d part(s) left open by the last run were closed as UNKNOWN or as told", len(closings))
    return len(closings)
