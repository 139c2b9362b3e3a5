"""Word from the office to the line: what is to happen to a part whose result may still stand in the PLC.

A datagram that never blocks and may be lost: advice is worth nothing later, so nothing is kept and nothing repeated.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from inspector.domain import Decision, Disposition, Trigger
from inspector.runtime.signals import socket_path

__all__ = ["AdviceReceiver", "AdviceSender", "LateWord"]

log = logging.getLogger(__name__)

NAME = "advice"
LARGEST = 4096
LONGEST_TEXT = 400


@dataclass(frozen=True, slots=True)
class LateWord:
    """A decision about the part of the trigger with this number, seen at this time."""

    sequence: int
    at: datetime
    disposition: Disposition


class AdviceSender:
    """The office's end."""

    def __init__(self, data: Path) -> None:
        self._address = socket_path(data, NAME)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def send(self, trigger: Trigger, disposition: Disposition) -> None:
        """Tell the line, if it listens."""
        body = {
            "sequence": trigger.sequence,
            "at": trigger.at.isoformat(),
            "decision": disposition.decision.name,
            "reason_code": disposition.reason_code,
            "text": disposition.text[:LONGEST_TEXT],
            "decided_by": disposition.decided_by,
        }
        try:
            self._socket.sendto(json.dumps(body).encode(), self._address)
        except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
            return

    def close(self) -> None:
        """Release the socket."""
        self._socket.close()


class AdviceReceiver:
    """The line's end; what was sent before it existed is lost."""

    def __init__(self, data: Path) -> None:
        self._address = socket_path(data, NAME)
        Path(self._address).unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(self._address)

    async def words(self) -> AsyncIterator[LateWord]:
        """Yield each decision, until cancelled; what cannot be read is passed over."""
        loop = asyncio.get_running_loop()
        while True:
            text = await loop.sock_recv(self._socket, LARGEST)
            try:
                body = json.loads(text)
                told = Disposition(Decision[body["decision"]], body["reason_code"], body["text"], body["decided_by"])
                word = LateWord(int(body["sequence"]), datetime.fromisoformat(body["at"]), told)
            except (ValueError, KeyError, TypeError) as error:
                log.warning("a word of the office cannot be read: %r", error)
                continue
            yield word

    def close(self) -> None:
        """Release the socket and its name."""
        self._socket.close()
        Path(self._address).unlink(missing_ok=True)
