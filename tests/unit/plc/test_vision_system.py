"""The vision system without a wire: whatever the line, the PLC and clients do, in any order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.domain import FaultCode, InspectionReport, Outcome, Trigger, Verdict
from inspector.plc.vision.machine import IllegalTransitionError, Mode, State
from inspector.plc.vision.notices import Message, ResultMade
from inspector.plc.vision.results import Handles, ResultState, ResultStore
from inspector.plc.vision.system import Refused, Start, VisionSystem

PASS = Verdict(Outcome.PASS, (), "default")
LOST = Verdict.unknown(FaultCode.CAMERA_LOST, "no camera")
DARK = Verdict.unknown(FaultCode.BAD_FRAME, "dark")


def made(start: Start = Start.AUTOMATIC, *, results: int = 50) -> VisionSystem:
    system = VisionSystem("cell-1", ("default", "fine"), "default", lambda _report: "{}", start=start, results=results)
    system.line(True, 0)
    return system


def start(system: VisionSystem, *, continuous: bool = False) -> Trigger:
    system.start_job(part="P", meas="M", recipe="", product="", continuous=continuous)
    return system.arrivals.pop()


def results(system: VisionSystem) -> list[ResultState]:
    return [notice.result.state for notice in system.notices if isinstance(notice, ResultMade)]


class Site:
    """A line, a PLC and clients that do whatever comes."""

    def __init__(self) -> None:
        self.system = made()
        self.taken: list[Trigger] = []
        self.sequence = 0
        self.own: set[Trigger] = set()

    def do(self, act: str) -> None:
        with suppress(IllegalTransitionError, Refused):
            ACTS[act](self)
        if self.system.due:
            job, self.system.due = self.system.due, ""
            self.system.go_on(job)
        for trigger in self.system.arrivals:
            self.taken.append(trigger)
            self.own.add(trigger)
        self.system.arrivals.clear()
        machine = self.system.machine
        assert (machine.mode is None) is (machine.state is not State.OPERATIONAL)
        assert machine.mode is not Mode.READY or self.system.prepared
        assert not self.system.takes_parts or machine.state in {State.OPERATIONAL, State.ERROR}

    def part(self) -> None:
        self.sequence += 1
        trigger = Trigger("", "cell-1", self.sequence, datetime.now(UTC))
        self.taken.append(trigger)
        self.system.part_arrived(trigger)

    def finish(self, verdict: Verdict) -> None:
        if self.taken:
            self.system.finished(InspectionReport(self.taken.pop(0), verdict))


ACTS: dict[str, Callable[[Site], object]] = {
    "single": lambda site: site.system.start_job(part="", meas="", recipe="", product="", continuous=False),
    "continuous": lambda site: site.system.start_job(part="", meas="", recipe="", product="", continuous=True),
    "stop": lambda site: site.system.stop(),
    "abort": lambda site: site.system.abort(),
    "halt": lambda site: site.system.halt(""),
    "reset": lambda site: site.system.reset(""),
    "select": lambda site: site.system.select_automatic(),
    "confirm": lambda site: site.system.confirm_all(""),
    "prepare": lambda site: site.system.prepare("default"),
    "prepare fine": lambda site: site.system.prepare("fine"),
    "unprepare": lambda site: site.system.unprepare("default"),
    "part": Site.part,
    "pass": lambda site: site.finish(PASS),
    "camera lost": lambda site: site.finish(LOST),
    "dark": lambda site: site.finish(DARK),
    "ready": lambda site: site.system.line(True, 0),
    "hold": lambda site: site.system.line(False, 0),
    "full": lambda site: site.system.line(False, FaultCode.STORAGE),
}


@settings(max_examples=400)
@given(st.lists(st.sampled_from(sorted(ACTS)), max_size=40))
def test_every_trigger_has_one_result_whatever_happens(acts: list[str]) -> None:
    site = Site()
    for act in acts:
        site.do(act)
    site.do("abort")
    while site.taken:
        site.do("pass")
        site.do("abort")
    told = [notice.result.id for notice in site.system.notices if isinstance(notice, ResultMade)]
    assert len(told) == len(set(told)), "no result is told twice"
    assert len(told) == site.sequence + len(site.own)


@settings(max_examples=200)
@given(st.lists(st.sampled_from(sorted(ACTS)), max_size=30))
def test_a_client_can_always_get_a_good_line_back_to_work(acts: list[str]) -> None:
    site = Site()
    for act in acts:
        site.do(act)
    for act in ("ready", "reset", "select", "prepare"):
        site.do(act)
    assert site.system.machine.mode is Mode.READY


def test_a_hold_keeps_the_result_of_the_part_under_way() -> None:
    system = made()
    trigger = start(system)
    system.line(False, 0)
    assert system.machine.state is State.HALTED
    assert system.owns(trigger)
    system.finished(InspectionReport(trigger, PASS))
    assert results(system) == [ResultState.COMPLETED]
    system.line(True, 0)
    assert system.machine.mode is Mode.READY


@pytest.mark.parametrize("how", ["abort", "halt", "reset"])
def test_who_ends_a_job_gives_its_part_up(how: str) -> None:
    system = made()
    trigger = start(system)
    {"abort": system.abort, "halt": lambda: system.halt(""), "reset": lambda: system.reset("")}[how]()
    assert results(system) == [ResultState.ABORTED]
    assert not system.owns(trigger)
    system.finished(InspectionReport(trigger, PASS))
    assert results(system) == [ResultState.ABORTED], "the late verdict is told to nobody"


def test_stopping_between_two_inspections_ends_the_job_at_once() -> None:
    system = made()
    trigger = start(system, continuous=True)
    system.finished(InspectionReport(trigger, PASS))
    due = system.due
    system.stop()
    assert system.machine.mode is Mode.READY
    system.go_on(due)
    assert system.arrivals == []


def test_a_hold_before_the_first_ready_is_released_to_work() -> None:
    system = VisionSystem("cell-1", ("default",), "default", lambda _report: "")
    system.line(False, 0)
    assert system.machine.state is State.HALTED
    system.line(True, 0)
    assert system.machine.mode is Mode.READY


def test_a_hold_after_a_reset_is_released_to_where_the_client_left_it() -> None:
    system = made()
    system.reset("")
    system.line(False, 0)
    system.line(True, 0)
    assert system.machine.state is State.PREOPERATIONAL


def test_a_condition_stands_until_it_is_over_and_confirmed() -> None:
    system = made()
    system.line(False, FaultCode.STORAGE)
    system.line(False, FaultCode.STORAGE)
    system.line(True, 0)
    system.confirm_all("seen")
    system.confirm_all("again")
    told = [(notice.active, notice.confirmed) for notice in system.notices if isinstance(notice, Message)]
    assert told == [(True, False), (False, False), (False, True)]


def test_the_oldest_results_and_handles_go_first() -> None:
    system = made(results=2)
    for _ in range(3):
        system.finished(InspectionReport(start(system), PASS))
    assert isinstance(system.store, ResultStore)
    assert len(system.store.filtered({})) == 2
    handles = Handles()
    first = handles.take()
    assert handles.release(first)
    assert not handles.release(first)
    kept = [handles.take() for _ in range(1001)]
    assert not handles.release(kept[0])
    assert handles.release(kept[1])
