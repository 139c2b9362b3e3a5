"""A served screen over a real record with held parts, in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing as mp
from collections.abc import Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from inspector.domain import Disposition, InspectionReport, OutboxMessage, Person, Role
from tests.support.shifts import LINE, NIGHT, fill, inspection

WAIT_S = 120.0
PASSWORDS = {"mei": "correct horse", "jan": "482913"}


def compose(report: InspectionReport, disposition: Disposition) -> list[OutboxMessage]:
    return [OutboxMessage(f"{report.id}-{disposition.decision.name}", "b/disposition", "{}")]


@contextlib.contextmanager
def served(folder: Path, *, login: bool) -> Iterator[str]:
    """Serve three held parts while the block runs; gives the URL."""
    context = mp.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, folder, login), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(WAIT_S):
            raise TimeoutError("the screen did not start")
        yield ours.recv()
    finally:
        process.terminate()
        process.join(WAIT_S)
        ours.close()


def _serve(pipe: Connection, folder: Path, login: bool) -> None:
    from argon2 import PasswordHasher

    from hmi import build_pages
    from inspector.language import DEFAULT_GLOSSARY
    from inspector.runtime.review import RecordReviewDesk
    from inspector.store import RecordStore, SqlAccounts, SqlAuditTrail
    from inspector.web import Gate, LiveBoard, serve

    held = [inspection(number, NIGHT, label="spur", length=0.3) for number in (1, 2, 3)]
    database, images = fill(folder, held)
    record = RecordStore(database, images, line=LINE)
    accounts = None
    if login:
        accounts = SqlAccounts(database, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        root = Person("root", Role.ADMIN)
        for name, role in (("mei", Role.QUALITY), ("jan", Role.OPERATOR)):
            accounts.add(name, role, PASSWORDS[name], by=root)
    desk = RecordReviewDesk(record, SqlAuditTrail(database), compose=compose, decided=lambda: None)
    pages = partial(
        build_pages, glossary=DEFAULT_GLOSSARY, desk=desk, who=accounts.who if accounts is not None else None
    )
    board = LiveBoard(line=LINE)
    serve(board, record, pages, gate=Gate(accounts), desk=desk, port=0, on_ready=pipe.send)
