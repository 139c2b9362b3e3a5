"""Push-to-talk over a WebSocket: a page's microphone in, replies out, with the page's own session."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool

from inspector.domain import Conversation, InspectorError, Person, Said, VoiceDesk
from inspector.web.gate import Gate

__all__ = ["talk_routes"]

NOBODY, FOREIGN, NOT_UNDERSTOOD = 4401, 4403, 4400
"""Why the server hangs up: no session, another site's page, a message that is none."""

_LARGEST_SOUND = 1 << 17
_LARGEST_TEXT = 400


def talk_routes(desk: VoiceDesk, gate: Gate) -> APIRouter:
    """Return the routes.

    The page sends JSON ``{"do": "press", "rate": 16000}``, then samples (int16, one channel, little-endian) as binary
    messages, then ``{"do": "release"}``; or ``{"do": "listen", "rate": 16000}``, samples for as long as the microphone
    is left open, then ``{"do": "rest"}``; or ``{"do": "type", "text": "…"}``. It gets JSON with ``is``, ``text``,
    ``heard``, ``confidence``, ``code`` and ``code_s``, and replies that are spoken as WAV in binary messages.
    """
    routes = APIRouter()

    @routes.websocket("/voice")
    async def talk(socket: WebSocket, language: str = "") -> None:
        await socket.accept()
        if not _own_page(socket):
            await socket.close(FOREIGN)
            return
        if await _person(gate, socket) is None:
            await socket.close(NOBODY)
            return
        try:
            conversation = await desk.open(language)
        except InspectorError as error:
            await socket.send_json({"is": "away", "text": error.message})
            await socket.close()
            return
        replies = asyncio.create_task(_reply(socket, conversation))
        try:
            await _listen(socket, conversation, gate)
        finally:
            replies.cancel()
            await asyncio.gather(replies, return_exceptions=True)
            await conversation.close()

    return routes


async def _listen(socket: WebSocket, conversation: Conversation, gate: Gate) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        sound = message.get("bytes")
        if sound is not None:
            if len(sound) > _LARGEST_SOUND:
                await socket.close(NOT_UNDERSTOOD)
                return
            await conversation.hear(sound)
            continue
        wish = _wish(message.get("text") or "")
        if wish is None:
            await socket.close(NOT_UNDERSTOOD)
            return
        # A session may have ended since the page was opened: whose word it is, is asked each time.
        person = await _person(gate, socket)
        if person is None:
            await socket.close(NOBODY)
            return
        if not await _obey(wish, conversation, person, partial(_whose, gate, socket)):
            await socket.close(NOT_UNDERSTOOD)
            return


async def _obey(
    wish: Any, conversation: Conversation, person: Person, whose: Callable[[], Awaitable[Person | None]]
) -> bool:
    """Do what the page wishes; return False where that is nothing it can wish for."""
    match wish:
        case {"do": "press", "rate": int(rate)}:
            await conversation.press(rate)
        case {"do": "release"}:
            await conversation.release(person)
        case {"do": "listen", "rate": int(rate)}:
            await conversation.listen(rate, whose)
        case {"do": "rest"}:
            await conversation.rest()
        case {"do": "type", "text": str(text)} if len(text) <= _LARGEST_TEXT:
            await conversation.type(text, person)
        case _:
            return False
    return True


async def _reply(socket: WebSocket, conversation: Conversation) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            said = await conversation.said()
            if said.speech:
                await socket.send_bytes(said.speech)
            else:
                await socket.send_json(_as_json(said))


def _as_json(said: Said) -> dict[str, Any]:
    return {
        "is": said.kind.value,
        "text": said.text,
        "heard": said.heard,
        "confidence": round(said.confidence, 3),
        "code": said.code,
        "code_s": said.code_s,
    }


def _wish(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _own_page(socket: WebSocket) -> bool:
    """Return whether the page is this server's: a browser sends its cookies along for any page that asks."""
    origin = socket.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == socket.headers.get("host", "")


async def _whose(gate: Gate, socket: WebSocket) -> Person | None:
    """Return who left the microphone open; where that session has ended, the server hangs up."""
    person = await _person(gate, socket)
    if person is None:
        await socket.close(NOBODY)
    return person


async def _person(gate: Gate, socket: WebSocket) -> Person | None:
    return await run_in_threadpool(gate.person, socket)
