"""Word from the line to the office: a datagram that never blocks the sender and may be lost.

The journal is the truth; a signal only says "look now" and carries the state of the lamps.
"""

from __future__ import annotations

import json
import socket
import tempfile
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from inspector.domain import Lamp, LampState, LineStatus

__all__ = ["SignalReceiver", "SignalSender", "socket_path", "status_from_json", "status_to_json"]

LARGEST = 65_536


def socket_path(data: Path, name: str = "inspector") -> str:
    """Return where the socket of this name of the line lies whose folder this is."""
    # The path of a unix socket is limited to about 100 bytes, a data folder is not.
    digest = sha256(str(data.resolve()).encode()).hexdigest()[:16]
    return str(Path(tempfile.gettempdir()) / f"{name}-{digest}.sock")


class SignalSender:
    """The line's end."""

    def __init__(self, data: Path) -> None:
        self._address = socket_path(data)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def send(self, status: LineStatus) -> None:
        """Tell the office, if it listens."""
        try:
            self._socket.sendto(status_to_json(status).encode(), self._address)
        except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
            return

    def close(self) -> None:
        """Release the socket."""
        self._socket.close()


class SignalReceiver:
    """The office's end."""

    def __init__(self, data: Path) -> None:
        self._address = socket_path(data)
        Path(self._address).unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._address)

    def wait(self, timeout_s: float) -> LineStatus | None:
        """Return the latest word, waiting at most this long for one."""
        text = b""
        try:
            self._socket.settimeout(timeout_s)
            while True:
                text = self._socket.recv(LARGEST)
                self._socket.settimeout(0)
        except (BlockingIOError, TimeoutError):
            return status_from_json(text) if text else None

    def close(self) -> None:
        """Release the socket and its name."""
        self._socket.close()
        Path(self._address).unlink(missing_ok=True)


def status_to_json(status: LineStatus) -> str:
    """Return the status as JSON text."""
    lamps = {
        lamp.value: {
            "good": state.good,
            "since": state.since.isoformat(),
            "detail": state.detail,
            "warning": state.warning,
        }
        for lamp, state in status.lamps.items()
    }
    return json.dumps(
        {
            "line": status.line,
            "ready": status.ready,
            "recipe": status.recipe,
            "model": status.model,
            "simulated": status.simulated,
            "lamps": lamps,
        }
    )


def status_from_json(text: str | bytes) -> LineStatus:
    """Return the status of ``status_to_json``."""
    body = json.loads(text)
    lamps = {
        Lamp(name): LampState(state["good"], datetime.fromisoformat(state["since"]), state["detail"], state["warning"])
        for name, state in body.pop("lamps").items()
    }
    return LineStatus(**body, lamps=lamps)
