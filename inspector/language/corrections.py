"""A report's text as a person corrected it -> slotted sentences: the record's values and names are taken out again."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from inspector.domain import InspectionReport
from inspector.language.brief import Brief, briefs_of
from inspector.language.examples import CORRECTION, Example, Examples, flaw_of
from inspector.language.glossary import Glossary, one_line
from inspector.language.slots import SLOT, printed

__all__ = ["AMBIGUOUS", "BRACES", "FREE_NAME", "OUTSIDE", "UNALIGNED", "examples_of", "unslot"]

# Why nothing is learned from a text, beside the checker's flaws.
OUTSIDE = "outside the contract"
UNALIGNED = "not as many sentences as the report has"
AMBIGUOUS = "two values that read the same"
BRACES = "braces"
FREE_NAME = "a name without a slot"

_BETWEEN = {"en": re.compile(r"(?<=\.)\s+"), "zh": re.compile(r"(?<=。)\s*")}
_CLOSES = {"en": ".", "zh": "。"}


def examples_of(report: InspectionReport, language: str, text: str, *, glossary: Glossary | None = None) -> Examples:
    """Return what can be learned from a corrected text, sentence by sentence, and why not from the others.

    A text is refused whole where its sentences are not as many as the report's. The names are those of the glossary
    now: after a renaming an older text is refused.
    """
    names = glossary or Glossary()
    briefs = briefs_of(report)
    if briefs is None or language not in _BETWEEN:
        return Examples((), {OUTSIDE: 1})
    sentences = _sentences(text.strip(), briefs, language, names)
    if len(sentences) != len(briefs):
        return Examples((), {UNALIGNED: 1})
    free = _any_of(_names(report, language, names))
    accepted: list[Example] = []
    refused: Counter[str] = Counter()
    for brief, sentence in zip(briefs, sentences, strict=True):
        slotted, why = unslot(brief, sentence, language, names)
        example = Example(brief, language, slotted, CORRECTION)
        flaw = flaw_of(example)
        if not why and flaw is not None:
            why = flaw.value
        if not why and free.search(SLOT.sub("|", slotted)):
            why = FREE_NAME
        if why:
            refused[why] += 1
        else:
            accepted.append(example)
    return Examples(tuple(accepted), dict(refused))


def unslot(brief: Brief, sentence: str, language: str, glossary: Glossary) -> tuple[str, str]:
    """Return a filled sentence with the slots of its brief in place of their values, and why that cannot be (or "").

    The inverse of ``fill`` where values read differently and no word of the sentence is one; what is no value stays.
    """
    slots: defaultdict[str, list[str]] = defaultdict(list)
    for slot, value in printed(brief, language, glossary).items():
        if value:
            slots[value].append(slot)
    values = _any_of(slots)
    if language == "en" and not values.match(sentence):
        small = sentence[:1].lower() + sentence[1:]  # the capital may be the sentence's, not the value's
        sentence = small if values.match(small) else sentence
    if "{" in values.sub("", sentence) or "}" in values.sub("", sentence):
        return sentence, BRACES
    if any(len(slots[match[0]]) > 1 for match in values.finditer(sentence)):
        return sentence, AMBIGUOUS
    return values.sub(lambda match: f"{{{slots[match[0]][0]}}}", sentence), ""


def _sentences(text: str, briefs: Sequence[Brief], language: str, glossary: Glossary) -> list[str]:
    """Return the sentences; a full stop within a value ends none, and a fault's text is a single piece."""
    if len(briefs) == 1:
        return [text]
    shown = {value for brief in briefs for value in printed(brief, language, glossary).values()}
    masked = text
    for value in sorted((value for value in shown if _CLOSES[language] in value), key=len, reverse=True):
        masked = masked.replace(value, "x" * len(value))
    starts = [0, *(match.end() for match in _BETWEEN[language].finditer(masked)), len(text)]
    return [piece for start, end in pairwise(starts) if (piece := text[start:end].strip())]


def _names(report: InspectionReport, language: str, glossary: Glossary) -> set[str]:
    """Return what the record names: its part, classes and zones, as they are and as they are printed."""
    labels = {item.label for item in report.detections.items} if report.detections else set()
    zones = {item.zone for item in report.measurements}
    told = {name for reason in report.verdict.reasons for name in (reason.label, reason.zone)}
    terms = labels | zones | told
    return {one_line(report.trigger.part_id), *terms, *(glossary.name(term, language) for term in terms)} - {""}


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for any of the texts as whole words and figures, the longest first; for none, it never fits."""
    patterns = [_whole(text) for text in sorted(texts, key=len, reverse=True)]
    return re.compile("|".join(patterns) or r"(?!)")


def _whole(text: str) -> str:
    before = after = ""
    if _is_word(text[0]):
        before = r"(?<![A-Za-z0-9_])"
    if text[0].isdigit():
        before += r"(?<!\d\.)(?<![-−])"
    if _is_word(text[-1]):
        after = r"(?![A-Za-z0-9_])"
    if text[-1].isdigit():
        after += r"(?!\.\d)"
    return before + re.escape(text) + after


def _is_word(character: str) -> bool:
    # Chinese is written without spaces: only Latin letters and digits have an edge.
    return character.isascii() and character.isalnum()
