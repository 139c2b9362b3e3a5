"""How long a verdict takes on this machine, and how much of that is the detector: both in one run.

The whole verdict path runs as in production: a real OPC UA server in a process of its own triggers parts, and
its clock says when the verdict was valid in the PLC. Between blocks of parts the bare detector is called on
frames of the same line, so that both see the same machine in the same minute; figures are compared as a ratio.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from inspector.detection import LineDetector
from inspector.domain import Camera, Detector, Frame, InspectionReport, Stage, Trigger
from inspector.plc.simulation import SimulationPlan
from inspector.runtime import embedded
from inspector.runtime.demo import demo_settings
from inspector.runtime.line import Line
from inspector.runtime.supervisor import Child, Supervisor
from inspector.runtime.wiring.cameras import build_camera
from inspector.runtime.wiring.plc import build_trigger_source
from inspector.runtime.wiring.verdict import build_detector, build_gauge, build_judge, build_spool
from inspector.settings import LineSettings, load_line

__all__ = ["Figures", "TakenFrames", "measure", "run_block", "spread", "start_plc", "take_frames"]

BLOCKS = 4
BARE_CALLS = 25  # of the detector, after each block


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; times in milliseconds.

    Attributes
    ----------
    overhead_p50
        Median trigger to verdict-in-the-PLC over the median bare detector call of the same run.
    stages
        Share of each stage in the time from trigger to answer, as the line itself sees it.
    """

    overhead_p50: float
    trigger_to_plc_ms: Mapping[str, float]
    detect_ms: Mapping[str, float]
    parts_per_minute: float
    rss_mb: float
    stages: Mapping[str, float]
    parts: int
    backend: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def measure(line: Path | None = None, *, parts: int = 200) -> Figures:
    """Run ``parts`` parts through the line and return the figures; raises what starting a line raises.

    Parameters
    ----------
    line
        YAML file of the line; its PLC and MES are replaced by embedded ones. None: the virtual boards.
    """
    with tempfile.TemporaryDirectory(prefix="inspector-bench-") as folder:
        data = Path(folder)
        settings = demo_settings(data) if line is None else load_line(line, data=data)
        return asyncio.run(_measure(settings, data, max(1, parts // BLOCKS)))


async def _measure(settings: LineSettings, data: Path, block: int) -> Figures:
    camera, detector = build_camera(settings), build_detector(settings)
    detector.warm_up()
    reports: list[InspectionReport] = []
    latencies: list[float] = []
    bare: list[float] = []
    busy_s = 0.0
    try:
        for number in range(BLOCKS):
            sequences = range(number * block + 1, (number + 1) * block + 1)
            taken = TakenFrames(await asyncio.to_thread(take_frames, camera, sequences, settings.station))
            took, seconds = await _inspected(settings, data, taken, detector, sequences, observer=reports.append)
            latencies += took
            busy_s += seconds
            bare += await asyncio.to_thread(_bare, taken, detector)
    finally:
        camera.close()
        detector.close()
    path, alone = spread(latencies), spread(bare)
    return Figures(
        overhead_p50=path["p50"] / alone["p50"],
        trigger_to_plc_ms=path,
        detect_ms=alone,
        parts_per_minute=60 * len(reports) / busy_s,
        rss_mb=psutil.Process().memory_info().rss / 2**20,
        stages=_shares(reports),
        parts=len(reports),
        backend=detector.description,
    )


async def run_block(
    settings: LineSettings, data: Path, taken: TakenFrames, detector: LineDetector, parts: int, *, pace_s: float = 0.0
) -> list[float]:
    """Run so many parts through the verdict path; return what each took by the clock of the PLC, in ms."""
    took, _ = await _inspected(settings, data, taken, detector, range(1, parts + 1), pace_s=pace_s)
    return took


async def _inspected(
    settings: LineSettings,
    data: Path,
    taken: TakenFrames,
    detector: LineDetector,
    sequences: range,
    *,
    observer: Callable[[InspectionReport], None] | None = None,
    pace_s: float = 0.0,
) -> tuple[list[float], float]:
    """Inspect these parts; return what each took, in ms, and how long the line was at work, in s.

    Where nobody records, the journal grows by one entry a part, as it does while the office is away.
    """
    with Supervisor() as plc:
        url, report = await asyncio.to_thread(start_plc, plc, len(sequences), first=sequences.start, pace_s=pace_s)
        source = build_trigger_source(settings, url=url, nodes={}, on_lamp=lambda _state: None)
        line = Line(
            triggers=source,
            camera=taken,
            detector=detector,
            gauge=build_gauge(settings, detector.margins_px),
            judge=build_judge(settings),
            journal=build_spool(settings, data),
            deadline_s=settings.deadline_ms / 1000,
            observer=observer,
        )
        task = asyncio.create_task(line.run())
        started = time.perf_counter()
        await source.set_ready(True)
        done = await asyncio.to_thread(report.recv)
        seconds = time.perf_counter() - started
        await source.close()
        await task
        line.close()
    return list(done["samples_ms"]), seconds


def start_plc(supervisor: Supervisor, parts: int, *, first: int, pace_s: float = 0.0) -> tuple[str, Any]:
    """Start a simulated PLC in a process of its own; return its address and where it reports."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)
    url = f"opc.tcp://127.0.0.1:{embedded.free_port()}/"
    plan = SimulationPlan(url=url, parts=parts, first_sequence=first, pace_s=pace_s)
    supervisor.start(Child("plc", embedded.plc_main, {"plan": plan, "report": theirs}))
    return url, ours


class TakenFrames:
    """A camera whose frames were taken before: exposing costs a real one no processor, drawing or decoding does."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = {frame.trigger.sequence: frame for frame in frames}

    def grab(self, trigger: Trigger) -> Frame:
        """Return the frame of this trigger."""
        return replace(self.frames[trigger.sequence], trigger=trigger)

    def close(self) -> None:
        """Nothing to release."""


def take_frames(camera: Camera, sequences: range, station: str) -> list[Frame]:
    """Return a frame for each of these triggers."""
    return [camera.grab(Trigger(str(number), station, number, datetime.now(UTC))) for number in sequences]


def _bare(taken: TakenFrames, detector: Detector) -> list[float]:
    """Return how long the detector alone takes, on the frames that the line has just seen."""
    took = []
    for frame in list(taken.frames.values())[:BARE_CALLS]:
        started = time.perf_counter()
        detector.detect(frame)
        took.append((time.perf_counter() - started) * 1000)
    return took


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the 50th, 95th and 99th percentile."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


def _shares(reports: Sequence[InspectionReport]) -> dict[str, float]:
    totals = {stage: sum(report.timings.stages.get(stage, 0.0) for report in reports) for stage in Stage}
    whole = sum(totals.values()) or 1.0
    return {stage.value: total / whole for stage, total in totals.items()}
