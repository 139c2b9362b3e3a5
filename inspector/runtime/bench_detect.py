"""How fast detection is on this machine: everything as a ratio of figures from one run.

The candidates take turns frame by frame, so that a passing load on the machine meets all of them, and the best time
of each is compared: what a load adds is no property of the code.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from inspector.detection import (
    Model,
    OpenVinoBackend,
    YoloDetector,
    candidates,
    find_model,
    load_model,
    open_backend,
)
from inspector.domain import ConfigurationError, Frame, Trigger
from inspector.training.rival import ultralytics_predict

__all__ = ["DetectFigures", "measure_detection"]

WARM_ROUNDS = 3
BATCHES = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class DetectFigures:
    """What was measured; times in milliseconds, best of the run.

    Attributes
    ----------
    detect_over_session
        The whole detect call (fit, normalise, run, decode, suppress) over the bare session call inside it.
    best_over_onnxruntime
        How many times quicker the chosen backend is than ONNX Runtime in float32.
    ultralytics_over_detect
        How many times longer ultralytics' own predict takes on the same weights and threads; None where it is not
        installed.
    batch_ms_per_frame
        Time of one frame in a batch of this size, bare session of OpenVINO with an open batch.
    frames_per_core_second
        Frames of the detect call for one second of processor time.
    by_processor_time
        The first three ratios again, of processor time over all threads: what is left when the machine is busy
        with other work, because waiting costs none.
    processor_ms
        Least processor time of each call.
    """

    detect_over_session: float
    best_over_onnxruntime: float
    ultralytics_over_detect: float | None
    detect_ms: float
    session_ms: float
    backends_ms: Mapping[str, float]
    ultralytics_ms: float | None
    batch_ms_per_frame: Mapping[str, float]
    frames_per_core_second: float
    by_processor_time: Mapping[str, float | None]
    processor_ms: Mapping[str, float]
    gpu: str | None
    backend: str
    model: str
    threads: int
    rounds: int
    machine: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def measure_detection(name: str = "bare-board", *, rounds: int = 30, threads: int = 2) -> DetectFigures:
    """Measure the model on frames of its own input size; raises ``ModelError`` or ``ConfigurationError``."""
    model = load_model(find_model(name))
    if model.card.task != "detect":
        raise ConfigurationError(
            f"model {name} has task {model.card.task}", remedy="Name a model with task detect, such as bare-board"
        )
    spec = model.card.input
    rng = np.random.default_rng(0)
    batch = rng.random((1, *spec.shape), np.float32)
    now = datetime.now(UTC)
    frame = Frame(
        Trigger("bench", "bench", 0, now),
        rng.integers(0, 255, (spec.height, spec.width), dtype=np.uint8),
        "bench",
        now,
    )
    chosen = open_backend(model, threads=threads)
    detector = YoloDetector(model, chosen)
    opened = {label: opener() for label, opener in candidates(model, threads=threads).items()}
    calls: dict[str, Callable[[], object]] = {
        "detect": partial(detector.detect, frame),
        "session": partial(chosen.run, batch),
        **{f"backend {label}": partial(backend.run, batch) for label, backend in opened.items()},
    }
    theirs = ultralytics_predict(model.weights, frame.pixels, floor=model.card.confidence_floor, threads=threads)
    if theirs is not None:
        calls["ultralytics"] = theirs
    best, processor_s = _race(calls, rounds)
    backends = {label: best[f"backend {label}"] for label in opened}
    for backend in opened.values():
        backend.close()
    batches = _batches(model, threads, max(3, rounds // 4))
    detector.close()
    return DetectFigures(
        detect_over_session=best["detect"] / best["session"],
        best_over_onnxruntime=backends["onnxruntime"] / min(backends.values()),
        ultralytics_over_detect=best["ultralytics"] / best["detect"] if theirs else None,
        detect_ms=best["detect"],
        session_ms=best["session"],
        backends_ms=backends,
        ultralytics_ms=best.get("ultralytics"),
        batch_ms_per_frame=batches,
        frames_per_core_second=1 / processor_s["detect"],
        by_processor_time={
            "detect_over_session": processor_s["detect"] / processor_s["session"],
            "best_over_onnxruntime": processor_s["backend onnxruntime"]
            / min(processor_s[f"backend {label}"] for label in opened),
            "ultralytics_over_detect": processor_s["ultralytics"] / processor_s["detect"] if theirs else None,
        },
        processor_ms={label: spent * 1e3 for label, spent in processor_s.items()},
        gpu=None,  # no backend here runs on one
        backend=chosen.name,
        model=f"{model.card.name} {model.card.version}",
        threads=threads,
        rounds=rounds,
        machine=_machine(),
    )


def _race(calls: Mapping[str, Callable[[], object]], rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the best wall time in ms and the least processor time in s of every call."""
    best = dict.fromkeys(calls, float("inf"))
    processor_s = dict.fromkeys(calls, float("inf"))
    for turn in range(rounds + WARM_ROUNDS):
        for label, call in calls.items():
            started, used = time.perf_counter(), time.process_time()
            call()
            took, spent = time.perf_counter() - started, time.process_time() - used
            if turn >= WARM_ROUNDS:
                best[label] = min(best[label], took * 1e3)
                processor_s[label] = min(processor_s[label], max(spent, 1e-6))
    return best, processor_s


def _batches(model: Model, threads: int, rounds: int) -> dict[str, float]:
    backend = OpenVinoBackend(model, threads=threads, batch=None)
    frames = np.random.default_rng(0).random((max(BATCHES), *model.card.input.shape), np.float32)

    best, _ = _race({str(size): partial(backend.run, frames[:size]) for size in BATCHES}, rounds)
    backend.close()
    return {size: ms / int(size) for size, ms in best.items()}


def _machine() -> dict[str, str]:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        **_versions(("onnxruntime", "openvino", "ultralytics")),
    }


def _versions(packages: Sequence[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
