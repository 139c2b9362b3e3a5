"""Who may say what: one table of role by intent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from inspector.voice.commands import COMMANDS
from inspector.voice.interpreter import DIALOGUE

__all__ = ["ALLOWED", "Person", "Role", "allowed"]


class Role(StrEnum):
    """What a person may do here; ``GUEST`` is whoever has no session."""

    GUEST = "guest"
    OPERATOR = "operator"
    QUALITY = "quality"
    LEAD = "lead"


@dataclass(frozen=True, slots=True)
class Person:
    """Who speaks, by the session of their badge or PIN."""

    name: str
    role: Role


NOBODY = Person("", Role.GUEST)
"""Somebody without a session."""

_EVERYBODY = frozenset(Role)
_STAFF = _EVERYBODY - {Role.GUEST}
_RELEASERS = frozenset({Role.QUALITY, Role.LEAD})
_LEADS = frozenset({Role.LEAD})

ALLOWED: Mapping[str, frozenset[Role]] = {
    # Questions, and everything that stops something, are open to everybody.
    **dict.fromkeys(
        ("status", "counts", "yield", "last_defect", "why", "compare", "next_order", "repeat", "cancel"), _EVERYBODY
    ),
    **dict.fromkeys(("hold_line", "hold_lot", "hold_part"), _EVERYBODY),
    **dict.fromkeys(("acknowledge_alarm", "remark", "reject_part", "rework_part"), _STAFF),
    **dict.fromkeys(("confirm", "correct"), _STAFF),
    **dict.fromkeys(("accept_part", "release_lot", "release_line", "start_challenge_test"), _RELEASERS),
    "select_recipe": _LEADS,
}
"""Intent -> roles; an intent that is not here is open to nobody."""


def allowed(role: Role, intent: str) -> bool:
    """Return whether somebody of this role may say this."""
    return role in ALLOWED.get(intent, frozenset())


def unlisted() -> frozenset[str]:
    """Return the intents that the table forgets."""
    return (frozenset(COMMANDS) | DIALOGUE) - frozenset(ALLOWED)
