"""Browsers that hang up on a real server in the middle of their question."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.types import ASGIApp, Receive, Scope, Send

from inspector.web.leaving import MayLeave
from tests.support.brokers import eventually

WAIT_S = 60.0


class Silent:
    """Waits until the browser has gone, and answers nothing."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await receive()
        self.asked.set()
        assert (await receive())["type"] == "http.disconnect"
        if scope["path"] == "/silent/broken":
            raise RuntimeError("a mistake of ours")


class PassOn(BaseHTTPMiddleware):
    """A layer of the kind that the page framework has."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)


@pytest.fixture
def silent() -> Silent:
    return Silent()


@pytest.fixture
def app(silent: Silent) -> FastAPI:
    made = FastAPI()

    @made.post("/read")
    async def read(request: Request) -> int:
        silent.asked.set()
        return len(await request.body())

    made.mount("/silent", silent)
    made.add_middleware(PassOn)
    return made


@contextmanager
def serving(app: ASGIApp) -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(WAIT_S)
        listener.close()


def ask_and_leave(port: int, head: str, asked: threading.Event) -> None:
    with socket.create_connection(("127.0.0.1", port)) as browser:
        browser.sendall(f"{head} HTTP/1.1\r\nHost: line\r\nContent-Length: 100\r\n\r\nhalf".encode())
        assert asked.wait(WAIT_S)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.mark.parametrize("head", ["GET /silent/page", "POST /read"])
def test_who_leaves_is_noted_in_one_line(
    app: FastAPI, silent: Silent, told: pytest.LogCaptureFixture, head: str
) -> None:
    with serving(MayLeave(app)) as port:
        ask_and_leave(port, head, silent.asked)
        assert eventually(lambda: "before the answer" in told.text, WAIT_S)
    assert errors(told) == []
    assert told.text.count("before the answer") == 1


def test_without_it_there_is_a_traceback(app: FastAPI, silent: Silent, told: pytest.LogCaptureFixture) -> None:
    with serving(app) as port:
        ask_and_leave(port, "GET /silent/page", silent.asked)
        assert eventually(lambda: bool(errors(told)), WAIT_S)
    assert "No response returned" in told.text


def test_a_mistake_of_ours_stays_one_also_when_somebody_has_left(
    app: FastAPI, silent: Silent, told: pytest.LogCaptureFixture
) -> None:
    with serving(MayLeave(app)) as port:
        ask_and_leave(port, "GET /silent/broken", silent.asked)
        assert eventually(lambda: bool(errors(told)), WAIT_S)
    assert "a mistake of ours" in told.text
