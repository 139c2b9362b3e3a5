"""The vision system's two state machines, one inside the other, without input or output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from inspector.plc.vision.facts import node_set

__all__ = ["IllegalTransitionError", "Machine", "Mode", "State", "Step", "Transition", "transitions"]


class State(StrEnum):
    """Of the system as a whole (VisionStateMachineType)."""

    PREOPERATIONAL = "Preoperational"
    HALTED = "Halted"
    ERROR = "Error"
    OPERATIONAL = "Operational"


class Mode(StrEnum):
    """Of the automatic mode, while the system is operational (VisionAutomaticModeStateMachineType)."""

    INITIALIZED = "Initialized"
    READY = "Ready"
    SINGLE_EXECUTION = "SingleExecution"
    CONTINUOUS_EXECUTION = "ContinuousExecution"


@dataclass(frozen=True, slots=True)
class Transition:
    """One transition of the standard; ``cause`` is the method that brings it about, empty where none does."""

    id: int
    name: str
    number: int
    source: str
    target: str
    cause: str
    effects: frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """A state that was entered; ``inner`` says that it is one of the automatic mode."""

    transition: Transition
    source: str
    target: str
    inner: bool

    @property
    def effects(self) -> frozenset[str]:
        """Event types that the standard asks for: those of the transition, and ErrorEventType (8.2.9.2)."""
        error = {"ErrorEventType"} if self.target == State.ERROR else set()
        return self.transition.effects | error | {"StateChangedEventType"}


class IllegalTransitionError(Exception):
    """The standard knows no such transition out of this state."""


@cache
def transitions() -> tuple[Transition, ...]:
    """Return the transitions of both machines, as the node set has them."""
    return tuple(_read())


def _read() -> Iterator[Transition]:
    facts = node_set()
    machines = {facts.types[name].id for name in ("VisionStateMachineType", "VisionAutomaticModeStateMachineType")}
    for fact in facts.nodes.values():
        source, target, cause = fact.to("FromState"), fact.to("ToState"), fact.to("HasCause")
        if fact.parent.target in machines and isinstance(source, int) and isinstance(target, int):
            effects = (ref.target for ref in fact.refs if ref.type == "HasEffect")
            yield Transition(
                fact.id,
                fact.name,
                facts.member(fact.id, "TransitionNumber").value,
                facts.nodes[source].name,
                facts.nodes[target].name,
                facts.nodes[cause].name if isinstance(cause, int) else "",
                frozenset(facts.nodes[effect].name for effect in effects if isinstance(effect, int)),
            )


class Machine:
    """Where the system stands, and what may become of it; begins in Preoperational, as after power-up."""

    def __init__(self) -> None:
        self.state = State.PREOPERATIONAL
        self.mode: Mode | None = None

    def allows(self, method: str) -> bool:
        """Return whether a method that causes transitions may be called now."""
        return any(self._leading(method))

    def call(self, method: str, *, target: str = "") -> tuple[Step, ...]:
        """Take the transition that this method causes; one of several by the state it leads to.

        Raises
        ------
        IllegalTransitionError
            There is none out of the present state.
        """
        return self._take([each for each in self._leading(method) if target in {"", each.target}])

    def go(self, *targets: str) -> tuple[Step, ...]:
        """Take the automatic transitions into these states, one after another; ``start`` and ``resume`` lead to work.

        Raises
        ------
        IllegalTransitionError
            There is none from the state before.
        """
        steps: tuple[Step, ...] = ()
        for target in targets:
            level = set(Mode) if target in set(Mode) else set(State)
            working = target == State.OPERATIONAL
            found = [each for each in self._leading("") if each.target == target and each.source in level]
            steps += self._take([] if working else found)
        return steps

    def start(self) -> tuple[Step, ...]:
        """Go from Preoperational to Operational and Initialized by itself; raises ``IllegalTransitionError``."""
        here = (State.OPERATIONAL.value, Mode.INITIALIZED.value)
        found = [each for each in self._leading("") if each.target in here]
        return self._take([each for each in found if each.source == State.PREOPERATIONAL])

    def resume(self, mode: Mode) -> tuple[Step, ...]:
        """Go from Error back to work, in this mode; raises ``IllegalTransitionError``."""
        here = (each for each in self._leading("") if each.source == State.ERROR)
        steps = self._take([each for each in here if each.target == State.OPERATIONAL])
        self.mode = mode
        return (*steps, Step(steps[0].transition, State.ERROR, mode, inner=True))

    def _leading(self, cause: str) -> list[Transition]:
        here = {self.state.value, self.mode.value if self.mode else ""}
        return [each for each in transitions() if each.source in here and each.cause == cause]

    def _take(self, found: list[Transition]) -> tuple[Step, ...]:
        if not found:
            raise IllegalTransitionError(f"not in {self.mode or self.state}")
        steps = tuple(Step(each, each.source, each.target, each.target in set(Mode)) for each in found)
        # The outer state first: entering the automatic mode is a transition into Operational and one into Initialized.
        for step in sorted(steps, key=lambda step: step.inner):
            if step.inner:
                self.mode = Mode(step.target)
            else:
                self.state, self.mode = State(step.target), None
        return tuple(sorted(steps, key=lambda step: step.inner))
