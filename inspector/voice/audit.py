"""What was said, by whom, and what came of it: one record for every utterance."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from inspector.domain import StoreError

__all__ = ["AuditFile", "AuditRecord", "AuditTrail", "NoAudit"]


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One utterance.

    Attributes
    ----------
    audio_sha256
        Of the samples, empty for typed text.
    command
        The command as text, empty where there was none.
    confirmation
        ``none`` needed, ``asked``, ``given``, ``wrong``, ``expired`` …
    effect
        What it did: ``applied``, ``answered``, ``nothing`` and why.
    """

    at: datetime
    who: str
    role: str
    language: str
    text: str
    confidence: float
    intent: str
    command: str
    confirmation: str
    effect: str
    audio_sha256: str = ""


class AuditTrail(Protocol):
    """Where audit records go."""

    def write(self, record: AuditRecord) -> None:
        """Keep a record for good; raises ``StoreError`` where it cannot."""
        ...


class NoAudit:
    """Keeps nothing: where nothing can be changed, there is nothing to audit."""

    def write(self, record: AuditRecord) -> None:
        """Forget the record."""


class AuditFile:
    """Audit records as lines of JSON, on the disk before ``write`` returns.

    Parameters
    ----------
    file
        Grows by a line for each record; its folder is made.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, record: AuditRecord) -> None:
        """Append a record; raises ``StoreError`` where the disk will not take it."""
        line = json.dumps({**asdict(record), "at": record.at.isoformat()}, ensure_ascii=False)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise StoreError(
                f"{self._file} cannot be written: {error}", remedy="Make room or correct the rights"
            ) from error
