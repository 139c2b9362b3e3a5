"""Which backend: the one that the line names, or the fastest that this machine has for this model."""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.detection.backend import Backend
from inspector.detection.caches import default_cache
from inspector.detection.card import Model
from inspector.detection.decode import BOX_ROWS
from inspector.detection.fallback import FallbackBackend, Opener
from inspector.detection.gpu import find_gpu
from inspector.detection.opening import VOLATILE, candidates, open_named, warmed
from inspector.domain import ConfigurationError, DetectionError, ModelError

__all__ = ["choose_backend", "fastest", "open_backend"]

_ROUNDS = 6
_WARM_ROUNDS = 2
_SCORE_TOLERANCE = 0.05
_HEAT_TOLERANCE = 0.01
_HEAT_DIMENSIONS = 4
_RUNTIMES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "openvino",
    "tensorrt",
    "tensorrt-rtx",
    "onnxruntime-ep-nv-tensorrt-rtx-cu13",
)

_log = logging.getLogger(__name__)


def _unheard(told: str) -> None:
    """Nobody asked to be told."""


def open_backend(
    model: Model,
    name: str = "auto",
    *,
    threads: int = 2,
    triton: str = "",
    triton_timeout_s: float = 2.0,
    cache: Path | None = None,
    on_loss: Callable[[str], None] = _unheard,
) -> Backend:
    """Return the backend named in ``BACKENDS``; ``auto`` measures, see ``choose_backend``.

    A backend on a device or a server that may vanish has those of the processor behind it, also when it is
    already gone at the start; ``on_loss`` is told. The processor's own stand alone where the line names them.

    Parameters
    ----------
    triton
        Host and port of a Triton server's gRPC service; empty: there is none.
    triton_timeout_s
        Longest time for one call to it, so short that the frame still reaches the spare within the deadline.

    Raises
    ------
    ConfigurationError
        There is no backend of this name, or what it needs is not installed.
    ModelError
        The backend cannot run these weights.
    """
    if name == "auto":
        return choose_backend(
            model, threads=threads, triton=triton, triton_timeout_s=triton_timeout_s, cache=cache, on_loss=on_loss
        )
    if name not in VOLATILE:
        return open_named(model, name, threads=threads)
    known = candidates(model, threads=threads)
    # The reference comes first among the candidates and is the slowest: it takes over last.
    openers = {label: known[label] for label in reversed(known) if label not in VOLATILE}
    openers[name] = partial(open_named, model, name, threads=threads, triton=triton, triton_timeout_s=triton_timeout_s)
    return _guarded(name, model, openers, on_loss)


def choose_backend(
    model: Model,
    *,
    threads: int = 2,
    triton: str = "",
    triton_timeout_s: float = 2.0,
    cache: Path | None = None,
    on_loss: Callable[[str], None] = _unheard,
) -> Backend:
    """Return the fastest backend of this machine for this model, warm; should it break, the others take over.

    The first start times a few frames on every candidate (about two seconds) and remembers the answer in
    ``cache`` (default: the user's cache folder) until machine, weights, threads, server or a runtime's version
    change.

    Raises ``ModelError`` where no candidate runs the model.
    """
    cache = default_cache() if cache is None else cache
    openers = candidates(model, threads=threads, triton=triton, triton_timeout_s=triton_timeout_s)
    key = _key(model, threads, triton)
    known = _remembered(cache).get(key)
    if known in openers:
        try:
            backend = _guarded(known, model, openers, on_loss)
        except (ConfigurationError, DetectionError) as error:
            _log.warning("backend %s was chosen before but does not start now: %s", known, error)
        else:
            _log.info("detector backend %s for model %s (measured before)", backend.name, model.card.name)
            return backend
    unfit: list[str] = []
    chosen = fastest(openers, (1, *model.card.input.shape), name=model.card.name, on_unfit=unfit.append)
    if VOLATILE.isdisjoint(unfit):  # a server that is away today may be the fastest tomorrow
        _remember(cache, key, chosen.name)
    return FallbackBackend(chosen, _behind(chosen.name, model, openers), spare=chosen.name in VOLATILE, on_loss=on_loss)


def _guarded(name: str, model: Model, openers: Mapping[str, Opener], on_loss: Callable[[str], None]) -> Backend:
    warm = {name: warmed(openers[name], model), **_behind(name, model, openers)}
    return FallbackBackend.opened(name, warm, spare=name in VOLATILE, on_loss=on_loss)


def _behind(name: str, model: Model, openers: Mapping[str, Opener]) -> dict[str, Opener]:
    """Return the others, those that cannot vanish first."""
    others = sorted((label for label in openers if label != name), key=lambda label: label in VOLATILE)
    return {label: warmed(openers[label], model) for label in others}


def fastest(
    openers: Mapping[str, Opener],
    shape: tuple[int, ...],
    *,
    name: str = "",
    on_unfit: Callable[[str], None] = _unheard,
) -> Backend:
    """Return the opened backend with the shortest best time; the others are closed.

    Frames go round the candidates in turn, so that a passing load on the machine meets all of them. A
    candidate whose scores differ from those of the first one is left out: quick and wrong is no choice.
    """
    batch = np.random.default_rng(0).random(shape, np.float32)
    opened: dict[str, Backend] = {}
    reference: NDArray[np.float32] | None = None
    for label, opener in openers.items():
        try:
            backend = opener()
            output = backend.run(batch).copy()
        except (ConfigurationError, DetectionError) as error:
            _log.warning("backend %s cannot run model %s: %s", label, name, error)
            on_unfit(label)
            continue
        reference = output if reference is None else reference
        if not _agree(output, reference):
            _log.warning("backend %s is left out: its scores for model %s differ", label, name)
            backend.close()
            continue
        opened[label] = backend
    if not opened:
        raise ModelError(
            f"model {name}: no backend of this machine runs it (tried {', '.join(openers)})",
            remedy="Run `inspector models verify`; the log says why each one failed",
        )
    best_ms = dict.fromkeys(opened, float("inf"))
    for turn in range(_ROUNDS + _WARM_ROUNDS):
        for label, backend in opened.items():
            started = time.perf_counter()
            backend.run(batch)
            if turn >= _WARM_ROUNDS:
                best_ms[label] = min(best_ms[label], (time.perf_counter() - started) * 1e3)
    winner = min(best_ms, key=best_ms.__getitem__)
    figures = ", ".join(f"{label} {ms:.1f} ms" for label, ms in best_ms.items())
    _log.info("detector backend %s for model %s (%s)", winner, name, figures)
    for label, backend in opened.items():
        if label != winner:
            backend.close()
    return opened[winner]


def _agree(output: NDArray[np.float32], reference: NDArray[np.float32]) -> bool:
    if output.shape != reference.shape:
        return False
    if not np.isfinite(output).all():
        return False
    if output.ndim == _HEAT_DIMENSIONS:
        return bool(np.abs(output - reference).max(initial=0.0) <= _HEAT_TOLERANCE * np.abs(reference).max(initial=0.0))
    scores, expected = output[:, BOX_ROWS:], reference[:, BOX_ROWS:]
    return bool(np.abs(scores - expected).max(initial=0.0) <= _SCORE_TOLERANCE)


def _key(model: Model, threads: int, triton: str) -> str:
    machine = [platform.machine(), _processor(), f"{os.cpu_count()} cores", f"{threads} threads", *_gpu()]
    server = [f"triton {triton}"] if triton else []
    return " | ".join([*machine, *server, *_versions(), model.card.sha256])


def _versions() -> list[str]:
    found = []
    for package in _RUNTIMES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return found


def _gpu() -> list[str]:
    try:
        gpu = find_gpu()
    except DetectionError:
        return []
    return [f"{gpu.name} {gpu.capability}, CUDA {gpu.driver}"]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "flags")
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    model_name, flags = (facts.get(name, "") for name in wanted)
    # The same product name may hide units that the hypervisor does not pass on.
    units = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags.split()]
    return " ".join([model_name or platform.processor(), *units])


def _remembered(cache: Path) -> dict[str, str]:
    try:
        content = json.loads(cache.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        _log.warning("%s cannot be read, backends are measured again: %s", cache, error)
        return {}
    return {key: value for key, value in content.items() if isinstance(value, str)} if isinstance(content, dict) else {}


def _remember(cache: Path, key: str, name: str) -> None:
    half_written = cache.with_name(f"{cache.name}.{os.getpid()}")
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        half_written.write_text(json.dumps({**_remembered(cache), key: name}, indent=1), encoding="utf-8")
        half_written.replace(cache)
    except OSError as error:
        _log.warning("%s cannot be written, backends are measured again at the next start: %s", cache, error)
