"""One press of the key: samples in while it is held, one transcript when it is let go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.domain import Recogniser
from inspector.voice.audio import RATE, Converter, levels
from inspector.voice.microphone import Microphone
from inspector.voice.stream import fingerprint

__all__ = ["LONGEST_S", "Press", "Pressed", "listened"]

LONGEST_S = 10.0
"""Nobody commands for longer: what comes later is not listened to."""


@dataclass(frozen=True, slots=True, eq=False)
class Pressed:
    """What one press came to.

    Attributes
    ----------
    unheard
        Why nothing could be heard: ``silent``, ``overdriven``, ``nothing_said``; empty where something was.
    pcm
        What was heard, 16 kHz.
    """

    text: str
    confidence: float
    unheard: str
    pcm: NDArray[np.int16]
    sha256: str


class Press:
    """Collects one utterance and hears it while it is spoken.

    Parameters
    ----------
    recogniser
        Begins anew with this press; must not end an utterance at a pause, since the speaker's hand does.
    rate
        Of the samples that are fed, 8000 … 192000 a second; raises ``VoiceError`` for any other.
    """

    def __init__(self, recogniser: Recogniser, rate: int = RATE) -> None:
        self._recogniser = recogniser
        self._convert = Converter(rate)
        self._pieces: list[NDArray[np.int16]] = []
        self._finals: list[tuple[str, float]] = []
        self._size = 0

    @property
    def ended(self) -> bool:
        """Whether the recogniser has ended an utterance by itself, at a pause."""
        return bool(self._finals)

    @property
    def full(self) -> bool:
        """Whether nothing more is listened to."""
        return self._size >= round(LONGEST_S * RATE)

    def feed(self, pcm: NDArray[np.int16]) -> str:
        """Take samples; return what is understood so far, empty where that has not changed."""
        return self._take(pcm, last=False)

    def finish(self) -> Pressed:
        """Return what was said."""
        self._take(np.empty(0, np.int16), last=True)
        while (transcript := self._recogniser.flush()) is not None:
            self._finals.append((transcript.text, transcript.confidence))
        pcm = np.concatenate(self._pieces) if self._pieces else np.empty(0, np.int16)
        level = levels(pcm)
        if level.silent or level.overdriven:
            return self._pressed("", 0.0, "silent" if level.silent else "overdriven", pcm)
        if not self._finals:
            return self._pressed("", 0.0, "nothing_said", pcm)
        # A recogniser that ended a sentence at a pause all the same gives it in pieces: only together they count.
        text = " ".join(text for text, _ in self._finals if text)
        return self._pressed(text, min(confidence for _, confidence in self._finals), "", pcm)

    def _take(self, pcm: NDArray[np.int16], *, last: bool) -> str:
        pcm = self._convert(pcm, last=last)
        pcm = pcm[: max(0, round(LONGEST_S * RATE) - self._size)]
        if not pcm.size:
            return ""
        self._pieces.append(pcm)
        self._size += pcm.size
        transcript = self._recogniser.feed(pcm)
        if transcript is None:
            return ""
        if transcript.final:
            self._finals.append((transcript.text, transcript.confidence))
        return transcript.text

    def _pressed(self, text: str, confidence: float, unheard: str, pcm: NDArray[np.int16]) -> Pressed:
        return Pressed(text, confidence, unheard, pcm, fingerprint(pcm))


def listened(press: Press, microphone: Microphone, show: Callable[[NDArray[np.int16]], None]) -> Pressed:
    """Listen to a microphone until something was said, at most ``LONGEST_S``; ``show`` sees all samples.

    Raises ``VoiceError`` where the microphone goes away.
    """
    while not (press.ended or press.full):
        pcm = microphone.read()
        show(pcm)
        press.feed(pcm)
    return press.finish()
