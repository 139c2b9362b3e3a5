"""Native TensorRT engines: built once for a GPU, a TensorRT version and certain weights, and kept."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.detection.caches import engines_folder
from inspector.detection.card import Model
from inspector.detection.gpu import find_gpu
from inspector.detection.tensorrt_library import TensorRt, load_tensorrt
from inspector.domain import ConfigurationError, DetectionError, ModelError

__all__ = ["BuiltEngine", "Progress", "build_engine", "engine_path"]

Progress = Callable[[str, int, int], None]
"""Told name of the phase, steps done and steps in all."""

_CAPABILITY = re.compile(r"[0-9]{1,2}\.[0-9]")


@dataclass(frozen=True, slots=True)
class BuiltEngine:
    """An engine file; ``fresh`` where it was built now, and not found."""

    path: Path
    fresh: bool


def engine_path(model: Model, library: TensorRt, target: str, *, half: bool, largest_batch: int, folder: Path) -> Path:
    """Return where the engine of these weights for this GPU lies: everything that decides it is in the name."""
    digits = "f16" if half else "f32"
    device = re.sub(r"[^a-z0-9.]+", "-", target.lower()).strip("-")
    return folder / (
        f"{model.card.sha256[:16]}-{device}-{library.name}-{library.version}-{digits}-b{largest_batch}.engine"
    )


def build_engine(
    model: Model,
    *,
    half: bool = True,
    largest_batch: int = 1,
    capability: str | None = None,
    folder: Path | None = None,
    again: bool = False,
    on_progress: Progress | None = None,
) -> BuiltEngine:
    """Return the engine of this model, building it where it is not there yet.

    Parameters
    ----------
    half
        Compute in half precision, where this TensorRT can be told to; else float32 with TF32 products. From
        version 11 on, and in TensorRT for RTX, the weights themselves decide.
    capability
        Build for GPUs of this compute capability, such as ``8.9``, without having one; TensorRT for RTX only.
        None: for the GPU of this machine.
    folder
        Where engines are kept; None: the user's cache folder.
    again
        Build although there is one.

    Raises
    ------
    ConfigurationError
        TensorRT is not installed, or cannot build for that GPU.
    DetectionError
        There is no GPU, and none was named.
    ModelError
        TensorRT cannot build these weights.
    """
    library = load_tensorrt()
    half = half and hasattr(library.module.BuilderFlag, "FP16")
    if capability is None:
        gpu = find_gpu()
        target = f"{gpu.name} {gpu.capability}"
    else:
        target = f"sm {_checked(capability, library)}"
    folder = folder or engines_folder()
    path = engine_path(model, library, target, half=half, largest_batch=largest_batch, folder=folder)
    if path.is_file() and not again:
        return BuiltEngine(path, fresh=False)
    content = _build(model, library, half, largest_batch, capability, on_progress=on_progress)
    half_written = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        half_written.write_bytes(content)
        half_written.replace(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be written: {error.strerror}", remedy="Check the folder's rights") from error
    return BuiltEngine(path, fresh=True)


def _checked(capability: str, library: TensorRt) -> str:
    if not _CAPABILITY.fullmatch(capability):
        raise ConfigurationError(
            f"compute capability {capability}: not two numbers with a point", remedy="Write it as in 8.9"
        )
    known = getattr(library.module, "ComputeCapability", None)
    name = f"SM{capability.replace('.', '')}"
    if known is None or library.name != "tensorrt-rtx":
        raise ConfigurationError(
            f"{library.name} {library.version} builds engines on the GPU that runs them only",
            remedy="Leave the compute capability out, on a machine with the GPU; or install 'line-inspector[gpu-rtx]'",
        )
    if not hasattr(known, name):
        numbers = sorted(int(each[2:]) for each in dir(known) if each.startswith("SM"))
        choice = ", ".join(f"{number // 10}.{number % 10}" for number in numbers)
        raise ConfigurationError(
            f"{library.name} {library.version} knows no GPU of compute capability {capability}",
            remedy=f"It knows {choice}",
        )
    return capability


def _build(
    model: Model,
    library: TensorRt,
    half: bool,
    largest_batch: int,
    capability: str | None,
    *,
    on_progress: Progress | None,
) -> bytes:
    trt, logger = library.module, library.logger()
    builder = trt.Builder(logger)
    if not builder:
        raise DetectionError(f"TensorRT does not start: {logger.last}", remedy="Check `nvidia-smi`")
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(model.weights)):
        told = "; ".join(str(parser.get_error(index)) for index in range(parser.num_errors))
        raise ModelError(f"{model.weights}: TensorRT cannot read it: {told}", remedy="Export the weights again")
    config = builder.create_builder_config()
    if half:
        config.set_flag(trt.BuilderFlag.FP16)
    if capability is not None:
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(trt.ComputeCapability, f"SM{capability.replace('.', '')}"), 0)
    entry = network.get_input(0)
    if entry.shape[0] == -1:
        shape = model.card.input.shape
        profile = builder.create_optimization_profile()
        profile.set_shape(entry.name, (1, *shape), (1, *shape), (largest_batch, *shape))
        config.add_optimization_profile(profile)
    if on_progress is not None:
        config.progress_monitor = _monitor(trt, on_progress)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise ModelError(
            f"{model.weights}: TensorRT cannot build it: {logger.last}", remedy="See the log for what came before"
        )
    return bytes(engine)


def _monitor(trt: Any, progress: Progress) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """Passes the steps of the build on."""

        def __init__(self) -> None:
            super().__init__()
            self.steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            """Note how many steps a phase has."""
            self.steps[phase_name] = num_steps
            progress(phase_name, 0, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            """Pass one step on, and let the build go on."""
            progress(phase_name, step + 1, self.steps.get(phase_name, 0))
            return True

        def phase_finish(self, phase_name: str) -> None:
            """Pass the end on."""
            steps = self.steps.pop(phase_name, 0)
            progress(phase_name, steps, steps)

    return Monitor()
