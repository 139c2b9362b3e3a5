"""Work that takes seconds, done by a process of its own at low priority: the office serves pages meanwhile."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from inspector.domain import InspectorError, ReportError

__all__ = ["aside"]

WITHIN_S = 300.0
NICER = 10
_context = multiprocessing.get_context("spawn")


def aside(work: Callable[..., None], *given: Any, what: str) -> Any:
    """Return what ``work(pipe, *given)`` sends through the pipe; an error that it sends is raised here.

    Raises ``ReportError`` where its process ends without a word, or takes more than five minutes.
    """
    ours, theirs = _context.Pipe(duplex=False)
    process = _context.Process(target=_begin, args=(theirs, work, given), daemon=True)
    process.start()
    theirs.close()
    try:
        answer = ours.recv() if ours.poll(WITHIN_S) else ReportError(f"{what} took too long")
    except EOFError as error:
        raise ReportError(f"{what} could not be made: its process ended by itself") from error
    finally:
        ours.close()
        process.terminate()
        process.join()
    if isinstance(answer, InspectorError):
        raise answer
    return answer


def _begin(pipe: Connection, work: Callable[..., None], given: tuple[Any, ...]) -> None:
    os.nice(NICER)
    work(pipe, *given)
