"""Who may say what: every role with every spoken act, written out, asked for and confirmed."""

from __future__ import annotations

import itertools

import pytest

from inspector.domain import Act, Command, Person, Role
from inspector.voice import (
    ACT_OF,
    COMMANDS,
    DEFAULT_GATE,
    DIALOGUE,
    Dialogue,
    Grammar,
    Interpreter,
    Kind,
    NoTrail,
    Risk,
    may_say,
    needs_confirmation,
    risk_of,
)

# intent: who may say it (g guest, o operator, q quality, e engineer, a admin), whether it has to be confirmed,
# its risk, and a sentence of it
TABLE = {
    "status": ("goqea", False, "question", "status"),
    "counts": ("goqea", False, "question", "how many parts"),
    "yield": ("goqea", False, "question", "yield"),
    "last_defect": ("goqea", False, "question", "last defect"),
    "why": ("goqea", False, "question", "why did part 0042 fail"),
    "compare": ("goqea", False, "question", "compare part 0042 with part B1007"),
    "next_order": ("goqea", False, "question", "next order"),
    "where": ("goqea", False, "question", "what was found on part 0042"),
    "largest": ("goqea", False, "question", "which is the largest on the last part"),
    "how_many": ("goqea", False, "question", "how many opens on part 0042"),
    "is_there": ("goqea", False, "question", "is there an open near the connector on part 0042"),
    "limit": ("goqea", False, "question", "how far from the limit is part 0042"),
    "lot_rejects": ("goqea", False, "question", "how many rejects in lot L12"),
    "hold_line": ("goqea", False, "safe", "stop"),
    "hold_lot": ("goqea", False, "safe", "hold lot L12"),
    "hold_part": ("goqea", False, "safe", "hold part 0042"),
    "accept_part": ("qe", True, "release", "accept part 0042"),
    "rework_part": ("oqe", True, "release", "rework part 0042"),
    "reject_part": ("oqe", True, "change", "scrap part 0042"),
    "release_line": ("qe", True, "release", "release the line"),
    "release_lot": ("qe", True, "release", "release lot L12"),
    "select_recipe": ("e", True, "release", "select recipe class 2"),
    "start_challenge_test": ("qe", True, "release", "start challenge test"),
    "acknowledge_alarm": ("oqe", False, "change", "acknowledge the alarm"),
    "remark": ("oqe", False, "change", "note a pin hole"),
    "confirm": ("goqea", False, "release", "confirm 73"),
    "correct": ("goqea", False, "change", "correction part 0042"),
    "cancel": ("goqea", False, "question", "cancel"),
    "repeat": ("goqea", False, "question", "repeat"),
}
PAIRS = list(itertools.product(Role, sorted(TABLE)))


class Line:
    def __init__(self) -> None:
        self.done: list[Command] = []

    def objection(self, command: Command) -> str:
        return ""

    def apply(self, command: Command, person: Person) -> None:
        self.done.append(command)

    def answer(self, command: Command, language: str) -> str:
        return "42"


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(COMMANDS) | DIALOGUE == set(ACT_OF)


@pytest.mark.parametrize(("role", "intent"), PAIRS)
def test_role_and_intent(role: Role, intent: str) -> None:
    assert may_say(Person("x", role), intent) == (role.value[0] in TABLE[intent][0])
    assert not may_say(Person("x", role, disabled=True), intent)


@pytest.mark.parametrize(("role", "intent"), [pair for pair in PAIRS if pair[1] in COMMANDS])
def test_what_a_role_says_is_done_or_is_not(grammars: dict[str, Grammar], role: Role, intent: str) -> None:
    """The table once more, through the whole conversation: said, confirmed where it must be, and then done or not."""
    line = Line()
    dialogue = Dialogue(
        Interpreter(grammars["en"]), line, NoTrail(), gate=DEFAULT_GATE, new_code=iter(("73", "26")).__next__
    )
    who, confirmed, risk, sentence = TABLE[intent]
    person, allowed = Person("x", role), role.value[0] in who
    reply = dialogue.say(sentence, person)
    if not allowed:
        assert reply.kind is Kind.REFUSED
        assert role.value in reply.text
    elif risk == "question":
        assert reply.kind is Kind.ANSWER
    else:
        assert (reply.kind, len(line.done)) == ((Kind.ASKING, 0) if confirmed else (Kind.DONE, 1))
    dialogue.say("confirm 73", person)
    assert len(line.done) == (1 if allowed and risk != "question" else 0)


@pytest.mark.parametrize(("role", "intent"), [(role, i) for role, i in PAIRS if TABLE[i][1]])
def test_whoever_confirms_must_have_the_right_as_well(grammars: dict[str, Grammar], role: Role, intent: str) -> None:
    line = Line()
    dialogue = Dialogue(
        Interpreter(grammars["en"]), line, NoTrail(), gate=DEFAULT_GATE, new_code=iter(("73", "26")).__next__
    )
    assert dialogue.say(TABLE[intent][3], Person("asks", Role.ENGINEER)).kind is Kind.ASKING
    dialogue.say("confirm 73", Person("confirms", role))
    assert len(line.done) == (1 if role.value[0] in TABLE[intent][0] else 0)


@pytest.mark.parametrize("intent", sorted(TABLE))
def test_confirmation_and_risk(intent: str) -> None:
    assert needs_confirmation(intent) == TABLE[intent][1]
    assert risk_of(intent) == TABLE[intent][2]


def test_everything_that_releases_is_confirmed_and_closed_to_guests() -> None:
    for intent in set(COMMANDS):
        if risk_of(intent) is Risk.RELEASE:
            assert needs_confirmation(intent)
            assert not may_say(Person("x", Role.GUEST), intent)


def test_what_the_table_does_not_know_is_open_to_nobody() -> None:
    assert not any(may_say(Person("x", role), "open_the_gate") for role in Role)
    assert risk_of("open_the_gate") is Risk.CHANGE
    assert Act.MANAGE_USERS not in ACT_OF.values()
