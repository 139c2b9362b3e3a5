"""Keeps the product's processes alive: starts them in order, restarts what dies, stops them in reverse."""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from inspector.domain import ConfigurationError

__all__ = ["Child", "Supervisor", "step_back"]

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
STEADY_S = 30.0  # a child that ran this long starts again with the shortest pause
PAUSES_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

READY, STOP = "ready", "stop"

_context = multiprocessing.get_context("spawn")


class Lifeline:
    """A child's side of its supervisor: says when it is ready, hears when to stop.

    A pipe and not a shared event: a process that is killed while it waits for an event leaves the event locked,
    and the next who touches it would wait for ever.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def ready(self) -> None:
        """Tell the supervisor that this process does its work now."""
        self._pipe.send(READY)

    def failed(self, error: ConfigurationError) -> None:
        """Tell the supervisor that starting this process again is hopeless."""
        self._pipe.send(error)

    def stopping(self) -> bool:
        """Return whether the supervisor wants this process to end, or is gone."""
        return self._pipe.poll(0)

    def wait_for_stop(self, timeout_s: float | None = None) -> bool:
        """Wait until this process shall end, or the time is over; return whether it shall."""
        return self._pipe.poll(timeout_s)


@dataclass(frozen=True, slots=True)
class Child:
    """One process: ``main(lifeline, **arguments)``; it returns when it has cleaned up.

    ``main`` must be importable by name, since the process starts from a fresh interpreter. ``nice`` is how far it
    steps back behind others when the processor is scarce, 0 … 19. One that is not ``vital`` is not waited for, and what
    makes its start hopeless ends it alone.
    """

    name: str
    main: Callable[..., None]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    start_within_s: float = 180.0
    stop_within_s: float = 20.0
    nice: int = 0
    vital: bool = True


class _Running:
    def __init__(self, child: Child) -> None:
        self.child = child
        self.attempts = 0
        self.start_at = 0.0
        self.process: SpawnProcess | None = None
        self.start()

    def start(self) -> None:
        """Start the process afresh, with a lifeline of its own."""
        self.pipe, theirs = _context.Pipe()
        self.ready = False
        self.failure: ConfigurationError | None = None
        process = _context.Process(target=_run, args=(self.child, os.getpid(), theirs), name=self.child.name)
        process.start()
        theirs.close()
        self.process = process
        self.started = time.monotonic()

    def listen(self) -> None:
        """Take what the child said."""
        with suppress(EOFError, OSError):
            while self.pipe.poll(0):
                word = self.pipe.recv()
                if word == READY:
                    self.ready = True
                elif isinstance(word, ConfigurationError):
                    self.failure = word

    def alive(self) -> bool:
        """Return whether the process runs."""
        return self.process is not None and self.process.is_alive()


class Supervisor:
    """Parent of all processes; use as a context manager so that they end with it.

    Raises
    ------
    ConfigurationError
        From ``start`` or ``watch``: a child said that starting it again is hopeless.
    """

    def __init__(self) -> None:
        self._running: list[_Running] = []
        self._stopping = threading.Event()
        self.restarts: dict[str, int] = {}

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self, child: Child) -> None:
        """Start a child and wait until it says that it is ready; one that is not vital is not waited for."""
        running = _Running(child)
        self._running.append(running)
        if not child.vital:
            return
        deadline = time.monotonic() + child.start_within_s
        while True:
            alive = running.alive()
            wait([running.pipe], timeout=0.1 if alive else 0)
            running.listen()
            if running.failure:
                raise running.failure
            if running.ready:
                return
            if not alive and running.process is not None:
                raise ConfigurationError(
                    f"the {child.name} process ended while starting (exit code {running.process.exitcode})",
                    remedy="Its messages above say why",
                )
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"the {child.name} process was not ready within {child.start_within_s:.0f} s",
                    remedy="Its messages above say what it waits for",
                )

    def pid(self, name: str) -> int | None:
        """Return the process id of a child, None while it is down."""
        for running in self._running:
            if running.child.name == name and running.process is not None and running.alive():
                return running.process.pid
        return None

    def watch(self, until: Callable[[], bool], *, every_s: float = 0.2) -> None:
        """Restart children that end by themselves, until told to stop; raises what makes a restart hopeless."""
        while not until():
            alive = [r.process.sentinel for r in self._running if r.process is not None and r.process.is_alive()]
            wait(alive, timeout=every_s)
            for running in list(self._running):
                self._tend(running)

    def stop_child(self, name: str) -> None:
        """Stop one child for good."""
        for running in [r for r in self._running if r.child.name == name]:
            self._running.remove(running)
            _end(running)

    def stop(self) -> None:
        """Stop all children, last started first; safe to call twice."""
        while self._running:
            _end(self._running.pop())

    def _tend(self, running: _Running) -> None:
        process = running.process
        if process is not None:
            running.listen()
            if process.is_alive():
                return
            if running.failure and running.child.vital:
                raise running.failure
            if running.failure:
                log.error("the %s process does not start, the others go on: %s", running.child.name, running.failure)
                self._running.remove(running)
                running.pipe.close()
                return
            if time.monotonic() - running.started > STEADY_S:
                running.attempts = 0
            pause = PAUSES_S[min(running.attempts, len(PAUSES_S) - 1)]
            running.attempts += 1
            running.start_at = time.monotonic() + pause
            running.pipe.close()
            running.process = None
            log.error(
                "the %s process ended (exit code %s); starting it again in %.1f s",
                running.child.name, process.exitcode, pause,
            )  # fmt: skip
        if time.monotonic() >= running.start_at:
            self.restarts[running.child.name] = self.restarts.get(running.child.name, 0) + 1
            running.start()


def _end(running: _Running) -> None:
    process = running.process
    if process is None:
        return
    with suppress(OSError):
        running.pipe.send(STOP)
    process.join(running.child.stop_within_s)
    if process.is_alive():
        log.warning("the %s process did not stop in time and is ended", running.child.name)
        process.kill()
        process.join()
    running.pipe.close()


def step_back(nice: int) -> None:
    """Let others go first: fewer shares of the processor, and no interrupting who runs already."""
    os.nice(nice)
    with suppress(OSError):  # a container may forbid it
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _run(child: Child, parent: int, pipe: Connection) -> None:
    """Run inside the new process."""
    # A killed supervisor takes its children with it: nobody else would stop them.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    if child.nice:
        step_back(child.nice)
    # Ctrl-C and a service manager signal the whole group; the supervisor alone decides the order of stopping.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s {child.name}: %(message)s")
    lifeline = Lifeline(pipe)
    try:
        child.main(lifeline, **child.arguments)
    except ConfigurationError as error:
        lifeline.failed(error)
        raise SystemExit(2) from None
    finally:
        pipe.close()
