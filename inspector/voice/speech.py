"""Synthetic speakers and factory noise, for the benchmark and the tests."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.domain import VoiceError
from inspector.voice.audio import RATE, read_audio

__all__ = ["Speaker", "factory_noise", "held_out_speakers", "mixed", "speakers"]

_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Speaker:
    """One synthetic voice: ``program`` is espeak-ng or flite."""

    program: str
    voice: str
    speed: int = 150

    @property
    def name(self) -> str:
        """Program and voice."""
        return f"{self.program}:{self.voice}"

    def say(self, text: str) -> NDArray[np.int16]:
        """Return the spoken text as 16 kHz samples; raises ``VoiceError``."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "speech.wav"
            if self.program == "espeak-ng":
                command = ["espeak-ng", "-v", self.voice, "-s", str(self.speed), "-w", str(file), "--", text]
            else:
                command = ["flite", "-voice", self.voice, "-t", text, "-o", str(file)]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)  # noqa: S603
            except (OSError, subprocess.SubprocessError) as error:
                raise VoiceError(f"{self.name} cannot speak: {error}", remedy=f"Install {self.program}") from error
            return read_audio(file)


def speakers() -> tuple[tuple[Speaker, ...], tuple[Speaker, ...]]:
    """Return the installed voices: those that thresholds are tuned on, and those that only tests hear."""
    tuning = (Speaker("espeak-ng", "en-us"), Speaker("flite", "rms"), Speaker("espeak-ng", "en-us+f3", 165))
    testing = (
        Speaker("flite", "slt"),
        Speaker("flite", "awb"),
        Speaker("flite", "kal16"),
        Speaker("espeak-ng", "en-gb", 140),
        Speaker("espeak-ng", "en-gb-scotland+f2", 155),
    )
    return _installed(tuning), _installed(testing)


def held_out_speakers() -> tuple[Speaker, ...]:
    """Return the installed voices that no choice was made by: thresholds, beam and tests never heard them."""
    return _installed(
        (
            Speaker("espeak-ng", "en-029", 150),
            Speaker("espeak-ng", "en-gb-x-rp+f4", 145),
            Speaker("flite", "kal"),
            Speaker("espeak-ng", "en-us-nyc+m5", 150),
            Speaker("espeak-ng", "en-gb-x-gbclan+klatt3", 140),
        )
    )


def _installed(voices: tuple[Speaker, ...]) -> tuple[Speaker, ...]:
    return tuple(voice for voice in voices if shutil.which(voice.program))


def factory_noise(samples: int, seed: int) -> NDArray[np.float64]:
    """Return noise like a hall's, of power 1: pink, mains hum with harmonics, and impacts of metal on metal."""
    dice = np.random.default_rng(seed)
    frequency = np.fft.rfftfreq(samples, 1 / RATE)
    spectrum = dice.normal(size=frequency.size) + 1j * dice.normal(size=frequency.size)
    pink = _of_power_one(np.fft.irfft(spectrum / np.sqrt(np.maximum(frequency, 20.0)), samples))
    time = np.arange(samples) / RATE
    mains = dice.choice([50.0, 60.0])
    hum = _of_power_one(
        np.sum([np.sin(2 * np.pi * (mains * k * time + dice.random())) / k for k in (1, 2, 3, 4, 6, 8, 12)], axis=0)
    )
    impacts = np.zeros(samples)
    for _ in range(dice.poisson(1.5 * samples / RATE)):
        at = int(dice.integers(samples))
        length = min(samples - at, RATE // 4)
        ring = np.arange(length) / RATE
        tone = np.sin(2 * np.pi * dice.uniform(800, 4000) * ring) + dice.normal(size=length)
        impacts[at : at + length] += dice.uniform(0.5, 2.0) * tone * np.exp(-ring / dice.uniform(0.01, 0.05))
    return _of_power_one(pink + 0.5 * hum + 0.6 * impacts)


def mixed(
    speech: NDArray[np.int16], snr_db: float | None, seed: int, *, around_s: float = 0.6, level_dbfs: float = -24.0
) -> NDArray[np.int16]:
    """Return speech with silence around it, at a set level, in factory noise.

    Parameters
    ----------
    snr_db
        Power of the speech where it is spoken over that of the noise, in dB; None adds only a quiet room's hiss.
    """
    around = round(around_s * RATE)
    padded = np.pad(speech.astype(np.float64) / 32768.0, around)
    frame = RATE // 50
    power = (padded[: padded.size // frame * frame].reshape(-1, frame) ** 2).mean(axis=1)
    active = power[power > power.max() / 1000].mean() if power.size and power.max() > 0 else 1.0
    goal = 10 ** (level_dbfs / 10)
    voice = padded * np.sqrt(goal / active)
    noise = factory_noise(padded.size, seed) * np.sqrt(goal / 10 ** ((60.0 if snr_db is None else snr_db) / 10))
    result: NDArray[np.int16] = np.clip(np.round((voice + noise) * 32768.0), -32768, 32767).astype(np.int16)
    return result


def _of_power_one(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = signal / np.sqrt((signal**2).mean() + 1e-12)
    return result
