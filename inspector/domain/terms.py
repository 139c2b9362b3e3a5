"""The line's own words: what its defects, zones and characteristics are called, changed while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from inspector.domain.people import Person

__all__ = ["GlossaryDesk", "TermChange", "Terms"]

Terms = Mapping[str, Mapping[str, str]]
"""Term -> language -> name."""


@dataclass(frozen=True, slots=True)
class TermChange:
    """One change; ``version`` is that of the glossary after it, an empty ``name`` takes the line's own name back."""

    version: int
    at: datetime
    who: str
    term: str
    language: str
    name: str


@runtime_checkable
class GlossaryDesk(Protocol):
    """Where the names are changed; every method raises ``StoreError``."""

    def terms(self) -> Terms:
        """Return every term with its names as they are now."""
        ...

    def set(self, person: Person, term: str, language: str, name: str) -> TermChange:
        """Call a term so from now on; raises ``NotAllowed`` or ``LanguageError``."""
        ...

    def history(self, limit: int) -> Sequence[TermChange]:
        """Return the newest changes, newest first."""
        ...
