"""Twenty sentences that somebody reads aloud: how well this voice is understood, and how far to trust what is heard."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from inspector.voice.evidence import Gate, Risk, risk_of
from inspector.voice.graph import Meaning
from inspector.voice.interpreter import Grammar, Interpreter

__all__ = ["SENTENCES", "Read", "read_aloud", "sentences_to_read", "trust_from"]

SENTENCES = 20
_ENOUGH = 0.95
"""This share of what was understood rightly should be believed."""
_CLEARANCE = 0.02
"""So far a mistake stays below its bar."""
LEAST, MOST = -0.3, 0.2


@dataclass(frozen=True, slots=True)
class Read:
    """One sentence read aloud: what it means, what was understood, and how sure that was."""

    sentence: str
    wanted: Meaning
    heard: Meaning | None
    confidence: float

    @property
    def right(self) -> bool:
        """Whether it was understood as it was meant."""
        return self.heard == self.wanted


def sentences_to_read(grammar: Grammar, count: int = SENTENCES) -> Iterator[tuple[str, Meaning]]:
    """Yield sentences of the grammar with their meanings, the same ones each time, every intent in turn."""
    dice, interpreter = random.Random(20), Interpreter(grammar)  # noqa: S311 (nothing secret)
    drawn: dict[str, list[tuple[str, Meaning]]] = {}
    for _ in range(200 * count):
        sentence = " ".join(grammar.closed.sample(dice, longest=12))
        meaning = interpreter.understand(sentence)
        if isinstance(meaning, Meaning):
            known = drawn.setdefault(meaning.intent, [])
            if all(sentence != other for other, _ in known):
                known.append((sentence, meaning))
    rows = [drawn[intent] for intent in sorted(drawn)]
    turns = (row[turn] for turn in range(count) for row in rows if turn < len(row))
    yield from (found for found, _ in zip(turns, range(count), strict=False))


def read_aloud(
    sentences: Iterable[tuple[str, Meaning]], grammar: Grammar, hear: Callable[[int, str], tuple[str, float]]
) -> list[Read]:
    """Return what became of each sentence; ``hear(number, sentence)`` has it read, and returns text and confidence."""
    interpreter, reads = Interpreter(grammar), list[Read]()
    for number, (sentence, meaning) in enumerate(sentences, 1):
        text, confidence = hear(number, sentence)
        heard = interpreter.understand(text)
        reads.append(Read(sentence, meaning, heard if isinstance(heard, Meaning) else None, confidence))
    return reads


def trust_from(reads: Sequence[Read], gate: Gate) -> float:
    """Return by how much the bars can be lowered for this voice, or, below 0, have to be raised.

    It is the least change at which nearly all that was understood rightly is believed, and no mistake. Sentences that
    release something are left out: their bar is not lowered.
    """
    short = [
        (gate.bars[risk_of(read.heard.intent)] - read.confidence, read.right)
        for read in reads
        if read.heard is not None and risk_of(read.heard.intent) is not Risk.RELEASE
    ]
    wanted = sorted(max(0.0, by) for by, right in short if right)
    trust = wanted[math.ceil(_ENOUGH * len(wanted)) - 1] if wanted else 0.0
    mistakes = (by - _CLEARANCE for by, right in short if not right)
    return round(max(LEAST, min(trust, MOST, *mistakes)), 2)
