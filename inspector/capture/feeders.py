"""Where triggers come from when no PLC raises them: the clock, a counter, a socket, or the camera's own line."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

from inspector.capture.triggers import Fire
from inspector.domain import Disposition, PlcLost, Trigger, Verdict

__all__ = ["CounterFeeder", "LineOfCamera", "PeriodicFeeder", "SignalledCamera", "SocketFeeder"]

_log = logging.getLogger(__name__)

_UINT32 = 2**32
_LONGEST_LINE = 4096
_LOOK_EVERY_S = 0.002


class _Silent:
    """A feeder that tells nobody."""

    async def answered(self, trigger: Trigger, verdict: Verdict, disposition: Disposition | None) -> None:
        """Tell nobody: the verdict goes to the record, the MES and the screen."""


class PeriodicFeeder(_Silent):
    """A trigger every so many seconds, on a grid that does not drift."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self.name = f"clock, every {every_s:g} s"

    async def run(self, fire: Fire) -> None:
        """Fire at each point of the grid; points that the machine slept through are missed, not made up for."""
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            late = int((clock() - due) // self._every_s)
            fire(missed=late)
            due += (late + 1) * self._every_s
            await asyncio.sleep(max(due - clock(), 0))


class CounterFeeder(_Silent):
    """A trigger at every so many counts of an encoder, whose 32 bits are read again and again.

    Parameters
    ----------
    read, release
        Returns the count, 0 … 2³²-1, or raises ``PlcLost``; lets the counter go.
    every_counts, offset
        A part stands in front of the camera wherever ``(count - offset)`` is a multiple of ``every_counts``.
    poll_s
        Pause between two looks; more than one multiple between them is counted as missed, and a step back
        (the belt reversed) gives none until the old place is passed again.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[int]],
        release: Callable[[], Awaitable[None]],
        *,
        name: str,
        every_counts: int,
        offset: int = 0,
        poll_s: float = 0.005,
    ) -> None:
        self._read, self._release, self.name = read, release, name
        self._every, self._offset, self._poll_s = every_counts, offset, poll_s
        self._last: int | None = None
        self._travelled = self._done = 0

    async def run(self, fire: Fire) -> None:
        """Fire whenever a multiple has been passed since the last look."""
        try:
            await self._follow(fire)
        finally:
            await self._release()

    async def _follow(self, fire: Fire) -> None:
        first = await self._read()
        if self._last is None:
            self._last, self._travelled = first, (first - self._offset) % _UINT32 % self._every
        # What went by while the counter was away is not in front of the camera any more.
        fire(missed=self._passed(first), nothing=True)
        while True:
            await asyncio.sleep(self._poll_s)
            passed = self._passed(await self._read())
            if passed:
                fire(missed=passed - 1)

    def _passed(self, count: int) -> int:
        """Return how many places have gone by since the last look."""
        step = (count - (self._last or 0)) % _UINT32
        # The shorter way round the 32 bits is the one that the belt took.
        self._travelled += step if step < _UINT32 // 2 else step - _UINT32
        self._last = count
        passed = max(self._travelled // self._every - self._done, 0)
        self._done += passed
        return passed


class SocketFeeder:
    """Triggers from programs, one JSON object a line over TCP: ``{"part_id": …, "recipe": …, "key": …}``, all optional.

    Each line is answered once, when the verdict is known: ``{"sequence": …, "part_id": …, "verdict": "OK", …}``, or
    ``{"error": …}`` where it was not taken. ``key`` makes a repeated request harmless.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.name = f"socket {host}:{port}"
        self.port = port
        self._waiting: dict[int, asyncio.StreamWriter] = {}

    async def run(self, fire: Fire) -> None:
        """Listen until cancelled; raises ``PlcLost`` where the port is taken."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while line := await reader.readline():
                    self._taken(fire, line, writer)
            except (OSError, ValueError) as error:
                _log.warning("%s: a client is dropped: %s", self.name, error)
            finally:
                writer.close()

        try:
            server = await asyncio.start_server(serve, self._host, self._port, limit=_LONGEST_LINE)
        except OSError as error:
            raise PlcLost(f"{self.name}: cannot listen: {error.strerror}", remedy="Choose another port") from error
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            await server.serve_forever()

    async def answered(self, trigger: Trigger, verdict: Verdict, disposition: Disposition | None) -> None:
        """Answer the line that asked for this trigger; a client that is gone has its verdict in the record."""
        writer = self._waiting.pop(trigger.sequence, None)
        if writer is None or writer.is_closing():
            return
        body = {
            "sequence": trigger.sequence,
            "part_id": trigger.part_id,
            "verdict": verdict.wire.name,
            "outcome": verdict.outcome.name,
            "fault": verdict.fault.name,
            "reasons": [reason.code for reason in verdict.reasons],
        }
        _say(writer, body)

    def _taken(self, fire: Fire, line: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            asked = json.loads(line) if line.strip() else {}
        except ValueError:
            asked = None
        if not isinstance(asked, dict) or asked.keys() - {"part_id", "recipe", "key"}:
            _say(writer, {"error": 'not understood; write {"part_id": "…", "recipe": "…", "key": "…"}'})
            return
        words = {name: str(asked.get(name, "")) for name in ("part_id", "recipe", "key")}
        trigger = fire(part_id=words["part_id"], recipe=words["recipe"], key=words["key"])
        if trigger is None:
            _say(writer, {"error": "not taken: the line is not ready, or the signal came too soon or twice"})
        else:
            self._waiting[trigger.sequence] = writer


def _say(writer: asyncio.StreamWriter, body: object) -> None:
    if not writer.is_closing():
        writer.write(json.dumps(body).encode() + b"\n")


@runtime_checkable
class SignalledCamera(Protocol):
    """A camera whose own line triggers it."""

    def waiting(self) -> int:
        """Return how many frames wait to be taken."""

    def discard(self) -> int:
        """Drop the frames that wait; return how many there were."""


class LineOfCamera(_Silent):
    """A trigger for each frame that the camera's electrical line made.

    A frame that arrives while a part is in work is the next part's. Where more than one does, nobody can tell whose
    they are: one trigger is raised for them, whose part is UNKNOWN, and the others are counted as missed.
    """

    def __init__(self, camera: SignalledCamera, *, look_every_s: float = _LOOK_EVERY_S) -> None:
        self._camera, self._look_every_s = camera, look_every_s
        self.name = "the camera's own line"
        self._busy = False

    async def run(self, fire: Fire) -> None:
        """Fire when a frame is there, and again only when its part is done with."""
        self._camera.discard()
        while True:
            if not self._busy and (waiting := self._camera.waiting()):
                self._busy = fire(missed=waiting - 1) is not None
                if not self._busy:
                    self._camera.discard()  # the line is not ready: the part goes by, and the ledger has it
            await asyncio.sleep(self._look_every_s)

    async def answered(self, trigger: Trigger, verdict: Verdict, disposition: Disposition | None) -> None:
        """Look for the next frame."""
        self._busy = False
