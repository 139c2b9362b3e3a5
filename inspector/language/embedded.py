"""The embedded engine: the small decoder of a model folder, on onnxruntime, one thread, without torch."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidProtobuf, NoSuchFile

from inspector.domain import LanguageError, ModelError
from inspector.language.card import WriterModel
from inspector.language.engine import GiveWay, Request, at_once
from inspector.language.tokens import PREFIX, Vocabulary, status_tokens

__all__ = ["EmbeddedEngine"]

Numbers = NDArray[np.int64]


class EmbeddedEngine:
    """Writes every sentence of a report side by side, token by token, with the memory of what came before.

    The first attempt draws from the likeliest tokens by the report's own seed, so that texts vary and each report
    is told the same way twice; the second takes the likeliest token each time.

    Parameters
    ----------
    model
        A folder that ``load_writer`` has proven.
    temperature, likeliest
        How freely the first attempt draws, and from how many tokens.
    give_way
        Asked before every token: a step takes milliseconds, so the writer is out of the way that fast.

    Raises
    ------
    ModelError
        The weights cannot be opened or do not fit their card.
    """

    attempts = 2

    def __init__(
        self,
        model: WriterModel,
        *,
        temperature: float = 0.5,
        likeliest: int = 8,
        threads: int = 1,
        longest: int = 160,
        give_way: GiveWay = at_once,
    ) -> None:
        card = model.card
        self._give_way = give_way
        self.name = f"{card.name} {card.version}"
        self._vocabulary = Vocabulary(model.tokens())
        self._temperature, self._likeliest = temperature, likeliest
        self._longest = min(longest, card.longest - PREFIX - 1)
        self._memory = (card.heads, card.head_width)
        self._past = [f"past_{index}" for index in range(2 * card.layers)]
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Memory is small and given back: without the arena the process stays lean.
        options.enable_cpu_mem_arena = False
        try:
            self._session = ort.InferenceSession(str(model.weights), options, providers=["CPUExecutionProvider"])
        except (Fail, InvalidArgument, InvalidProtobuf, NoSuchFile) as error:
            raise ModelError(f"{model.weights} cannot be opened as a report writer: {error}") from error
        wanted = {"numbers", *self._past}
        if {item.name for item in self._session.get_inputs()} != wanted:
            raise ModelError(f"{model.weights} does not fit its card: its inputs are not {', '.join(sorted(wanted))}")

    def write(self, requests: Sequence[Request], *, until: float, seed: int, attempt: int) -> list[str]:
        """Return one slotted sentence for each request; raises ``LanguageError`` where time runs out."""
        if not requests:
            return []
        rng = np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF]) if attempt == 0 else None
        prefixes = [self._vocabulary.encode(status_tokens(item.brief, item.language)) for item in requests]
        written: list[list[int]] = [[] for _ in requests]
        going = np.arange(len(requests))
        numbers: Numbers = np.array(prefixes, np.int64)
        heads, width = self._memory
        past = [np.zeros((len(requests), heads, 0, width), np.float32)] * len(self._past)
        for _ in range(self._longest):
            self._give_way(until)
            if time.monotonic() > until:
                raise LanguageError("the embedded model is not ready in time")
            logits, *past = self._session.run(None, {"numbers": numbers, **dict(zip(self._past, past, strict=True))})
            chosen = self._choose(logits, rng)
            for row, number in zip(going, chosen, strict=True):
                written[row].append(int(number))
            open_rows = chosen != self._vocabulary.end
            if not open_rows.any():
                break
            if not open_rows.all():
                going, chosen = going[open_rows], chosen[open_rows]
                past = [item[open_rows] for item in past]
            numbers = chosen[:, None]
        return [self._vocabulary.text(numbers) for numbers in written]

    def _choose(self, logits: NDArray[np.float32], rng: np.random.Generator | None) -> Numbers:
        if rng is None:
            greedy: Numbers = np.argmax(logits, axis=1).astype(np.int64)
            return greedy
        likeliest = min(self._likeliest, logits.shape[1])
        best = np.argpartition(-logits, likeliest - 1, axis=1)[:, :likeliest]
        scores = np.take_along_axis(logits, best, axis=1) / self._temperature
        # Gumbel's trick: the largest of the noisy scores is a draw from their softmax.
        drawn = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
        chosen: Numbers = np.take_along_axis(best, drawn[:, None], axis=1)[:, 0].astype(np.int64)
        return chosen

    def close(self) -> None:
        """Release the model."""
        del self._session
