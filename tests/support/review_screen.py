"""A served screen over a real record with held parts, in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing as mp
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from inspector.domain import (
    Connection,
    Desks,
    Disposition,
    HoldLine,
    InspectionReport,
    Lamp,
    LampState,
    LineStatus,
    OutboxMessage,
    Person,
    ReleaseLine,
    ReportText,
    Role,
    SelectRecipe,
    TriggerOnce,
    kept_texts,
)
from inspector.runtime.control import Control, ControlFollower
from inspector.runtime.trials import TrialStore
from inspector.web import LiveBoard
from tests.support.shelf import OneReport, SomeFigures
from tests.support.shifts import LINE, NIGHT, STATION, fill, inspection, picture

if TYPE_CHECKING:
    from inspector.runtime.part_desk import RecordPartDesk
    from inspector.runtime.searching import WordSearch
    from inspector.store import Database, ImageArchive, RecordStore

WAIT_S = 120.0
PASSWORDS = {"mei": "correct horse", "jan": "482913", "eng": "correct engine", "root": "correct admin"}
PEOPLE = {"mei": Role.QUALITY, "jan": Role.OPERATOR, "eng": Role.ENGINEER, "root": Role.ADMIN}
EACH_DAY = 70
TEXTS = kept_texts({"en": ReportText("A spur.", "template"), "zh": ReportText("毛刺。", "template")})
RECIPES = ("default", "fine")


def two_days() -> Iterator[InspectionReport]:
    """Yield yesterday's parts and today's, numbered alike: every fifth has a spur and is rejected."""
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    for day in (midnight - timedelta(days=1), midnight):
        for number in range(1, EACH_DAY + 1):
            bad = number % 5 == 2
            # Seconds after midnight: today's are over as well, whenever this runs.
            yield inspection(
                number, day + timedelta(seconds=number / 10), label="spur" if bad else "", length=0.36 + number / 1000
            )


def compose(report: InspectionReport, disposition: Disposition) -> list[OutboxMessage]:
    return [OutboxMessage(f"{report.id}-{disposition.decision.name}", "b/disposition", "{}")]


@contextlib.contextmanager
def served(folder: Path, *, login: bool) -> Iterator[str]:
    """Serve three held parts while the block runs; gives the URL."""
    with served_process(folder, login=login) as (url, _):
        yield url


@contextlib.contextmanager
def served_process(folder: Path, *, login: bool) -> Iterator[tuple[str, mp.process.BaseProcess]]:
    """Serve three held parts while the block runs; gives the URL and the server's process."""
    context = mp.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, folder, login), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(WAIT_S):
            raise TimeoutError("the screen did not start")
        yield ours.recv(), process
    finally:
        process.terminate()
        process.join(WAIT_S)
        ours.close()


def _serve(pipe: Pipe, folder: Path, login: bool) -> None:
    from argon2 import PasswordHasher

    from hmi import build_pages
    from inspector.language import DEFAULT_GLOSSARY
    from inspector.runtime.corrections import RecordCorrectionDesk
    from inspector.runtime.glossary import LineGlossary, LiveTerms
    from inspector.runtime.linedesk import RunningLineDesk
    from inspector.runtime.overlays import LineOverlays, grey
    from inspector.runtime.review import RecordReviewDesk
    from inspector.store import RecordStore, SqlAccounts, SqlAuditTrail, SqlCorrections, SqlGlossary, SqlHistory
    from inspector.web import Gate, serve

    held = [inspection(number, NIGHT, label="spur", length=0.3) for number in (1, 2, 3)]
    database, images = fill(folder, [*two_days(), *held], texts=TEXTS)
    record = RecordStore(database, images, line=LINE)
    accounts = None
    if login:
        accounts = SqlAccounts(database, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        root = Person("root", Role.ADMIN)
        for name, role in PEOPLE.items():
            accounts.add(name, role, PASSWORDS[name], by=root)
    trail, names = SqlAuditTrail(database), SqlGlossary(database, line=LINE)
    terms = LiveTerms(DEFAULT_GLOSSARY, names)
    board = LiveBoard(line=LINE)
    control, trials = Control(folder), TrialStore(folder / "trial")
    threading.Thread(target=_line, args=(folder, board, trials), daemon=True).start()
    desks = Desks(
        review=RecordReviewDesk(record, trail, compose=compose, decided=lambda: None),
        history=SqlHistory(database, record, line=LINE, station=STATION),
        overlays=LineOverlays({"": grey(picture(folder))}, search_px=10.0),
        line=RunningLineDesk(
            control=control,
            trail=trail,
            status=board.status,
            recipes=RECIPES,
            connections=[Connection("plc", "opcua-client", "opc.tcp://plc:4840/")],
            trials=trials,
            challenged=True,
        ),
        quality=SomeFigures(),
        shelf=OneReport(folder),
        finder=_finder(database, images),
        parts=_parts(record),
        trail=trail,
        corrections=RecordCorrectionDesk(SqlCorrections(database, line=LINE, station=STATION), trail),
        glossary=LineGlossary(terms, names, trail),
        people=accounts,
    )
    pages = partial(build_pages, glossary=terms, desks=desks, who=accounts.who if accounts is not None else None)
    serve(board, record, pages, gate=Gate(accounts), desks=desks, port=0, on_ready=pipe.send)


def _finder(database: Database, images: ImageArchive) -> WordSearch:
    """Return the search over everything that was recorded, read already."""
    from inspector.capture import read_image
    from inspector.detection import find_model
    from inspector.language import DEFAULT_GLOSSARY
    from inspector.runtime.searching import DefectReader, WordSearch
    from inspector.search import SearchModel, load_search
    from inspector.store import SqlDefectVectors

    vectors = SqlDefectVectors(database, images, line=LINE, station=STATION)
    model = SearchModel(load_search(find_model("defect-search")))
    reader = DefectReader(vectors, model, read_image=read_image)
    while reader.read_some():
        pass
    names = {name: term for term, known in DEFAULT_GLOSSARY.items() for name in (term, *known.values())}
    return WordSearch(vectors, model, names=lambda: names, zones=dict)


def _parts(record: RecordStore) -> RecordPartDesk:
    """Return where questions about a part are asked, on a line that knows spurs and one zone."""
    from inspector.language import DEFAULT_GLOSSARY, Glossary
    from inspector.runtime.part_desk import RecordPartDesk
    from inspector.voice import PartAnswers, Vocabulary

    name = Glossary(DEFAULT_GLOSSARY).name

    def vocabulary(language: str) -> Vocabulary:
        return Vocabulary(parts=(), zones={"connector": ()}, defects={"spur": (name("spur", language),)})

    return RecordPartDesk(record.of_report, PartAnswers(name, {"connector": (0.0, 0.0, 3.0, 13.3)}), vocabulary)


def _line(folder: Path, board: LiveBoard, trials: TrialStore) -> None:
    """A line that has lost its PLC and does at once what the office wants of it."""
    now = datetime.now(UTC)
    lamps = {lamp: LampState(lamp is not Lamp.PLC, now, "no route" if lamp is Lamp.PLC else "") for lamp in Lamp}
    status = LineStatus(LINE, True, RECIPES[0], lamps, "bare-board 0.4.0 (openvino), golden template")
    board.status_changed(status)
    follower = ControlFollower(folder)
    while True:
        for command in follower.changes():
            match command:
                case HoldLine():
                    status = replace(status, ready=False)
                case ReleaseLine():
                    status = replace(status, ready=True)
                case SelectRecipe(recipe=recipe):
                    status = replace(status, recipe=recipe)
                case TriggerOnce(by=by):
                    seen = inspection(0, datetime.now(UTC), label="spur", length=0.4)
                    trials.put(seen, by, cv2.imencode(".png", picture(folder))[1].tobytes(), seen.trigger.at)
            board.status_changed(status)
        time.sleep(0.05)
