"""The whole table of role and act, and a trail in which no change goes unnoticed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain import (
    GENESIS,
    RIGHTS,
    Act,
    AuditEntry,
    Decision,
    Person,
    Role,
    audit_hash,
    check_trail,
    may,
    may_decide,
)

# One letter per role: guest, operator, quality, engineer, admin.
TABLE = {
    Act.SEE: "-OQEA",
    Act.EXPORT: "--QEA",
    Act.HOLD_LINE: "GOQEA",
    Act.HOLD_PART: "GOQEA",
    Act.HOLD_LOT: "GOQEA",
    Act.RELEASE_LINE: "--QE-",
    Act.RELEASE_LOT: "--QE-",
    Act.ACKNOWLEDGE_ALARM: "-OQE-",
    Act.TRIGGER_ONCE: "---E-",
    Act.REVIEW_TIGHTEN: "-OQE-",
    Act.REVIEW_ACCEPT: "--QE-",
    Act.SELECT_RECIPE: "---E-",
    Act.START_CHALLENGE_TEST: "--QE-",
    Act.REMARK: "-OQE-",
    Act.ASK: "GOQEA",
    Act.CHANGE_TERM: "--QEA",
    Act.CORRECT_TEXT: "-OQEA",
    Act.SEE_AUDIT: "--Q-A",
    Act.MANAGE_USERS: "----A",
}


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(Act) == set(RIGHTS)
    assert all(len(row) == len(Role) for row in TABLE.values())


@pytest.mark.parametrize(("role", "act"), list(product(Role, Act)))
def test_every_role_may_do_what_the_table_says(role: Role, act: Act) -> None:
    assert may(Person("x", role), act) is (TABLE[act][list(Role).index(role)] != "-")


@pytest.mark.parametrize("act", Act)
def test_a_shut_account_may_do_nothing(act: Act) -> None:
    assert not any(may(Person("x", role, disabled=True), act) for role in Role)


@pytest.mark.parametrize(("role", "decision"), list(product(Role, Decision)))
def test_who_may_decide_what(role: Role, decision: Decision) -> None:
    allowed = {
        Decision.ACCEPT: {Role.QUALITY, Role.ENGINEER},
        Decision.REWORK: {Role.OPERATOR, Role.QUALITY, Role.ENGINEER},
        Decision.SCRAP: {Role.OPERATOR, Role.QUALITY, Role.ENGINEER},
    }
    assert may_decide(Person("x", role), decision) is (role in allowed.get(decision, set()))


def trail(length: int) -> list[AuditEntry]:
    entries, previous = list[AuditEntry](), GENESIS
    for number in range(1, length + 1):
        at = datetime(2026, 11, 22, 6, 0, number, tzinfo=UTC)
        entry = AuditEntry(number, at, "mei", "quality", "review", f"P-{number}", "scrap: burnt", previous, "")
        entry = replace(entry, hash=audit_hash(entry))
        entries.append(entry)
        previous = entry.hash
    return entries


def test_a_whole_trail_holds() -> None:
    assert check_trail(trail(5)) is None
    assert check_trail([]) is None


@given(
    at=st.integers(0, 9),
    name=st.sampled_from(["number", "who", "role", "act", "subject", "detail", "previous", "hash", "at"]),
)
def test_any_change_of_any_field_is_found_where_it_is(at: int, name: str) -> None:
    entries = trail(10)
    old = getattr(entries[at], name)
    changed = old + 1 if name == "number" else old.replace(year=2025) if name == "at" else f"{old}x"
    entries[at] = replace(entries[at], **{name: changed})
    flaw = check_trail(entries)
    assert flaw is not None
    assert flaw.number == at + 1


@given(at=st.integers(0, 8))
def test_a_changed_entry_with_a_fresh_hash_breaks_the_chain(at: int) -> None:
    entries = trail(10)
    forged = replace(entries[at], who="someone else")
    entries[at] = replace(forged, hash=audit_hash(forged))
    flaw = check_trail(entries)
    assert flaw is not None
    assert flaw.number == at + 2
    assert "does not follow" in flaw.problem


@given(at=st.integers(0, 8))
def test_a_removed_entry_is_found(at: int) -> None:
    entries = trail(10)
    del entries[at]
    flaw = check_trail(entries)
    assert flaw is not None
    assert flaw.number == at + 1
    assert "missing" in flaw.problem


def test_removed_newest_entries_are_found_by_a_hash_noted_down() -> None:
    entries = trail(10)
    assert check_trail(entries, head=entries[6].hash) is None
    flaw = check_trail(entries[:6], head=entries[6].hash)
    assert flaw is not None
    assert "entries after 6 are missing" in flaw.problem
