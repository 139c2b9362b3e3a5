"""Watches, from the office, whether the voice process listens: the lamp of the voice."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from inspector.domain import LampState, VoiceError
from inspector.runtime.ear_wire import read_frame, write_frame

__all__ = ["EarWatch"]

log = logging.getLogger(__name__)

EVERY_S = 0.5
PATIENCE_S = 15.0
"""So long a process may take to answer that stands back for everybody else."""
START_S = 60.0
"""So long nobody listening is no fault: the voice is started last."""


class EarWatch:
    """Asks the voice process again and again how it is, on a thread of its own.

    Parameters
    ----------
    address
        Of the voice process's socket.
    start_s
        So long after the start a voice that was never there is not missed, in s.
    """

    def __init__(self, address: str, *, start_s: float = START_S, patience_s: float = PATIENCE_S) -> None:
        self._address, self._patience_s = address, patience_s
        self._missed_at = time.monotonic() + start_s
        self._state = LampState(None, datetime.now(UTC), "the voice process starts")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="ear-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._task = self._loop.create_task(self._watch())
        self._thread.start()

    def lamp(self) -> LampState:
        """Return the lamp: good while somebody listens, bad where nobody answers, unknown while models are loaded."""
        return self._state

    def close(self) -> None:
        """End watching."""
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.close()

    async def _watch(self) -> None:
        while True:
            try:
                await self._ask()
            except (OSError, TimeoutError, VoiceError):
                if time.monotonic() > self._missed_at:
                    self._show(False, "the voice process does not answer")
            await asyncio.sleep(EVERY_S)

    async def _ask(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._address)
        try:
            while True:
                await write_frame(writer, {"is": "ask"})
                frame = await asyncio.wait_for(read_frame(reader), self._patience_s)
                if frame is None:
                    raise VoiceError("the voice process has hung up")
                self._missed_at = 0.0
                listens = bool(frame.head.get("listens"))
                self._show(listens or None, "" if listens else "the speech model is being loaded")
                await asyncio.sleep(EVERY_S)
        finally:
            writer.close()

    def _show(self, good: bool | None, detail: str) -> None:
        if good == self._state.good:
            self._state = replace(self._state, detail=detail)
            return
        if good is False:
            log.warning("the voice is away: %s", detail)
        elif good and self._state.good is False:
            log.warning("the voice listens again")
        self._state = LampState(good, datetime.now(UTC), detail)
