"""The handshake's state machine, with neither wire nor clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from inspector.domain import FaultCode, Trigger
from inspector.plc.challenge_request import ChallengeState
from inspector.plc.cycle import Cycle, Phase, Ticket
from inspector.plc.handshake import FromInspector, FromPlc, Name

QUIET = FromPlc(trigger=False, part_id="", sequence=0, recipe_id=0, result_ack=False, reset=False, heartbeat=0)
NOBODY = FromInspector(trigger_ack=False, result_valid=False, answered_sequence=None)
ACK_TIMEOUT_S = 2.0


def raised(sequence: int, part_id: str = "") -> FromPlc:
    return replace(QUIET, trigger=True, sequence=sequence, part_id=part_id or f"P{sequence}")


def make(plc: FromPlc, overrun: bool) -> Trigger:
    return Trigger(plc.part_id, "cell-1", plc.sequence, datetime.now(UTC), overrun=overrun)


@pytest.fixture
def cycle() -> Cycle:
    new = Cycle(make, ACK_TIMEOUT_S)
    new.wanted = True
    new.resync(QUIET, NOBODY, 0.0)
    assert new.observe(QUIET, 0.0) is None
    assert new.phase is Phase.IDLE
    return new


def up(cycle: Cycle) -> set[Name]:
    return {name for name, value in cycle.outputs().items() if value is True}


def take(cycle: Cycle, plc: FromPlc, now: float = 0.0) -> Ticket:
    ticket = cycle.observe(plc, now)
    assert ticket is not None
    return ticket


def test_one_part_from_trigger_to_idle(cycle: Cycle) -> None:
    assert up(cycle) == {Name.READY}
    ticket = take(cycle, raised(5))
    assert (ticket.trigger.sequence, ticket.trigger.part_id, ticket.trigger.overrun) == (5, "P5", False)
    assert up(cycle) == {Name.TRIGGER_ACK, Name.BUSY}
    assert cycle.outputs()[Name.VERDICT] == 0, "the verdict of the part before is wiped"
    cycle.answered(0.0)
    assert up(cycle) == {Name.TRIGGER_ACK, Name.BUSY, Name.RESULT_VALID}
    cycle.observe(replace(raised(5), result_ack=True), 0.1)
    assert up(cycle) == set(), "ResultAck takes everything back"
    cycle.observe(QUIET, 0.2)
    assert up(cycle) == {Name.READY}


def state(cycle: Cycle) -> ChallengeState:
    return ChallengeState(int(cycle.outputs()[Name.CHALLENGE_STATE]))


def test_a_challenge_is_answered_once_and_its_answer_goes_with_the_request(cycle: Cycle) -> None:
    asking = replace(QUIET, start_challenge=True)
    cycle.observe(asking, 0.0)
    cycle.observe(asking, 0.0)
    request = cycle.challenge.asked
    assert request is not None
    assert state(cycle) is ChallengeState.ASKED
    cycle.challenge.answer(request, True)
    cycle.observe(asking, 0.0)
    assert (state(cycle), cycle.challenge.asked) == (ChallengeState.PASSED, None)
    cycle.observe(QUIET, 0.0)
    assert state(cycle) is ChallengeState.NONE


def test_the_answer_to_a_challenge_given_up_is_not_told_to_the_next(cycle: Cycle) -> None:
    asking = replace(QUIET, start_challenge=True)
    cycle.observe(asking, 0.0)
    given_up = cycle.challenge.asked
    assert given_up is not None
    cycle.observe(QUIET, 0.0)
    cycle.observe(asking, 0.0)
    cycle.challenge.answer(given_up, True)
    assert state(cycle) is ChallengeState.ASKED
    again = cycle.challenge.asked
    assert again is not None
    cycle.challenge.answer(again, False)
    assert state(cycle) is ChallengeState.FAILED


def test_a_challenge_that_is_still_asked_for_after_a_loss_is_a_new_one(cycle: Cycle) -> None:
    asking = replace(QUIET, start_challenge=True)
    cycle.observe(asking, 0.0)
    before = cycle.challenge.asked
    assert before is not None
    cycle.challenge.answer(before, True)
    cycle.abandon("gone", withdraw=False)
    assert state(cycle) is ChallengeState.NONE
    cycle.resync(asking, NOBODY, 1.0)
    cycle.observe(asking, 1.0)
    assert cycle.challenge.asked not in {None, before}


def test_a_challenge_is_heard_while_a_part_is_in_work_and_while_reset_is_held(cycle: Cycle) -> None:
    take(cycle, raised(5))
    cycle.observe(replace(raised(5), start_challenge=True), 0.0)
    assert state(cycle) is ChallengeState.ASKED
    cycle.observe(replace(QUIET, reset=True), 0.0)
    assert state(cycle) is ChallengeState.NONE


def test_the_same_trigger_is_taken_once(cycle: Cycle) -> None:
    take(cycle, raised(5))
    assert [cycle.observe(raised(5), 0.0) for _ in range(3)] == [None] * 3


def test_a_repeated_sequence_number_is_no_new_trigger(cycle: Cycle, caplog: pytest.LogCaptureFixture) -> None:
    take(cycle, raised(5))
    cycle.answered(0.0)
    cycle.observe(replace(QUIET, result_ack=True), 0.0)
    cycle.observe(QUIET, 0.0)
    assert cycle.observe(raised(5), 0.0) is None
    assert "SeqNo 5" in caplog.text
    assert Name.READY not in up(cycle)


def test_the_next_trigger_is_taken_in_the_reading_that_shows_the_acknowledgement_gone(cycle: Cycle) -> None:
    take(cycle, raised(5))
    cycle.answered(0.0)
    cycle.observe(replace(QUIET, result_ack=True), 0.0)
    assert take(cycle, raised(6)).trigger.sequence == 6


def test_a_change_without_a_seen_drop_must_read_the_same_twice(cycle: Cycle) -> None:
    take(cycle, raised(5))
    cycle.answered(0.0)
    cycle.observe(replace(raised(5), result_ack=True), 0.0)
    cycle.observe(raised(5), 0.0)
    assert cycle.observe(raised(6, "P5"), 0.0) is None, "SeqNo is new, PartId still old"
    assert cycle.observe(raised(6, "P6"), 0.0) is None
    assert take(cycle, raised(6, "P6")).trigger.part_id == "P6"


def test_an_overrun_is_taken_at_once_and_has_its_turn_after_the_part_before(cycle: Cycle) -> None:
    first = take(cycle, raised(5))
    cycle.observe(QUIET, 0.0)
    second = take(cycle, raised(6))
    assert second.trigger.overrun
    assert not second.turn.is_set()
    assert cycle.current is first
    cycle.answered(0.0)
    cycle.observe(replace(raised(6), result_ack=True), 0.0)
    assert not second.turn.is_set(), "the PLC still has to take ResultAck back"
    cycle.observe(raised(6), 0.0)
    assert second.turn.is_set()
    assert cycle.current is second
    assert up(cycle) == {Name.TRIGGER_ACK, Name.BUSY}


def test_a_trigger_before_the_acknowledgement_is_an_overrun_too(cycle: Cycle) -> None:
    take(cycle, raised(5))
    cycle.answered(0.0)
    cycle.observe(QUIET, 0.0)
    second = take(cycle, raised(6))
    assert second.trigger.overrun
    assert Name.RESULT_VALID in up(cycle), "the result before still stands"
    assert not second.turn.is_set()


def test_a_storm_of_triggers_fills_no_memory(cycle: Cycle, caplog: pytest.LogCaptureFixture) -> None:
    take(cycle, raised(5))
    taken = []
    for sequence in range(6, 106):
        cycle.observe(QUIET, 0.0)
        taken.append(cycle.observe(raised(sequence), 0.0))
    assert [ticket.trigger.sequence for ticket in taken if ticket] == list(range(6, 38)), "32 wait, no more"
    assert [record.message for record in caplog.records] == ["triggers are ignored from SeqNo 38 on: 32 wait already"]
    cycle.answered(0.0)
    cycle.observe(replace(QUIET, result_ack=True), 0.0)
    cycle.observe(QUIET, 0.0)
    assert cycle.current is taken[0], "the ones before are answered in order"
    assert take(cycle, raised(200)).trigger.overrun, "and there is room again"


def test_a_trigger_together_with_the_acknowledgement_is_none(cycle: Cycle) -> None:
    take(cycle, raised(5))
    cycle.answered(0.0)
    assert cycle.observe(replace(raised(6), result_ack=True), 0.0) is None
    assert cycle.observe(replace(raised(6), result_ack=True), 0.0) is None
    assert not take(cycle, raised(6)).trigger.overrun


def test_a_result_without_acknowledgement_is_taken_back_with_a_fault(cycle: Cycle) -> None:
    take(cycle, raised(5))
    cycle.answered(10.0)
    cycle.observe(raised(5), 10.0 + ACK_TIMEOUT_S - 0.01)
    assert Name.RESULT_VALID in up(cycle)
    cycle.observe(raised(5), 10.0 + ACK_TIMEOUT_S)
    assert up(cycle) == {Name.FAULT}
    assert cycle.outputs()[Name.FAULT_CODE] == FaultCode.PLC_ACK
    cycle.observe(QUIET, 13.0)
    assert up(cycle) == {Name.READY}


def test_reset_gives_up_and_waits_for_its_end(cycle: Cycle) -> None:
    ticket = take(cycle, raised(5))
    cycle.observe(replace(raised(5), reset=True), 0.0)
    assert "reset" in ticket.lost
    assert ticket.turn.is_set()
    assert up(cycle) == set()
    assert cycle.observe(raised(5), 0.0) is None, "raised before the reset"
    cycle.observe(QUIET, 0.0)
    assert up(cycle) == {Name.READY}


def test_not_wanted_means_not_ready_but_a_trigger_is_taken_all_the_same(cycle: Cycle) -> None:
    cycle.wanted, cycle.line_fault = False, int(FaultCode.STORAGE)
    assert up(cycle) == {Name.FAULT}
    assert cycle.outputs()[Name.FAULT_CODE] == FaultCode.STORAGE
    assert take(cycle, raised(5)).trigger.sequence == 5


# --- losing the PLC ---------------------------------------------------------------------------------------


def test_a_loss_gives_up_the_part_and_a_raised_trigger_is_owed_an_answer(cycle: Cycle) -> None:
    ticket = take(cycle, raised(5))
    cycle.abandon("gone", withdraw=False)
    assert ticket.lost == "gone"
    assert up(cycle) == {Name.FAULT}
    owed = cycle.resync(raised(5), FromInspector(True, False, None), 1.0)
    assert owed is not None
    assert owed is not ticket
    assert owed.trigger.sequence == 5


@pytest.mark.parametrize("first", [True, False])
def test_a_plc_that_starts_anew_may_count_from_the_number_that_it_was_lost_with(cycle: Cycle, first: bool) -> None:
    """Its memory still held the old trigger when the connection, or its heartbeat, was back."""
    if first:
        cycle = Cycle(make, ACK_TIMEOUT_S)
        cycle.wanted = True
    else:
        take(cycle, raised(1))
        cycle.abandon("gone", withdraw=True)
    assert cycle.resync(raised(1), FromInspector(True, False, None), 1.0) is not None
    cycle.observe(QUIET, 1.0)
    assert cycle.observe(raised(1), 1.0) is None, "the old one has no answer yet"
    cycle.answered(1.0)
    cycle.observe(replace(QUIET, result_ack=True), 1.0)
    cycle.observe(QUIET, 1.0)
    again = take(cycle, raised(1))
    assert not again.trigger.overrun
    cycle.answered(1.0)
    cycle.observe(replace(QUIET, result_ack=True), 1.0)
    cycle.observe(QUIET, 1.0)
    assert cycle.observe(raised(1), 1.0) is None, "once: from now on a SeqNo has to differ from the one before"


def test_a_result_that_was_written_before_the_loss_stands(cycle: Cycle) -> None:
    take(cycle, raised(5))
    cycle.answered(0.0)
    cycle.abandon("gone", withdraw=False)
    assert cycle.resync(raised(5), FromInspector(True, True, 5), 1.0) is None
    assert cycle.phase is Phase.AWAIT_ACK


def test_a_standing_result_survives_a_second_loss() -> None:
    cycle = Cycle(make, ACK_TIMEOUT_S)
    cycle.resync(raised(5), FromInspector(True, True, 5), 0.0)
    cycle.abandon("gone again", withdraw=False)
    assert cycle.resync(raised(5), FromInspector(True, True, 5), 1.0) is None
    assert cycle.phase is Phase.AWAIT_ACK


def test_a_result_whose_writing_was_cut_off_does_not_stand(cycle: Cycle) -> None:
    take(cycle, raised(5))
    cycle.abandon("gone while writing", withdraw=False)
    owed = cycle.resync(raised(5), FromInspector(True, True, 5), 1.0)
    assert owed is not None, "it may have been a PASS that nobody recorded as told"
    assert Name.RESULT_VALID not in up(cycle)


def test_a_standing_result_is_withdrawn_while_the_program_stands_still(cycle: Cycle) -> None:
    take(cycle, raised(5))
    cycle.answered(0.0)
    cycle.abandon("heartbeat", withdraw=True)
    assert Name.RESULT_VALID not in up(cycle)
    assert cycle.resync(raised(5), FromInspector(False, False, 5), 1.0) is None
    assert cycle.observe(raised(5), 1.0) is None, "it was answered, it is not taken again"


def test_a_restarted_plc_may_count_from_the_same_number(cycle: Cycle) -> None:
    take(cycle, raised(1))
    cycle.abandon("gone", withdraw=False)
    cycle.resync(QUIET, NOBODY, 1.0)
    cycle.observe(QUIET, 1.0)
    assert take(cycle, raised(1)).trigger.sequence == 1


def test_a_trigger_of_the_time_of_the_loss_is_taken_normally(cycle: Cycle) -> None:
    cycle.abandon("gone", withdraw=False)
    assert cycle.resync(raised(7), NOBODY, 1.0) is None
    assert take(cycle, raised(7)).trigger.sequence == 7


# --- the first look ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plc", "mine", "orphan", "phase"),
    [
        (QUIET, NOBODY, None, Phase.CLEARING),
        (raised(4), NOBODY, None, Phase.CLEARING),
        (raised(4), FromInspector(True, False, None), 4, Phase.BUSY),
        (raised(4), FromInspector(True, False, 3), 4, Phase.BUSY),
        (raised(4), FromInspector(True, True, 4), None, Phase.AWAIT_ACK),
        (raised(4), FromInspector(True, True, 3), None, Phase.CLEARING),
        (replace(raised(4), result_ack=True), FromInspector(True, False, 4), None, Phase.CLEARING),
        (QUIET, FromInspector(True, True, 4), None, Phase.CLEARING),
    ],
)
def test_what_a_line_that_is_gone_left_behind(
    plc: FromPlc, mine: FromInspector, orphan: int | None, phase: Phase
) -> None:
    cycle = Cycle(make, ACK_TIMEOUT_S)
    found = cycle.resync(plc, mine, 0.0)
    assert (found.trigger.sequence if found else None) == orphan
    assert cycle.phase is phase


def test_an_answered_trigger_that_is_still_raised_is_not_inspected_again() -> None:
    cycle = Cycle(make, ACK_TIMEOUT_S)
    cycle.resync(raised(4), FromInspector(False, False, 4), 0.0)
    assert [cycle.observe(raised(4), 0.0) for _ in range(3)] == [None] * 3


# --- whatever the PLC does --------------------------------------------------------------------------------

snapshots = st.builds(
    FromPlc,
    trigger=st.booleans(),
    part_id=st.sampled_from(["A", "B"]),
    sequence=st.integers(0, 4),
    recipe_id=st.just(0),
    result_ack=st.booleans(),
    reset=st.sampled_from([False, False, False, False, True]),
    heartbeat=st.just(0),
)


class AnyPlc(RuleBasedStateMachine):
    """A PLC that writes anything at any time, and a line that answers when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.cycle = Cycle(make, ACK_TIMEOUT_S)
        self.cycle.wanted = True
        self.now = 0.0
        self.open: list[Ticket] = []
        self.plc = QUIET

    @rule(plc=snapshots, later=st.floats(0, 3))
    def read(self, plc: FromPlc, later: float) -> None:
        self.now, self.plc = self.now + later, plc
        if self.cycle.phase is Phase.LOST:
            mine = FromInspector(trigger_ack=False, result_valid=False, answered_sequence=None)
            ticket = self.cycle.resync(plc, mine, self.now)
        else:
            ticket = self.cycle.observe(plc, self.now)
        self.open = [held for held in self.open if not held.lost]
        if ticket is not None:
            assert ticket.trigger.sequence == plc.sequence
            assert plc.trigger
            assert not plc.reset or ticket is self.cycle.current
            self.open.append(ticket)

    @precondition(lambda self: self.cycle.current is not None)
    @rule()
    def answer(self) -> None:
        ticket = self.cycle.current
        assert ticket is not None
        assert not ticket.lost
        assert ticket.turn.is_set()
        self.open.remove(ticket)
        self.cycle.answered(self.now)

    @rule(withdraw=st.booleans())
    def lose(self, withdraw: bool) -> None:
        self.cycle.abandon("lost", withdraw=withdraw)
        assert all(ticket.lost and ticket.turn.is_set() for ticket in self.open)
        self.open = []

    @invariant()
    def flags_agree(self) -> None:
        flags = up(self.cycle)
        assert (Name.BUSY in flags) == (Name.TRIGGER_ACK in flags)
        assert Name.RESULT_VALID not in flags or Name.BUSY in flags
        if Name.READY in flags:
            assert flags == {Name.READY}
            assert (self.plc.trigger, self.plc.result_ack, self.plc.reset) == (False, False, False)
        if self.cycle.phase in {Phase.LOST, Phase.RESET}:
            assert not flags & {Name.READY, Name.BUSY, Name.RESULT_VALID}

    @invariant()
    def every_open_ticket_will_have_its_turn(self) -> None:
        assert sum(ticket.turn.is_set() for ticket in self.open) <= 1
        if self.open and self.cycle.phase is Phase.BUSY:
            assert self.cycle.current is self.open[0]
        if self.cycle.phase in {Phase.IDLE, Phase.LOST, Phase.RESET}:
            assert not self.open


TestAnyPlc = AnyPlc.TestCase
TestAnyPlc.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


# --- recipes ------------------------------------------------------------------------------------------------


@pytest.fixture
def choosing() -> Cycle:
    """A line that runs the recipes 1 (its default) and 3."""
    new = Cycle(make, ACK_TIMEOUT_S, recipes=frozenset({1, 3}), default_recipe=1)
    new.wanted = True
    new.resync(QUIET, NOBODY, 0.0)
    new.observe(QUIET, 0.0)
    return new


def test_the_recipe_that_the_plc_asks_for_is_told_back(choosing: Cycle) -> None:
    assert choosing.outputs()[Name.RECIPE_ACTIVE] == 1, "0 is the line's default"
    choosing.observe(replace(QUIET, recipe_id=3), 0.0)
    assert (choosing.outputs()[Name.RECIPE_ACTIVE], up(choosing)) == (3, {Name.READY})


def test_a_recipe_that_the_line_does_not_run_blocks_it(choosing: Cycle) -> None:
    choosing.observe(replace(QUIET, recipe_id=3), 0.0)
    choosing.observe(replace(QUIET, recipe_id=9), 0.1)
    outputs = choosing.outputs()
    assert (outputs[Name.RECIPE_ACTIVE], outputs[Name.FAULT_CODE]) == (3, FaultCode.RECIPE), "the old one stands"
    assert up(choosing) == {Name.FAULT}
    choosing.observe(replace(QUIET, recipe_id=1), 0.2)
    assert (choosing.outputs()[Name.RECIPE_ACTIVE], up(choosing)) == (1, {Name.READY})


def test_a_recipe_does_not_change_under_a_part(choosing: Cycle) -> None:
    take(choosing, raised(1))
    choosing.observe(replace(raised(1), recipe_id=3), 0.1)
    assert choosing.outputs()[Name.RECIPE_ACTIVE] == 1
    choosing.answered(0.2)
    choosing.observe(replace(raised(1), recipe_id=3, result_ack=True), 0.3)
    assert choosing.outputs()[Name.RECIPE_ACTIVE] == 1
    choosing.observe(replace(QUIET, recipe_id=3), 0.4)
    assert choosing.outputs()[Name.RECIPE_ACTIVE] == 3


# --- a PLC without ResultAck ----------------------------------------------------------------------------------


def test_without_resultack_the_drop_of_trigger_takes_the_result_back() -> None:
    cycle = Cycle(make, ACK_TIMEOUT_S, acknowledges=False)
    cycle.wanted = True
    cycle.resync(QUIET, NOBODY, 0.0)
    cycle.observe(QUIET, 0.0)
    take(cycle, raised(1))
    cycle.answered(0.1)
    cycle.observe(raised(1), 0.2)
    assert Name.RESULT_VALID in up(cycle), "Trigger is still up: the result was not read yet"
    cycle.observe(QUIET, 0.3)
    assert up(cycle) == {Name.READY}
    assert take(cycle, raised(2), 0.4).trigger.sequence == 2
