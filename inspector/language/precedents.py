"""What people decided about similar parts of this line: the weight of each earlier decision, learnt from them all.

A kernel vote (Nadaraya, 1964; Watson, 1964): every earlier decision counts by how similar its doubt is to the one in
question. How much a difference in class, zone, characteristic, position or recurrence matters is chosen so that each
earlier decision is best foretold by the others (leave-one-out likelihood). No limit and no rule stands in here: what
a plant does at which position, its people's decisions have to show.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.domain import Decision
from inspector.language.doubts import Doubt

__all__ = ["DECIDABLE", "Precedents", "Vote"]

DECIDABLE = (Decision.ACCEPT, Decision.REWORK, Decision.SCRAP)
"""What a person may decide about a held part."""

KEPT = 1000  # doubts; a line whose ways change forgets the old ones
LEARNT_FROM = 400  # the newest of them say what matters: the effort grows with the square
ALONE = 0.5  # the weight of what is thought without any precedent; an identical case weighs 1
FEWEST_TO_LEARN = 20
LEARN_AGAIN = 1.15

# How much a difference takes off: exp(-weight * difference), for class, zone, kind, position and recurrence.
_GRID = ((0.5, 1, 2, 4, 8), (0.5, 1, 2, 4, 8), (0.5, 1, 2, 4, 8), (1, 4, 16, 64, 256), (0, 0.25, 1, 4, 16))
_START = (2.0, 2.0, 2.0, 8.0, 0.25)
_ROUNDS = 2

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Vote:
    """What the precedents say about a doubt: shares 0 … 1, and how much weight stands behind them."""

    shares: Mapping[Decision, float]
    weight: float

    @property
    def decision(self) -> Decision:
        """The likeliest; the more severe of two that are equally likely."""
        return max(self.shares, key=lambda decision: (self.shares[decision], decision))


@dataclass(frozen=True, slots=True)
class _Precedent:
    doubt: Doubt
    decision: Decision
    part: int
    share: float


class Precedents:
    """Remembers people's decisions and votes on new doubts.

    A part that was accepted vouches for each of its doubts; one that was not says that some doubt of it is bad, so
    that each counts with its share.
    """

    def __init__(self) -> None:
        self._kept: deque[_Precedent] = deque(maxlen=KEPT)
        self._parts = 0
        self._weights, self._learnt_from = np.array(_START), 0
        self._table: tuple[Floats, Floats] | None = None
        self._numbers: dict[object, int] = {}

    def __len__(self) -> int:
        return self._parts

    def add(self, doubts: Sequence[Doubt], decision: Decision) -> None:
        """Take a decision about a part with these doubts; a decision that is none is passed over."""
        if decision not in DECIDABLE or not doubts:
            return
        share = 1.0 if decision is Decision.ACCEPT else 1.0 / len(doubts)
        self._kept += [_Precedent(doubt, decision, self._parts, share) for doubt in doubts]
        self._parts += 1
        self._table = None

    def vote(self, doubt: Doubt, alone: Mapping[Decision, float]) -> Vote:
        """Return what is likely to be decided about this doubt.

        Parameters
        ----------
        alone
            What is thought without precedents, as shares; it fades as similar ones gather.
        """
        shares = {decision: ALONE * share for decision, share in alone.items()}
        weight = 0.0
        if self._kept:
            cases, votes = self._cases()
            found = (
                np.exp(-(_differences(self._case(doubt)[None], cases)[:, 0] * self._weights[:, None]).sum(0)) @ votes
            )
            weight = float(found.sum())
            for decision, support in zip(DECIDABLE, found, strict=True):
                shares[decision] = shares.get(decision, 0.0) + float(support)
        total = sum(shares.values())
        return Vote({decision: share / total for decision, share in shares.items()}, weight)

    # --- learning what matters ----------------------------------------------------------------------------

    def _cases(self) -> tuple[Floats, Floats]:
        """Return the doubts as numbers, (N, 5), and their votes, (N, 3)."""
        if self._table is None:
            votes = np.zeros((len(self._kept), len(DECIDABLE)))
            for row, each in enumerate(self._kept):
                votes[row, DECIDABLE.index(each.decision)] = each.share
            self._table = np.array([self._case(each.doubt) for each in self._kept]), votes
            if self._parts >= max(FEWEST_TO_LEARN, LEARN_AGAIN * self._learnt_from):
                self._learn(*self._table)
        return self._table

    def _case(self, doubt: Doubt) -> Floats:
        names = (("class", doubt.label), ("zone", doubt.zone), ("kind", doubt.kind))
        numbers = [float(self._numbers.setdefault(name, len(self._numbers))) for name in names]
        return np.array([*numbers, doubt.position, math.log(doubt.seen)])

    def _learn(self, cases: Floats, votes: Floats) -> None:
        """Choose each weight in turn so that every decision is best foretold by those about other parts."""
        cases, votes = cases[-LEARNT_FROM:], votes[-LEARNT_FROM:]
        differences = _differences(cases, cases)
        parts = np.array([each.part for each in self._kept])[-LEARNT_FROM:]
        others = parts[:, None] != parts[None]
        weights = np.array(_START)
        for _ in range(_ROUNDS):
            for place, grid in enumerate(_GRID):
                rest = np.delete(np.arange(len(_GRID)), place)
                without = np.tensordot(weights[rest], differences[rest], 1)
                scores = [_likelihood(without + each * differences[place], others, votes) for each in grid]
                weights[place] = grid[int(np.argmax(scores))]
        self._weights, self._learnt_from = weights, self._parts


def _differences(some: Floats, others: Floats) -> Floats:
    """Return (5, N, M): 0 or 1 for what has a name, squares for what is a figure."""
    some, others = some.T[:, :, None], others.T[:, None]
    return np.concatenate([some[:3] != others[:3], (some[3:] - others[3:]) ** 2])


def _likelihood(distance: Floats, others: NDArray[np.bool_], votes: Floats) -> float:
    found = np.where(others, np.exp(-distance), 0.0) @ votes
    shares = (found + ALONE / len(DECIDABLE)) / (found.sum(1, keepdims=True) + ALONE)
    return float((votes * np.log(shares)).sum())
