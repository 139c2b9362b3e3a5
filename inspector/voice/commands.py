"""Meaning -> the domain's typed Command."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from inspector.domain import (
    AcknowledgeAlarm,
    Ask,
    AskLot,
    AskPart,
    Command,
    Decision,
    HoldLine,
    HoldLot,
    Override,
    PartQuery,
    PartQuestion,
    Query,
    ReleaseLine,
    ReleaseLot,
    Remark,
    SelectRecipe,
    StartChallengeTest,
)
from inspector.voice.graph import Meaning

__all__ = ["COMMANDS", "command_of"]

BY_VOICE = "spoken command"


def _query(query: Query) -> Callable[[Meaning, str], Command]:
    def make(meaning: Meaning, _by: str) -> Command:
        part = meaning.slot("part")
        return Ask(query, part, meaning.slot("other")) if part else query

    return make


def _about(query: PartQuery) -> Callable[[Meaning, str], Command]:
    return lambda meaning, _by: AskPart(
        meaning.slot("part"), PartQuestion(query, meaning.slot("defect"), meaning.slot("zone"))
    )


def _override(decision: Decision) -> Callable[[Meaning, str], Command]:
    return lambda meaning, by: Override(meaning.slot("part"), decision, by, BY_VOICE)


def _remark(meaning: Meaning, by: str) -> Command:
    zone = meaning.slot("zone")
    return Remark(meaning.slot("defect") + (f" @ {zone}" if zone else ""), by)


COMMANDS: Mapping[str, Callable[[Meaning, str], Command]] = {
    "status": _query(Query.STATUS),
    "counts": _query(Query.COUNTS),
    "yield": _query(Query.YIELD),
    "last_defect": _query(Query.LAST_DEFECT),
    "why": _query(Query.WHY),
    "compare": _query(Query.COMPARE),
    "next_order": _query(Query.NEXT_ORDER),
    "where": _about(PartQuery.WHERE),
    "largest": _about(PartQuery.LARGEST),
    "how_many": _about(PartQuery.HOW_MANY),
    "is_there": _about(PartQuery.IS_THERE),
    "limit": _about(PartQuery.LIMIT),
    "lot_rejects": lambda meaning, _by: AskLot(meaning.slot("lot")),
    "accept_part": _override(Decision.ACCEPT),
    "reject_part": _override(Decision.SCRAP),
    "rework_part": _override(Decision.REWORK),
    "hold_part": _override(Decision.HOLD),
    "hold_line": lambda _meaning, by: HoldLine(by, BY_VOICE),
    "release_line": lambda _meaning, by: ReleaseLine(by),
    "hold_lot": lambda meaning, by: HoldLot(meaning.slot("lot"), by, BY_VOICE),
    "release_lot": lambda meaning, by: ReleaseLot(meaning.slot("lot"), by),
    "select_recipe": lambda meaning, by: SelectRecipe(meaning.slot("recipe"), by),
    "acknowledge_alarm": lambda _meaning, by: AcknowledgeAlarm(by),
    "start_challenge_test": lambda _meaning, by: StartChallengeTest(by),
    "remark": _remark,
}
"""Intent -> how its command is made; the grammars' public rules are these and the words of the dialogue."""


def command_of(meaning: Meaning, by: str) -> Command:
    """Return the command of a meaning that ``by`` gave; a ``KeyError`` for the words of the dialogue."""
    return COMMANDS[meaning.intent](meaning, by)
