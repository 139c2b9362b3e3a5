"""A small language model of the line's sentences, for joint decoding."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inspector.voice.graph import Graph
from inspector.voice.tokens import END, Tokeniser

__all__ = ["TrigramModel"]


class TrigramModel:
    """Which piece follows which two, learnt from sentences drawn from the grammar.

    Interpolated Witten-Bell smoothing (Chen and Goodman 1998, section 2.4): each order gives as much to the lower one
    as it has kinds of followers; the lowest gives its share to every piece alike.

    Parameters
    ----------
    sentences
        How many are drawn; always the same ones.
    """

    def __init__(self, graph: Graph, tokeniser: Tokeniser, *, size: int, sentences: int = 4000) -> None:
        self._size = size
        self._followers: dict[tuple[int, ...], Counter[int]] = {}
        self._cache: dict[tuple[int, ...], NDArray[np.float32]] = {}
        dice = random.Random(2)  # noqa: S311 (nothing secret)
        for _ in range(sentences):
            text = " ".join(graph.sample(dice))
            sign = dice.choice((".", ".", "?", ""))
            tokens = (*tokeniser.encode(text.capitalize() + sign), END)
            for at, token in enumerate(tokens):
                for order in range(min(at, 2) + 1):
                    self._followers.setdefault(tokens[at - order : at], Counter())[token] += 1

    def log_probabilities(self, history: Sequence[int]) -> NDArray[np.float32]:
        """Return the log-probability of every piece after ``history``, shape (pieces,)."""
        key = tuple(history[-2:])
        known = self._cache.get(key)
        if known is None:
            known = self._cache[key] = np.log(self._probabilities(key)).astype(np.float32)
        return known

    def _probabilities(self, history: tuple[int, ...]) -> NDArray[np.float64]:
        lower = self._probabilities(history[1:]) if history else np.full(self._size, 1.0 / self._size)
        followers = self._followers.get(history)
        if followers is None:
            return lower
        total, kinds = followers.total(), len(followers)
        result = lower * (kinds / (total + kinds))
        tokens = np.fromiter(followers, dtype=np.int64, count=kinds)
        counts = np.fromiter(followers.values(), dtype=np.float64, count=kinds)
        result[tokens] += counts / (total + kinds)
        return result
