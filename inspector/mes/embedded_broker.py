"""A small MQTT 3.1.1 broker in a process of its own, for the demo and for tests; not for production.

It keeps its queues in memory and knows one user. Import it where it is used: loading it takes a fifth of a second.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import multiprocessing
import os
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection

from amqtt.broker import Broker
from amqtt.errors import BrokerError
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

from inspector.domain import MesError

__all__ = ["EmbeddedBroker", "OneUser", "serve"]

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0


class OneUser(BaseAuthPlugin):
    """Lets in one user by password; anonymous sessions would not get a queue in this broker."""

    async def authenticate(self, *, session: Session) -> bool | None:
        """Say whether this session may enter."""
        given = f"{session.username or ''}\n{session.password or ''}"
        wanted = f"{self.config.username}\n{self.config.password}"
        return hmac.compare_digest(given.encode(), wanted.encode())

    @dataclass
    class Config:
        """Who may enter."""

        username: str = ""
        password: str = ""


def serve(port: int, username: str, password: str, host: str = "127.0.0.1", ready: Connection | None = None) -> None:
    """Run the broker until SIGTERM, SIGINT or the death of the parent; the target of a spawned process.

    ``ready`` is sent None when clients may connect, or the ``MesError`` that prevented it.
    """
    # The library tells of every client's coming and going; the lamps of the clients say what matters.
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    asyncio.run(_serve(port, username, password, host, ready))


async def _serve(port: int, username: str, password: str, host: str, ready: Connection | None) -> None:
    plugin = f"{OneUser.__module__}.{OneUser.__name__}"
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
            "plugins": {plugin: {"username": username, "password": password}},
        }
    )
    try:
        await broker.start()
    except (BrokerError, OSError) as error:
        problem = MesError(
            f"the embedded broker cannot listen on {host}:{port}: {error.__cause__ or error}",
            remedy="Another program uses that port: end it, or choose another port",
        )
        if ready is None:
            raise problem from error
        ready.send(problem)
        return
    if ready is not None:
        ready.send(None)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # The library lets a client's broken connection through to the loop, which would print it.
    loop.set_exception_handler(lambda _loop, what: logger.debug("%s: %r", what["message"], what.get("exception")))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    parent = os.getppid()
    while not stop.is_set() and os.getppid() == parent:
        try:
            await asyncio.wait_for(stop.wait(), timeout=1.0)
        except TimeoutError:
            continue
    await broker.shutdown()


class EmbeddedBroker:
    """The broker as a child process, ready from the constructor on.

    Raises
    ------
    MesError
        The port is taken, or the process did not come up.
    """

    def __init__(self, port: int, *, username: str, password: str, host: str = "127.0.0.1") -> None:
        self.url = f"mqtt://{host}:{port}"
        context = multiprocessing.get_context("spawn")
        theirs, ours = context.Pipe()
        self._process = context.Process(
            target=serve, args=(port, username, password, host, theirs), name="embedded broker", daemon=True
        )
        self._process.start()
        theirs.close()
        try:
            problem = (
                ours.recv()
                if ours.poll(START_TIMEOUT_S)
                else MesError(f"the embedded broker on port {port} did not start within {START_TIMEOUT_S:g} s")
            )
        except EOFError:
            problem = MesError(f"the embedded broker on port {port} ended while starting")
        finally:
            ours.close()
        if problem is not None:
            self.close()
            raise problem

    @property
    def pid(self) -> int | None:
        """The process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.is_alive()

    def close(self) -> None:
        """End the process; safe to call twice."""
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(STOP_TIMEOUT_S)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
