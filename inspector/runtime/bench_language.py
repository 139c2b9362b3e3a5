"""What the report writer costs the verdict path: trigger to verdict-in-the-PLC while it writes, over the same at rest.

The verdict path runs as in ``inspector bench``. The writer is a process of its own with the priorities of the office,
and writes without pause, which no line asks of it. Blocks at rest and beside it alternate (A B B A), so that both see
the same machine in the same minutes; the figures are compared as ratios.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
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
from inspector.runtime.supervisor import Child, Lifeline, Supervisor
from inspector.runtime.wiring.cameras import build_camera
from inspector.runtime.wiring.verdict import build_detector

__all__ = ["BesideFigures", "measure_beside"]

BLOCK = 100
LANGUAGES = ("en", "zh")
UNHURRIED_S = 60.0


@dataclass(frozen=True, slots=True)
class BesideFigures:
    """Times in milliseconds; ``p99_ratio`` is p99 beside the writer over p99 at rest."""

    p50_ratio: float
    p95_ratio: float
    p99_ratio: float
    at_rest_ms: Mapping[str, float]
    writing_ms: Mapping[str, float]
    parts: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def measure_beside(model: str, *, parts: int = 800) -> BesideFigures:
    """Return the figures, half of the parts at rest and half beside the writer; raises what starting a line raises."""
    with tempfile.TemporaryDirectory(prefix="inspector-bench-") as folder:
        rest, writing = asyncio.run(_measure(model, Path(folder), max(1, parts // (4 * BLOCK))))
    quiet, busy = spread(rest), spread(writing)
    ratios = {name: round(busy[name] / quiet[name], 3) for name in quiet}
    return BesideFigures(ratios["p50"], ratios["p95"], ratios["p99"], quiet, busy, parts=len(rest) + len(writing))


async def _measure(model: str, data: Path, rounds: int) -> tuple[list[float], list[float]]:
    settings = demo_settings(data)
    camera, detector = build_camera(settings), build_detector(settings)
    detector.warm_up()
    rest: list[float] = []
    writing: list[float] = []
    try:
        frames = await asyncio.to_thread(take_frames, camera, range(1, BLOCK + 1), settings.station)
        block = partial(run_block, settings, data, TakenFrames(frames), detector, BLOCK)
        await block()  # warms everything up
        for _ in range(rounds):
            rest += await block()
            with Supervisor() as supervisor:
                child = Child("writer", writer_main, {"model": model}, nice=BEHIND_THE_LINE)
                await asyncio.to_thread(supervisor.start, child)
                writing += await block()
                writing += await block()
            rest += await block()
    finally:
        camera.close()
        detector.close()
    return rest, writing


def writer_main(lifeline: Lifeline, *, model: str) -> None:
    """Write reports without pause until told to stop."""
    author = ReportAuthor(EmbeddedEngine(load_writer(find_model(model))), deadline_s=UNHURRIED_S)
    rng = random.Random(1)  # noqa: S311
    author.compose(random_report(rng), LANGUAGES)
    lifeline.ready()
    number = 0
    while not lifeline.stopping():
        number += 1
        author.compose(random_report(rng, number=number), LANGUAGES)
    author.close()
