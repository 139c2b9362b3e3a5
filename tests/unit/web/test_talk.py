"""The WebSocket of the push-to-talk key: whose word it is, and what is refused before anybody listens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI

from inspector.domain import Conversation, Person, Role, Said, SaidKind, VoiceDesk, VoiceError
from inspector.web import Gate
from inspector.web.talk import talk_routes

MEI = Person("mei", Role.QUALITY)


class People:
    """Accounts with one session that can end."""

    def __init__(self) -> None:
        self.open = {"token": MEI}

    def log_in(self, name: str, secret: str) -> str | None:
        return None

    def who(self, token: str, *, touch: bool = True) -> Person | None:
        return self.open.get(token)

    def log_out(self, token: str) -> None:
        self.open.pop(token, None)


class Talk:
    """A conversation that writes down what reaches it and answers at once."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.words: asyncio.Queue[Said] = asyncio.Queue()

    async def press(self, rate: int) -> None:
        self.got.append(("press", rate))

    async def hear(self, pcm: bytes) -> None:
        self.got.append(("hear", len(pcm)))

    async def release(self, person: Person) -> None:
        self.got.append(("release", person))
        self.words.put_nowait(Said(SaidKind.ASKING, "release the line?", "release the line", 0.9, "73", 15.0))
        self.words.put_nowait(Said(SaidKind.SPEECH, "", speech=b"RIFFsound"))

    async def listen(self, rate: int, person: Callable[[], Awaitable[Person | None]]) -> None:
        self.got.append(("listen", rate))
        self.whose = person

    async def rest(self) -> None:
        self.got.append("rest")

    async def type(self, text: str, person: Person) -> None:
        self.got.append(("type", text, person))
        self.words.put_nowait(Said(SaidKind.DONE, "done"))

    async def said(self) -> Said:
        return await self.words.get()

    async def close(self) -> None:
        self.got.append("closed")


class Desk:
    languages = ("en", "zh")
    wake_phrases: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.talks: list[tuple[str, Talk]] = []
        self.broken = False

    async def open(self, language: str) -> Talk:
        if self.broken:
            raise VoiceError("no words")
        self.talks.append((language, Talk()))
        return self.talks[-1][1]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def people() -> People:
    return People()


class Page:
    """The browser's end of a WebSocket, straight at the application."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.got: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def send(self, message: dict[str, Any] | bytes | str) -> None:
        text = json.dumps(message) if isinstance(message, dict) else message
        key = "bytes" if isinstance(text, bytes) else "text"
        await self.sent.put({"type": "websocket.receive", key: text})

    async def hears(self) -> Any:
        message = await asyncio.wait_for(self.got.get(), 30)
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"]) if message.get("text") else message["bytes"]

    async def hung_up(self) -> int:
        message = await asyncio.wait_for(self.got.get(), 30)
        assert message["type"] == "websocket.close", message
        return int(message["code"])


@asynccontextmanager
async def page(desk: Desk, people: People, query: str = "", origin: str = "") -> AsyncIterator[Page]:
    app, opened = FastAPI(), Page()
    app.include_router(talk_routes(desk, Gate(people)))
    headers = [(b"host", b"box:8080"), (b"cookie", b"inspector_session=token")]
    headers += [(b"origin", origin.encode())] if origin else []
    scope = {
        "type": "websocket", "path": "/voice", "raw_path": b"/voice", "query_string": query.encode(),
        "headers": headers,
        "scheme": "ws", "subprotocols": [], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8080), "root_path": "",
    }  # fmt: skip
    await opened.sent.put({"type": "websocket.connect"})
    serving = asyncio.create_task(app(scope, opened.sent.get, opened.got.put))
    assert (await asyncio.wait_for(opened.got.get(), 30))["type"] == "websocket.accept"
    try:
        yield opened
    finally:
        await opened.sent.put({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(serving, 30)


def test_the_fakes_keep_the_ports(desk: Desk) -> None:
    assert isinstance(desk, VoiceDesk)
    assert isinstance(Talk.__new__(Talk), Conversation)


async def test_a_press_reaches_the_desk_and_the_reply_the_page(desk: Desk, people: People) -> None:
    async with page(desk, people, "language=zh", "http://box:8080") as opened:
        await opened.send({"do": "press", "rate": 48000})
        await opened.send(b"\0" * 3200)
        await opened.send({"do": "release"})
        assert await opened.hears() == {
            "is": "asking", "text": "release the line?", "heard": "release the line", "confidence": 0.9,
            "code": "73", "code_s": 15.0,
        }  # fmt: skip
        assert await opened.hears() == b"RIFFsound"
        await opened.send({"do": "type", "text": "stop"})
        assert (await opened.hears())["is"] == "done"
    language, talk = desk.talks[0]
    assert language == "zh"
    assert talk.got == [("press", 48000), ("hear", 3200), ("release", MEI), ("type", "stop", MEI), "closed"]


async def test_an_open_microphone_is_somebodys_for_as_long_as_the_session_lasts(desk: Desk, people: People) -> None:
    async with page(desk, people) as opened:
        await opened.send({"do": "listen", "rate": 16000})
        await opened.send(b"\0" * 3200)
        await opened.send({"do": "rest"})
        await opened.send({"do": "listen", "rate": 16000})
        await opened.send({"do": "type", "text": "status"})
        await opened.hears()
        talk = desk.talks[0][1]
        assert talk.got == [
            ("listen", 16000), ("hear", 3200), "rest", ("listen", 16000), ("type", "status", MEI),
        ]  # fmt: skip
        assert await talk.whose() == MEI
        people.open.clear()
        assert await talk.whose() is None
        assert await opened.hung_up() == 4401


async def test_without_a_session_nobody_listens(desk: Desk, people: People) -> None:
    people.open.clear()
    async with page(desk, people) as opened:
        assert await opened.hung_up() == 4401
    assert desk.talks == []


async def test_a_session_that_ends_while_the_page_is_open_does_nothing_more(desk: Desk, people: People) -> None:
    async with page(desk, people) as opened:
        await opened.send({"do": "type", "text": "status"})
        await opened.hears()
        people.open.clear()
        await opened.send({"do": "type", "text": "release the line"})
        assert await opened.hung_up() == 4401
    assert desk.talks[0][1].got == [("type", "status", MEI), "closed"]


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://box:8080.evil", "http://box:81", "null"])
async def test_another_sites_page_is_refused(desk: Desk, people: People, origin: str) -> None:
    async with page(desk, people, origin=origin) as opened:
        assert await opened.hung_up() == 4403
    assert desk.talks == []


@pytest.mark.parametrize(
    "message",
    ["", "no json", "[]", "{}", '{"do": "release_everything"}', '{"do": "press", "rate": "fast"}',
     '{"do": "listen"}', '{"do": "type", "text": "' + "x" * 401 + '"}', b"\0" * ((1 << 17) + 1)],
)  # fmt: skip
async def test_what_is_no_message_ends_the_talk(desk: Desk, people: People, message: bytes | str) -> None:
    async with page(desk, people) as opened:
        await opened.send(message)
        assert await opened.hung_up() == 4400
    assert desk.talks[0][1].got == ["closed"]


async def test_a_desk_that_cannot_open_says_so(desk: Desk, people: People) -> None:
    desk.broken = True
    async with page(desk, people) as opened:
        assert await opened.hears() == {"is": "away", "text": "no words"}
        assert await opened.hung_up() == 1000
