"""The Vosk recogniser: any language that has a Vosk model, held to the words of the grammar."""

from __future__ import annotations

import json
import random
from collections.abc import Set
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.domain import ModelError, Transcript, VoiceError
from inspector.voice.audio import RATE, require_pcm
from inspector.voice.interpreter import Grammar

__all__ = ["VoskRecogniser"]

_UNKNOWN = "[unk]"
_SAMPLE = 2000
"""Sentences drawn from the grammar: Vosk learns from them which word follows which."""

_DOUBTED = 0.45
"""Confidence is capped here where the model has no word for 'something else': then it puts 1.0 on every noise."""


class VoskRecogniser:
    """Kaldi's decoder by way of Vosk, with partials and word confidences.

    The grammar's words may be recombined by the decoder, so a final is only given as text where it is a sentence of the
    grammar; anything else is a final with an empty text.

    Parameters
    ----------
    model
        Folder of an unpacked model.
    grammar
        Whose sentences are listened for.

    Raises
    ------
    ModelError
        Where Vosk is not installed, the folder is no model, or the model knows none of the grammar's words.
    """

    def __init__(self, model: Path, grammar: Grammar) -> None:
        self._path = model
        self._listen(_loaded(model), grammar)

    def for_grammar(self, grammar: Grammar) -> VoskRecogniser:
        """Return a recogniser of other sentences that shares the loaded model; raises ``ModelError``."""
        if self._model is None:
            raise VoiceError("the recogniser is closed")
        twin = object.__new__(VoskRecogniser)
        twin._path = self._path
        twin._listen(self._model, grammar)
        return twin

    def _listen(self, loaded: Any, grammar: Grammar) -> None:
        import vosk

        model, self._model, self._grammar = self._path, loaded, grammar
        words = {word for word in grammar.closed.words if self._model.vosk_model_find_word(word) >= 0}
        if not words:
            raise ModelError(f"{model} knows none of the grammar's words", remedy="Use a model of the line's language")
        self.missing = tuple(sorted(grammar.closed.words - words))
        """Words of the grammar that the model cannot hear."""
        self._rejects = self._model.vosk_model_find_word(_UNKNOWN) >= 0
        phrases = _phrases(grammar, words)
        alone = words - {word for phrase in phrases for word in phrase.split()}
        listened = [*phrases, *sorted(alone), *([_UNKNOWN] if self._rejects else [])]
        self._recogniser: Any = vosk.KaldiRecognizer(self._model, float(RATE), json.dumps(listened, ensure_ascii=False))
        self._recogniser.SetWords(True)
        self._partial = ""

    def feed(self, pcm: NDArray[np.int16]) -> Transcript | None:
        """Take 16 kHz mono samples; return a partial when it changes, a final when an utterance has ended."""
        if self._recogniser is None:
            raise VoiceError("the recogniser is closed")
        if self._recogniser.AcceptWaveform(require_pcm(pcm).tobytes()):
            return self._final(self._recogniser.Result())
        text = json.loads(self._recogniser.PartialResult()).get("partial", "")
        if text == self._partial:
            return None
        self._partial = text
        return Transcript(text, 0.0, final=False)

    def flush(self) -> Transcript | None:
        """Say that the stream has ended; return the final of what was being said, if anything."""
        if self._recogniser is None:
            return None
        final = self._final(self._recogniser.FinalResult())
        self._recogniser.Reset()
        return final

    def close(self) -> None:
        """Release the model; safe to call twice."""
        self._recogniser = self._model = None

    def _final(self, body: str) -> Transcript | None:
        self._partial = ""
        result = json.loads(body)
        text = result.get("text", "")
        if not text:
            return None
        if len(self._grammar.meanings(text, self._grammar.closed)) != 1:
            return Transcript("", 0.0, final=True)
        confidence = min(word["conf"] for word in result["result"])
        return Transcript(text, min(confidence, 1.0 if self._rejects else _DOUBTED), final=True)


def _loaded(model: Path) -> Any:
    try:
        import vosk
    except ImportError as error:
        raise ModelError("Vosk is not installed", remedy="Install it: pip install 'line-inspector[voice]'") from error
    if not (model / "am").is_dir() and not (model / "final.mdl").is_file():
        raise ModelError(f"{model} is not a Vosk model", remedy="Get one: inspector voice models pull vosk-en-small")
    vosk.SetLogLevel(-2)
    try:
        return vosk.Model(str(model))
    except Exception as error:  # Vosk raises nothing narrower
        raise ModelError(f"{model} cannot be loaded: {error}", remedy="Delete it and pull it again") from error


def _phrases(grammar: Grammar, words: Set[str]) -> list[str]:
    """Return sentences of the grammar, the same ones each time, without those that the model has no words for."""
    dice = random.Random(1)  # noqa: S311 (nothing secret)
    drawn = {grammar.closed.sample(dice) for _ in range(_SAMPLE)}
    return sorted(" ".join(sentence) for sentence in drawn if words >= set(sentence))
