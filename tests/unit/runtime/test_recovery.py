from __future__ import annotations

from dataclasses import replace

from inspector.domain import FaultCode, InspectionReport, Outcome, PlcLost, Verdict
from inspector.runtime.recovery import recover
from inspector.runtime.spool import Spooled
from tests.unit.runtime.fakes import Journal, Plc, trigger

OPENED = InspectionReport(trigger(7), Verdict.unknown(FaultCode.CRASH, "unfinished"))
JUDGED = replace(OPENED, verdict=Verdict(Outcome.PASS, (), "default"))


async def closed(plc: Plc, *reports: InspectionReport) -> list[InspectionReport]:
    journal = Journal()
    assert await recover([Spooled("k", report) for report in reports], plc, journal) == len(journal.answered_reports)
    return journal.answered_reports


async def test_a_verdict_the_plc_has_seen_stays() -> None:
    plc = Plc(answered_sequence=7)
    (report,) = await closed(plc, JUDGED)
    assert report.verdict == JUDGED.verdict
    assert plc.answers == []


async def test_a_verdict_the_plc_never_saw_becomes_unknown_and_is_told_if_it_waits() -> None:
    plc = Plc(pending=trigger(7), answered_sequence=6)
    (report,) = await closed(plc, JUDGED)
    assert report.verdict.fault is FaultCode.CRASH
    assert [(of.sequence, verdict.fault) for of, verdict in plc.answers] == [(7, FaultCode.CRASH)]


async def test_an_old_verdict_is_never_replayed_to_a_plc_that_went_on() -> None:
    plc = Plc(pending=trigger(9), answered_sequence=6)
    reports = await closed(plc, JUDGED)
    assert [(r.trigger.sequence, r.verdict.fault) for r in reports] == [(7, FaultCode.CRASH), (9, FaultCode.CRASH)]
    assert [of.sequence for of, _ in plc.answers] == [9]


async def test_a_trigger_raised_while_nobody_listened_is_answered_and_recorded() -> None:
    plc = Plc(pending=trigger(3))
    (report,) = await closed(plc)
    assert (report.trigger.sequence, report.verdict.fault) == (3, FaultCode.CRASH)
    assert len(plc.answers) == 1


async def test_an_opened_part_stays_unknown_even_if_its_number_was_answered_before_a_wrap() -> None:
    (report,) = await closed(Plc(answered_sequence=7), OPENED)
    assert report.verdict.fault is FaultCode.CRASH


async def test_a_plc_that_goes_away_meanwhile_does_not_lose_the_record() -> None:
    (report,) = await closed(Plc(pending=trigger(7), error=PlcLost("gone")), OPENED)
    assert report.verdict.fault is FaultCode.PLC_LOST


async def test_nothing_open_nothing_done() -> None:
    assert await closed(Plc()) == []
