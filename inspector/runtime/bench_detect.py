"""How fast detection is on this machine: everything as a ratio of figures from one run.

The candidates take turns frame by frame, so that a passing load on the machine meets all of them, and the best time
of each is compared: what a load adds is no property of the code.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from inspector.capture.board import BoardSpec, golden_board, render_board
from inspector.detection import (
    GoldenParts,
    Model,
    OpenVinoBackend,
    TritonBackend,
    YoloDetector,
    candidates,
    find_model,
    load_model,
    open_backend,
)
from inspector.detection.gpu import find_gpu
from inspector.domain import ConfigurationError, DetectionError, Frame, Trigger
from inspector.training.rival import Rival, rival_python

__all__ = ["DetectFigures", "measure_detection"]

WARM_ROUNDS = 3
BATCHES = (1, 2, 4, 8)
CLIENTS = (1, 8, 32)
FASTER = ("tensorrt", "onnxruntime-tensorrt", "onnxruntime-tensorrt-rtx")

Timed = Callable[[], tuple[float, float]]
"""One call; returns its wall and its processor time in seconds."""


@dataclass(frozen=True, slots=True)
class DetectFigures:
    """What was measured; times in milliseconds, best of the run.

    Attributes
    ----------
    detect_over_session
        The detect call (fit, normalise, run, decode, suppress) over the bare session call inside it.
    with_golden_over_session
        The same with a golden part laid on the frame first, as a line with such a model does; None for models that
        look at the part alone.
    best_over_onnxruntime
        How many times quicker the quickest backend is than ONNX Runtime in float32.
    ultralytics_over_detect
        How many times longer ultralytics' own predict takes on the same weights and threads; None where it is not
        installed.
    tensorrt_over_cuda
        How many times quicker the quickest TensorRT is than ONNX Runtime's CUDA; None without a GPU.
    batch_ms_per_frame
        Time of one frame in a batch of this size, bare session of OpenVINO with an open batch.
    frames_per_core_second
        Frames of the detect call for one second of processor time.
    triton
        By number of clients that ask at the same time: frames a second, and the 95th percentile of the time of one
        frame in ms; None without a server.
    by_processor_time
        The ratios again, of processor time over all threads: what is left when the machine is busy with other work,
        because waiting costs none.
    processor_ms
        Least processor time of each call; a server's is not counted.
    """

    detect_over_session: float
    with_golden_over_session: float | None
    best_over_onnxruntime: float
    ultralytics_over_detect: float | None
    tensorrt_over_cuda: float | None
    detect_ms: float
    session_ms: float
    backends_ms: Mapping[str, float]
    ultralytics_ms: float | None
    batch_ms_per_frame: Mapping[str, float]
    frames_per_core_second: float
    triton: Mapping[str, Mapping[str, float]] | None
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


def measure_detection(
    name: str = "bare-board",
    *,
    rounds: int = 30,
    threads: int = 2,
    triton: str = "",
    rival: str | None = None,
    rival_weights: Path | None = None,
) -> DetectFigures:
    """Measure the model on drawn boards of its own input size.

    Parameters
    ----------
    triton
        Host and port of a Triton server that holds the model.
    rival
        Interpreter that has ultralytics; None: this one, where it has it.
    rival_weights
        Weights for ultralytics, such as a ``.pt`` file of the same network; None: the model's own.

    Raises
    ------
    ConfigurationError
        Model or rival is not what is needed.
    DetectionError
        There is no Triton server at this address.
    """
    model = load_model(find_model(name))
    if model.card.task != "detect":
        raise ConfigurationError(
            f"model {name} has task {model.card.task}", remedy="Name a model with task detect, such as bare-board"
        )
    spec = model.card.input
    frame, golden = _board(spec.width, spec.height)
    floor = model.card.confidence_floor
    batch = np.random.default_rng(0).random((1, *spec.shape), np.float32)
    with ExitStack() as open_:
        chosen = open_backend(model, threads=threads)
        open_.callback(chosen.close)
        detector = YoloDetector(model, chosen, floor=floor)
        opened = {label: opener() for label, opener in candidates(model, threads=threads, triton=triton).items()}
        for backend in opened.values():
            open_.callback(backend.close)
        calls: dict[str, Timed] = {
            "detect": _timed(partial(detector.detect, frame)),
            "session": _timed(partial(chosen.run, batch)),
            **{f"backend {label}": _timed(partial(backend.run, batch)) for label, backend in opened.items()},
        }
        if spec.sees_golden:
            shown = YoloDetector(model, chosen, golden=GoldenParts({"": golden}))
            calls["with golden"] = _timed(partial(shown.detect, frame))
        python = rival_python(rival)
        about: Mapping[str, str] = {"ultralytics": "not installed"}
        if python is not None:
            planes = np.repeat(frame.pixels[..., None], spec.channels, axis=2)
            theirs = open_.enter_context(
                Rival(python, rival_weights or model.weights, planes, floor=floor, threads=threads)
            )
            calls["ultralytics"], about = theirs.predict, theirs.about
        wall, processor = _race(calls, rounds)
        batches = _batches(model, threads, max(3, rounds // 4))
        served = _clients(model, triton, frame, rounds) if triton else None
        backend_name = chosen.name
    backends = {label: wall[f"backend {label}"] * 1e3 for label in opened}
    return DetectFigures(
        **_ratios(wall, list(opened)),  # type: ignore[arg-type]
        detect_ms=wall["detect"] * 1e3,
        session_ms=wall["session"] * 1e3,
        backends_ms=backends,
        ultralytics_ms=wall["ultralytics"] * 1e3 if python is not None else None,
        batch_ms_per_frame=batches,
        frames_per_core_second=1 / processor["detect"],
        triton=served,
        # A server's work is done in its own process, whose time is not seen here.
        by_processor_time=_ratios(processor, [label for label in opened if label != "triton"]),
        processor_ms={label: spent * 1e3 for label, spent in processor.items()},
        gpu=_gpu(),
        backend=backend_name,
        model=f"{model.card.name} {model.card.version}",
        threads=threads,
        rounds=rounds,
        machine=_machine() | {key: str(value) for key, value in about.items()},
    )


def _board(width: int, height: int) -> tuple[Frame, np.ndarray[Any, np.dtype[np.uint8]]]:
    """Return a frame of a drawn board with three defects, and its golden board (H, W)."""
    side = max(width, height)
    drawn = BoardSpec(size_px=side, px_per_mm=48, layouts=1, defect_rate=1.0, most_defects=3, defect_mm=(0.2, 0.6))
    now = datetime.now(UTC)
    pixels, golden = render_board(3, 1, drawn)[0], golden_board(3, 1, drawn)
    frame = Frame(Trigger("bench", "bench", 0, now), np.ascontiguousarray(pixels[:height, :width]), "bench", now)
    return frame, np.ascontiguousarray(golden[:height, :width])


def _ratios(best: Mapping[str, float], labels: Sequence[str]) -> dict[str, float | None]:
    quick = [best[f"backend {label}"] for label in labels if label in FASTER]
    cuda = best.get("backend onnxruntime-cuda")
    return {
        "detect_over_session": best["detect"] / best["session"],
        "with_golden_over_session": best["with golden"] / best["session"] if "with golden" in best else None,
        "best_over_onnxruntime": best["backend onnxruntime"] / min(best[f"backend {label}"] for label in labels),
        "ultralytics_over_detect": best["ultralytics"] / best["detect"] if "ultralytics" in best else None,
        "tensorrt_over_cuda": cuda / min(quick) if cuda is not None and quick else None,
    }


def _timed(call: Callable[[], object]) -> Timed:
    def timed() -> tuple[float, float]:
        started, used = time.perf_counter(), time.process_time()
        call()
        return time.perf_counter() - started, max(time.process_time() - used, 1e-6)

    return timed


def _race(calls: Mapping[str, Timed], rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the best wall time and the least processor time of every call, in seconds."""
    best = dict.fromkeys(calls, float("inf"))
    processor = dict.fromkeys(calls, float("inf"))
    for turn in range(rounds + WARM_ROUNDS):
        for label, call in calls.items():
            took, spent = call()
            if turn >= WARM_ROUNDS:
                best[label] = min(best[label], took)
                processor[label] = min(processor[label], spent)
    return best, processor


def _batches(model: Model, threads: int, rounds: int) -> dict[str, float]:
    backend = OpenVinoBackend(model, threads=threads, batch=None)
    frames = np.random.default_rng(0).random((max(BATCHES), *model.card.input.shape), np.float32)
    best, _ = _race({str(size): _timed(partial(backend.run, frames[:size])) for size in BATCHES}, rounds)
    backend.close()
    return {size: took * 1e3 / int(size) for size, took in best.items()}


def _clients(model: Model, url: str, frame: Frame, rounds: int) -> dict[str, dict[str, float]]:
    """Return frames a second and the 95th percentile in ms for each number of clients that ask at once."""
    found = {}
    for count in CLIENTS:
        detectors = [
            YoloDetector(model, TritonBackend(model, url=url, timeout_s=60.0), floor=model.card.confidence_floor)
            for _ in range(count)
        ]

        def work(detector: YoloDetector) -> list[float]:
            call = _timed(partial(detector.detect, frame))
            return [call()[0] for _ in range(rounds)]

        started = time.perf_counter()
        with ThreadPoolExecutor(count) as pool:
            took = np.array(list(pool.map(work, detectors))).ravel()
        rate = took.size / (time.perf_counter() - started)
        found[str(count)] = {"frames_per_s": rate, "p95_ms": float(np.percentile(took, 95)) * 1e3}
        for detector in detectors:
            detector.close()
    return found


def _gpu() -> str | None:
    try:
        gpu = find_gpu()
    except DetectionError:
        return None
    return f"{gpu.name}, compute capability {gpu.capability}, CUDA {gpu.driver}"


def _machine() -> dict[str, str]:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        **_versions(("onnxruntime", "openvino", "tritonclient")),
    }


def _versions(packages: Sequence[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
