"""Replies spoken aloud, by a program of their own that can be stopped."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import wave
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from inspector.domain import ModelError, VoiceError

__all__ = ["EspeakReadBack", "ReadBack", "sayable"]

_TIMEOUT_S = 10.0
_LONGEST = 400
_HEAD = 44
_SAID: Mapping[str, Mapping[str, str]] = {
    "en": {"±": "plus or minus", r"(?<=[0-9]) mm\b": " millimetres"},
    "zh": {"±": "正负", r"(?<=[0-9]) mm\b": "毫米", r"(?<=[0-9])\.(?=[0-9])": "点"},
}
"""Signs of the record's figures that a program that speaks leaves out or spells."""
_VOICES: Mapping[str, str] = MappingProxyType({"en": "en-us", "zh": "cmn"})


class ReadBack(Protocol):
    """Text to speech."""

    def speak(self, text: str, language: str) -> bytes:
        """Return the spoken text as a WAV file; raises ``VoiceError``."""
        ...


class EspeakReadBack:
    """espeak-ng as a process (GPL-3, so never a library of ours).

    Parameters
    ----------
    voices
        Language -> name of the voice; what is not there has the program's own.
    words_a_minute
        How fast.

    Raises
    ------
    ModelError
        Where the program is not installed.
    """

    def __init__(
        self, voices: Mapping[str, str] = _VOICES, *, words_a_minute: int = 165, program: str = "espeak-ng"
    ) -> None:
        found = shutil.which(program)
        if found is None:
            raise ModelError(
                f"{program} is not installed",
                remedy="Install it (Debian: apt install espeak-ng) or set voice.read_back to none",
            )
        self._program, self._voices, self._speed = found, dict(voices), words_a_minute

    def speak(self, text: str, language: str) -> bytes:
        """Return the spoken text as a WAV file; raises ``VoiceError``."""
        voice = self._voices.get(language, language)
        command = [self._program, "-v", voice, "-s", str(self._speed), "--stdin", "--stdout"]
        try:
            spoken = subprocess.run(  # noqa: S603 (found on the path, no shell)
                command, input=sayable(text, language).encode(), check=True, capture_output=True, timeout=_TIMEOUT_S
            ).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise VoiceError(f"espeak-ng cannot speak {language}: {error}") from error
        if not spoken.startswith(b"RIFF") or len(spoken) <= _HEAD:
            raise VoiceError(f"espeak-ng gave no sound for {language}")
        return _complete(spoken)


def sayable(text: str, language: str) -> str:
    """Return a reply as it is spoken: signs as words, and no longer than one listens, whole figures only."""
    for sign, words in _SAID.get(language, {}).items():
        text = re.sub(sign, words, text)
    if len(text) <= _LONGEST:
        return text
    ends = [found.end() for found in re.finditer(r"[.;,] |[。；，]", text[:_LONGEST])]
    return text[: ends[-1]].rstrip() if ends else text[:_LONGEST]


def _complete(streamed: bytes) -> bytes:
    """Return a WAV file whose head knows its length: one written to a pipe does not."""
    whole = io.BytesIO()
    with wave.open(whole, "wb") as sound:
        sound.setparams((1, 2, int.from_bytes(streamed[24:28], "little"), 0, "NONE", ""))
        sound.writeframes(streamed[_HEAD:])
    return whole.getvalue()
