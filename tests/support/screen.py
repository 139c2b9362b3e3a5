"""A served screen in a process of its own, fed with synthetic parts whose figures a test knows."""

from __future__ import annotations

import contextlib
import multiprocessing as mp
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np

from inspector.domain import (
    EVERY_LINE,
    Box,
    Conversation,
    Counts,
    Desks,
    Detection,
    Detections,
    FaultCode,
    InspectionReport,
    Lamp,
    LampState,
    LineStatus,
    Measurement,
    ModelId,
    Outcome,
    Reason,
    RecordedPart,
    Timings,
    Trigger,
    Verdict,
    VoiceError,
)
from inspector.language import DEFAULT_GLOSSARY, TemplateWriter

START = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
MODEL = ModelId("bare-board", "1", "0" * 64)
PX_PER_MM = 48.0
WAIT_S = 30.0


def board_image(path: Path, *, side: int = 640) -> Path:
    """Write a plain picture of a few tracks and return its path."""
    pixels = np.full((side, side), 30, np.uint8)
    for offset in range(40, side, 80):
        cv2.line(pixels, (offset, 0), (offset, side), 200, 14)
    cv2.imwrite(str(path), pixels)
    return path


def finding(index: int, label: str, box: Box, *, zone: str = "", uncertainty: float = 0.033) -> tuple[Measurement, ...]:
    """Measure a box as the line would: sides, area and position in mm."""
    long, short = max(box.width, box.height) / PX_PER_MM, min(box.width, box.height) / PX_PER_MM
    x, y = (figure / PX_PER_MM for figure in box.centre)
    figures = {"length": long, "width": short, "position_x": x, "position_y": y}
    lines = [Measurement(name, value, "mm", uncertainty, "box", index, zone) for name, value in figures.items()]
    area = Measurement("area", long * short, "mm2", 2 * uncertainty * long, "box", index, zone)
    return (*lines, area)


def part(
    number: int,
    image: Path | None,
    *,
    boxes: Sequence[tuple[str, float, Box]] = (),
    limits: dict[int, tuple[str, float]] | None = None,
    fault: FaultCode = FaultCode.NONE,
    part_id: str | None = None,
    zones: dict[int, str] | None = None,
) -> RecordedPart:
    """Make a recorded part: ``boxes`` are (label, score, box) best score first.

    ``limits`` gives per finding a reason: (``above_usl`` | ``guard_band`` | ``confidence`` | ``not_allowed``, limit).
    """
    trigger = Trigger(
        f"PCB-{number:06d}" if part_id is None else part_id, "cell-1", number, START + timedelta(seconds=number)
    )
    detections = Detections(tuple(Detection(label, score, box) for label, score, box in boxes), MODEL)
    zones = zones or {}
    measurements = tuple(
        item
        for index, found in enumerate(detections.items)
        for item in finding(index, found.label, found.box, zone=zones.get(index, ""))
    )
    reasons = tuple(
        _reason(detections, measurements, index, code, limit) for index, (code, limit) in (limits or {}).items()
    )
    outcome = max((reason.outcome for reason in reasons), default=Outcome.PASS)
    verdict = Verdict(outcome, reasons, "default")
    if fault is not FaultCode.NONE:
        verdict = verdict.faulted(fault, "said by the test")
    report = InspectionReport(trigger, verdict, detections, measurements, Timings({}, 37.4))
    writer = TemplateWriter()
    texts = {language: writer.write(report, language) for language in ("en", "zh")}
    return RecordedPart(report, texts, image, START + timedelta(seconds=number))


def _reason(detections: Detections, measurements: Sequence[Measurement], index: int, code: str, limit: float) -> Reason:
    found = detections.items[index]
    length = next(item for item in measurements if item.detection == index and item.characteristic == "length")
    base = Reason(Outcome.FAIL, code, "length", detection=index, zone=length.zone, label=found.label)
    if code == "not_allowed":
        return replace(base, characteristic="presence")
    if code == "confidence":
        score = found.score
        return replace(
            base,
            outcome=Outcome.REVIEW,
            characteristic="confidence",
            value=score,
            limit=limit,
            margin=score - limit,
            unit="1",
        )
    outcome = Outcome.REVIEW if code == "guard_band" else Outcome.FAIL
    return replace(base, outcome=outcome, value=length.value, unit="mm", limit=limit, margin=limit - length.value)


def status(*, bad: Lamp | None = None, ready: bool = True, simulated: bool = True) -> LineStatus:
    """Make the line's word of itself with every lamp good but one."""
    lamps = {
        lamp: LampState(lamp is not bad, START, "connection refused by 127.0.0.1:4840" if lamp is bad else "")
        for lamp in EVERY_LINE
    }
    return LineStatus("board-line-1", ready, "default", lamps, "bare-board 1", simulated)


class Record:
    """A ``RecordReader`` over the parts that were fed."""

    def __init__(self) -> None:
        self._parts: list[RecordedPart] = []
        self._lock = threading.Lock()

    def add(self, part: RecordedPart) -> None:
        with self._lock:
            self._parts.insert(0, part)

    def latest(self, limit: int) -> Sequence[RecordedPart]:
        with self._lock:
            return tuple(self._parts[:limit])

    def part(self, part_id: str) -> Sequence[RecordedPart]:
        with self._lock:
            return tuple(part for part in self._parts if part.report.trigger.part_id == part_id)

    def counts(self, since: datetime | None = None) -> Counts:
        return Counts()


class ServedScreen:
    """The parent's handle on a served screen."""

    def __init__(self, port: int = 0, *, listens: bool = False) -> None:
        context = mp.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, port, listens), daemon=True)
        self.process.start()
        theirs.close()
        if not self._pipe.poll(WAIT_S):
            raise TimeoutError("the screen did not start")
        self.url: str = self._pipe.recv()

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rpartition(":")[2])

    def feed(self, *items: RecordedPart | LineStatus) -> None:
        """Hand these over and return when the live board holds them."""
        for item in items:
            self._pipe.send(item)
            if not self._pipe.poll(WAIT_S):
                raise TimeoutError("the screen does not take parts")
            self._pipe.recv()

    def kill(self) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join(WAIT_S)

    def close(self) -> int | None:
        """Ask it to stop and return its exit status."""
        if self.process.is_alive():
            self.process.terminate()
        self.process.join(WAIT_S)
        self._pipe.close()
        return self.process.exitcode


@contextlib.contextmanager
def served(port: int = 0, *, listens: bool = False) -> Iterator[ServedScreen]:
    """Serve a screen while the block runs; one that ``listens`` has the push-to-talk key, and nobody behind it."""
    screen = ServedScreen(port, listens=listens)
    try:
        yield screen
    finally:
        screen.close()


class NobodyListens:
    """A ``VoiceDesk`` that nobody may speak with."""

    languages = ("en", "zh")
    wake_phrases: Mapping[str, str] = {}

    async def open(self, language: str) -> Conversation:
        raise VoiceError(f"nobody listens in {language}")


def _serve(pipe: Connection, port: int, listens: bool) -> None:
    from functools import partial

    from hmi import build_pages
    from inspector.web import LiveBoard, serve

    board, record = LiveBoard(line="board-line-1"), Record()

    def listen() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                item = pipe.recv()
                if isinstance(item, RecordedPart):
                    record.add(item)
                    board.part_recorded(item)
                else:
                    board.status_changed(item)
                pipe.send(True)

    def ready(url: str) -> None:
        pipe.send(url)
        threading.Thread(target=listen, daemon=True).start()

    desks = Desks(voice=NobodyListens() if listens else None)
    pages = partial(build_pages, glossary=DEFAULT_GLOSSARY, desks=desks)
    serve(board, record, pages, desks=desks, port=port, on_ready=ready)
