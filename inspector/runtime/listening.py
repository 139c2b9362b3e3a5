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
from numpy.typing import NDArray

from inspector.domain import InspectorError, Recogniser, VoiceError
from inspector.runtime.ear_wire import Frame, ear_address, read_frame, vocabulary_from_json, write_frame
from inspector.runtime.supervisor import Lifeline
from inspector.runtime.wiring.voice import Ears, build_ears, build_read_back, build_refused
from inspector.settings import LineSettings
from inspector.voice import (
    DEFAULT_GATE,
    Gate,
    Grammar,
    Press,
    Pressed,
    ReadBack,
    RefusedSpeech,
    SileroDetector,
    SpeechDetector,
    Utterance,
    Vigil,
    called,
)

__all__ = ["voice_main"]

log = logging.getLogger(__name__)

Result = TypeVar("Result")
KEPT_GRAMMARS = 4
LATE_S = 10.0
"""What was said into an open microphone longer ago than this is no command any more."""


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
        phrases: Mapping[str, str] | None = None,
        *,
        gate: Gate = DEFAULT_GATE,
        detector: Callable[[], SpeechDetector] = SileroDetector,
    ) -> None:
        self.ears, self.read_back, self.refused = ears or {}, read_back, refused
        self.phrases, self.gate, self.detector = phrases or {}, gate, detector
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ears")
        self._grammars: dict[tuple[str, str, str], Grammar] = {}

    async def load(self, settings: LineSettings, folder: Path) -> None:
        """Fetch what the line listens and speaks with; raises ``ConfigurationError`` where it is not there."""
        self.read_back, self.refused = build_read_back(settings), build_refused(settings, folder)
        if settings.voice is not None:
            self.phrases, self.gate = settings.voice.wake_phrases, DEFAULT_GATE.trusting(settings.voice.trust)
        self.ears = await self.work(partial(build_ears, settings))

    async def work(self, job: Callable[[], Result]) -> Result:
        """Do this on the one thread that recognises."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, job)

    def learn(self, head: Mapping[str, Any], *, wake: str = "") -> tuple[Recogniser, Grammar]:
        """Return a recogniser of these words; the grammar is made once for all conversations."""
        language, key = str(head["language"]), str(head["id"])
        self.require(language)
        grammar = self._grammars.pop((language, key, wake), None)
        if grammar is None:
            grammar = Grammar.shipped(language, vocabulary_from_json(head["words"]), wake=wake)
        self._grammars[language, key, wake] = grammar
        while len(self._grammars) > KEPT_GRAMMARS:
            del self._grammars[next(iter(self._grammars))]
        return self.ears[language](grammar), grammar

    def require(self, language: str) -> None:
        """Raise ``VoiceError`` where nobody listens in this language, or not yet."""
        if not self.ears:
            raise VoiceError("the speech model is being loaded")
        if language not in self.ears:
            raise VoiceError(f"nobody listens in {language!r}")

    def phrase(self, language: str) -> str:
        """Return what a command has to begin with at an open microphone; raises ``VoiceError`` where there is none."""
        self.require(language)
        if language not in self.phrases:
            raise VoiceError(f"no microphone is left open in {language!r}", remedy="Set 'voice.wake_phrases'")
        return self.phrases[language]

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
    """One conversation: which words it knows, and the press, or the open microphone, that is being heard."""

    def __init__(self, room: _Room, writer: asyncio.StreamWriter) -> None:
        self._room, self._writer = room, writer
        self._words: Mapping[str, Any] | None = None
        self._recogniser: Recogniser | None = None
        self._woken: tuple[Mapping[str, Any], Recogniser, Grammar] | None = None
        self._press: Press | None = None
        self._vigil: Vigil | None = None
        self._most = 0
        self._waiting = bytearray()
        self._pump: asyncio.Task[None] | None = None
        self._last: tuple[Any, str] | None = None

    async def take(self, frame: Frame) -> None:
        """Do what one message says."""
        match frame.kind:
            case "words":
                await self._learn(frame.head)
            case "press":
                await self._begin(int(frame.head["rate"]))
            case "listen":
                await self._watch(int(frame.head["rate"]))
            case "sound":
                self._take(frame.sound)
            case "release":
                await self._end()
            case "rest":
                await self._forget()
            case _:
                await self._beside(frame)

    async def _beside(self, frame: Frame) -> None:
        """Do what has nothing to do with what is being heard."""
        match frame.kind:
            case "ask":
                await write_frame(self._writer, {"is": "well", "listens": bool(self._room.ears)})
            case "speak":
                await self._speak(str(frame.head["text"]), str(frame.head["language"]))
            case "keep" if self._last is not None and self._room.refused is not None:
                await asyncio.to_thread(self._room.refused.keep, *self._last)

    async def close(self) -> None:
        """Let everything go."""
        await self._forget()
        for recogniser in (self._recogniser, self._woken and self._woken[1]):
            if recogniser is not None:
                recogniser.close()

    async def _learn(self, head: Mapping[str, Any]) -> None:
        """Know these words from the next utterance on; an open microphone stays open."""
        if self._press is not None:
            await self._forget()
        self._words, self._recogniser = head, None

    async def _begin(self, rate: int) -> None:
        await self._forget()
        recogniser = await self._room.work(self._learned)
        await self._room.work(lambda: [None for _ in iter(recogniser.flush, None)])  # what was left of the last press
        self._press = Press(recogniser, rate)

    async def _watch(self, rate: int) -> None:
        await self._forget()
        # Asked for, so that it is said where there is none; the grammar is made for the first utterance, unawaited.
        self._room.phrase(str(self._head()["language"]))
        self._vigil, self._most = Vigil(self._room.detector(), rate), round(LATE_S * rate) * 2

    def _learned(self) -> Recogniser:
        if self._recogniser is None:
            self._recogniser, _ = self._room.learn(self._head())
        return self._recogniser

    def _learned_with_phrase(self) -> tuple[Recogniser, Grammar]:
        # On the worker's thread: new words may come meanwhile, so what was learned says of which it is.
        head = self._head()
        if self._woken is None or self._woken[0] is not head:
            self._woken = (head, *self._room.learn(head, wake=self._room.phrase(str(head["language"]))))
        return self._woken[1:]

    def _head(self) -> Mapping[str, Any]:
        if self._words is None:
            raise VoiceError("a conversation begins with the words that it is about")
        return self._words

    def _take(self, sound: bytes) -> None:
        if self._press is None and self._vigil is None:
            return
        self._waiting += sound
        if self._vigil is not None:
            del self._waiting[: max(0, len(self._waiting) - self._most) // 2 * 2]
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._hear())

    async def _hear(self) -> None:
        """Feed what has come; when recognising is slower than speaking, more of it at a time."""
        press, vigil = self._press, self._vigil
        while (press is not None or vigil is not None) and len(self._waiting) > 1:
            size = len(self._waiting) // 2 * 2
            pcm = np.frombuffer(bytes(self._waiting[:size]), "<i2").astype(np.int16)
            del self._waiting[:size]
            if vigil is not None:
                await self._overhear(vigil, pcm)
            elif press is not None:
                text = await self._room.work(partial(press.feed, pcm))
                if text:
                    await write_frame(self._writer, {"is": "partial", "text": text})

    async def _overhear(self, vigil: Vigil, pcm: NDArray[np.int16]) -> None:
        """Tell the office that somebody begins to speak, and what was commanded; of anything else nothing."""
        spoke = vigil.speaking
        try:
            utterances = await self._room.work(partial(vigil.feed, pcm))
            if not spoke and (vigil.speaking or utterances):
                await write_frame(self._writer, {"is": "began"})
            for utterance in utterances:
                heard = await self._room.work(partial(self._called, utterance))
                if heard is not None:
                    await write_frame(self._writer, {"is": "called", **_as_head(heard)})
        except InspectorError as error:
            self._vigil = None
            self._waiting.clear()
            await write_frame(self._writer, {"is": "trouble", "text": str(error)})
            log.warning("the open microphone is in trouble: %s", error)

    def _called(self, utterance: Utterance) -> Pressed | None:
        recogniser, grammar = self._learned_with_phrase()
        return called(recogniser, grammar, self._room.gate, utterance)

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
        await write_frame(self._writer, {"is": "final", **_as_head(heard)})

    async def _speak(self, text: str, language: str) -> None:
        if self._room.read_back is not None:
            spoken = await asyncio.to_thread(self._room.read_back.speak, text, language)
            await write_frame(self._writer, {"is": "speech"}, spoken)

    async def _forget(self) -> None:
        """Drop a press that was not ended, and close an open microphone."""
        self._press = self._vigil = None
        self._waiting.clear()
        if self._pump is not None and not self._pump.done():
            await asyncio.gather(self._pump, return_exceptions=True)
        self._pump = None


def _as_head(heard: Pressed) -> dict[str, Any]:
    return {"text": heard.text, "confidence": heard.confidence, "unheard": heard.unheard, "sha256": heard.sha256}
