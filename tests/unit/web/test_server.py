from __future__ import annotations

import os
import signal
import socket

import httpx
import pytest

from inspector.domain import ConfigurationError
from inspector.web import LiveBoard, claim_address, serve
from tests.support.screen import Record, part, served


def test_a_port_in_use_is_named_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        built = []
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port} is already in use.*screen.port") as caught:
            serve(LiveBoard(), Record(), lambda *_: built.append(True), port=port)
        assert caught.value.remedy
        assert not built


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_named(host: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{host}:0.*screen.host"):
        claim_address(host, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_then_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    with served() as screen:
        screen.feed(part(1, None))
        body = httpx.get(f"{screen.url}api/v1/status").json()
        assert body["counts"]["passed"] == 1
        os.kill(screen.process.pid, number)
        screen.process.join(20)
        assert screen.process.exitcode == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(screen.url)


def test_its_address_is_free_again_at_once() -> None:
    with served() as screen:
        port = screen.port
    with served(port) as again:
        assert again.port == port
