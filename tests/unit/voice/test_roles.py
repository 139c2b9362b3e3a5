"""Who may say what: every role with every intent, written out."""

from __future__ import annotations

import itertools

import pytest

from inspector.voice import COMMANDS, DIALOGUE, Risk, Role, allowed, needs_confirmation, risk_of

# intent: roles that may say it (g guest, o operator, q quality, l lead), whether it has to be confirmed, and its risk
TABLE = {
    "status": ("goql", False, "question"),
    "counts": ("goql", False, "question"),
    "yield": ("goql", False, "question"),
    "last_defect": ("goql", False, "question"),
    "why": ("goql", False, "question"),
    "compare": ("goql", False, "question"),
    "next_order": ("goql", False, "question"),
    "hold_line": ("goql", False, "safe"),
    "hold_lot": ("goql", False, "safe"),
    "hold_part": ("goql", False, "safe"),
    "accept_part": ("ql", True, "release"),
    "rework_part": ("oql", True, "release"),
    "reject_part": ("oql", True, "change"),
    "release_line": ("ql", True, "release"),
    "release_lot": ("ql", True, "release"),
    "select_recipe": ("l", True, "release"),
    "start_challenge_test": ("ql", True, "release"),
    "acknowledge_alarm": ("oql", False, "change"),
    "remark": ("oql", False, "change"),
    "confirm": ("oql", False, "release"),
    "correct": ("oql", False, "change"),
    "cancel": ("goql", False, "question"),
    "repeat": ("goql", False, "question"),
}


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(COMMANDS) | DIALOGUE


@pytest.mark.parametrize(("role", "intent"), list(itertools.product(Role, sorted(TABLE))))
def test_role_and_intent(role: Role, intent: str) -> None:
    assert allowed(role, intent) == (role.value[0] in TABLE[intent][0])


@pytest.mark.parametrize("intent", sorted(TABLE))
def test_confirmation_and_risk(intent: str) -> None:
    assert needs_confirmation(intent) == TABLE[intent][1]
    assert risk_of(intent) == TABLE[intent][2]


def test_everything_that_releases_is_confirmed_and_closed_to_guests() -> None:
    for intent in set(COMMANDS):
        if risk_of(intent) is Risk.RELEASE:
            assert needs_confirmation(intent)
            assert not allowed(Role.GUEST, intent)


def test_what_the_table_does_not_know_is_open_to_nobody() -> None:
    assert not any(allowed(role, "open_the_gate") for role in Role)
    assert risk_of("open_the_gate") is Risk.CHANGE
