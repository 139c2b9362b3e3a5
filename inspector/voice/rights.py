"""Which right of the line's one table each spoken sentence takes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from inspector.domain import Act, Person, may

__all__ = ["ACT_OF", "may_say"]

ACT_OF: Mapping[str, Act] = MappingProxyType(
    {
        **dict.fromkeys(("status", "counts", "yield", "last_defect", "why", "compare", "next_order"), Act.ASK),
        **dict.fromkeys(("where", "largest", "how_many", "is_there", "limit", "lot_rejects"), Act.ASK),
        # The words of the conversation release nothing by themselves: what waits is checked again with its own right.
        **dict.fromkeys(("cancel", "repeat", "confirm", "correct"), Act.ASK),
        "hold_line": Act.HOLD_LINE,
        "hold_lot": Act.HOLD_LOT,
        "hold_part": Act.HOLD_PART,
        "release_line": Act.RELEASE_LINE,
        "release_lot": Act.RELEASE_LOT,
        "accept_part": Act.REVIEW_ACCEPT,
        "reject_part": Act.REVIEW_TIGHTEN,
        "rework_part": Act.REVIEW_TIGHTEN,
        "select_recipe": Act.SELECT_RECIPE,
        "acknowledge_alarm": Act.ACKNOWLEDGE_ALARM,
        "start_challenge_test": Act.START_CHALLENGE_TEST,
        "remark": Act.REMARK,
    }
)
"""Intent -> right; an intent that is not here is open to nobody."""


def may_say(person: Person, intent: str) -> bool:
    """Return whether this person may say this."""
    act = ACT_OF.get(intent)
    return act is not None and may(person, act)
