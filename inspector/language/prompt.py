"""The prompt for larger models: statuses in words, slots to use, examples; and reading the answer."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from typing import Any

from inspector.domain import LanguageError, Outcome
from inspector.language.brief import CLAUSE_NAMES, Brief, ClauseStatus, Count, Degree, Figures, Kind, Rank
from inspector.language.corpus import random_sentence
from inspector.language.engine import Request

__all__ = ["answer_schema", "describe", "messages", "sentences_of"]

_RULES = """You write inspection reports for the operators of a production line.
For each numbered task write exactly one sentence group in the language the task names (en: English, zh: Chinese).
- Use every slot in the task's list of required slots exactly once, as given, with its braces. Use no other slot.
- Never write digits, number words, units or percent signs: slots stand for all of them.
- Say only what the task's statuses say. No markup, no comment, no greeting.
- A limit's slot stands beside the word limit (限值, 上限, 下限); a distance says by how much it is over, under,
  inside or beyond the limit.
- End with a full stop.
Answer with JSON: {"sentences": ["...", "..."]}, one text per task, in order."""

_OUTCOMES = {
    Outcome.PASS: "the part passed; it moves on",
    Outcome.REVIEW: "the part needs review; it is held until a person decides",
    Outcome.FAIL: "the part failed; the line rejects it",
}
_COUNTS = {
    Count.NONE: "nothing was found",
    Count.ONE: "a single finding; do not say how many",
    Count.FEW: "as many findings as {count} says",
    Count.MANY: "as many findings as {count} says; the worst follow",
}
_RANKS = {
    Rank.ONLY: "the only finding",
    Rank.FIRST: "the worst of several findings",
    Rank.NEXT: "a further finding",
}
_CODES = {
    "above_usl": "OVER the upper limit",
    "below_lsl": "UNDER the lower limit",
    "guard_inside": "INSIDE the limit, but closer to it than the measurement uncertainty",
    "guard_beyond": "BEYOND the limit, but by less than the measurement uncertainty",
    "confidence": "the model's confidence is too low: it is value, limit is required",
    "not_allowed": "this kind of defect is NOT ALLOWED on this part",
    "unlisted": "NO RULE covers it",
    "not_measured": "it COULD NOT BE MEASURED",
}
_DEGREES = {Degree.SLIGHT: "slightly", Degree.CLEAR: "clearly", Degree.FAR: "far"}

_EXAMPLES = (
    Brief(Kind.OPENING, Outcome.FAIL, Count.FEW),
    Brief(
        Kind.FINDING,
        Outcome.FAIL,
        rank=Rank.FIRST,
        zone=True,
        place=True,
        clauses=(ClauseStatus("above_usl", Figures.ALL, Degree.CLEAR),),
    ),
    Brief(Kind.FINDING, Outcome.REVIEW, size=True, place=True, clauses=(ClauseStatus("guard_inside", Figures.ALL),)),
    Brief(Kind.CLOSING, Outcome.REVIEW),
)


def describe(request: Request) -> str:
    """Return one task: language, statuses and slots, without a single value of the record."""
    brief = request.brief
    said: list[str] = []
    match brief.kind:
        case Kind.OPENING:
            said = [f"opening; {_OUTCOMES[brief.outcome or Outcome.PASS].partition(';')[0]}; {_COUNTS[brief.count]}"]
        case Kind.CLOSING:
            said = [
                f"closing; say only what happens next: {_OUTCOMES[brief.outcome or Outcome.PASS].partition('; ')[2]}"
            ]
        case Kind.FAULT:
            said = ["the part was not inspected because of {cause}; the remedy is the sentence {remedy}; it is held"]
        case Kind.LARGEST:
            said = ["the largest finding" if brief.rank is Rank.FIRST else "the finding; do not call it the largest"]
        case Kind.FINDING:
            said = [_RANKS[brief.rank], *map(_clause, CLAUSE_NAMES, brief.clauses)]
    required = " ".join(f"{{{slot}}}" for slot in _ordered(brief.required))
    optional = " ".join(f"{{{slot}}}" for slot in _ordered(brief.offered - brief.required))
    return f"language={request.language}; {'; '.join(said)}. Required slots: {required or 'none'}." + (
        f" Optional slots: {optional}." if optional else ""
    )


def messages(requests: Sequence[Request]) -> list[dict[str, str]]:
    """Return the messages of one chat completion, examples first."""
    language = requests[0].language if requests else "en"
    examples = [Request(brief, language) for brief in _EXAMPLES]
    rng = random.Random(0)  # noqa: S311 - examples, not secrets
    answers = [random_sentence(item.brief, item.language, rng) for item in examples]
    return [
        {"role": "system", "content": _RULES},
        {"role": "user", "content": _tasks(examples)},
        {"role": "assistant", "content": json.dumps({"sentences": answers}, ensure_ascii=False)},
        {"role": "user", "content": _tasks(requests)},
    ]


def answer_schema(count: int) -> dict[str, Any]:
    """Return the JSON Schema of the answer, for servers that hold their model to one."""
    sentences = {"type": "array", "items": {"type": "string"}, "minItems": count, "maxItems": count}
    return {
        "type": "object",
        "properties": {"sentences": sentences},
        "required": ["sentences"],
        "additionalProperties": False,
    }


def sentences_of(content: str, *, count: int) -> list[str]:
    """Return the sentences of an answer, a code fence around it tolerated; raises ``LanguageError``."""
    bare = re.sub(r"^\s*```(?:json)?\s*|\s*```\s*$", "", content)
    try:
        sentences = json.loads(bare)["sentences"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LanguageError("the engine's answer is not the JSON it was asked for") from error
    if not isinstance(sentences, list) or not all(isinstance(item, str) for item in sentences):
        raise LanguageError("the engine's answer holds no list of sentences")
    if len(sentences) != count:
        raise LanguageError(f"the engine wrote {len(sentences)} sentences where {count} were asked for")
    return [item.strip() for item in sentences]


def _clause(name: str, clause: ClauseStatus) -> str:
    degree = f", {_DEGREES[clause.degree]}" if clause.degree in _DEGREES else ""
    return f"{name}: {_CODES[clause.code]}{degree}"


def _tasks(requests: Sequence[Request]) -> str:
    return "\n".join(f"{number}. {describe(request)}" for number, request in enumerate(requests, start=1))


def _ordered(slots: frozenset[str]) -> list[str]:
    order = ("part", "count", "cause", "remedy", "class", "zone", "x", "y", "length", *CLAUSE_NAMES)
    return sorted(slots, key=lambda slot: (order.index(slot.partition(".")[0]), len(slot), slot))
