"""An open microphone: only what begins with the line's phrase is a command, and nothing else leaves this module."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspector.domain import Recogniser
from inspector.voice.audio import RATE, Converter
from inspector.voice.endpoint import Endpointer, SpeechDetector, Utterance
from inspector.voice.evidence import Gate
from inspector.voice.interpreter import WAKE, Grammar
from inspector.voice.press import Press, Pressed

__all__ = ["Vigil", "called", "commanded"]


class Vigil:
    """Cuts an open microphone's sound into utterances.

    Parameters
    ----------
    detector
        Says when somebody speaks.
    rate
        Of the samples that are fed, 8000 … 192000 a second; raises ``VoiceError`` for any other.
    """

    def __init__(self, detector: SpeechDetector, rate: int = RATE) -> None:
        self._convert = Converter(rate)
        self._endpointer = Endpointer(detector)

    @property
    def speaking(self) -> bool:
        """Whether somebody is speaking."""
        return self._endpointer.speaking

    def feed(self, pcm: NDArray[np.int16]) -> list[Utterance]:
        """Take samples; return the utterances that ended in them, without those that were cut for their length."""
        return [utterance for utterance in self._endpointer.feed(self._convert(pcm)) if not utterance.cut]


def called(recogniser: Recogniser, grammar: Grammar, gate: Gate, utterance: Utterance) -> Pressed | None:
    """Return the command in an utterance, without the phrase; None where it has none, or is not believed.

    Parameters
    ----------
    recogniser
        Of the sentences of ``grammar``, which was made with a phrase; begins anew with this utterance.
    """
    press = Press(recogniser)
    press.feed(utterance.pcm)
    heard = press.finish()
    text = commanded(grammar, gate, heard.text, heard.confidence)
    return Pressed(text, heard.confidence, "", heard.pcm, heard.sha256) if text else None


def commanded(grammar: Grammar, gate: Gate, text: str, confidence: float) -> str:
    """Return what stands after the phrase in a sentence of ``grammar`` that is believed; else nothing."""
    meanings = grammar.meanings(text, grammar.closed)
    if not meanings or not all(
        meaning.slot(WAKE) and gate.believes(confidence, meaning.intent) for meaning in meanings
    ):
        return ""
    return " ".join(grammar.words(text)[len(grammar.words(grammar.wake)) :])
