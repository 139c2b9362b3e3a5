"""Who listens to what people say at the line, in which language, and what is kept of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from inspector.settings.base import MODEL, Settings

__all__ = ["EmbeddedEars", "Voice", "VoskEars", "WhisperEars", "voice_below"]


class EmbeddedEars(Settings):
    """The recogniser that comes with the extra `voice`; English."""

    kind: Literal["embedded"] = Field(description="Comes with the extra `voice`; English only.")


class VoskEars(Settings):
    """A Vosk model, of whatever language there is one."""

    kind: Literal["vosk"] = Field(description="A Vosk model, of whatever language there is one.")
    model: str = Field(
        default="",
        pattern=rf"^$|{MODEL}",
        description="Name of a model that was pulled, or the path of its folder (with a `/`; relative to this file); "
        "default: the pulled one of the language.",
    )


class WhisperEars(Settings):
    """A Whisper model of English by transformers: for machines with a GPU."""

    kind: Literal["whisper"] = Field(
        description="A Whisper model of English, by the extra `whisper`: for machines with a GPU."
    )
    model: str = Field(
        pattern=r"/",
        description="Path of the folder that transformers saved it in (with a `/`; relative to this file).",
    )


Ears = Annotated[EmbeddedEars | VoskEars | WhisperEars, Field(discriminator="kind")]


class Voice(Settings):
    """Push-to-talk on the screen. The voice has a process of its own, of lower priority than the line's."""

    recognisers: Annotated[Mapping[Literal["en", "zh"], Ears], Field(min_length=1)] = Field(
        default={"en": EmbeddedEars(kind="embedded")},
        description="Who listens, by language; the first is the default. A language must be one of the line's.",
    )
    read_back: Literal["espeak-ng", "none"] = Field(
        default="none", description="What speaks the replies; on the screen they stand in any case."
    )
    code_s: float = Field(default=15.0, ge=5, le=60, description="How long a confirmation code is good for, in s.")
    keep_refused_days: float = Field(
        default=0.0,
        ge=0,
        le=365,
        description="Days for which utterances that were not understood are kept as sound files, to improve the "
        "vocabulary; 0: none is kept. People at the line have to know.",
    )
    trust: float = Field(
        default=0.0,
        ge=-0.3,
        le=0.2,
        description="How far more, or below 0 less, than usual to believe what is heard; `inspector voice enrol` says "
        "how far. What releases something is never believed more.",
    )
    wake_phrases: Mapping[str, Annotated[str, Field(max_length=40)]] = Field(
        default={},
        description="By language, what a command begins with where a page's microphone is left open, such as "
        "`hello inspector`; without one no microphone can be left open.",
    )
    parts: int = Field(
        default=50,
        ge=1,
        le=200,
        description="How many parts can be spoken about: those that are held, then the newest.",
    )
    priority: int = Field(
        default=12, ge=0, le=19, description="How far the voice stands back for the line, as `nice` counts: 19 is most."
    )


def voice_below(voice: Voice | None, folder: Path) -> Voice | None:
    """Return the settings with the models' paths, where they are some, below ``folder``."""
    if voice is None:
        return None
    settled: dict[str, Ears] = {}
    for language, ears in voice.recognisers.items():
        if isinstance(ears, VoskEars | WhisperEars) and "/" in ears.model:
            path = os.path.normpath(folder / Path(ears.model).expanduser())
            ears = ears.model_copy(update={"model": path})
        settled[language] = ears
    return voice.model_copy(update={"recognisers": settled})
