"""One at a time: who runs a line, or writes where it writes, keeps everybody else out until the end."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inspector.domain import StoreError

__all__ = ["LOCK", "alone_in"]

LOCK = "running.lock"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Be the only one in this folder, which is made where it is missing; the kernel ends it with the process.

    Raises
    ------
    StoreError
        Somebody else is in there, or the folder cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("ab")
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be used: {error.strerror}", remedy="Check the path and who may write there"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"{folder} is in use: its line runs, or is being restored, or a backup is written there",
                remedy="Wait for its end, or stop it first",
            ) from error
        yield
