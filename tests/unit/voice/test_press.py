"""One press of the key: what is heard of it, at any rate of the microphone, and why nothing was."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.domain import ModelError, Transcript, VoiceError
from inspector.voice import RATE, Endpointer, EnergyDetector, EspeakReadBack, Press, RefusedSpeech, fingerprint
from inspector.voice.read_back import sayable

pytest.importorskip("soxr", reason="the extra 'voice' is not installed")


class Ears:
    """A recogniser that says what it is told to, and remembers what it was fed."""

    def __init__(self, *said: Transcript | None) -> None:
        self._said: Iterator[Transcript | None] = iter(said)
        self.heard: list[NDArray[np.int16]] = []

    def feed(self, pcm: NDArray[np.int16]) -> Transcript | None:
        self.heard.append(pcm)
        return next(self._said, None)

    def flush(self) -> Transcript | None:
        return next(self._said, None)

    def close(self) -> None:
        return


def tone(seconds: float, rate: int = RATE, loud: float = 3000) -> NDArray[np.int16]:
    time = np.arange(round(seconds * rate)) / rate
    return np.round(loud * np.sin(2 * np.pi * 440 * time)).astype(np.int16)


def test_partials_come_while_the_key_is_held_and_the_words_when_it_is_let_go() -> None:
    press = Press(Ears(Transcript("acc", 0.0, final=False), None, Transcript("accept part 0042", 0.9, final=True)))
    assert [press.feed(tone(0.1)), press.feed(tone(0.1))] == ["acc", ""]
    pressed = press.finish()
    assert (pressed.text, pressed.confidence, pressed.unheard) == ("accept part 0042", 0.9, "")
    assert pressed.sha256 == fingerprint(pressed.pcm)
    assert pressed.pcm.size == 3200


def test_a_sentence_in_pieces_counts_as_one_with_the_least_confidence() -> None:
    press = Press(
        Ears(
            Transcript("accept", 0.9, final=True),
            Transcript("", 0.7, final=True),
            Transcript("part 0042", 0.8, final=True),
        )
    )
    press.feed(tone(0.1))
    pressed = press.finish()
    assert (pressed.text, pressed.confidence) == ("accept part 0042", 0.7)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_any_rate_becomes_ours(rate: int) -> None:
    ears = Ears()
    press = Press(ears, rate)
    for piece in np.array_split(tone(2.0, rate), 20):
        press.feed(piece)
    pcm = press.finish().pcm
    assert pcm.size == pytest.approx(2 * RATE, abs=RATE // 50)
    spectrum = np.abs(np.fft.rfft(pcm[:RATE].astype(float)))
    assert int(spectrum.argmax()) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("rate", [0, 4_000, 400_000])
def test_a_rate_that_no_microphone_has_is_refused(rate: int) -> None:
    with pytest.raises(VoiceError, match="samples a second"):
        Press(Ears(), rate)


@pytest.mark.parametrize(
    ("pcm", "why"),
    [
        (np.zeros(RATE, np.int16), "silent"),
        (np.empty(0, np.int16), "silent"),
        (np.clip(tone(1.0).astype(np.int32) * 60, -32768, 32767).astype(np.int16), "overdriven"),
        (tone(1.0), "nothing_said"),
    ],
)
def test_why_nothing_was_heard(pcm: NDArray[np.int16], why: str) -> None:
    press = Press(Ears())
    press.feed(pcm)
    assert press.finish().unheard == why


def test_who_holds_the_key_for_ever_is_not_listened_to_for_ever() -> None:
    ears = Ears()
    press = Press(ears)
    for _ in range(30):
        press.feed(tone(1.0))
    assert sum(piece.size for piece in ears.heard) == 10 * RATE
    assert press.finish().pcm.size == 10 * RATE


def test_by_hand_a_pause_does_not_end_an_utterance_and_its_silence_is_cut() -> None:
    endpointer = Endpointer.by_hand(EnergyDetector())
    pause = np.zeros(3 * RATE, np.int16)
    sound = np.concatenate([np.zeros(RATE, np.int16), tone(0.5), pause, tone(0.5), pause])
    assert endpointer.feed(sound) == []
    assert endpointer.so_far.size > 4 * RATE
    utterance = endpointer.finish()
    assert utterance is not None
    assert utterance.pcm.size == pytest.approx(0.35 * RATE + 4.0 * RATE + 0.5 * RATE, abs=RATE // 8)
    assert endpointer.so_far.size == 0


# --- spoken replies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_reply_is_spoken(language: str, tmp_path: Path) -> None:
    try:
        spoken = EspeakReadBack().speak({"en": "Done: hold the line.", "zh": "已完成：暂停产线。"}[language], language)
    except ModelError:
        pytest.skip("espeak-ng is not installed")
    file = tmp_path / "reply.wav"
    file.write_bytes(spoken)
    with wave.open(str(file)) as sound:
        assert sound.getnframes() / sound.getframerate() > 0.5
        assert np.frombuffer(sound.readframes(sound.getnframes()), "<i2").std() > 100


def test_without_the_program_the_remedy_is_named() -> None:
    with pytest.raises(ModelError, match="read_back to none"):
        EspeakReadBack(program="no-such-speaker")


def test_a_language_it_does_not_have() -> None:
    try:
        speaker = EspeakReadBack()
    except ModelError:
        pytest.skip("espeak-ng is not installed")
    with pytest.raises(VoiceError, match="cannot speak xx-none"):
        speaker.speak("hello", "xx-none")


# --- recordings of what was refused -----------------------------------------------------------------------


def test_refused_speech_is_kept_and_forgotten(tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    refused = RefusedSpeech(tmp_path / "refused", 2.0, clock=lambda: now[0])
    first = refused.keep(tone(0.2), "ab" * 32)
    assert first is not None
    assert first.name == "20270115T080000-abababababababab.wav"
    with wave.open(str(first)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getnframes()) == (RATE, 1, RATE // 5)
    now[0] += 1.9 * 86_400
    second = refused.keep(tone(0.2), "cd" * 32)
    assert sorted(tmp_path.rglob("*.wav")) == sorted(path for path in (first, second) if path)
    now[0] += 0.2 * 86_400
    assert refused.tidy() == 1
    assert list(tmp_path.rglob("*.wav")) == [second]


def test_a_disk_that_refuses_ends_no_conversation(tmp_path: Path) -> None:
    (tmp_path / "refused").write_text("a file where the folder should be")
    assert RefusedSpeech(tmp_path / "refused", 1.0).keep(tone(0.1), "ab" * 32) is None


@pytest.mark.parametrize(
    ("language", "written", "spoken"),
    [
        ("en", "length 0.420 ± 0.033 mm.", "length 0.420 plus or minus 0.033 millimetres."),
        ("zh", "长度0.420 ± 0.033 mm。", "长度0点420 正负 0点033毫米。"),
        ("en", "12 mmx", "12 mmx"),
        ("de", "0.420 ± 0.033 mm", "0.420 ± 0.033 mm"),
    ],
)
def test_figures_are_spoken_with_their_signs(language: str, written: str, spoken: str) -> None:
    assert sayable(written, language) == spoken


@pytest.mark.parametrize(("language", "item"), [("en", "spur, length 0.420; "), ("zh", "毛刺，长度0.420；")])
def test_a_long_reply_ends_with_a_whole_figure(language: str, item: str) -> None:
    spoken = sayable(item * 60, language)
    assert 300 < len(spoken) <= 400
    assert spoken.endswith(("0.420;", "0点420；", "spur,", "毛刺，"))
