"""Whole recordings through a streaming recogniser."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from inspector.domain import Recogniser, Transcript
from inspector.voice.audio import RATE, require_pcm

__all__ = ["finals", "fingerprint"]


def finals(recogniser: Recogniser, pcm: NDArray[np.int16], *, block: int = RATE // 10) -> Iterator[Transcript]:
    """Yield the final transcripts of a recording, fed in blocks as a microphone would; raises ``BadAudio``."""
    require_pcm(pcm)
    for at in range(0, pcm.size, block):
        transcript = recogniser.feed(pcm[at : at + block])
        if transcript is not None and transcript.final:
            yield transcript
    while (transcript := recogniser.flush()) is not None:
        yield transcript


def fingerprint(pcm: NDArray[np.int16]) -> str:
    """Return the SHA-256 of samples, for the audit."""
    return hashlib.sha256(np.ascontiguousarray(pcm).tobytes()).hexdigest()
