"""Sound files and samples as the recognisers want them: 16 kHz, one channel, 16 bits; or a clear word why not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.domain import BadAudio, VoiceError

__all__ = ["RATE", "Converter", "Levels", "levels", "pcm_of", "read_audio", "require_pcm"]

RATE = 16_000
"""Samples a second, everywhere behind this module."""

_SLOWEST, _FASTEST = 8_000, 192_000
_LONGEST_S = 120.0
_CLIPPED = 0.002
_FULL_SCALE = 32_600
_SILENT_DBFS = -66.0
_STREAMED = 0xFFFFFFFF  # a WAV written to a pipe does not know its length


@dataclass(frozen=True, slots=True)
class Levels:
    """How loud samples are.

    Attributes
    ----------
    dbfs
        Root mean square of the loudest tenth of the frames of 20 ms, in dB below full scale.
    clipped
        Share of samples in runs at full scale, 0 … 1.
    dead
        True where every sample is the same: no microphone, or a muted one.
    """

    dbfs: float
    clipped: float
    dead: bool

    @property
    def overdriven(self) -> bool:
        """True where so much is cut off that words can no longer be told apart."""
        return self.clipped > _CLIPPED

    @property
    def silent(self) -> bool:
        """True where there is nothing that could be speech."""
        return self.dead or self.dbfs < _SILENT_DBFS


def levels(pcm: NDArray[np.int16]) -> Levels:
    """Return the levels of samples."""
    if pcm.size == 0:
        return Levels(-120.0, 0.0, dead=True)
    frame = RATE // 50
    whole = pcm[: max(1, pcm.size // frame) * frame].astype(np.float64)
    frames = whole.reshape(-1, frame) if whole.size >= frame else whole[None, :]
    power = np.sort((frames**2).mean(axis=1))[-max(1, len(frames) // 10) :].mean()
    full = np.abs(pcm.astype(np.int32)) >= _FULL_SCALE
    runs = full[1:] & full[:-1]
    return Levels(
        dbfs=float(10 * np.log10(max(power, 1e-6) / 32768.0**2)),
        clipped=float(runs.mean()) if runs.size else 0.0,
        dead=bool((pcm == pcm[0]).all()),
    )


class Converter:
    """Makes a stream of samples of one channel one of 16 kHz.

    Parameters
    ----------
    rate
        Of the samples that come, 8000 … 192000 a second; raises ``VoiceError`` for any other.
    """

    def __init__(self, rate: int) -> None:
        import soxr

        if not _SLOWEST <= rate <= _FASTEST:
            raise VoiceError(f"a microphone does not give {rate} samples a second")
        self._stream = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="int16")

    def __call__(self, pcm: NDArray[np.int16], *, last: bool = False) -> NDArray[np.int16]:
        """Return these samples at 16 kHz, with those that were still under way; raises ``BadAudio``."""
        samples = require_pcm(pcm)
        return samples if self._stream is None else self._stream.resample_chunk(samples, last=last)


def read_audio(file: Path) -> NDArray[np.int16]:
    """Return the samples of a sound file (WAV, FLAC, Ogg …), converted to 16 kHz and one channel.

    Raises
    ------
    BadAudio
        Where the file is not there, is no sound file, is truncated, or is empty, too slow or too long.
    """
    import soundfile

    try:
        with soundfile.SoundFile(file) as sound:
            rate, promised = sound.samplerate, sound.frames
            if not _SLOWEST <= rate <= _FASTEST:
                raise BadAudio(f"{file.name} has {rate} samples a second", remedy="Record with 16000, at least 8000")
            if promised > _LONGEST_S * rate:
                raise BadAudio(f"{file.name} lasts {promised / rate:.0f} s", remedy=f"Give at most {_LONGEST_S:.0f} s")
            samples = sound.read(dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        what = "is not there" if not file.exists() else "is not a sound file, or is damaged"
        raise BadAudio(f"{file.name} {what}", remedy="Give a WAV or FLAC file") from error
    if len(samples) < promised or _cut_short(file):
        raise BadAudio(f"{file.name} is truncated", remedy="Copy or record it again")
    return pcm_of(samples, rate)


def pcm_of(samples: NDArray[np.float32], rate: int) -> NDArray[np.int16]:
    """Return samples (frames, channels) of -1 … 1 as 16 kHz int16; channels are averaged."""
    import soxr

    mono = samples.mean(axis=1) if samples.ndim > 1 else samples
    if rate != RATE:
        mono = soxr.resample(mono, rate, RATE)
    result: NDArray[np.int16] = np.clip(np.round(mono * 32768.0), -32768, 32767).astype(np.int16)
    return result


def require_pcm(pcm: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return samples as they are; raises ``BadAudio`` where they are not one channel of int16."""
    if pcm.dtype != np.int16 or pcm.ndim != 1:
        raise BadAudio(f"samples must be int16 of shape (n,), got {pcm.dtype} of shape {pcm.shape}")
    return pcm


def _cut_short(file: Path) -> bool:
    """Return whether a WAV file's header promises more bytes than there are."""
    with file.open("rb") as stream:
        head = stream.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return False
        size, at = file.stat().st_size, 12
        while at + 8 <= size:
            stream.seek(at)
            chunk = stream.read(8)
            length = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                return length != _STREAMED and at + 8 + length > size
            at += 8 + length + length % 2
        return True
