"""What the embedded model reads and writes: statuses as tokens in fixed places, text as words, characters and slots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from inspector.domain import LanguageError
from inspector.language.brief import MOST_CLAUSES, Brief

__all__ = ["END", "PAD", "PREFIX", "Vocabulary", "split_text", "status_tokens"]

PAD, END = "<pad>", "<end>"

_UNIT = re.compile(r" ?\{[a-z.]+\}| ?[A-Za-z'’]+|.", re.DOTALL)
_NO_CLAUSE = "<code ->", "<figures ->", "<degree ->"
_FIXED = 9
PREFIX = _FIXED + 3 * MOST_CLAUSES
"""How many status tokens stand before every text."""


def status_tokens(brief: Brief, language: str) -> tuple[str, ...]:
    """Return the ``PREFIX`` tokens that tell the model what to say; no value of the record is among them."""
    fixed = (
        f"<language {language}>",
        f"<kind {brief.kind}>",
        f"<outcome {brief.outcome.name.lower() if brief.outcome is not None else '-'}>",
        f"<count {brief.count}>",
        f"<rank {brief.rank}>",
        f"<zone {brief.zone}>",
        f"<place {brief.place}>",
        f"<size {brief.size}>",
    )
    clauses = [
        (f"<code {item.code}>", f"<figures {item.figures}>", f"<degree {item.degree}>") for item in brief.clauses
    ]
    clauses += [_NO_CLAUSE] * (MOST_CLAUSES - len(clauses))
    return (*fixed, *(token for clause in clauses for token in clause), "<text>")


def split_text(text: str) -> list[str]:
    """Return the units of a slotted text; joined they are the text again."""
    return _UNIT.findall(text)


class Vocabulary:
    """Token <-> number.

    Raises ``LanguageError`` where a token is not in it.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = tuple(tokens)
        self._numbers = {token: number for number, token in enumerate(self.tokens)}
        self.pad, self.end = self.number(PAD), self.number(END)

    def __len__(self) -> int:
        return len(self.tokens)

    def number(self, token: str) -> int:
        """Return the number of a token."""
        try:
            return self._numbers[token]
        except KeyError:
            raise LanguageError(f"the model has no token {token!r}") from None

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Return the numbers of the tokens."""
        return [self.number(token) for token in tokens]

    def text(self, numbers: Sequence[int]) -> str:
        """Return the text up to its end."""
        kept = list(numbers)
        if self.end in kept:
            kept = kept[: kept.index(self.end)]
        return "".join(self.tokens[number] for number in kept)

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]]) -> Vocabulary:
        """Return the vocabulary of these token sequences, in alphabetical order."""
        return cls((PAD, END, *sorted({token for text in texts for token in text})))
