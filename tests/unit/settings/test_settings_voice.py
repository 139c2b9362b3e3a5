"""The key ``voice``: what it is without being told, and every mistake at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.settings import EmbeddedEars, Voice, VoskEars, WhisperEars, check_line, load_line
from tests.unit.settings.broken_lines import table


def written(tmp_path: Path, voice: str, languages: str = "[en, zh]") -> Path:
    file = tmp_path / "line.yaml"
    text = table()["line"].replace("languages: [en, zh]", f"languages: {languages}")
    file.write_text(f"{text.rstrip()}\nvoice: {voice}\n", encoding="utf-8")
    return file


def test_without_the_key_nobody_listens(tmp_path: Path) -> None:
    file = tmp_path / "line.yaml"
    file.write_text(table()["line"], encoding="utf-8")
    assert load_line(file).voice is None


def test_an_empty_key_listens_in_english_and_keeps_nothing(tmp_path: Path) -> None:
    voice = load_line(written(tmp_path, "{}")).voice
    assert voice == Voice()
    assert voice is not None
    assert voice.recognisers == {"en": EmbeddedEars(kind="embedded")}
    assert voice.keep_refused_days == 0
    assert voice.read_back == "none"


def test_a_phrase_for_each_language_that_is_listened_to(tmp_path: Path) -> None:
    text = "{recognisers: {en: {kind: embedded}, zh: {kind: vosk}}, wake_phrases: {en: Hello inspector, zh: 你好检测}}"
    voice = load_line(written(tmp_path, text)).voice
    assert voice is not None
    assert voice.wake_phrases == {"en": "Hello inspector", "zh": "你好检测"}


def test_a_models_path_lies_beside_the_file_and_a_name_stays_one(tmp_path: Path) -> None:
    whisper = load_line(written(tmp_path, "{recognisers: {en: {kind: whisper, model: ./base}}}")).voice
    assert whisper is not None
    assert whisper.recognisers["en"] == WhisperEars(kind="whisper", model=str(tmp_path / "base"))
    text = "{recognisers: {zh: {kind: vosk, model: ./cn}, en: {kind: vosk, model: vosk-en-small}}}"
    voice = load_line(written(tmp_path, text)).voice
    assert voice is not None
    assert voice.recognisers["zh"] == VoskEars(kind="vosk", model=str(tmp_path / "cn"))
    assert voice.recognisers["en"] == VoskEars(kind="vosk", model="vosk-en-small")


@pytest.mark.parametrize(
    ("voice", "languages", "key", "says"),
    [
        ("{recognisers: {zh: {kind: embedded}}}", "[en, zh]", "voice.recognisers.zh.kind", "hears English only"),
        ("{recognisers: {zh: {kind: whisper, model: ./w}}}", "[en, zh]", "voice.recognisers.zh.kind", "English only"),
        ("{recognisers: {en: {kind: whisper}}}", "[en]", "voice.recognisers.en", ""),
        ("{recognisers: {zh: {kind: vosk}}}", "[en]", "voice.recognisers.zh", "does not speak 'zh'"),
        ("{recognisers: {}}", "[en]", "voice.recognisers", ""),
        ("{recognisers: {ko: {kind: vosk}}}", "[en]", "voice.recognisers", ""),
        ("{recognisers: {en: {kind: cloud}}}", "[en]", "voice.recognisers.en", ""),
        ("{read_back: shouting}", "[en]", "voice.read_back", ""),
        ("{code_s: 1}", "[en]", "voice.code_s", ""),
        ("{keep_refused_days: -1}", "[en]", "voice.keep_refused_days", ""),
        ("{priority: -5}", "[en]", "voice.priority", ""),
        ("{parts: 0}", "[en]", "voice.parts", ""),
        ("{wake_phrases: {en: hello}}", "[en]", "voice.wake_phrases.en", "too easily by accident"),
        ("{wake_phrases: {en: inspector 42}}", "[en]", "voice.wake_phrases.en", "too easily by accident"),
        ("{wake_phrases: {zh: 你好检测}}", "[en, zh]", "voice.wake_phrases.zh", "nobody listens in 'zh'"),
        ("{recognisers: {zh: {kind: vosk}}, wake_phrases: {zh: 你好}}", "[zh]", "voice.wake_phrases.zh", "accident"),
        ("{wake_word: hello}", "[en]", "voice.wake_word", ""),
    ],
)
def test_each_mistake_has_its_place(tmp_path: Path, voice: str, languages: str, key: str, says: str) -> None:
    findings = check_line(written(tmp_path, voice, languages))
    assert findings
    assert any(finding.key.startswith(key) and says in finding.problem for finding in findings), findings
