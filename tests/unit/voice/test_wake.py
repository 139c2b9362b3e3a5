"""An open microphone: what begins with the phrase is a command, and nothing else leaves the voice."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.domain import Transcript, VoiceError
from inspector.voice import (
    DEFAULT_GATE,
    RATE,
    EmbeddedRecogniser,
    EnergyDetector,
    Gate,
    Grammar,
    Listener,
    Risk,
    SileroDetector,
    Speaker,
    Utterance,
    Vigil,
    Vocabulary,
    called,
    commanded,
    mixed,
)

pytest.importorskip("soxr", reason="the extra 'voice' is not installed")

WORDS = Vocabulary(parts=("0042", "0107"), lots=(), zones={"connector": ()}, defects={"spur": ()})
PHRASES = {"en": "hello inspector", "zh": "你好检测"}


@pytest.fixture(scope="module")
def woken() -> dict[str, Grammar]:
    return {language: Grammar.shipped(language, WORDS, wake=phrase) for language, phrase in PHRASES.items()}


@pytest.mark.parametrize(
    ("language", "text", "command"),
    [
        ("en", "Hello inspector, hold part 0042.", "hold part zero zero four two"),
        ("en", "hello inspector stop", "stop"),
        ("en", "hold part 0042", ""),
        ("en", "stop", ""),
        ("en", "hello inspector", ""),
        ("en", "hello inspector the truck is late", ""),
        ("en", "hold the line hello inspector", ""),
        ("en", "hello hello inspector stop", ""),
        ("en", "", ""),
        ("zh", "你好检测，停机", "停 机"),
        ("zh", "你好检测 扣留零件0042", "扣 留 零 件 零 零 四 二"),
        ("zh", "停机", ""),
    ],
)
def test_only_what_begins_with_the_phrase_is_a_command(
    woken: dict[str, Grammar], language: str, text: str, command: str
) -> None:
    assert commanded(woken[language], DEFAULT_GATE, text, 1.0) == command
    if command:  # the office, which knows no phrase, understands the rest
        assert len(Grammar.shipped(language, WORDS).meanings(command)) == 1


@pytest.mark.parametrize(("risk", "text"), [(Risk.SAFE, "stop"), (Risk.RELEASE, "accept part 0042")])
def test_what_is_not_believed_is_silence(woken: dict[str, Grammar], risk: Risk, text: str) -> None:
    bar = DEFAULT_GATE.bars[risk]
    assert commanded(woken["en"], DEFAULT_GATE, f"hello inspector {text}", bar)
    assert not commanded(woken["en"], DEFAULT_GATE, f"hello inspector {text}", bar - 0.01)


def test_without_a_phrase_a_grammar_has_none() -> None:
    plain = Grammar.shipped("en", WORDS)
    assert plain.wake == ""
    assert "inspector" not in plain.closed.words
    assert not commanded(plain, DEFAULT_GATE, "stop", 1.0)


# --- the microphone ---------------------------------------------------------------------------------------


def tone(seconds: float, rate: int = RATE) -> NDArray[np.int16]:
    time = np.arange(round(seconds * rate)) / rate
    return np.round(3000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)


def silence(seconds: float, rate: int = RATE) -> NDArray[np.int16]:
    return np.zeros(round(seconds * rate), np.int16)


@pytest.mark.parametrize("rate", [RATE, 48_000])
def test_a_pause_ends_an_utterance(rate: int) -> None:
    vigil = Vigil(EnergyDetector(), rate)
    assert vigil.feed(silence(1.0, rate)) == []
    assert not vigil.speaking
    assert vigil.feed(tone(1.0, rate)) == []
    assert vigil.speaking
    (utterance,) = vigil.feed(silence(1.0, rate))
    assert not vigil.speaking
    assert utterance.pcm.size == pytest.approx(1.8 * RATE, abs=RATE // 5)


def test_talk_without_an_end_is_no_utterance() -> None:
    vigil = Vigil(EnergyDetector())
    assert vigil.feed(np.concatenate([silence(1.0), tone(12.0)])) == []


def test_a_rate_that_no_microphone_has_is_refused() -> None:
    with pytest.raises(VoiceError, match="samples a second"):
        Vigil(EnergyDetector(), 4_000)


class Ears:
    """A recogniser that hears what it is told to."""

    def __init__(self, *said: Transcript) -> None:
        self._said = list(said)

    def feed(self, pcm: NDArray[np.int16]) -> Transcript | None:
        return Transcript("what is heard so far", 0.0, final=False)

    def flush(self) -> Transcript | None:
        return self._said.pop(0) if self._said else None

    def close(self) -> None:
        return


UTTERANCE = Utterance(tone(1.0), cut=False)


@pytest.mark.parametrize("gate", [DEFAULT_GATE, DEFAULT_GATE.trusting(-0.3)])
def test_a_command_comes_without_its_phrase(woken: dict[str, Grammar], gate: Gate) -> None:
    ears = Ears(Transcript("Hello inspector.", 0.99, final=True), Transcript("Stop.", 0.95, final=True))
    heard = called(ears, woken["en"], gate, UTTERANCE)
    assert heard is not None
    assert (heard.text, heard.confidence, heard.unheard, len(heard.sha256)) == ("stop", 0.95, "", 64)


def test_silence_and_too_loud_a_microphone_are_nothing(woken: dict[str, Grammar]) -> None:
    assert called(Ears(), woken["en"], DEFAULT_GATE, UTTERANCE) is None
    loud = Utterance(np.full(RATE, 32767, np.int16), cut=False)
    ears = Ears(Transcript("hello inspector stop", 1.0, final=True))
    assert called(ears, woken["en"], DEFAULT_GATE, loud) is None


# --- with the embedded recogniser -------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
@pytest.mark.parametrize(
    ("said", "command"),
    [
        ("hello inspector, hold the line", "hold the line"),
        ("hello inspector, accept part zero zero four two", "accept part zero zero four two"),
        ("hold the line", ""),
        ("accept part zero zero four two", ""),
        ("hello, can somebody inspect the truck", ""),
    ],
)
def test_the_embedded_recogniser_hears_the_phrase(
    listener: Listener, woken: dict[str, Grammar], said: str, command: str
) -> None:
    grammar = woken["en"]
    recogniser = EmbeddedRecogniser(listener.for_grammar(grammar), by_hand=True)
    vigil = Vigil(SileroDetector())
    pcm = mixed(Speaker("espeak-ng", "en-gb", 145).say(said), None, seed=5, around_s=1.0)
    utterances = [cut for at in range(0, pcm.size, 1600) for cut in vigil.feed(pcm[at : at + 1600])]
    assert utterances
    heard = [called(recogniser, grammar, DEFAULT_GATE, utterance) for utterance in utterances]
    assert [pressed.text for pressed in heard if pressed is not None] == ([command] if command else [])
