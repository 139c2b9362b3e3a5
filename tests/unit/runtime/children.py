"""Processes that a supervisor can look after."""

from __future__ import annotations

import os
from pathlib import Path

from inspector.domain import ConfigurationError
from inspector.runtime.supervisor import Lifeline


def steady(lifeline: Lifeline, *, diary: Path) -> None:
    """Write the process id, say ready, wait for the end, write good-bye."""
    with diary.open("a") as file:
        file.write(f"{os.getpid()}\n")
    lifeline.ready()
    lifeline.wait_for_stop()
    with diary.open("a") as file:
        file.write("bye\n")


def hopeless(lifeline: Lifeline) -> None:
    """End the way an adapter does that finds its port taken."""
    raise ConfigurationError("port 4840 is in use", remedy="Stop the other server")


def later_hopeless(lifeline: Lifeline, *, diary: Path) -> None:
    """Run once, and find the configuration spoilt at the second start."""
    if diary.exists():
        raise ConfigurationError("the model is gone", remedy="Bring it back")
    diary.write_text(f"{os.getpid()}\n")
    lifeline.ready()
    lifeline.wait_for_stop()


def broken(lifeline: Lifeline) -> None:
    """End before being ready, for a reason nobody foresaw."""
    os._exit(7)


def deaf(lifeline: Lifeline, *, diary: Path) -> None:
    """Never listen."""
    diary.write_text(f"{os.getpid()}\n")
    lifeline.ready()
    while True:
        lifeline.wait_for_stop(0.01)
