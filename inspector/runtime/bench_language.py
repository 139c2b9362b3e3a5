"""What the report writer costs the verdict path: trigger to verdict-in-the-PLC while it writes, over the same at rest.

The verdict path runs as in ``inspector bench``, at the pace of a quick line. The writer is a process of its own with
the priorities of the office; it gives way to the line as there, and in the gaps it writes one report after the other,
which no line asks of it. Blocks at rest and beside it alternate (A B B A), so that both see the same machine in the
same minutes; the figures are compared as ratios.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from inspector.detection import find_model
from inspector.language import ReportAuthor
from inspector.language.card import load_writer
from inspector.language.embedded import EmbeddedEngine
from inspector.language.records import random_report
from inspector.runtime.bench import TakenFrames, run_block, spread, take_frames
from inspector.runtime.demo import demo_settings
from inspector.runtime.plant import BEHIND_THE_LINE
from inspector.runtime.spool import Spool
from inspector.runtime.supervisor import Child, Lifeline, Supervisor
from inspector.runtime.wiring.cameras import build_camera
from inspector.runtime.wiring.verdict import build_detector, build_spool

__all__ = ["BesideFigures", "measure_beside"]

BLOCK = 100
PACE_S = 0.2
LANGUAGES = ("en", "zh")
UNHURRIED_S = 60.0


@dataclass(frozen=True, slots=True)
class BesideFigures:
    """Times in milliseconds; ``p99_ratio`` is p99 beside the writer over p99 at rest.

    ``report_ms`` is how long a report in both languages takes while the writer gives way, and ``reports`` how many
    were written meanwhile.
    """

    p50_ratio: float
    p95_ratio: float
    p99_ratio: float
    at_rest_ms: Mapping[str, float]
    writing_ms: Mapping[str, float]
    report_ms: Mapping[str, float]
    reports: int
    parts: int
    parts_per_minute: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def measure_beside(model: str, *, parts: int = 800) -> BesideFigures:
    """Return the figures, half of the parts at rest and half beside the writer; raises what starting a line raises."""
    with tempfile.TemporaryDirectory(prefix="inspector-bench-") as folder:
        rest, writing, reports = asyncio.run(_measure(model, Path(folder), max(1, parts // (4 * BLOCK))))
    quiet, busy = spread(rest), spread(writing)
    ratios = {name: round(busy[name] / quiet[name], 3) for name in quiet}
    return BesideFigures(
        ratios["p50"],
        ratios["p95"],
        ratios["p99"],
        quiet,
        busy,
        report_ms=spread(reports),
        reports=len(reports),
        parts=len(rest) + len(writing),
        parts_per_minute=60 / PACE_S,
    )


async def _measure(model: str, data: Path, rounds: int) -> tuple[list[float], list[float], list[float]]:
    settings = demo_settings(data)
    camera, detector = build_camera(settings), build_detector(settings)
    detector.warm_up()
    rest: list[float] = []
    writing: list[float] = []
    reports: list[float] = []
    try:
        frames = await asyncio.to_thread(take_frames, camera, range(1, BLOCK + 1), settings.station)
        block = partial(run_block, settings, data, TakenFrames(frames), detector, BLOCK, pace_s=PACE_S)
        await block()  # warms everything up
        for _ in range(rounds):
            rest += await block()
            ours, theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)
            with Supervisor() as supervisor:
                arguments = {"model": model, "journal": build_spool(settings, data), "took": theirs}
                child = Child("writer", writer_main, arguments, nice=BEHIND_THE_LINE)
                await asyncio.to_thread(supervisor.start, child)
                writing += await block()
                writing += await block()
            reports += ours.recv()
            rest += await block()
    finally:
        camera.close()
        detector.close()
    return rest, writing, reports


def writer_main(lifeline: Lifeline, *, model: str, journal: Spool, took: Connection) -> None:
    """Write one report after the other until told to stop; then say how long each took, in ms."""
    engine = EmbeddedEngine(load_writer(find_model(model)), give_way=journal.let_line_through)
    author = ReportAuthor(engine, deadline_s=UNHURRIED_S)
    rng = random.Random(1)  # noqa: S311
    author.compose(random_report(rng), LANGUAGES)
    lifeline.ready()
    times: list[float] = []
    while not lifeline.stopping():
        started = time.perf_counter()
        author.compose(random_report(rng, number=len(times) + 1), LANGUAGES)
        times.append((time.perf_counter() - started) * 1000)
    author.close()
    took.send(times)
