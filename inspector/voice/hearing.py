"""What decoding needs of an acoustic model, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inspector.voice.tokens import Pieces

__all__ = ["Acoustic", "Hearing"]


class Hearing(Protocol):
    """One utterance while it is decoded: rows of hypotheses that grow by a piece at a time."""

    scores: NDArray[np.float32]
    """Log-probabilities of the next piece, shape (rows, pieces)."""

    def grow(self, rows: Sequence[int], tokens: Sequence[int]) -> None:
        """Go on with ``tokens[i]`` after row ``rows[i]``, for each i."""
        ...


class Acoustic(Protocol):
    """A model that hears utterances."""

    @property
    def tokeniser(self) -> Pieces:
        """How it writes."""
        ...

    def hear(self, pcm: NDArray[np.int16]) -> Hearing:
        """Return one utterance of 16 kHz mono samples, ready to be decoded; raises ``VoiceError``."""
        ...
