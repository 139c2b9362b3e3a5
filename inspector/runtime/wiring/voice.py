"""Who listens at a line out of its settings; loaded by the voice process and the office, never by the line's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from inspector.domain import Recogniser
from inspector.settings import EmbeddedEars, LineSettings, VoskEars, WhisperEars
from inspector.voice import (
    CATALOGUE,
    EmbeddedRecogniser,
    EspeakReadBack,
    Grammar,
    Listener,
    ReadBack,
    RefusedSpeech,
    SileroDetector,
    Vocabulary,
    VoskRecogniser,
    cache_folder,
    exported,
    installed_model,
)
from inspector.voice.acoustic import AcousticModel
from inspector.voice.hearing import Acoustic
from inspector.voice.whisper import WhisperModel

__all__ = ["Ears", "build_ears", "build_read_back", "build_refused", "vosk_model"]

PARTIAL_S = 0.8

Ears = Callable[[Grammar], Recogniser]
"""Makes a recogniser of a grammar's sentences for one conversation; the model behind it is loaded once."""


def build_ears(settings: LineSettings) -> Mapping[str, Ears]:
    """Return who listens, by language; raises ``ModelError`` where a model is not there."""
    voice = settings.voice
    recognisers = {} if voice is None else voice.recognisers
    return {language: _ears(ears, language) for language, ears in recognisers.items()}


def build_read_back(settings: LineSettings) -> ReadBack | None:
    """Return what speaks the replies, None where nothing does; raises ``ModelError`` where it is not installed."""
    voice = settings.voice
    return EspeakReadBack() if voice is not None and voice.read_back == "espeak-ng" else None


def build_refused(settings: LineSettings, folder: Path) -> RefusedSpeech | None:
    """Return where utterances that were not understood are kept, None where the line keeps none."""
    voice = settings.voice
    if voice is None or not voice.keep_refused_days:
        return None
    return RefusedSpeech(folder / "refused-speech", voice.keep_refused_days)


def vosk_model(model: str, language: str) -> Path:
    """Return the folder of a Vosk model: a path as it is, a name where it was pulled to; default: the language's."""
    name = model or next((item.name for item in CATALOGUE.values() if item.language == language), "")
    return installed_model(name, cache_folder()) or Path(name)


def _ears(ears: EmbeddedEars | VoskEars | WhisperEars, language: str) -> Ears:
    if isinstance(ears, VoskEars):
        return _vosk(vosk_model(ears.model, language), language)
    return _listener(WhisperModel(Path(ears.model)) if isinstance(ears, WhisperEars) else AcousticModel(exported()))


def _listener(model: Acoustic) -> Ears:
    SileroDetector()  # where it is not installed, that is said at the start

    def make(grammar: Grammar) -> Recogniser:
        return EmbeddedRecogniser(Listener(model, grammar), by_hand=True, partial_s=PARTIAL_S)

    return make


def _vosk(model: Path, language: str) -> Ears:
    # With any words, so that a model that is not there is said at the start.
    return VoskRecogniser(model, Grammar.shipped(language, Vocabulary())).for_grammar
