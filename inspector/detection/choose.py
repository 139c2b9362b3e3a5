"""Which backend: the one that the line names, or the fastest that this machine has for this model."""

from __future__ import annotations

import json
import logging
import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.detection.backend import Backend
from inspector.detection.card import Model
from inspector.detection.decode import BOX_ROWS
from inspector.detection.fallback import FallbackBackend
from inspector.detection.onnxruntime_backend import OnnxRuntimeBackend
from inspector.detection.openvino_backend import OpenVinoBackend, has_native_bf16
from inspector.domain import ConfigurationError, DetectionError, ModelError

__all__ = ["BACKENDS", "candidates", "choose_backend", "default_cache", "fastest", "open_backend"]

BACKENDS = ("auto", "onnxruntime", "openvino", "openvino-bf16", "openvino-f32")

_ROUNDS = 6
_WARM_ROUNDS = 2
_SCORE_TOLERANCE = 0.05
_HEAT_TOLERANCE = 0.01
_HEAT_DIMENSIONS = 4

_log = logging.getLogger(__name__)

Opener = Callable[[], Backend]


def open_backend(model: Model, name: str = "auto", *, threads: int = 2, cache: Path | None = None) -> Backend:
    """Return the backend named in ``BACKENDS``; ``auto`` measures, see ``choose_backend``.

    Raises
    ------
    ConfigurationError
        There is no backend of this name.
    ModelError
        The backend cannot run these weights.
    """
    if name == "auto":
        return choose_backend(model, threads=threads, cache=cache)
    if name == "onnxruntime":
        return OnnxRuntimeBackend(model, threads=threads)
    if name == "openvino":
        # Distances are differences of large numbers: bfloat16 has too few digits for them.
        return OpenVinoBackend(model, threads=threads, precision="auto" if model.card.task == "detect" else "f32")
    if name == "openvino-bf16":
        return OpenVinoBackend(model, threads=threads, precision="bf16")
    if name == "openvino-f32":
        return OpenVinoBackend(model, threads=threads, precision="f32")
    raise ConfigurationError(f"detector backend {name}: there is none", remedy=f"Choose one of {', '.join(BACKENDS)}")


def candidates(model: Model, *, threads: int = 2) -> dict[str, Opener]:
    """Return what could run this model on this machine, by name; the first is the reference."""
    names = ["onnxruntime", "openvino-f32"]
    if has_native_bf16() and model.card.task == "detect":
        names.append("openvino-bf16")
    return {name: partial(open_backend, model, name, threads=threads) for name in names}


def choose_backend(model: Model, *, threads: int = 2, cache: Path | None = None) -> Backend:
    """Return the fastest backend of this machine for this model; should it break, the others take over.

    The first start times a few frames on every candidate (about two seconds) and remembers the answer in
    ``cache`` (default: the user's cache folder) until machine, weights, threads or a runtime's version change.

    Raises ``ModelError`` where no candidate runs the model.
    """
    cache = default_cache() if cache is None else cache
    openers = candidates(model, threads=threads)
    key = _key(model, threads)
    known = _remembered(cache).get(key)
    if known in openers:
        try:
            backend = openers[known]()
        except ModelError as error:
            _log.warning("backend %s was chosen before but does not start now: %s", known, error)
        else:
            _log.info("detector backend %s for model %s (measured before)", known, model.card.name)
            return _with_others(backend, openers)
    backend = fastest(openers, (1, *model.card.input.shape), name=model.card.name)
    _remember(cache, key, backend.name)
    return _with_others(backend, openers)


def _with_others(backend: Backend, openers: Mapping[str, Opener]) -> Backend:
    return FallbackBackend(backend, {label: opener for label, opener in openers.items() if label != backend.name})


def fastest(openers: Mapping[str, Opener], shape: tuple[int, ...], *, name: str = "") -> Backend:
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
        except (ModelError, DetectionError) as error:
            _log.warning("backend %s cannot run model %s: %s", label, name, error)
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


def default_cache() -> Path:
    """Return the file in which choices are remembered; follows the XDG base directory specification."""
    named = os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(named) if named else Path.home() / ".cache"
    except RuntimeError:  # a service user without a home
        base = Path(tempfile.gettempdir())
    return base / "line-inspector" / "backends.json"


def _key(model: Model, threads: int) -> str:
    runtimes = [f"{package} {version(package)}" for package in ("onnxruntime", "openvino")]
    machine = [platform.machine(), _processor(), f"{os.cpu_count()} cores", f"{threads} threads"]
    return " | ".join([*machine, *runtimes, model.card.sha256])


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
