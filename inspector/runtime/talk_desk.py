"""The office's end of the voice: whose press it was, what it may do, and what is said back."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from inspector.domain import InspectorError, Person, Said, SaidKind, VoiceError
from inspector.runtime.ear_wire import Frame, read_frame, vocabulary_to_json, write_frame
from inspector.voice import Dialogue, Grammar, Interpreter, Kind, Reply, Vocabulary

__all__ = ["LineVoiceDesk", "Words"]

log = logging.getLogger(__name__)

PATIENCE_S = 20.0
"""So long after a press the voice process has answered, or it does not."""

AWAY: Mapping[str, str] = {
    "en": "The voice is not there at the moment. Use the keys of the screen.",
    "zh": "语音暂不可用，请使用屏幕按键。",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What can be spoken about now, as both processes know it."""

    id: str
    language: str
    body: Mapping[str, Any]
    interpreter: Interpreter


class LineVoiceDesk:
    """A ``VoiceDesk``: every screen gets a conversation of its own.

    Parameters
    ----------
    address
        Of the voice process's socket.
    vocabulary
        Returns the line's words of now, in a language; read at each press. Raises ``StoreError``.
    dialogue
        Makes a conversation over an interpreter, in a language.
    languages
        Those that are listened to; the first is the default.
    code_s
        How long a code is good for, in s.
    wake_phrases
        By language, what a command begins with where a microphone is left open.
    spoken, keep
        Whether replies are spoken as well, and whether what was refused is kept.
    """

    def __init__(
        self,
        address: str,
        *,
        vocabulary: Callable[[str], Vocabulary],
        dialogue: Callable[[Interpreter, str], Dialogue],
        languages: Sequence[str],
        code_s: float,
        wake_phrases: Mapping[str, str] | None = None,
        spoken: bool = False,
        keep: bool = False,
    ) -> None:
        self.languages = tuple(languages)
        self.wake_phrases: Mapping[str, str] = wake_phrases or {}
        self.address, self.code_s, self.spoken, self.keep = address, code_s, spoken, keep
        self._vocabulary, self._dialogue = vocabulary, dialogue
        self._words: dict[str, Words] = {}

    async def open(self, language: str) -> LineConversation:
        """Begin a conversation; in the default language where this one is not listened to."""
        chosen = language if language in self.languages else self.languages[0]
        words = await self.words(chosen)
        return LineConversation(self, self._dialogue(words.interpreter, chosen), words)

    async def words(self, language: str) -> Words:
        """Return the words of now; the grammar is made anew only where they have changed."""
        return await asyncio.to_thread(self._latest, language)

    def _latest(self, language: str) -> Words:
        vocabulary = self._vocabulary(language)
        body = vocabulary_to_json(vocabulary)
        digest = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        known = self._words.get(language)
        if known is None or known.id != digest:
            grammar = Grammar.shipped(language, vocabulary)
            known = self._words[language] = Words(digest, language, body, Interpreter(grammar))
        return known


class LineConversation:
    """A ``Conversation``; one coroutine at a time may call each of its methods."""

    def __init__(self, desk: LineVoiceDesk, dialogue: Dialogue, words: Words) -> None:
        self._desk, self._dialogue, self._words = desk, dialogue, words
        self._said: asyncio.Queue[Said] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._speakers: deque[Person] = deque()
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._known = ""
        self._whose: Callable[[], Awaitable[Person | None]] | None = None

    async def press(self, rate: int) -> None:
        """Begin an utterance; where nobody listens, that is said."""
        self._whose = None
        await self._begin({"is": "press", "rate": rate})

    async def listen(self, rate: int, person: Callable[[], Awaitable[Person | None]]) -> None:
        """Leave the microphone open; where nobody listens, that is said."""
        self._whose = person
        await self._begin({"is": "listen", "rate": rate})

    async def rest(self) -> None:
        """Stop listening."""
        self._whose = None
        if self._writer is not None:
            with suppress(VoiceError):
                await self._send({"is": "rest"})

    async def hear(self, pcm: bytes) -> None:
        """Take samples of the utterance."""
        if self._writer is not None:
            with suppress(VoiceError):
                await self._send({"is": "sound"}, pcm)

    async def release(self, person: Person) -> None:
        """End the utterance; the reply follows."""
        if self._writer is None:
            return
        self._speakers.append(person)
        self._calm()
        self._patience = asyncio.get_running_loop().call_later(PATIENCE_S, self._too_late)
        try:
            await self._send({"is": "release"})
        except VoiceError as error:
            self._away(error)

    async def type(self, text: str, person: Person) -> None:
        """Take a typed sentence; the voice process is not needed for it."""
        try:
            await self._refresh()
        except InspectorError as error:
            log.warning("the words of the line are those of before: %s", error)
        async with self._turn:
            await self._answer(await asyncio.to_thread(self._dialogue.say, text, person), text, 1.0)

    async def said(self) -> Said:
        """Wait for the next word back."""
        return await self._said.get()

    async def close(self) -> None:
        """Hang up."""
        self._calm()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    # --- to the voice process -----------------------------------------------------------------------------

    async def _begin(self, head: Mapping[str, Any]) -> None:
        try:
            await self._refresh()
            await self._connect()
            await self._tell_words()
            await self._send(head)
        except InspectorError as error:
            self._away(error)

    async def _tell_words(self) -> None:
        """Make the voice process know the words of now, where it does not."""
        if self._known != self._words.id:
            head = {"is": "words", "language": self._words.language, "id": self._words.id, "words": self._words.body}
            await self._send(head)
            self._known = self._words.id

    async def _refresh(self) -> None:
        words = await self._desk.words(self._words.language)
        if words.id != self._words.id:
            self._words = words
            async with self._turn:
                self._dialogue.learn(words.interpreter)

    async def _connect(self) -> None:
        if self._writer is not None:
            return
        try:
            reader, writer = await asyncio.open_unix_connection(self._desk.address, limit=1 << 20)
        except OSError as error:
            raise VoiceError("the voice process does not answer", remedy="It is started again by itself") from error
        self._writer, self._known = writer, ""
        self._listening = asyncio.create_task(self._listen(reader))

    async def _send(self, head: Mapping[str, Any], sound: bytes = b"") -> None:
        if self._writer is None:
            raise VoiceError("the voice process does not answer", remedy="It is started again by itself")
        await write_frame(self._writer, head, sound)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while (frame := await read_frame(reader)) is not None:
                await self._take(frame)
            self._away(VoiceError("the voice process has hung up"))
        except VoiceError as error:
            self._away(error)

    # --- from the voice process ---------------------------------------------------------------------------

    async def _take(self, frame: Frame) -> None:
        match frame.kind:
            case "partial":
                self._said.put_nowait(Said(SaidKind.PARTIAL, str(frame.head["text"])))
            case "final" if self._speakers:
                self._calm()
                await self._final(frame.head, self._speakers.popleft())
            case "began":
                await self._renew()
            case "called" if self._whose is not None:
                await self._called(frame.head, self._whose)
            case "speech":
                self._said.put_nowait(Said(SaidKind.SPEECH, "", speech=frame.sound))
            case "trouble":
                self._away(VoiceError(str(frame.head["text"])))

    async def _final(self, head: Mapping[str, Any], person: Person) -> None:
        text, unheard, digest = str(head["text"]), str(head["unheard"]), str(head["sha256"])
        confidence = float(head["confidence"])
        async with self._turn:
            if unheard:
                reply = await asyncio.to_thread(self._dialogue.unheard, unheard, person, audio_sha256=digest)
            else:
                reply = await asyncio.to_thread(
                    self._dialogue.say, text, person, confidence=confidence, audio_sha256=digest
                )
            await self._answer(reply, text, confidence)
        if reply.kind is Kind.HINT and not unheard and self._desk.keep:
            with suppress(VoiceError):
                await self._send({"is": "keep"})

    async def _renew(self) -> None:
        """While somebody speaks into an open microphone, let what is new on the line be among its words."""
        try:
            await self._refresh()
            await self._tell_words()
        except InspectorError as error:
            log.warning("the words of the line are those of before: %s", error)

    async def _called(self, head: Mapping[str, Any], whose: Callable[[], Awaitable[Person | None]]) -> None:
        person = await whose()
        if person is None:
            return
        text, confidence = str(head["text"]), float(head["confidence"])
        async with self._turn:
            say = partial(self._dialogue.say, text, person, confidence=confidence, audio_sha256=str(head["sha256"]))
            await self._answer(await asyncio.to_thread(say), text, confidence)

    async def _answer(self, reply: Reply, heard: str, confidence: float) -> None:
        code_s = self._desk.code_s if reply.code else 0.0
        self._said.put_nowait(Said(SaidKind(reply.kind), reply.text, heard, confidence, reply.code, code_s))
        if self._desk.spoken and self._writer is not None:
            with suppress(VoiceError):
                await self._send({"is": "speak", "text": reply.text, "language": self._words.language})

    def _too_late(self) -> None:
        self._away(VoiceError(f"no answer within {PATIENCE_S:.0f} s"))

    def _away(self, error: InspectorError) -> None:
        """Say that nobody listens, and begin afresh with the next press."""
        log.warning("the voice is away: %s", error)
        self._calm()
        self._speakers.clear()
        self._whose = None
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        self._said.put_nowait(Said(SaidKind.AWAY, AWAY[self._words.language]))

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
