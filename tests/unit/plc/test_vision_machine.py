"""Every transition of the standard, and no other."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.plc.vision.machine import IllegalTransitionError, Machine, Mode, State, Step, transitions

LEGAL: dict[str, set[str]] = {
    "Halt": {"Preoperational", "Error", "Initialized", "Ready", "SingleExecution", "ContinuousExecution"},
    "Reset": {"Halted", "Error", "Initialized", "Ready", "SingleExecution", "ContinuousExecution"},
    "SelectModeAutomatic": {"Preoperational"},
    "PrepareRecipe": {"Initialized"},
    "UnprepareRecipe": {"Ready"},
    "PrepareProduct": {"Initialized"},
    "UnprepareProduct": {"Ready"},
    "StartSingleJob": {"Ready"},
    "StartContinuous": {"Ready"},
    "Stop": {"SingleExecution", "ContinuousExecution"},
    "Abort": {"SingleExecution", "ContinuousExecution"},
}
"""Written down from the standard's tables of states, not from the node set."""

TARGET = {
    "Halt": "Halted",
    "Reset": "Preoperational",
    "SelectModeAutomatic": "Initialized",
    "PrepareRecipe": "Ready",
    "UnprepareRecipe": "Initialized",
    "PrepareProduct": "Ready",
    "UnprepareProduct": "Initialized",
    "StartSingleJob": "SingleExecution",
    "StartContinuous": "ContinuousExecution",
    "Stop": "Ready",
    "Abort": "Ready",
}
PLACES = [*(state for state in State if state is not State.OPERATIONAL), *Mode]


def standing(place: str) -> Machine:
    machine = Machine()
    if place in set(Mode):
        machine.state, machine.mode = State.OPERATIONAL, Mode(place)
    else:
        machine.state = State(place)
    return machine


def place_of(machine: Machine) -> str:
    return machine.mode or machine.state


@pytest.mark.parametrize(("method", "place"), list(product(LEGAL, PLACES)))
def test_a_method_is_taken_where_the_standard_allows_it_and_nowhere_else(method: str, place: str) -> None:
    machine = standing(place)
    assert machine.allows(method) is (place in LEGAL[method])
    if place in LEGAL[method]:
        assert machine.call(method)
        assert place_of(machine) == TARGET[method]
    else:
        with pytest.raises(IllegalTransitionError):
            machine.call(method)
        assert place_of(machine) == place


def test_the_automatic_mode_is_entered_by_two_transitions() -> None:
    machine = Machine()
    steps = machine.call("SelectModeAutomatic")
    assert [(step.transition.name, step.inner) for step in steps] == [
        ("PreoperationalToOperational", False),
        ("PreoperationalToInitialized", True),
    ]


def test_it_starts_by_itself() -> None:
    machine = Machine()
    steps = (*machine.start(), *machine.go(Mode.READY))
    assert [step.transition.name for step in steps] == [
        "PreoperationalToOperationalAuto",
        "PreoperationalToInitializedAuto",
        "InitializedToReadyAuto",
    ]


def test_an_error_ends_the_job_and_the_system_comes_back_by_itself() -> None:
    machine = standing(Mode.SINGLE_EXECUTION)
    machine.go(State.ERROR)
    assert (machine.state, machine.mode) == (State.ERROR, None)
    steps = machine.resume(Mode.READY)
    assert (machine.state, machine.mode) == (State.OPERATIONAL, Mode.READY)
    assert "ErrorResolvedEventType" in steps[0].effects
    assert [(step.source, step.target) for step in steps] == [("Error", "Operational"), ("Error", "Ready")]


@pytest.mark.parametrize(
    ("place", "target", "effect"),
    [
        (Mode.READY, Mode.SINGLE_EXECUTION, "JobStartedEventType"),
        (Mode.SINGLE_EXECUTION, Mode.READY, "ReadyEventType"),
        (State.PREOPERATIONAL, State.ERROR, "ErrorEventType"),
    ],
)
def test_transitions_bring_their_events(place: str, target: str, effect: str) -> None:
    [step] = standing(place).go(target)
    assert effect in step.effects
    assert "StateChangedEventType" in step.effects


def test_no_automatic_transition_leads_from_halted_to_work() -> None:
    with pytest.raises(IllegalTransitionError):
        standing(State.HALTED).go(State.OPERATIONAL)


def test_it_has_all_transitions_of_both_machines() -> None:
    assert len(transitions()) == 35
    assert len({each.number for each in transitions()}) == 35


@given(st.lists(st.sampled_from([*LEGAL, *State, *Mode, "start"])))
def test_it_is_always_somewhere_in_the_standard(moves: list[str]) -> None:
    machine = Machine()
    taken: list[Step] = []
    for move in moves:
        try:
            if move == "start":
                taken += machine.start()
            else:
                taken += machine.call(move) if move in LEGAL else machine.go(move)
        except IllegalTransitionError:
            continue
        assert (machine.mode is None) is (machine.state is not State.OPERATIONAL)
    assert all(step.transition in transitions() for step in taken)
