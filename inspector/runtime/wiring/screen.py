"""The operator's screen of a line out of its settings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from hmi import build_pages
from inspector import __version__
from inspector.domain import Accounts, Desks, Queue, RecordReader, Terms
from inspector.runtime.control import Control
from inspector.runtime.spool import Spool
from inspector.settings import LineSettings
from inspector.store import SqlOutbox
from inspector.web import Gate, LineMetrics, LiveBoard, Sources, serve

__all__ = ["build_board", "serve_screen", "watch_line"]


def build_board(settings: LineSettings) -> tuple[LiveBoard, LineMetrics]:
    """Return what the screen reads from, and what Prometheus does."""
    metrics = LineMetrics(
        settings.line,
        settings.station,
        deadline_s=settings.deadline_ms / 1000,
        version=__version__,
        token=settings.screen.metrics_token(),
    )
    board = LiveBoard(
        line=settings.line, recipe=settings.recipe, simulated=settings.simulated, seen=metrics.part_recorded
    )
    return board, metrics


def watch_line(
    settings: LineSettings,
    data: Path,
    metrics: LineMetrics,
    board: LiveBoard,
    *,
    control: Control,
    spool: Spool,
    outboxes: Mapping[Queue, SqlOutbox],
) -> LineMetrics:
    """Let the metrics read, at each scrape, what the line says of itself and what waits where; return them."""
    images = settings.store.images.folder
    metrics.watch(
        Sources(
            feed=board,
            held=lambda: control.held() is not None,
            journal=spool.backlog,
            outboxes={queue: outbox.waiting for queue, outbox in outboxes.items()},
            folders={"data": data} | ({"images": images} if images is not None else {}),
        )
    )
    return metrics


def serve_screen(
    settings: LineSettings,
    board: LiveBoard,
    record: RecordReader,
    *,
    terms: Terms,
    stop: threading.Event,
    on_ready: Callable[[str], None],
    metrics: LineMetrics | None = None,
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
    screen = settings.screen
    serve(
        board,
        record,
        pages,
        gate=Gate(accounts),
        desks=desks,
        metrics=metrics,
        host=screen.host,
        port=screen.port,
        on_ready=on_ready,
        stop=stop,
    )
