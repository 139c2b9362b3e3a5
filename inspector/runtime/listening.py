"""The voice process: hears what the office hands it, and decides nothing.

It has no key to anything: no record, no line, no accounts. What it heard goes back to the office as text.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from inspector.domain import InspectorError, Recogniser, VoiceError
from inspector.runtime.ear_wire import Frame, ear_address, read_frame, vocabulary_from_json, write_frame
from inspector.runtime.supervisor import Lifeline
from inspector.runtime.wiring.voice import Ears, build_ears, build_read_back, build_refused
from inspector.settings import LineSettings
from inspector.voice import Grammar, Press, ReadBack, RefusedSpeech

__all__ = ["voice_main"]

log = logging.getLogger(__name__)

Result = TypeVar("Result")
KEPT_GRAMMARS = 4


def voice_main(lifeline: Lifeline, *, settings: LineSettings, data: Path) -> None:
    """Listen until told to stop; raises ``ConfigurationError`` where there is nothing to listen with."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")  # where memory runs out, the voice goes first
    address = Path(ear_address(data / settings.line))
    address.unlink(missing_ok=True)
    before = os.umask(0o177)  # nobody but this user may speak with the ears
    try:
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        door.bind(str(address))
    finally:
        os.umask(before)
    try:
        asyncio.run(_serve(lifeline, settings, data / settings.line, door))
    finally:
        address.unlink(missing_ok=True)


async def _serve(lifeline: Lifeline, settings: LineSettings, folder: Path, door: socket.socket) -> None:
    loop, stop, room = asyncio.get_running_loop(), asyncio.Event(), _Room()
    # Opened before anybody listens: who asks hears that the models are being loaded.
    server = await asyncio.start_unix_server(room.talk, sock=door, limit=1 << 20)

    def wait() -> None:
        lifeline.wait_for_stop()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
    loading, stopping = loop.create_task(room.load(settings, folder)), loop.create_task(stop.wait())
    try:
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            await loading
            lifeline.ready()
            await stopping
    finally:
        server.close()
        room.close()


class _Room:
    """What all conversations share: the models, one thread that recognises, and the latest grammars."""

    def __init__(
        self,
        ears: Mapping[str, Ears] | None = None,
        read_back: ReadBack | None = None,
        refused: RefusedSpeech | None = None,
    ) -> None:
        self.ears, self.read_back, self.refused = ears or {}, read_back, refused
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ears")
        self._grammars: dict[tuple[str, str], Grammar] = {}

    async def load(self, settings: LineSettings, folder: Path) -> None:
        """Fetch what the line listens and speaks with; raises ``ConfigurationError`` where it is not there."""
        self.read_back, self.refused = build_read_back(settings), build_refused(settings, folder)
        self.ears = await self.work(partial(build_ears, settings))

    async def work(self, job: Callable[[], Result]) -> Result:
        """Do this on the one thread that recognises."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, job)

    def learn(self, head: Mapping[str, Any]) -> Recogniser:
        """Return a recogniser of these words; the grammar is made once for all conversations."""
        language, key = str(head["language"]), str(head["id"])
        if not self.ears:
            raise VoiceError("the speech model is being loaded")
        if language not in self.ears:
            raise VoiceError(f"nobody listens in {language!r}")
        grammar = self._grammars.pop((language, key), None)
        if grammar is None:
            grammar = Grammar.shipped(language, vocabulary_from_json(head["words"]))
        self._grammars[language, key] = grammar
        while len(self._grammars) > KEPT_GRAMMARS:
            del self._grammars[next(iter(self._grammars))]
        return self.ears[language](grammar)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one conversation until the office hangs up."""
        talk = _Talk(self, writer)
        try:
            while (frame := await read_frame(reader)) is not None:
                try:
                    await talk.take(frame)
                except (InspectorError, KeyError, TypeError, ValueError) as error:
                    await write_frame(writer, {"is": "trouble", "text": str(error)})
                    log.warning("a conversation is in trouble: %s", error)
        except VoiceError as error:
            log.info("a conversation broke off: %s", error)
        finally:
            await talk.close()
            writer.close()

    def close(self) -> None:
        """Let the worker go."""
        self._worker.shutdown(wait=False, cancel_futures=True)


class _Talk:
    """One conversation: which words it knows, and the press that is being heard."""

    def __init__(self, room: _Room, writer: asyncio.StreamWriter) -> None:
        self._room, self._writer = room, writer
        self._recogniser: Recogniser | None = None
        self._press: Press | None = None
        self._waiting = bytearray()
        self._pump: asyncio.Task[None] | None = None
        self._last: tuple[Any, str] | None = None

    async def take(self, frame: Frame) -> None:
        """Do what one message says."""
        match frame.kind:
            case "ask":
                await write_frame(self._writer, {"is": "well", "listens": bool(self._room.ears)})
            case "words":
                await self._forget()
                self._recogniser = await self._room.work(partial(self._room.learn, frame.head))
            case "press":
                await self._begin(int(frame.head["rate"]))
            case "sound" if self._press is not None:
                self._waiting += frame.sound
                if self._pump is None or self._pump.done():
                    self._pump = asyncio.create_task(self._hear())
            case "release":
                await self._end()
            case "speak":
                await self._speak(str(frame.head["text"]), str(frame.head["language"]))
            case "keep" if self._last is not None and self._room.refused is not None:
                await asyncio.to_thread(self._room.refused.keep, *self._last)

    async def close(self) -> None:
        """Let everything go."""
        await self._forget()
        if self._recogniser is not None:
            self._recogniser.close()

    async def _begin(self, rate: int) -> None:
        await self._forget()
        if self._recogniser is None:
            raise VoiceError("a conversation begins with the words that it is about")
        recogniser = self._recogniser
        await self._room.work(lambda: [None for _ in iter(recogniser.flush, None)])  # what was left of the last press
        self._press = Press(recogniser, rate)

    async def _hear(self) -> None:
        """Feed what has come; when recognising is slower than speaking, more of it at a time."""
        press = self._press
        while press is not None and len(self._waiting) > 1:
            size = len(self._waiting) // 2 * 2
            pcm = np.frombuffer(bytes(self._waiting[:size]), "<i2").astype(np.int16)
            del self._waiting[:size]
            text = await self._room.work(partial(press.feed, pcm))
            if text:
                await write_frame(self._writer, {"is": "partial", "text": text})

    async def _end(self) -> None:
        press = self._press
        if press is None:
            return
        if self._pump is not None:
            await self._pump
        await self._hear()
        self._press = None
        heard = await self._room.work(press.finish)
        self._last = (heard.pcm, heard.sha256)
        await write_frame(
            self._writer,
            {
                "is": "final",
                "text": heard.text,
                "confidence": heard.confidence,
                "unheard": heard.unheard,
                "sha256": heard.sha256,
            },
        )

    async def _speak(self, text: str, language: str) -> None:
        if self._room.read_back is not None:
            spoken = await asyncio.to_thread(self._room.read_back.speak, text, language)
            await write_frame(self._writer, {"is": "speech"}, spoken)

    async def _forget(self) -> None:
        """Drop a press that was not ended."""
        self._press = None
        self._waiting.clear()
        if self._pump is not None and not self._pump.done():
            await asyncio.gather(self._pump, return_exceptions=True)
        self._pump = None
