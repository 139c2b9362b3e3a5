"""How far what was recognised can be trusted: evidence from two decodes, and the gate that weighs it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

__all__ = ["FEATURES", "Evidence", "Gate", "Risk", "agreement", "risk_of", "word_errors"]


class Risk(StrEnum):
    """What a command that nobody gave would do."""

    SAFE = "safe"
    """It stops something: never to be missed."""

    QUESTION = "question"
    """It changes nothing."""

    CHANGE = "change"
    """It changes the record or what the line makes next."""

    RELEASE = "release"
    """It lets material go or the line move."""


_SAFE = frozenset({"hold_line", "hold_lot", "hold_part"})
_QUESTIONS = frozenset(
    {"status", "counts", "yield", "last_defect", "why", "compare", "next_order", "repeat", "cancel"}
    | {"where", "largest", "how_many", "is_there", "limit", "lot_rejects"}
)
_RELEASES = frozenset(
    {"accept_part", "rework_part", "release_line", "release_lot", "select_recipe", "start_challenge_test", "confirm"}
)


def risk_of(intent: str) -> Risk:
    """Return the risk of an intent; one that is not known here counts as a change."""
    if intent in _SAFE:
        return Risk.SAFE
    if intent in _QUESTIONS:
        return Risk.QUESTION
    return Risk.RELEASE if intent in _RELEASES else Risk.CHANGE


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a sentence.

    Attributes
    ----------
    ratio
        Log-likelihood ratio of the sentence to the free transcript, per piece, in nats; about 0 where they agree.
    fit
        Acoustic log-probability of the sentence per piece, in nats.
    margin
        How much likelier it is than the best sentence with another meaning, in nats, at most 10.
    agreement
        Share of letters that free transcript and sentence have in common, in order, 0 … 1.
    pieces
        Length of the sentence in pieces.
    snr_db
        Estimate of the speech's level over the noise, in dB.
    """

    ratio: float
    fit: float
    margin: float
    agreement: float
    pieces: int
    snr_db: float

    def features(self) -> tuple[float, ...]:
        """Return what the gate weighs, in the order of ``FEATURES``."""
        return (
            max(-4.0, min(0.5, self.ratio)),
            max(-4.0, self.fit),
            min(self.margin, 6.0) / 2,
            self.agreement,
            math.log(max(1, self.pieces)),
            max(0.0, min(30.0, self.snr_db)) / 10,
        )


FEATURES = ("ratio", "fit", "margin", "agreement", "length", "snr")

LOUD_DB, CLEAR_DB = 7.5, 20.0
"""Loud frames so far above the quiet ones: speech no louder than the noise around it, and 16 dB louder."""
SURE = 0.85
"""What counts in the loudest noise: too many commands look like another one there."""


def least_in_noise(snr_db: float) -> float:
    """Return the least probability that counts: none down to ``CLEAR_DB``, from there rising to ``SURE``."""
    return SURE * min(1.0, max(0.0, (CLEAR_DB - snr_db) / (CLEAR_DB - LOUD_DB)))


class Gate:
    """Logistic regression over the evidence, and a bar for each risk.

    Parameters
    ----------
    weights
        One per feature, and the constant at the end.
    bars
        Least probability of being right at which a sentence of this risk is believed.
    """

    def __init__(self, weights: Sequence[float], bars: Mapping[Risk, float]) -> None:
        if len(weights) != len(FEATURES) + 1:
            raise ValueError(f"a gate has {len(FEATURES) + 1} weights, got {len(weights)}")
        self._weights = tuple(weights)
        self.bars: Mapping[Risk, float] = MappingProxyType({risk: bars[risk] for risk in Risk})

    def probability(self, evidence: Evidence) -> float:
        """Return the probability, 0 … 1, that the sentence is what was said; 0 where it is too loud for so little."""
        *slopes, constant = self._weights
        total = constant + sum(slope * value for slope, value in zip(slopes, evidence.features(), strict=True))
        probability = 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, total))))
        return probability if probability >= least_in_noise(evidence.snr_db) else 0.0

    def trusting(self, trust: float) -> Gate:
        """Return a gate whose bars are lower by ``trust``, or higher where it is below 0.

        The bar of what releases something is never lowered.
        """
        shift = {risk: min(trust, 0.0) if risk is Risk.RELEASE else trust for risk in Risk}
        return Gate(self._weights, {risk: min(0.99, max(0.05, bar - shift[risk])) for risk, bar in self.bars.items()})

    def believes(self, confidence: float, intent: str) -> bool:
        """Return whether this confidence is enough for this intent."""
        return confidence >= self.bars[risk_of(intent)]


def agreement(first: Sequence[str], second: Sequence[str]) -> float:
    """Return 1 - Levenshtein distance / longer length, on words or letters; 0 where one is empty."""
    if not first or not second:
        return 0.0
    return 1.0 - word_errors(first, second) / max(len(first), len(second))


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return the Levenshtein distance: words put in, left out or taken for another."""
    row = list(range(len(heard) + 1))
    for index, word in enumerate(said, 1):
        previous, row[0] = row[0], index
        for place, other in enumerate(heard, 1):
            previous, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, previous + (word != other))
    return row[-1]
