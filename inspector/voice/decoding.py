"""Beam search: the best sentences of the grammar for an utterance, and beside them what it sounds like without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inspector.voice.hearing import Hearing
from inspector.voice.token_graph import TokenGraph
from inspector.voice.tokens import END

__all__ = ["Decoded", "LanguageModel", "Sentence", "decode", "decode_freely"]

_HOPELESS = 12.0
"""An unfinished hypothesis this much less likely than a finished one, in nats, is given up."""

_WITHIN = 6.0
"""So is one that is this much less likely than the best of its length: in clear speech few are left, in noise many."""


class LanguageModel(Protocol):
    """How likely a piece is after others, whatever is heard."""

    def log_probabilities(self, history: Sequence[int]) -> NDArray[np.float32]:
        """Return the log-probability of every piece after ``history``."""
        ...


@dataclass(frozen=True, slots=True)
class Sentence:
    """A complete hypothesis.

    Attributes
    ----------
    acoustic
        Sum of the acoustic log-probabilities of its pieces, the end included, in nats.
    score
        What the search went by: per piece, (1 - w) * acoustic + w * language model.
    """

    tokens: tuple[int, ...]
    acoustic: float
    score: float

    @property
    def per_piece(self) -> float:
        """Acoustic log-probability per piece, in nats."""
        return self.acoustic / max(1, len(self.tokens))


@dataclass(frozen=True, slots=True)
class Decoded:
    """Sentences of the grammar, best first, none where nothing fits; and the free transcript."""

    sentences: tuple[Sentence, ...]
    free: Sentence


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    tokens: tuple[int, ...]
    state: int
    acoustic: float
    total: float

    def finished(self) -> Sentence:
        return Sentence(self.tokens, self.acoustic, self.total / len(self.tokens))


def decode(
    hearing: Hearing,
    graph: TokenGraph,
    *,
    alike: Callable[[tuple[int, ...]], object],
    beam: int = 16,
    longest: int = 40,
    language_model: LanguageModel | None = None,
    weight: float = 0.0,
) -> Decoded:
    """Return the best sentences of the graph, and the greedy free transcript decoded in the same batch.

    Parameters
    ----------
    alike
        What two hypotheses must share, besides the state, to be spellings of the same words: the better one stays.
    weight
        w in score = (1 - w) * acoustic + w * language model, per piece.
    """
    end = graph.end
    free = _Hypothesis((), 0, 0.0, 0.0)
    freely_done = False
    live = [_Hypothesis((), 0, 0.0, 0.0)]
    rows = [0]
    free_row = 0
    done: list[Sentence] = []
    for _ in range(longest):
        candidates: list[tuple[_Hypothesis, int]] = []
        for hypothesis, row in zip(live, rows, strict=True):
            following = graph.following(hypothesis.state)
            tokens = np.fromiter(following, dtype=np.int64, count=len(following))
            heard = hearing.scores[row, tokens]
            gains = (1 - weight) * heard
            if language_model is not None and weight:
                gains = gains + weight * language_model.log_probabilities(hypothesis.tokens)[tokens]
            for index in np.argsort(-gains)[: 2 * beam]:
                token = int(tokens[index])
                candidates.append(
                    (
                        _Hypothesis(
                            (*hypothesis.tokens, token),
                            following[token],
                            hypothesis.acoustic + float(heard[index]),
                            hypothesis.total + float(gains[index]),
                        ),
                        row,
                    )
                )
        best = _pruned(candidates, alike, beam, end)
        done.extend(hypothesis.finished() for hypothesis, _ in best if hypothesis.tokens[-1] == end)
        bar = max((sentence.score * len(sentence.tokens) for sentence in done), default=-np.inf) - _HOPELESS
        going = [(hyp, row) for hyp, row in best if hyp.tokens[-1] != end and hyp.total > bar]
        if not freely_done:
            scores = hearing.scores[free_row]
            # Something was said: a model in doubt would rather end at once than begin.
            token = (
                int(scores.argmax())
                if free.tokens
                else int(np.where(np.arange(len(scores)) == end, -np.inf, scores).argmax())
            )
            free = _Hypothesis((*free.tokens, token), 0, free.acoustic + float(hearing.scores[free_row, token]), 0.0)
            freely_done = token == end
        if (not going or len(done) >= beam) and freely_done:
            break
        if len(done) >= beam:
            going = []
        sources = [row for _, row in going] + ([] if freely_done else [free_row])
        tokens_next = [hyp.tokens[-1] for hyp, _ in going] + ([] if freely_done else [free.tokens[-1]])
        if not sources:
            break
        hearing.grow(sources, tokens_next)
        live = [hyp for hyp, _ in going]
        rows = list(range(len(going)))
        free_row = len(going)
    ordered = sorted(done, key=lambda sentence: -sentence.score)
    return Decoded(tuple(ordered), Sentence(free.tokens, free.acoustic, free.acoustic / max(1, len(free.tokens))))


def _pruned(
    candidates: list[tuple[_Hypothesis, int]], alike: Callable[[tuple[int, ...]], object], beam: int, end: int
) -> list[tuple[_Hypothesis, int]]:
    kept: dict[object, tuple[_Hypothesis, int]] = {}
    for candidate in sorted(candidates, key=lambda item: -item[0].total):
        hypothesis = candidate[0]
        key = (hypothesis.state, hypothesis.tokens[-1] == end, alike(hypothesis.tokens))
        kept.setdefault(key, candidate)
        if len(kept) == beam:
            break
    least = max((hypothesis.total for hypothesis, _ in kept.values()), default=0.0) - _WITHIN
    return [candidate for candidate in kept.values() if candidate[0].total > least]


def decode_freely(
    hearing: Hearing, language_model: LanguageModel, *, weight: float, beam: int = 4, longest: int = 40
) -> Sentence:
    """Return the best transcript without a grammar, score = (1 - w) * acoustic + w * language model per piece."""
    live = [_Hypothesis((), 0, 0.0, 0.0)]
    done: list[Sentence] = []
    for _ in range(longest):
        candidates: list[tuple[_Hypothesis, int]] = []
        for row, hypothesis in enumerate(live):
            heard = hearing.scores[row]
            gains = (1 - weight) * heard + weight * language_model.log_probabilities(hypothesis.tokens)[: len(heard)]
            for index in np.argpartition(-gains, beam)[:beam]:
                token = int(index)
                candidates.append(
                    (
                        _Hypothesis(
                            (*hypothesis.tokens, token),
                            0,
                            hypothesis.acoustic + float(heard[token]),
                            hypothesis.total + float(gains[token]),
                        ),
                        row,
                    )
                )
        best = sorted(candidates, key=lambda item: -item[0].total)[:beam]
        done.extend(hypothesis.finished() for hypothesis, _ in best if hypothesis.tokens[-1] == END)
        going = [(hypothesis, row) for hypothesis, row in best if hypothesis.tokens[-1] != END]
        if not going or len(done) >= beam:
            break
        hearing.grow([row for _, row in going], [hypothesis.tokens[-1] for hypothesis, _ in going])
        live = [hypothesis for hypothesis, _ in going]
    if not done:
        done = [hypothesis.finished() for hypothesis in live]
    return max(done, key=lambda sentence: sentence.score)
