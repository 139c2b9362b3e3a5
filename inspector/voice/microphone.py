"""Microphones of the machine itself, by PortAudio: a headset at the box, or whatever the system names."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inspector.domain import ModelError, VoiceError
from inspector.voice.audio import Levels, levels

__all__ = ["InputDevice", "Microphone", "PortAudioMicrophone", "Watch", "input_devices"]

log = logging.getLogger(__name__)

BLOCK_S = 0.05
_RATES = (16_000, 48_000, 44_100, 32_000, 8_000)
"""What is asked for, in this order: not every sound card converts."""


class Microphone(Protocol):
    """Gives sound as it is heard."""

    rate: int
    """Samples a second."""

    def read(self) -> NDArray[np.int16]:
        """Wait for the next samples of one channel and return them; raises ``VoiceError`` where it is gone."""
        ...

    def close(self) -> None:
        """Let it go; safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class InputDevice:
    """A microphone that the system knows; ``rate`` is its own, in samples a second."""

    name: str
    channels: int
    rate: int
    default: bool


class PortAudioMicrophone(AbstractContextManager["PortAudioMicrophone"]):
    """A ``Microphone`` that is open from its making on.

    Parameters
    ----------
    device
        Part of its name as ``input_devices`` has it; empty: the system's default.

    Raises
    ------
    ModelError
        Where sounddevice or the PortAudio library is not installed.
    VoiceError
        Where there is no such microphone, or it cannot be opened.
    """

    def __init__(self, device: str = "") -> None:
        library = _library()
        self.device = device or "default"
        refused = ""
        for rate in _RATES:
            try:
                self._stream: Any = library.RawInputStream(
                    samplerate=rate, blocksize=round(rate * BLOCK_S), channels=1, dtype="int16", device=device or None
                )
                self._stream.start()
            except (library.PortAudioError, ValueError) as error:
                refused = str(error)
                continue
            self.rate = rate
            return
        raise VoiceError(
            f"the microphone {self.device} cannot be opened: {refused}",
            remedy="See the names of what is there: inspector voice devices",
        )

    def __exit__(self, *exc: object) -> None:
        self.close()

    def read(self) -> NDArray[np.int16]:
        """Wait for the next twentieth of a second and return it; raises ``VoiceError`` where the device is gone."""
        library = _library()
        try:
            sound, lost = self._stream.read(self._stream.blocksize)
        except library.PortAudioError as error:
            raise VoiceError(
                f"the microphone {self.device} is gone: {error}", remedy="Plug it in again; then press the key again"
            ) from error
        if lost:
            log.warning("the microphone %s: samples were lost, this machine is too busy", self.device)
        return np.frombuffer(bytes(sound), np.int16)

    def close(self) -> None:
        """Let the device go."""
        self._stream.close(ignore_errors=True)


class Watch:
    """Watches how loud a microphone is while it is spoken into.

    Parameters
    ----------
    rate
        Of the samples.
    """

    DEAD_S = 0.6
    """A microphone that gave nothing for so long gives nothing."""

    def __init__(self, rate: int) -> None:
        self._rate, self._heard, self._loudest = rate, 0, -120.0
        self.overdriven = False
        """Whether something was cut off since the beginning."""

    def take(self, pcm: NDArray[np.int16]) -> Levels:
        """Take samples; return how loud they are."""
        now = levels(pcm)
        self._heard += pcm.size
        self._loudest = max(self._loudest, -120.0 if now.silent else now.dbfs)
        self.overdriven = self.overdriven or now.overdriven
        return now

    @property
    def dead(self) -> bool:
        """Whether nothing at all has come so far, although it should have."""
        return self._loudest <= -120.0 and self._heard >= self.DEAD_S * self._rate  # noqa: PLR2004 (no sound)


def input_devices() -> Sequence[InputDevice]:
    """Return the microphones that the system knows; raises ``ModelError`` where PortAudio is not installed."""
    return tuple(_listed(_library()))


def _listed(library: Any) -> Iterator[InputDevice]:
    default = library.default.device[0]
    for number, device in enumerate(library.query_devices()):
        if device["max_input_channels"] > 0:
            yield InputDevice(
                device["name"], device["max_input_channels"], round(device["default_samplerate"]), number == default
            )


def _library() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # OSError: the package is there, the library that it loads is not
        raise ModelError(
            f"microphones of this machine cannot be used: {error}",
            remedy="Install 'line-inspector[microphone]' and the system's libportaudio2",
        ) from error
    return sounddevice
