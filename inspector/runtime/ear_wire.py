"""What office and voice process say to each other: frames of a JSON head and sound, over a unix socket of this user."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inspector.domain import VoiceError
from inspector.runtime.signals import socket_path
from inspector.voice import Vocabulary

__all__ = ["Frame", "ear_address", "read_frame", "vocabulary_from_json", "vocabulary_to_json", "write_frame"]

_HEAD = struct.Struct("!II")
LARGEST = 16 << 20


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: what it is, and samples or a sound file with it."""

    head: Mapping[str, Any]
    sound: bytes = field(default=b"", repr=False)

    @property
    def kind(self) -> str:
        """What the message is."""
        return str(self.head.get("is", ""))


def ear_address(data: Path) -> str:
    """Return the path of the socket of the line whose folder this is."""
    return socket_path(data, "inspector-voice")


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """Return the next frame, None where the other end has hung up; raises ``VoiceError`` for one that is none."""
    try:
        head_size, sound_size = _HEAD.unpack(await reader.readexactly(_HEAD.size))
        if head_size + sound_size > LARGEST:
            raise VoiceError(f"a message of {head_size + sound_size} bytes is too long")
        head = json.loads(await reader.readexactly(head_size))
        return Frame(head, await reader.readexactly(sound_size))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except ValueError as error:
        raise VoiceError(f"a message cannot be read: {error}") from error


async def write_frame(writer: asyncio.StreamWriter, head: Mapping[str, Any], sound: bytes = b"") -> None:
    """Send a frame; raises ``VoiceError`` where the other end is gone."""
    body = json.dumps(head, ensure_ascii=False).encode()
    try:
        writer.write(_HEAD.pack(len(body), len(sound)) + body + sound)
        await writer.drain()
    except (ConnectionError, RuntimeError) as error:
        raise VoiceError("the other end has hung up") from error


def vocabulary_to_json(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return a vocabulary as JSON values."""
    return {name: _plain(value) for name, value in ((n, getattr(vocabulary, n)) for n in vocabulary.__slots__)}


def vocabulary_from_json(body: Mapping[str, Any]) -> Vocabulary:
    """Return the vocabulary of ``vocabulary_to_json``; raises ``VoiceError``."""
    try:
        return Vocabulary(
            parts=None if body["parts"] is None else tuple(body["parts"]),
            lots=None if body["lots"] is None else tuple(body["lots"]),
            **{
                name: {key: tuple(forms) for key, forms in body[name].items()}
                for name in ("recipes", "zones", "defects")
            },
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise VoiceError(f"these are no words of a line: {error}") from error


def _plain(value: Any) -> Any:
    return {key: list(forms) for key, forms in value.items()} if isinstance(value, Mapping) else value
