"""Who may do what, who did what: roles, acts, and the trail of acts that cannot be changed unnoticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from inspector.domain.types import Decision

__all__ = [
    "ANYBODY",
    "GENESIS",
    "NOBODY",
    "RIGHTS",
    "Accounts",
    "Act",
    "AuditEntry",
    "AuditFlaw",
    "AuditTrail",
    "Person",
    "Role",
    "Staff",
    "audit_hash",
    "check_trail",
    "may",
    "may_decide",
]


class Role(StrEnum):
    """What a person is on this line; no role contains another by itself, ``RIGHTS`` says everything."""

    GUEST = "guest"
    """Whoever is not logged in and speaks all the same; no account has this role."""
    OPERATOR = "operator"
    QUALITY = "quality"
    ENGINEER = "engineer"
    ADMIN = "admin"


class Act(StrEnum):
    """Everything that a person can do here and that is checked against the role."""

    SEE = "see"
    """Live page, parts, review queue, history, quality, reports."""
    EXPORT = "export"
    """Take data away: CSV, report files."""
    HOLD_LINE = "hold_line"
    RELEASE_LINE = "release_line"
    ACKNOWLEDGE_ALARM = "acknowledge_alarm"
    TRIGGER_ONCE = "trigger_once"
    REVIEW_TIGHTEN = "review_tighten"
    """Send a held part to rework or scrap."""
    REVIEW_ACCEPT = "review_accept"
    """Release a held part."""
    HOLD_PART = "hold_part"
    HOLD_LOT = "hold_lot"
    RELEASE_LOT = "release_lot"
    SELECT_RECIPE = "select_recipe"
    START_CHALLENGE_TEST = "start_challenge_test"
    REMARK = "remark"
    """Say what one saw, for the record."""
    ASK = "ask"
    """Ask by voice how the line does; an answer changes nothing."""
    CHANGE_TERM = "change_term"
    """Change what a defect, a zone or a characteristic is called."""
    CORRECT_TEXT = "correct_text"
    """Write a report's text anew; verdict, decision and messages stay as they are."""
    SEE_AUDIT = "see_audit"
    MANAGE_USERS = "manage_users"


_EVERYBODY = frozenset(Role)
_STAFF = _EVERYBODY - {Role.GUEST}
_HANDS = frozenset({Role.OPERATOR, Role.QUALITY, Role.ENGINEER})
_RELEASERS = frozenset({Role.QUALITY, Role.ENGINEER})

RIGHTS: Mapping[Act, frozenset[Role]] = MappingProxyType(
    {
        Act.SEE: _STAFF,
        Act.EXPORT: frozenset({Role.QUALITY, Role.ENGINEER, Role.ADMIN}),
        # Stopping is open to everybody: nobody must look for a superior while bad parts are made.
        Act.HOLD_LINE: _EVERYBODY,
        Act.HOLD_PART: _EVERYBODY,
        Act.HOLD_LOT: _EVERYBODY,
        Act.RELEASE_LINE: _RELEASERS,
        Act.RELEASE_LOT: _RELEASERS,
        Act.ACKNOWLEDGE_ALARM: _HANDS,
        Act.TRIGGER_ONCE: frozenset({Role.ENGINEER}),
        Act.REVIEW_TIGHTEN: _HANDS,
        Act.REVIEW_ACCEPT: _RELEASERS,
        Act.SELECT_RECIPE: frozenset({Role.ENGINEER}),
        Act.START_CHALLENGE_TEST: _RELEASERS,
        Act.REMARK: _HANDS,
        Act.ASK: _EVERYBODY,
        Act.CHANGE_TERM: frozenset({Role.QUALITY, Role.ENGINEER, Role.ADMIN}),
        # Operators read the texts first, and nothing but words comes of it.
        Act.CORRECT_TEXT: _STAFF,
        Act.SEE_AUDIT: frozenset({Role.QUALITY, Role.ADMIN}),
        Act.MANAGE_USERS: frozenset({Role.ADMIN}),
    }
)
"""Which roles may do what; the whole table, nothing is derived from it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody known to this line."""

    name: str
    role: Role
    disabled: bool = False


ANYBODY = Person("anybody", Role.QUALITY)
"""Who acts on a line without log-in: the acts are recorded, but nobody knows whose they are."""


NOBODY = Person("nobody", Role.GUEST)
"""Who speaks without a session on a line that has log-in: may ask and may stop."""


def may(person: Person, act: Act) -> bool:
    """Return whether this person may do this."""
    return not person.disabled and person.role in RIGHTS[act]


def may_decide(person: Person, decision: Decision) -> bool:
    """Return whether this person may decide so about a held part; only accept, rework and scrap are decisions."""
    acts = {
        Decision.ACCEPT: Act.REVIEW_ACCEPT,
        Decision.REWORK: Act.REVIEW_TIGHTEN,
        Decision.SCRAP: Act.REVIEW_TIGHTEN,
    }
    return decision in acts and may(person, acts[decision])


# --- the trail --------------------------------------------------------------------------------------------

GENESIS = "0" * 64
"""What the first entry of a trail names as the hash before it."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act; ``hash`` is that of everything else in it and of the entry before."""

    number: int
    at: datetime
    who: str
    role: str
    act: str
    subject: str
    detail: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditFlaw:
    """Where a trail is broken; ``number`` is that of the entry that does not hold."""

    number: int
    problem: str


def audit_hash(entry: AuditEntry) -> str:
    """Return the SHA-256 of an entry's canonical JSON: sorted keys, UTC, without its own hash."""
    body = {
        "number": entry.number,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "who": entry.who,
        "role": entry.role,
        "act": entry.act,
        "subject": entry.subject,
        "detail": entry.detail,
        "previous": entry.previous,
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def check_trail(entries: Iterable[AuditEntry], *, head: str | None = None) -> AuditFlaw | None:
    """Return the first flaw of a whole trail, oldest entry first; None where every entry holds.

    A chain alone cannot show that its newest entries are missing: ``head``, a hash noted down earlier, does.
    """
    previous, number = GENESIS, 0
    passed = head in {None, GENESIS}
    for entry in entries:
        number += 1
        if entry.number != number:
            return AuditFlaw(number, f"entry {number} is missing, {entry.number} comes instead")
        if entry.previous != previous:
            return AuditFlaw(number, f"entry {number} does not follow the one before it")
        if audit_hash(entry) != entry.hash:
            return AuditFlaw(number, f"entry {number} was changed: {entry.who}, {entry.act} {entry.subject}".rstrip())
        previous = entry.hash
        passed = passed or previous == head
    return None if passed else AuditFlaw(number, f"no entry has the hash {head}: entries after {number} are missing")


@runtime_checkable
class AuditTrail(Protocol):
    """The append-only trail of acts."""

    def add(self, person: Person, act: str, subject: str = "", detail: str = "") -> AuditEntry:
        """Append one act; raises ``StoreError``."""
        ...

    def latest(self, limit: int, *, before: int | None = None) -> Sequence[AuditEntry]:
        """Return the newest entries, newest first; ``before`` leaves out that number and all after it."""
        ...

    def verify(self, head: str | None = None) -> AuditFlaw | None:
        """Return the first flaw of the trail, None where there is none."""
        ...


@runtime_checkable
class Accounts(Protocol):
    """People with passwords or PINs, and their sessions."""

    def log_in(self, name: str, secret: str) -> str | None:
        """Return a new session's token; None where name or secret are wrong or the account is locked."""
        ...

    def who(self, token: str, *, touch: bool = True) -> Person | None:
        """Return whose session this is, and keep it alive by ``touch``; None where it has ended."""
        ...

    def log_out(self, token: str) -> None:
        """End this session."""
        ...


@runtime_checkable
class Staff(Protocol):
    """The people of a line, to be added and changed; every change is in the trail."""

    def people(self) -> Sequence[Person]:
        """Return everybody, by name; raises ``StoreError``."""
        ...

    def add(self, name: str, role: Role, secret: str, *, by: Person) -> Person:
        """Add a person; raises ``AccountError`` or ``StoreError``."""
        ...

    def change(
        self,
        name: str,
        *,
        by: Person,
        role: Role | None = None,
        secret: str | None = None,
        disabled: bool | None = None,
    ) -> Person:
        """Change a person, whose sessions end; raises ``AccountError`` or ``StoreError``."""
        ...
