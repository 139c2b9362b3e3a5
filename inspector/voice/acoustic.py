"""The acoustic model: samples in, then the log-probability of each next word piece."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.domain import ModelError, VoiceError
from inspector.voice.export import ATTEND, DECODE, ENCODE, TOKENISER
from inspector.voice.tokens import BEGIN, Tokeniser

__all__ = ["AcousticModel", "Hearing"]

Floats = NDArray[np.float32]


class AcousticModel:
    """Moonshine base-en by onnxruntime.

    Parameters
    ----------
    folder
        What ``export.exported`` returned.
    threads
        Of the processor; one is enough for a command.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # an arena keeps the largest utterance's memory for ever
        self.tokeniser = Tokeniser(folder / TOKENISER)
        try:
            self._encode, self._attend, self._decode = (
                ort.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
                for name in (ENCODE, ATTEND, DECODE)
            )
        except Exception as error:  # the runtime's errors have no common base
            raise ModelError(
                f"the speech model in {folder} cannot be loaded: {error}", remedy="Delete this folder; it is made again"
            ) from error
        self._attended = [item.name for item in self._attend.get_outputs()]
        # The encoder's part of the past does not change from step to step: it is not asked for again.
        self._stepped = [item.name for item in self._decode.get_outputs() if ".encoder." not in item.name]
        self.size = int(self._decode.get_outputs()[0].shape[-1])
        """How many pieces the model tells apart; the last of them have no text."""
        self._empty: dict[str, Floats] = {
            item.name: np.zeros((1, item.shape[1], 0, item.shape[3]), np.float32)
            for item in self._decode.get_inputs()
            if ".decoder." in item.name
        }

    def hear(self, pcm: NDArray[np.int16]) -> Hearing:
        """Return one utterance of 16 kHz mono samples, ready to be decoded from its first piece on."""
        samples = (pcm.astype(np.float32) / 32768.0)[None, :]
        states = self._run(self._encode, None, {"input_values": samples})[0]
        attended = self._run(self._attend, self._attended, {"encoder_hidden_states": states})
        return Hearing(self, *self.step([BEGIN], {**self._empty, **_as_past(self._attended, attended)}))

    def step(self, tokens: Sequence[int], past: dict[str, Floats]) -> tuple[Floats, dict[str, Floats]]:
        """Return log-probabilities (rows, pieces) and the new past after one more piece in each row."""
        feed = {"input_ids": np.array(tokens, dtype=np.int64)[:, None], **past}
        logits, *kept = self._run(self._decode, self._stepped, feed)
        return log_softmax(logits[:, -1]), {**past, **_as_past(self._stepped[1:], kept)}

    def _run(self, session: object, names: list[str] | None, feed: dict[str, object]) -> list[Floats]:
        try:
            return session.run(names, feed)  # type: ignore[attr-defined, no-any-return]
        except Exception as error:  # the runtime's errors have no common base
            raise VoiceError(f"the speech model failed: {error}") from error


class Hearing:
    """One utterance while it is decoded: rows of hypotheses that grow by a piece at a time."""

    def __init__(self, model: AcousticModel, first: Floats, past: dict[str, Floats]) -> None:
        self._model = model
        self._past = past
        self.scores = first
        """Log-probabilities of the next piece, shape (rows, pieces)."""

    def grow(self, rows: Sequence[int], tokens: Sequence[int]) -> None:
        """Go on with ``tokens[i]`` after row ``rows[i]``, for each i."""
        keep = np.asarray(rows)
        same = len(keep) == len(self.scores) and np.array_equal(keep, np.arange(len(keep)))
        past = self._past
        if not same:
            # Every row hears the same utterance: the encoder's part is there once, the model spreads it over the rows.
            past = {name: (value[keep] if ".decoder." in name else value) for name, value in past.items()}
        self.scores, self._past = self._model.step(tokens, past)


def _as_past(names: Sequence[str], values: Sequence[Floats]) -> dict[str, Floats]:
    return {name.replace("present", "past_key_values"): value for name, value in zip(names, values, strict=True)}


def log_softmax(logits: Floats) -> Floats:
    """Return log-probabilities along the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
