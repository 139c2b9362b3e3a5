"""Sound is converted to what the recognisers want, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inspector.domain import BadAudio
from inspector.voice import RATE, levels, read_audio
from inspector.voice.audio import require_pcm

soundfile = pytest.importorskip("soundfile", reason="the extra 'voice' is not installed")
pytest.importorskip("soxr", reason="the extra 'voice' is not installed")


def tone(rate: int, seconds: float = 1.0, hertz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_every_rate_becomes_16_khz(tmp_path: Path, rate: int, suffix: str) -> None:
    file = tmp_path / f"tone.{suffix}"
    soundfile.write(file, tone(rate), rate)
    pcm = read_audio(file)
    assert pcm.dtype == np.int16
    assert abs(pcm.size - RATE) <= 2
    peak_hertz = np.abs(np.fft.rfft(pcm)).argmax() * RATE / pcm.size
    assert abs(peak_hertz - 440) < 2


def test_both_channels_are_heard(tmp_path: Path) -> None:
    file = tmp_path / "stereo.wav"
    soundfile.write(file, np.stack([tone(48000, hertz=300), tone(48000, hertz=900)], axis=1), 48000)
    pcm = read_audio(file)
    spectrum = np.abs(np.fft.rfft(pcm))
    assert pcm.ndim == 1
    assert spectrum[300] > 100 * spectrum[600]
    assert spectrum[900] > 100 * spectrum[600]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not a sound file"),
        (b"hello, this is a letter" * 50, "not a sound file"),
        (b"RIFF\x00\x00", "not a sound"),
    ],
)
def test_what_is_no_sound_is_refused(tmp_path: Path, body: bytes, says: str) -> None:
    file = tmp_path / "letter.wav"
    file.write_bytes(body)
    with pytest.raises(BadAudio, match=says):
        read_audio(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadAudio, match=r"gone\.wav is not there"):
        read_audio(tmp_path / "gone.wav")


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize("kept", [0.9, 0.5, 0.1])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    file = tmp_path / f"cut.{suffix}"
    soundfile.write(file, np.random.default_rng(1).normal(size=RATE) * 0.1, RATE)
    body = file.read_bytes()
    file.write_bytes(body[: int(len(body) * kept)])
    with pytest.raises(BadAudio, match=r"truncated|damaged"):
        read_audio(file)


def test_too_slow_and_too_long_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "slow.wav", tone(4000), 4000)
    with pytest.raises(BadAudio, match="4000 samples"):
        read_audio(tmp_path / "slow.wav")
    soundfile.write(tmp_path / "long.wav", np.zeros(8000 * 121), 8000)
    with pytest.raises(BadAudio, match="121 s"):
        read_audio(tmp_path / "long.wav")


def test_levels() -> None:
    loud = np.round(tone(RATE) * 32767).astype(np.int16)
    assert levels(loud).dbfs == pytest.approx(-9.03, abs=0.1)
    assert not levels(loud).overdriven
    assert levels(np.clip(loud.astype(np.int32) * 8, -32768, 32767).astype(np.int16)).overdriven
    assert levels(np.zeros(RATE, np.int16)).dead
    assert levels(np.zeros(0, np.int16)).silent
    assert levels(np.random.default_rng(2).integers(-3, 4, RATE).astype(np.int16)).silent
    assert not levels(loud // 100).silent


@pytest.mark.parametrize(
    "samples", [np.zeros((10, 2), np.int16), np.zeros(10, np.float32), np.zeros(10, np.int32), np.zeros((), np.int16)]
)
def test_other_samples_than_one_channel_of_16_bits_are_refused(samples: np.ndarray) -> None:
    with pytest.raises(BadAudio, match="int16"):
        require_pcm(samples)
