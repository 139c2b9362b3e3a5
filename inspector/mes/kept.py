"""What a consumer has stored: one JSON object a line, on the platter before it is acknowledged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from inspector.domain import StoreError

__all__ = ["KeptMessages"]


class KeptMessages:
    """A file of messages, each once; a line that a crash left half written is dropped and will come again.

    Raises
    ------
    StoreError
        The file cannot be opened, or holds something else.
    """

    def __init__(self, file: Path) -> None:
        self._name = str(file)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: what a full disk refuses must not come back with the next message.
            self._file = file.open("a+b", buffering=0)
            self._file.seek(0)
            text = self._file.readall()
            whole = text[: text.rfind(b"\n") + 1]
            self._file.truncate(len(whole))
            self._size = len(whole)
            messages = [json.loads(line) for line in whole.splitlines()]
            self.already = [(int(message["seq"]), str(message["msg_id"])) for message in messages]
        except OSError as error:
            raise StoreError(f"{file} cannot be used: {error.strerror}", remedy="Name a file to write to") from error
        except (ValueError, KeyError, TypeError) as error:
            self._file.close()
            raise StoreError(f"{file} is not a file of messages: {error}", remedy="Name another file") from error
        self._known = {msg_id for _, msg_id in self.already}

    def __len__(self) -> int:
        return len(self._known)

    def keep(self, message: dict[str, Any]) -> None:
        """Store this message, where it is new; on return it survives a power cut. Raises ``StoreError``."""
        if message["msg_id"] in self._known:
            return
        line = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        try:
            written = 0
            while written < len(line):
                written += self._file.write(line[written:])
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(self._size)
            raise StoreError(f"{self._name} cannot be written: {error.strerror}", remedy="Free disk space") from error
        self._size += len(line)
        self._known.add(message["msg_id"])

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._file.close()
