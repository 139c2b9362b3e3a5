"""The training loop: an ultralytics detection model, bf16 autocast, averaged weights, checkpoints."""

# mypy: disable-error-code="import-not-found, import-untyped"
# torch, ultralytics, onnxslim and faster-coco-eval come with the train extra only.

from __future__ import annotations

import copy
import json
import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inspector.training.crops import Crop, CropSource
from inspector.training.dataset import DatasetError, Example
from inspector.training.recipe import Recipe, Stage, crop_settings
from inspector.training.workers import average_gradients, side_by_side

if TYPE_CHECKING:
    import torch
    from torch import nn

_log = logging.getLogger(__name__)

LOG_EVERY_STEPS = 20
GRADIENT_LIMIT = 10.0
RAMP_STEPS = 300.0

Validator = Callable[["nn.Module"], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to save and to validate, in optimiser steps."""

    checkpoint_every: int = 100
    validate_every: int = 1500


def build_model(architecture: str, class_count: int, seed: int, planes: int = 3) -> nn.Module:
    """Return an untrained detection model with ultralytics' default loss gains.

    Raises
    ------
    ModuleNotFoundError
        The ``train`` extra is not installed.
    """
    import torch
    from ultralytics.cfg import get_cfg
    from ultralytics.nn.tasks import DetectionModel
    from ultralytics.utils import DEFAULT_CFG

    torch.manual_seed(seed)
    model = DetectionModel(architecture, ch=planes, nc=class_count, verbose=False)
    model.args = get_cfg(DEFAULT_CFG)
    return model.to(memory_format=torch.channels_last)


@dataclass(frozen=True, slots=True)
class _Run:
    """One stage in one training process; process 0 writes and validates."""

    recipe: Recipe
    stage: Stage
    out: Path
    schedule: Schedule
    validate: Validator
    process: int

    @property
    def leads(self) -> bool:
        return self.process == 0


def train(
    recipe: Recipe,
    data: Mapping[str, list[Example]],
    out: Path,
    *,
    schedule: Schedule,
    validate: Validator,
    first_stage: int = 0,
) -> None:
    """Run the stages from ``first_stage`` on; each starts from the averaged weights of the one before it.

    ``out`` receives ``<stage>.pt`` (averaged weights, always the newest) and ``log.jsonl``.

    Raises
    ------
    DatasetError
        A stage draws from a data set that was not given.
    """
    stages = list(enumerate(recipe.stages))[first_stage:]
    missing = sorted({name for _, stage in stages for name in stage.mix} - set(data))
    if missing:
        raise DatasetError(f"the recipe draws from {', '.join(missing)}", remedy="Give each as --data NAME=FOLDER")
    out.mkdir(parents=True, exist_ok=True)
    settings = {stage.name: crop_settings(stage, paired=recipe.paired) for _, stage in stages}
    wanted = {(name, settings[stage.name]) for _, stage in stages for name in stage.mix}
    sources = {(name, wish): CropSource(data[name], wish) for name, wish in sorted(wanted, key=str)}

    for number, stage in stages:
        before = out / f"{recipe.stages[number - 1].name}.pt" if number else None
        seed = recipe.seed * 1000 + number

        def work(process: int, stage: Stage = stage, before: Path | None = before, seed: int = seed) -> None:
            run = _Run(recipe, stage, out, schedule, validate, process)
            model = build_model(recipe.architecture, len(recipe.classes), recipe.seed, recipe.planes)
            if before is not None:
                load_weights(model, before)
            mixed = {name: sources[name, settings[stage.name]] for name in stage.mix}
            _run_stage(run, model, _prefetched(_batches(mixed, stage, np.random.default_rng([seed, process]))))

        side_by_side(stage.processes, work)


def _run_stage(run: _Run, model: nn.Module, batches: Iterator[dict[str, torch.Tensor]]) -> None:
    model.train()
    stage, averaged = run.stage, copy.deepcopy(model).eval()
    criterion = model.init_criterion()
    optimiser = _optimiser(model, stage.peak_rate, run.recipe.weight_decay)
    started, recent = time.monotonic(), [0.0, 0.0, 0.0]
    for step in range(1, stage.last_step + 1):
        rate = _rate(stage, step)
        for group in optimiser.param_groups:
            group["lr"] = rate
        parts = _step(model, criterion, optimiser, next(batches), stage.processes)
        _average(averaged, model, stage.averaging * (1 - math.exp(-step / RAMP_STEPS)))
        recent = [0.95 * old + 0.05 * new for old, new in zip(recent, parts, strict=True)]
        if run.leads:
            _keep(run, step, averaged, {"rate": rate, "loss": recent, "seconds": time.monotonic() - started})


def _keep(run: _Run, step: int, averaged: nn.Module, progress: dict[str, object]) -> None:
    """Log, save and validate where it is time to."""
    stage = run.stage
    last = step == stage.last_step
    if step % LOG_EVERY_STEPS == 0:
        _record(run.out, {"stage": stage.name, "step": step, **progress})
    if last or step % run.schedule.checkpoint_every == 0:
        save_weights(averaged, run.out / f"{stage.name}.pt")
    if last or step % run.schedule.validate_every == 0:
        _record(run.out, {"stage": stage.name, "step": step, **run.validate(averaged)})


def _step(
    model: nn.Module, criterion: Any, optimiser: Any, batch: dict[str, torch.Tensor], processes: int
) -> list[float]:
    """Run one optimiser step; return the box, class and distribution losses per image."""
    import torch

    with torch.autocast("cpu", dtype=torch.bfloat16):
        raw = model(batch["img"])
    outputs = {key: value.float() if torch.is_tensor(value) else value for key, value in raw.items()}
    loss, parts = criterion(outputs, batch)
    optimiser.zero_grad(set_to_none=True)
    loss.sum().backward()
    average_gradients(model, processes)
    torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_LIMIT)
    optimiser.step()
    return [float(value) for value in (parts.values() if isinstance(parts, dict) else parts)]


def _optimiser(model: nn.Module, rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW; biases and normalisation weights are not decayed."""
    import torch

    decayed = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    plain = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.99))


def _rate(stage: Stage, step: int) -> float:
    """Return the learning rate: a linear warm-up, then half a cosine down to the final share."""
    if step <= stage.warmup_steps:
        return stage.peak_rate * step / stage.warmup_steps
    progress = (step - stage.warmup_steps) / max(stage.steps - stage.warmup_steps, 1)
    share = stage.final_rate + (1 - stage.final_rate) * (1 + math.cos(math.pi * progress)) / 2
    return stage.peak_rate * share


def _average(averaged: nn.Module, model: nn.Module, decay: float) -> None:
    import torch

    with torch.no_grad():
        for kept, new in zip(averaged.state_dict().values(), model.state_dict().values(), strict=True):
            if kept.dtype.is_floating_point:
                kept.lerp_(new, 1 - decay)
            else:
                kept.copy_(new)


def _batches(sources: Mapping[str, CropSource], stage: Stage, rng: np.random.Generator) -> Iterator[list[Crop]]:
    """Yield one process' share of every batch."""
    names = list(stage.mix)
    shares = np.array([stage.mix[name] for name in names])
    shares = shares / shares.sum()
    while True:
        drawn = rng.choice(len(names), size=stage.batch // stage.processes, p=shares)
        yield [sources[names[index]].draw(rng) for index in drawn]


def _prefetched(batches: Iterator[list[Crop]], depth: int = 4) -> Iterator[dict[str, torch.Tensor]]:
    """Yield the batches as tensors, prepared by one thread ahead of the optimiser."""
    waiting: queue.Queue[list[Crop]] = queue.Queue(maxsize=depth)

    def work() -> None:
        for batch in batches:
            waiting.put(batch)

    threading.Thread(target=work, name="crops", daemon=True).start()
    while True:
        yield _tensors(waiting.get())


def _tensors(crops: list[Crop]) -> dict[str, torch.Tensor]:
    """Return the crops as ultralytics' loss wants them: grey on three planes, or a pair on two; boxes in 0..1."""
    import torch

    size = crops[0].pixels.shape[0]
    planes = torch.from_numpy(np.stack([np.atleast_3d(crop.pixels) for crop in crops])).float() / 255
    planes = planes.permute(0, 3, 1, 2)
    image = (planes if planes.shape[1] > 1 else planes.expand(-1, 3, -1, -1)).contiguous(
        memory_format=torch.channels_last
    )
    boxes = np.concatenate([crop.boxes for crop in crops]) / size
    centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    owners = np.repeat(np.arange(len(crops)), [len(crop.boxes) for crop in crops])
    return {
        "img": image,
        "bboxes": torch.from_numpy(np.concatenate([centres, sizes], axis=1).astype(np.float32)),
        "cls": torch.from_numpy(np.concatenate([crop.labels for crop in crops]).astype(np.float32))[:, None],
        "batch_idx": torch.from_numpy(owners.astype(np.float32)),
    }


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the weights; the file is complete or not there."""
    import torch

    half_written = path.with_suffix(".part")
    torch.save({name: value.clone() for name, value in model.state_dict().items()}, half_written)
    half_written.replace(path)


def load_weights(model: nn.Module, path: Path) -> None:
    """Load weights written by ``save_weights``."""
    import torch

    if not path.is_file():
        raise DatasetError(f"{path}: no weights of the stage before; run that stage first")
    found, wanted = torch.load(path, weights_only=True), model.state_dict()
    first = next(name for name in wanted if wanted[name].ndim > 1)
    if found[first].shape[1] != wanted[first].shape[1]:
        # Weights that saw the image alone learn to see the golden board too: it does not count at first.
        seen, found[first] = found[first].sum(1), torch.zeros_like(wanted[first])
        found[first][:, 0] = seen
    model.load_state_dict(found)


def _record(out: Path, values: Mapping[str, object]) -> None:
    line = json.dumps(values, default=float)
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(line + "\n")
    _log.info("%s", line)
