"""Speaking with the line from a screen: what the page sends, what comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from inspector.domain.people import Person

__all__ = ["Conversation", "Said", "SaidKind", "VoiceDesk"]


class SaidKind(StrEnum):
    """What comes back to a speaker."""

    PARTIAL = "partial"
    """What is understood so far; it does nothing."""
    HINT = "hint"
    ANSWER = "answer"
    ASKING = "asking"
    """An act waits for its code."""
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    SPEECH = "speech"
    """The last reply, spoken."""
    AWAY = "away"
    """Nobody listens at the moment."""


@dataclass(frozen=True, slots=True)
class Said:
    """One word back.

    Attributes
    ----------
    text
        The reply, or for a partial what is understood so far.
    heard
        What was understood of the utterance that this replies to.
    code
        Two digits that an act waits for, to be shown; ``code_s`` is for how long, in s.
    speech
        The reply spoken, a WAV file; empty where nothing is spoken.
    """

    kind: SaidKind
    text: str
    heard: str = ""
    confidence: float = 0.0
    code: str = ""
    code_s: float = 0.0
    speech: bytes = b""


@runtime_checkable
class Conversation(Protocol):
    """One screen's talk with the line: pressed, heard, released, answered."""

    async def press(self, rate: int) -> None:
        """Begin an utterance of int16 samples of one channel at this rate; one that has begun is dropped."""
        ...

    async def hear(self, pcm: bytes) -> None:
        """Take samples of the utterance; ignored where none has begun."""
        ...

    async def release(self, person: Person) -> None:
        """End the utterance; what it says is done for this person, and the reply follows."""
        ...

    async def listen(self, rate: int, person: Callable[[], Awaitable[Person | None]]) -> None:
        """Listen until ``rest`` or a press: only what begins with the wake phrase is a command, all else is silence.

        ``person`` is asked at each command whose word it is; where it is nobody's, nothing is done.
        """
        ...

    async def rest(self) -> None:
        """Stop listening."""
        ...

    async def type(self, text: str, person: Person) -> None:
        """Take a typed sentence."""
        ...

    async def said(self) -> Said:
        """Wait for the next word back."""
        ...

    async def close(self) -> None:
        """Hang up; an act that waits for its code is dropped."""
        ...


@runtime_checkable
class VoiceDesk(Protocol):
    """Where screens speak with the line."""

    languages: tuple[str, ...]
    """Those that are listened to; the first is the default."""
    wake_phrases: Mapping[str, str]
    """By language, what a command begins with where a microphone is left open; none there: it cannot be."""

    async def open(self, language: str) -> Conversation:
        """Begin a conversation; in the default language where this one is not listened to."""
        ...
