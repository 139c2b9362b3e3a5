"""Serves the API and the operator's pages from one process until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

import uvicorn
from nicegui import ui

from inspector.domain import ConfigurationError, Desks, LiveFeed, RecordedPart, RecordReader
from inspector.web.api import create_api, image_url
from inspector.web.gate import Gate
from inspector.web.leaving import MayLeave
from inspector.web.metrics import LineMetrics

__all__ = ["ImageUrl", "PageBuilder", "claim_address", "serve"]

_log = logging.getLogger(__name__)
_BACKLOG = 128
_GRACE_S = 2
_RECONNECT_S = 5.0


class ImageUrl(Protocol):
    """Where the picture of a part is; None where none is kept."""

    def __call__(self, part: RecordedPart, *, thumbnail: bool = False) -> str | None:
        """Return the path or URL."""
        ...


PageBuilder = Callable[[LiveFeed, ImageUrl], None]
"""Declares the operator's pages; called once, before the server starts."""


def claim_address(host: str, port: int) -> socket.socket:
    """Return a listening socket on the address; port 0 takes a free one.

    Raises
    ------
    ConfigurationError
        The address is in use, not this machine's or not allowed.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, proto)
    except OSError as error:
        raise ConfigurationError(
            f"screen address {host}:{port} cannot be used: {error}",
            remedy="Set screen.host to an address of this machine.",
        ) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            remedy = "Stop the program that uses it, or set another screen.port."
            raise ConfigurationError(f"screen address {host}:{port} is already in use", remedy=remedy) from error
        remedy = "Set screen.host to an address of this machine and screen.port to a port above 1023."
        raise ConfigurationError(f"screen address {host}:{port} cannot be used: {error}", remedy=remedy) from error
    return listener


def serve(
    feed: LiveFeed,
    reader: RecordReader,
    build_pages: PageBuilder,
    *,
    gate: Gate | None = None,
    desks: Desks | None = None,
    metrics: LineMetrics | None = None,
    host: str = "127.0.0.1",
    port: int = 8080,
    on_ready: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or ``stop``; returns after open requests were given two seconds to end.

    One call a process: the page framework keeps its pages per process. From the main thread the two signals are
    handled here and the previous handlers restored afterwards; from any other thread only ``stop`` ends it.

    Parameters
    ----------
    build_pages
        Declares the pages, given the feed and the function that names a part's picture.
    gate, desks, metrics
        Of ``create_api``.
    port
        0 takes a free port.
    on_ready
        Called with the screen's URL once it answers.

    Raises
    ------
    ConfigurationError
        The address cannot be used; nothing was started.
    """
    with contextlib.closing(claim_address(host, port)) as listener:
        taken = listener.getsockname()[1]
        app = create_api(feed, reader, gate=gate, desks=desks, metrics=metrics)
        build_pages(feed, image_url)
        ui.run_with(
            app,
            title="Line inspector",
            dark=None,
            tailwind=False,
            reconnect_timeout=_RECONNECT_S,
            binding_refresh_interval=None,
            show_welcome_message=False,
        )
        config = uvicorn.Config(
            MayLeave(app),
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_GRACE_S,
            ws_ping_interval=None,  # the page framework keeps its own heartbeat
        )
        shown = f"[{host}]" if ":" in host else host
        server = _Server(config, stop=stop, on_ready=on_ready, url=f"http://{shown}:{taken}/")
        asyncio.run(server.serve(sockets=[listener]))


class _Server(uvicorn.Server):
    """A server that says when it answers, can be stopped from a thread, and survives its own signals."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        stop: threading.Event | None,
        on_ready: Callable[[str], None] | None,
        url: str,
    ) -> None:
        super().__init__(config)
        self._stop = stop
        self._on_ready = on_ready
        self._url = url

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The base class raises the signal again at the end, which would end the process before the caller tidied up.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and not self.should_exit:
            _log.info("screen at %s", self._url)
            if self._on_ready is not None:
                self._on_ready(self._url)

    async def on_tick(self, counter: int) -> bool:
        if self._stop is not None and self._stop.is_set():
            self.should_exit = True
        return await super().on_tick(counter)
