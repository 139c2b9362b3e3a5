"""A brief -> one of the sentences that say it."""

from __future__ import annotations

import random
import re
from types import ModuleType

from inspector.language.brief import CLAUSE_NAMES, Brief, Kind
from inspector.language.corpus import chinese, english
from inspector.language.corpus.grammar import expand

__all__ = ["random_sentence"]

_PHRASES: dict[str, ModuleType] = {"en": english, "zh": chinese}
_N = re.compile(r"\{N(?=[.}])")


def random_sentence(brief: Brief, language: str, rng: random.Random) -> str:
    """Return a slotted sentence in ``en`` or ``zh`` that says what the brief asks for."""
    phrases = _PHRASES[language]
    match brief.kind:
        case Kind.OPENING:
            assert brief.outcome is not None  # noqa: S101
            return expand(phrases.OPENINGS[brief.outcome, brief.count], rng)
        case Kind.CLOSING:
            assert brief.outcome is not None  # noqa: S101
            return expand(phrases.CLOSINGS[brief.outcome], rng)
        case Kind.FAULT:
            return expand(phrases.FAULT, rng)
        case Kind.LARGEST:
            pattern = phrases.LARGEST[brief.rank].replace("WHERE", _where(brief, phrases))
            return expand(pattern.replace("(SIZE|)", phrases.SIZE if brief.size else ""), rng)
        case Kind.FINDING:
            return _finding(brief, phrases, rng)


def _where(brief: Brief, phrases: ModuleType) -> str:
    return str(phrases.WHERE[brief.zone, brief.place])


def _finding(brief: Brief, phrases: ModuleType, rng: random.Random) -> str:
    head = expand(f"{phrases.LEADS[brief.rank]}{{class}}{_where(brief, phrases)}", rng)
    if brief.size:
        head += expand(phrases.SIZE, rng)
    clauses = []
    for name, clause in zip(CLAUSE_NAMES, brief.clauses, strict=False):
        pattern = phrases.CLAUSES[clause.code][clause.figures].replace("DEG", phrases.DEGREES[clause.degree])
        clauses.append(_N.sub("{" + name, expand(pattern, rng)))
    text = head + expand(phrases.HEAD_END, rng) + clauses[0]
    for said in clauses[1:]:
        text += expand(phrases.AND, rng) + said
    return text + ("." if phrases is english else "。")
