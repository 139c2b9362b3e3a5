"""The operator's screen of a line out of its settings."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from hmi import build_pages
from inspector.domain import Accounts, Desks, RecordReader, Terms
from inspector.settings import LineSettings
from inspector.web import Gate, LiveBoard, serve

__all__ = ["build_board", "serve_screen"]


def build_board(settings: LineSettings) -> LiveBoard:
    """Return what the screen reads from."""
    return LiveBoard(line=settings.line, recipe=settings.recipe, simulated=settings.simulated)


def serve_screen(
    settings: LineSettings,
    board: LiveBoard,
    record: RecordReader,
    *,
    terms: Terms,
    stop: threading.Event,
    on_ready: Callable[[str], None],
    desks: Desks | None = None,
    accounts: Accounts | None = None,
) -> None:
    """Serve the operator's pages and the API until told to stop; without ``accounts`` nobody logs in."""
    pages = partial(
        build_pages,
        glossary=terms,
        languages=settings.languages,
        desks=desks,
        who=accounts.who if accounts is not None else None,
    )
    host, port = settings.screen.host, settings.screen.port
    serve(board, record, pages, gate=Gate(accounts), desks=desks, host=host, port=port, on_ready=on_ready, stop=stop)
