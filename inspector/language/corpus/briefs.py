"""Briefs drawn at random from everything the contract can say, common cases more often than rare ones."""

from __future__ import annotations

import random

from inspector.domain import Outcome
from inspector.language.brief import KNOWN_CODES, Brief, ClauseStatus, Count, Degree, Figures, Kind, Rank

__all__ = ["random_brief"]

_KINDS = (Kind.FINDING, Kind.OPENING, Kind.LARGEST, Kind.CLOSING, Kind.FAULT)
_OFTEN = (76, 12, 4, 5, 3)
_CLAUSES_OFTEN = (55, 30, 15)
_ONCE = frozenset({"confidence", "not_allowed", "unlisted"})


def random_brief(rng: random.Random) -> Brief:
    """Return a brief without values: statuses are all that a generator sees."""
    kind = rng.choices(_KINDS, _OFTEN)[0]
    outcome = rng.choice(tuple(Outcome))
    match kind:
        case Kind.OPENING:
            counts = (Count.NONE, Count.ONE, Count.FEW) if outcome is Outcome.PASS else tuple(Count)[1:]
            return Brief(kind, outcome, rng.choice(counts))
        case Kind.CLOSING:
            return Brief(kind, outcome)
        case Kind.FAULT:
            return Brief(kind, Outcome.REVIEW)
        case Kind.LARGEST:
            rank = rng.choice((Rank.ONLY, Rank.FIRST))
            return Brief(kind, Outcome.PASS, rank=rank, zone=_coin(rng), place=_coin(rng, 0.8), size=True)
    outcome = rng.choice((Outcome.REVIEW, Outcome.FAIL))
    return Brief(
        kind,
        outcome,
        rank=rng.choice(tuple(Rank)),
        zone=_coin(rng),
        place=_coin(rng, 0.8),
        size=_coin(rng),
        clauses=_clauses(rng),
    )


def _clauses(rng: random.Random) -> tuple[ClauseStatus, ...]:
    """Return one to three clauses; what can be said of a finding only once is said once."""
    clauses: list[ClauseStatus] = []
    for _ in range(rng.choices((1, 2, 3), _CLAUSES_OFTEN)[0]):
        clause = _clause(rng)
        if clause.code not in _ONCE or all(clause.code != other.code for other in clauses):
            clauses.append(clause)
    return tuple(clauses)


def _clause(rng: random.Random) -> ClauseStatus:
    code = rng.choices(KNOWN_CODES, (5, 3, 3, 3, 2, 2, 1, 1))[0]
    if code in {"not_allowed", "unlisted", "not_measured"}:
        return ClauseStatus(code)
    if code == "confidence":
        return ClauseStatus(code, Figures.LIMIT if _coin(rng, 0.9) else Figures.NONE)
    figures = rng.choices((Figures.ALL, Figures.LIMIT, Figures.VALUE, Figures.NONE), (8, 1, 1, 1))[0]
    graded = code in {"above_usl", "below_lsl"} and figures is Figures.ALL
    degrees = (Degree.SLIGHT, Degree.CLEAR, Degree.FAR, Degree.UNKNOWN)
    return ClauseStatus(code, figures, rng.choices(degrees, (3, 3, 3, 1))[0] if graded else Degree.UNKNOWN)


def _coin(rng: random.Random, odds: float = 0.5) -> bool:
    return rng.random() < odds
