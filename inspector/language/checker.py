"""The checker: a slotted sentence says what its brief asks for, and nothing else."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from inspector.domain import Outcome
from inspector.language.brief import CLAUSE_NAMES, Brief, ClauseStatus, Count, Degree, Kind, Rank
from inspector.language.lexicon import LEXICONS, Claim, Lexicon
from inspector.language.slots import SLOT, slots_in

__all__ = ["LONGEST", "Flaw", "check_report", "check_sentence"]

LONGEST = 600
"""Most characters of one slotted sentence."""

_WORDS = re.compile(r"\{[a-z.]+\}|\w+|[^\w\s]")
_CHARACTERS = re.compile(r"\{[a-z.]+\}|\w|[^\w\s]")
_MARK = re.compile(r"[^\w\s]")

# What each clause must claim, and what it may claim besides; everything else contradicts the record.
_MUST: dict[str, tuple[frozenset[Claim], ...]] = {
    "above_usl": (frozenset({Claim.OVER, Claim.OUTSIDE}),),
    "below_lsl": (frozenset({Claim.UNDER}),),
    "guard_inside": (frozenset({Claim.INSIDE}), frozenset({Claim.DOUBT})),
    "guard_beyond": (frozenset({Claim.OUTSIDE}), frozenset({Claim.DOUBT})),
    "confidence": (frozenset({Claim.SURE}),),
    "not_allowed": (frozenset({Claim.BAN}),),
    "unlisted": (frozenset({Claim.NO_RULE}),),
    "not_measured": (frozenset({Claim.UNMEASURED}),),
}
_MAY: dict[str, frozenset[Claim]] = {"confidence": frozenset({Claim.UNDER})}
_ABOVE, _BELOW = "above_usl", "below_lsl"


class Flaw(StrEnum):
    """Why a text is not used."""

    EMPTY = "empty"
    TOO_LONG = "too long"
    MARKUP = "markup"
    UNKNOWN_SLOT = "unknown slot"
    MISSING_SLOT = "missing slot"
    REPEATED_SLOT = "repeated slot"
    DIGIT = "digit"
    NUMBER_WORD = "number word"
    UNIT = "unit"
    LANGUAGE = "language"
    CHATTER = "chatter"
    UNFINISHED = "unfinished"
    REPETITION = "repetition"
    VERDICT = "verdict"
    COUNT = "count"
    RANK = "rank"
    MIXED_CLAUSES = "mixed clauses"
    WRONG_CLAIM = "wrong claim"
    MISSING_CLAIM = "missing claim"
    WRONG_LIMIT = "wrong limit"
    WRONG_ROLE = "wrong role"
    DEGREE = "degree"


def check_report(briefs: Sequence[Brief], texts: Sequence[str], language: str) -> Flaw | None:
    """Return the first flaw of a report's slotted sentences, one for each brief; None where there is none."""
    if len(texts) != len(briefs):
        return Flaw.EMPTY if len(texts) < len(briefs) else Flaw.TOO_LONG
    flaws = (check_sentence(brief, text, language) for brief, text in zip(briefs, texts, strict=True))
    return next((flaw for flaw in flaws if flaw is not None), None)


def check_sentence(brief: Brief, text: str, language: str) -> Flaw | None:
    """Return the first flaw of a slotted sentence; None where it says what the brief asks for."""
    lexicon = LEXICONS[language]
    checks: tuple[Callable[[], Flaw | None], ...] = (
        lambda: _form(text, lexicon),
        lambda: _slots(brief, text),
        lambda: _words(text, lexicon),
        lambda: _repetition(text, language),
        lambda: _verdict(brief, text, lexicon),
        lambda: _counts_and_ranks(brief, text, lexicon),
        lambda: _clauses(brief, text, lexicon),
    )
    return next((flaw for check in checks if (flaw := check()) is not None), None)


def _form(text: str, lexicon: Lexicon) -> Flaw | None:
    if not text.strip() or len(text) > LONGEST:
        return Flaw.TOO_LONG if text.strip() else Flaw.EMPTY
    bare = SLOT.sub("", text)
    if lexicon.foreign.search(bare):
        return Flaw.LANGUAGE
    if lexicon.units.search(bare):
        return Flaw.UNIT
    if "{" in bare or "}" in bare:
        return Flaw.UNKNOWN_SLOT
    hidden = any(unicodedata.category(character)[0] in "CZ" and character != " " for character in bare)
    if hidden or lexicon.marks.search(bare) or "_" in bare or "  " in text:
        return Flaw.MARKUP
    return None if text.endswith(lexicon.end) else Flaw.UNFINISHED


def _slots(brief: Brief, text: str) -> Flaw | None:
    used = Counter(slots_in(text))
    if used.keys() - brief.offered:
        return Flaw.UNKNOWN_SLOT
    if brief.required - used.keys():
        return Flaw.MISSING_SLOT
    return Flaw.REPEATED_SLOT if any(times > 1 for times in used.values()) else None


def _words(text: str, lexicon: Lexicon) -> Flaw | None:
    bare = SLOT.sub(" ", text)
    # Numerals of every script, Roman and circled ones too; Chinese ones are words and among the number words.
    if any(unicodedata.category(character)[0] == "N" for character in bare):
        return Flaw.DIGIT
    if lexicon.numbers.search(bare):
        return Flaw.NUMBER_WORD
    return Flaw.CHATTER if lexicon.chatter.search(bare) else None


def _repetition(text: str, language: str) -> Flaw | None:
    """Find words (characters in Chinese) said twice in a row; clauses of one kind may well sound alike."""
    shortest, longest, units = (1, 7, _WORDS) if language == "en" else (2, 12, _CHARACTERS)
    said = [";" if _MARK.fullmatch(unit) else unit for unit in units.findall(text.lower())]
    for size in range(shortest, longest + 1):
        for start in range(len(said) - 2 * size + 1):
            if said[start : start + size] == said[start + size : start + 2 * size]:
                return Flaw.REPETITION
    return None


def _verdict(brief: Brief, text: str, lexicon: Lexicon) -> Flaw | None:
    outcome = brief.outcome
    bare = SLOT.sub(" ", text)
    said = {each for each, pattern in lexicon.verdicts.items() if pattern.search(bare)}
    if brief.kind is Kind.FAULT:
        wrong = said != {Outcome.REVIEW} or not lexicon.not_inspected.search(bare)
        return Flaw.VERDICT if wrong else None
    if said - {outcome}:
        return Flaw.VERDICT
    if brief.kind in {Kind.OPENING, Kind.CLOSING} and outcome not in said:
        return Flaw.VERDICT
    return Flaw.VERDICT if lexicon.not_inspected.search(bare) else None


def _counts_and_ranks(brief: Brief, text: str, lexicon: Lexicon) -> Flaw | None:
    nothing = bool(lexicon.nothing_found.search(text))
    if nothing != (brief.kind is Kind.OPENING and brief.count is Count.NONE):
        return Flaw.COUNT
    first = brief.kind is Kind.FINDING and brief.rank is Rank.FIRST
    if lexicon.worst.search(text) and not (first or brief.count is Count.MANY):
        return Flaw.RANK
    largest = brief.kind is Kind.LARGEST and brief.rank is Rank.FIRST
    return Flaw.RANK if bool(lexicon.largest.search(text)) != largest else None


def _clauses(brief: Brief, text: str, lexicon: Lexicon) -> Flaw | None:
    if brief.kind not in {Kind.FINDING, Kind.LARGEST}:
        claims = set(_claims(text, lexicon))
        fine = {Claim.INSIDE} if brief.outcome is Outcome.PASS and brief.count in {Count.ONE, Count.FEW} else set()
        if fine and not lexicon.all_inside.search(text):
            return Flaw.MISSING_CLAIM
        return Flaw.WRONG_CLAIM if claims - fine - _opening_words(brief, lexicon, text) else None
    shares = _share(brief, text, lexicon)
    if shares is None:
        return Flaw.MIXED_CLAUSES
    head, owned = shares
    if set(_claims(head, lexicon)) - ({Claim.INSIDE} if brief.kind is Kind.LARGEST else set()):
        return Flaw.WRONG_CLAIM
    if any(pattern.search(head) for pattern in lexicon.degrees.values()):
        return Flaw.DEGREE
    flaws = (_clause(clause, said, lexicon) for clause, said in zip(brief.clauses, owned, strict=True))
    return next((flaw for flaw in flaws if flaw is not None), None)


def _opening_words(brief: Brief, lexicon: Lexicon, text: str) -> set[Claim]:
    """Return claims that mean something else here: a part fails *over* two defects."""
    if brief.kind is Kind.OPENING and not lexicon.limit.search(text):
        return {Claim.OVER, Claim.OUTSIDE}
    return set()


def _claims(text: str, lexicon: Lexicon) -> Iterator[Claim]:
    plain = lexicon.neutral.sub("", text)
    return (claim for claim, pattern in lexicon.claims.items() if pattern.search(plain))


def _share(brief: Brief, text: str, lexicon: Lexicon) -> tuple[str, list[str]] | None:
    """Give each clause the pieces of the sentence that are about it; None where one piece is about two."""
    owned: list[list[str]] = [[] for _ in brief.clauses]
    head: list[str] = []
    without_slots = [index for index, clause in enumerate(brief.clauses) if not _has_slots(clause)]
    owner: int | None = None
    for piece in lexicon.pieces.split(text):
        named = {CLAUSE_NAMES.index(slot.partition(".")[0]) for slot in slots_in(piece) if _of_clause(slot)}
        if len(named) > 1:
            return None
        if named:
            owner = named.pop()
        else:
            claims = set(_claims(piece, lexicon))
            wanted = (index for index in without_slots if claims & _MUST[brief.clauses[index].code][0])
            owner = next((index for index in wanted if not owned[index]), owner)
        (head if owner is None else owned[owner]).append(piece)
    return ",".join(head), [",".join(pieces) for pieces in owned]


def _of_clause(slot: str) -> bool:
    return slot.partition(".")[0] in CLAUSE_NAMES


def _has_slots(clause: ClauseStatus) -> bool:
    return bool(Brief(Kind.FINDING, clauses=(clause,)).offered - {"class"})


def _clause(clause: ClauseStatus, said: str, lexicon: Lexicon) -> Flaw | None:
    claims = set(_claims(said, lexicon))
    must = _MUST[clause.code]
    allowed = frozenset().union(*must) | _MAY.get(clause.code, frozenset())
    if claims - allowed:
        return Flaw.WRONG_CLAIM
    if not all(claims & group for group in must):
        return Flaw.MISSING_CLAIM
    if clause.code != _ABOVE and lexicon.upper.search(said):
        return Flaw.WRONG_LIMIT
    if clause.code != _BELOW and lexicon.lower.search(said):
        return Flaw.WRONG_LIMIT
    return _roles(said, lexicon) or _degree(clause.degree, said, lexicon)


def _roles(said: str, lexicon: Lexicon) -> Flaw | None:
    slots = slots_in(said)
    ends = {slot.partition(".")[2] for slot in slots}
    wrong = (
        lexicon.value_as_limit.search(said)
        or lexicon.value_as_distance.search(said)
        or ("distance" in ends and not lexicon.distance_said.search(said))
        or ("limit" in ends and not lexicon.limit_said.search(said))
    )
    return Flaw.WRONG_ROLE if wrong else None


def _degree(degree: Degree, said: str, lexicon: Lexicon) -> Flaw | None:
    wrong = (pattern for each, pattern in lexicon.degrees.items() if each is not degree)
    return Flaw.DEGREE if any(pattern.search(said) for pattern in wrong) else None
