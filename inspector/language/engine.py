"""What an engine is: something that writes one slotted sentence for each request, or raises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from inspector.language.brief import Brief

__all__ = ["GiveWay", "Request", "SentenceEngine", "at_once"]

GiveWay = Callable[[float], None]
"""Called before every token with the moment after which nobody waits for the sentence any more.

It returns when nothing more urgent needs the processor, at that moment at the latest.
"""


def at_once(_until: float) -> None:
    """Give way to nobody."""


@dataclass(frozen=True, slots=True)
class Request:
    """One sentence that is wanted."""

    brief: Brief
    language: str


class SentenceEngine(Protocol):
    """Writes slotted sentences; what it writes is checked by its caller."""

    @property
    def name(self) -> str:
        """Name and version, as it stands beside the text."""
        ...

    @property
    def attempts(self) -> int:
        """How often a rejected sentence may be asked for."""
        ...

    def write(self, requests: Sequence[Request], *, until: float, seed: int, attempt: int) -> list[str]:
        """Return one slotted sentence for each request.

        Parameters
        ----------
        until
            Moment on the monotonic clock, in seconds, after which nobody waits any more.
        seed
            The same seed and attempt give the same sentences, where the engine can.
        attempt
            0 the first time; later ones are for sentences that were rejected.

        Raises
        ------
        LanguageError
            It is down, too late, or answers something else than sentences.
        """
        ...

    def close(self) -> None:
        """Release the model or the connection."""
        ...
