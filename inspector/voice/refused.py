"""Recordings of what was not understood, where the line keeps them, and only for as long as it says."""

from __future__ import annotations

import logging
import time
import wave
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.voice.audio import RATE

__all__ = ["RefusedSpeech"]

_MOST = 1000
_DAY_S = 86_400.0

_LOG = logging.getLogger(__name__)


class RefusedSpeech:
    """A folder of WAV files named by time and hash; the hash leads to the entry in the trail.

    Parameters
    ----------
    days
        After so many a recording is deleted; so is the oldest one where there are more than a thousand.
    """

    def __init__(self, folder: Path, days: float, *, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._keep_s, self._clock = folder, days * _DAY_S, clock

    def keep(self, pcm: NDArray[np.int16], sha256: str) -> Path | None:
        """Write one and delete what is too old; None where the disk refuses, which is no reason to stop talking."""
        now = self._clock()
        file = self._folder / f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S}-{sha256[:16]}.wav"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self.tidy()
            with wave.open(str(file), "wb") as sound:
                sound.setparams((1, 2, RATE, pcm.size, "NONE", ""))
                sound.writeframes(pcm.astype("<i2").tobytes())
        except OSError as error:
            _LOG.warning("a refused utterance is not kept: %s", error)
            return None
        return file

    def tidy(self) -> int:
        """Delete what is too old or too much; return how many."""
        now, files = self._clock(), sorted(self._folder.glob("*.wav"))
        old = [file for file in files if now - _written(file) > self._keep_s]
        surplus = [file for file in files if file not in old][: max(0, len(files) - len(old) - _MOST + 1)]
        for file in (*old, *surplus):
            file.unlink(missing_ok=True)
        return len(old) + len(surplus)


def _written(file: Path) -> float:
    try:
        return datetime.strptime(file.name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return file.stat().st_mtime
