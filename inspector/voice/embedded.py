"""The embedded recogniser: an acoustic model held to the line's grammar, with a doubt of its own."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.domain import Transcript
from inspector.voice.acoustic import AcousticModel
from inspector.voice.audio import RATE, levels, require_pcm
from inspector.voice.decoding import Decoded, LanguageModel, decode
from inspector.voice.endpoint import Endpointer, SileroDetector, SpeechDetector
from inspector.voice.evidence import Evidence, Gate, Risk, agreement
from inspector.voice.export import exported
from inspector.voice.graph import Meaning
from inspector.voice.hearing import Acoustic
from inspector.voice.interpreter import Grammar
from inspector.voice.token_graph import TokenGraph

__all__ = ["DEFAULT_GATE", "EmbeddedRecogniser", "Heard", "Listener"]

DEFAULT_GATE = Gate(
    (0.81, 0.50, 0.61, 2.10, -0.07, 0.02, 0.37),
    {Risk.SAFE: 0.3, Risk.QUESTION: 0.4, Risk.CHANGE: 0.5, Risk.RELEASE: 0.55},
)
"""Fitted (L2 = 2, a wrong sentence counts twice) on 523 utterances at clean … 0 dB: commands by thirteen synthetic
voices, every second recording of ``voice_commands_dev``, numbers of three people of ``fsdd``, and chatter. What was
kept for measuring, docs/voice.md says."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one utterance came to.

    Attributes
    ----------
    text
        The best sentence of the grammar, empty where none fits.
    free
        The transcript without a grammar.
    confidence
        Probability that ``text`` is what was said, 0 … 1.
    """

    text: str
    free: str
    meaning: Meaning | None
    evidence: Evidence | None
    confidence: float


class Listener:
    """Recognises whole utterances.

    Parameters
    ----------
    weight
        w in score = (1 - w) * acoustic + w * language model; without a language model it has no effect.
    """

    def __init__(
        self,
        model: Acoustic,
        grammar: Grammar,
        *,
        gate: Gate = DEFAULT_GATE,
        beam: int = 16,
        language_model: LanguageModel | None = None,
        weight: float = 0.0,
    ) -> None:
        self._model = model
        self._grammar = grammar
        self._gate = gate
        self._beam = beam
        self._language_model = language_model
        self._weight = weight
        self._graph = TokenGraph(grammar.closed, model.tokeniser, grammar.digits)

    def for_grammar(self, grammar: Grammar) -> Listener:
        """Return a listener for other sentences that shares the loaded model: a glossary changes without a restart."""
        return Listener(
            self._model,
            grammar,
            gate=self._gate,
            beam=self._beam,
            language_model=self._language_model,
            weight=self._weight,
        )

    def recognise(self, pcm: NDArray[np.int16]) -> Heard:
        """Return what an utterance of 16 kHz samples says; raises ``BadAudio``, ``VoiceError``."""
        require_pcm(pcm)
        if pcm.size < RATE // 5:
            return Heard("", "", None, None, 0.0)
        decoded = decode(
            self._model.hear(pcm),
            self._graph,
            alike=self._words,
            beam=self._beam,
            longest=max(12, round(8 * pcm.size / RATE)),
            language_model=self._language_model,
            weight=self._weight,
        )
        return self._weighed(decoded, estimated_snr_db(pcm))

    def guess(self, pcm: NDArray[np.int16]) -> str:
        """Return what an utterance that goes on sounds like so far, without the grammar: to be shown, not obeyed."""
        hearing, tokens = self._model.hear(pcm), list[int]()
        for _ in range(max(12, round(8 * pcm.size / RATE))):
            token = int(hearing.scores[0].argmax())
            if token == self._model.tokeniser.end:
                break
            tokens.append(token)
            hearing.grow([0], [token])
        return self._model.tokeniser.decode(tokens)

    def _weighed(self, decoded: Decoded, snr_db: float) -> Heard:
        free = self._model.tokeniser.decode(decoded.free.tokens)
        if not decoded.sentences:
            return Heard("", free, None, None, 0.0)
        best = decoded.sentences[0]
        text = self._model.tokeniser.decode(best.tokens)
        meaning = self._meaning(text)
        other = next(
            (
                sentence
                for sentence in decoded.sentences[1:]
                if self._meaning(self._model.tokeniser.decode(sentence.tokens)) != meaning
            ),
            None,
        )
        evidence = Evidence(
            ratio=best.per_piece - decoded.free.per_piece,
            fit=best.per_piece,
            margin=10.0 if other is None else min(10.0, best.acoustic - other.acoustic),
            agreement=agreement("".join(self._grammar.words(text)), "".join(self._grammar.words(free))),
            pieces=len(best.tokens),
            snr_db=snr_db,
        )
        return Heard(text, free, meaning, evidence, self._gate.probability(evidence))

    def _meaning(self, text: str) -> Meaning | None:
        meanings = self._grammar.meanings(text, self._grammar.closed)
        return next(iter(meanings)) if len(meanings) == 1 else None

    def _words(self, tokens: tuple[int, ...]) -> tuple[str, ...]:
        return self._grammar.words(self._model.tokeniser.decode(tokens))


class EmbeddedRecogniser:
    """The ``Recogniser`` port over a ``Listener``: finds the utterances in a stream.

    Parameters
    ----------
    listener
        Recognises them.
    detector
        Says when somebody speaks; default Silero.
    by_hand
        Whether a key says when an utterance has ended, instead of a pause.
    partial_s
        A partial with the words so far after so much more speech, in s; 0: partials have no text.
    """

    def __init__(
        self,
        listener: Listener,
        detector: SpeechDetector | None = None,
        *,
        by_hand: bool = False,
        partial_s: float = 0.0,
    ) -> None:
        self._listener = listener
        detector = detector or SileroDetector()
        self._endpointer = Endpointer.by_hand(detector) if by_hand else Endpointer(detector)
        self._waiting: deque[NDArray[np.int16]] = deque()
        self._partial, self._told = round(partial_s * RATE), 0

    @classmethod
    def load(cls, grammar: Grammar, *, folder: Path | None = None, threads: int = 1) -> EmbeddedRecogniser:
        """Return the recogniser with the model of the installed wheel; raises ``ModelError``."""
        return cls(Listener(AcousticModel(exported(folder), threads=threads), grammar))

    def feed(self, pcm: NDArray[np.int16]) -> Transcript | None:
        """Take 16 kHz mono samples; return a partial when speech begins, a final when an utterance has ended.

        A final with an empty text is an utterance that fits no sentence. Raises ``BadAudio``
        for other samples than int16 of one channel, ``VoiceError`` where the model fails.
        """
        silent_before = not self._endpointer.speaking
        self._waiting.extend(utterance.pcm for utterance in self._endpointer.feed(require_pcm(pcm)))
        if self._waiting:
            return self._final(self._waiting.popleft())
        if silent_before and self._endpointer.speaking:
            self._told = 0
            return Transcript("", 0.0, final=False)
        if self._partial and self._endpointer.speaking:
            so_far = self._endpointer.so_far
            if so_far.size >= self._told + self._partial:
                self._told = so_far.size
                return Transcript(self._listener.guess(so_far), 0.0, final=False)
        return None

    def flush(self) -> Transcript | None:
        """Say that the stream has ended; return the final of what was being said, if anything."""
        if self._waiting:
            return self._final(self._waiting.popleft())
        utterance = self._endpointer.finish()
        return None if utterance is None else self._final(utterance.pcm)

    def close(self) -> None:
        """Release the model."""
        self._waiting.clear()

    def _final(self, pcm: NDArray[np.int16]) -> Transcript:
        if levels(pcm).overdriven:
            return Transcript("", 0.0, final=True)
        heard = self._listener.recognise(pcm)
        return Transcript(heard.text, heard.confidence, final=True)


def estimated_snr_db(pcm: NDArray[np.int16]) -> float:
    """Return the level of the loud frames over that of the quiet ones, in dB: a rough estimate within one utterance."""
    frame = RATE // 50
    count = pcm.size // frame
    if count < 5:  # noqa: PLR2004 (a tenth of a second)
        return 0.0
    power = (pcm[: count * frame].astype(np.float64).reshape(count, frame) ** 2).mean(axis=1) + 1.0
    quiet, loud = np.percentile(power, [10, 90])
    return float(10 * np.log10(loud / quiet))
