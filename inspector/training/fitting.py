"""One training run of ultralytics on a data set of ours: resumable, quiet, bf16 where the processor has it."""

# mypy: disable-error-code="import-not-found, import-untyped"
# torch and ultralytics come with the train extra only.

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML

from inspector.training.dataset import DatasetError, Manifest
from inspector.training.precision import chosen_device, in_bf16, in_half

__all__ = ["Fit", "FitPlan", "FitProgress", "Stopped", "fit", "forget", "load_best", "weights_hash"]

_log = logging.getLogger(__name__)

CHECKPOINT, BEST, PRUNED, PLAN, FINISHED = "checkpoint.pt", "best.pt", "pruned.pt", "plan.json", "finished"
_TRAINERS = {"detect": "DetectionTrainer", "segment": "SegmentationTrainer", "obb": "OBBTrainer"}


class Stopped(Exception):
    """Somebody ended the run; the next one goes on after ``epochs`` whole epochs."""

    def __init__(self, epochs: int) -> None:
        super().__init__(f"stopped after {epochs} epochs")
        self.epochs = epochs


@dataclass(frozen=True, slots=True)
class FitPlan:
    """Everything that determines the weights, apart from the machine.

    Attributes
    ----------
    data
        Data set of ours; ``version`` is its content hash.
    task
        ``detect``, ``segment`` or ``obb``.
    architecture
        Name of an ultralytics network without task, such as ``yolo11n``.
    image_px
        Side that pictures are scaled to, their longer one; a multiple of 32.
    patience
        Epochs without improvement after which training ends.
    start_from
        Weights (.pt) to begin with, of the same family; empty: from nothing.
    teacher
        Weights (.pt) of a larger network of the same classes to learn from beside the labels; empty: none.
    prune
        Share of the channels of ``start_from`` to leave out.
    rate
        Learning rate after the warm-up.
    more
        Folder with further ``images/train`` and ``labels/train``; ``more_version`` is its content hash; empty: none.
    """

    data: str
    version: str
    task: Literal["detect", "segment", "obb"]
    architecture: str
    image_px: int
    epochs: int
    patience: int
    batch: int
    seed: int
    start_from: str = ""
    teacher: str = ""
    prune: float = 0.0
    rate: float = 0.002
    more: str = ""
    more_version: str = ""


@dataclass(frozen=True, slots=True)
class FitProgress:
    """Where a run stands; the figures are of the held-out split after the last whole epoch, None before.

    ``whole`` says that this epoch has just ended.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float | None = None
    map50: float | None = None
    map50_95: float | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Fit:
    """A finished run: its best weights, how many epochs it took, whether patience ended it, and its curve."""

    best: Path
    epochs: int
    early: bool
    resumed: bool
    curve: tuple[dict[str, float], ...]

    @property
    def map50_95(self) -> float:
        """Average precision of the best weights on the held-out split, as the trainer saw it."""
        return max(row["metrics/mAP50-95(B)"] for row in self.curve)


Show = Callable[[FitProgress], None]


def fit(
    plan: FitPlan,
    manifest: Manifest,
    work: Path,
    *,
    device: str = "auto",
    precision: str = "auto",
    show: Show = lambda _progress: None,
) -> Fit:
    """Train, or go on where an earlier call with the same plan was ended, by whatever means.

    Parameters
    ----------
    work
        Receives ``checkpoint.pt`` after every epoch and ``best.pt``; both are whole or not there.
    device
        ``cpu``, ``cuda``, or ``auto`` for CUDA where there is a GPU.
    precision
        ``bf16``, ``f32``, or ``auto`` for bf16 where it is native.

    Raises
    ------
    DatasetError
        ``work`` holds a run of another plan, or ultralytics cannot use the data.
    Stopped
        The run was interrupted; its last whole epoch is kept.
    """
    _quiet()
    resumed = _prepare(plan, work)
    if (work / FINISHED).is_file():
        return _finished(plan, work, resumed=True)
    for cache in (Path(plan.data) / "labels").glob("*.cache"):
        cache.unlink()  # by sizes and names only it would not notice a corrected label
    import torch
    from ultralytics.models import yolo

    chosen = chosen_device(device, torch)
    half = in_half(precision, chosen, torch)
    overrides: dict[str, Any] = {
        "model": plan.start_from or f"{plan.architecture}{_suffix(plan.task)}.yaml",
        "data": str(_describe(plan, manifest, work)),
        "task": plan.task,
        "imgsz": plan.image_px,
        "epochs": plan.epochs,
        "patience": plan.patience,
        "batch": plan.batch,
        "seed": plan.seed,
        "device": "cpu" if chosen == "cpu" else "0",
        # Of its two kinds of mixed precision the other one fetches weights from the network to try itself out.
        "amp": "bf16" if half and chosen != "cpu" else False,
        "project": str(work.resolve()),
        "name": "run",
        "exist_ok": True,
        "pretrained": bool(plan.start_from),
        "plots": False,
        "verbose": False,
        "cos_lr": True,
        "close_mosaic": min(10, plan.epochs // 4),
        "optimizer": "AdamW",
        "nbs": plan.batch,  # a step after every batch: data sets of lines are small, and steps are what they lack
        "lr0": plan.rate,
        "warmup_epochs": min(3.0, plan.epochs / 10),
        # Colour says little on metal, boards and castings; light and place vary.
        "hsv_h": 0.0,
        "hsv_s": 0.1,
        "hsv_v": 0.3,
        "flipud": 0.5,
        "scale": 0.3,
        "erasing": 0.0,
    }
    if plan.teacher:
        overrides["distill_model"] = plan.teacher
    if resumed:
        _restore(work)
        overrides = {"resume": str(work / "run" / "weights" / "last.pt"), "device": overrides["device"]}
        overrides |= {"save_dir": str((work / "run").resolve()), "plots": False}
    elif plan.prune:
        overrides["model"] = str(_pruned(plan, work))
    try:
        trainer = getattr(getattr(yolo, plan.task), _TRAINERS[plan.task])(overrides=overrides)
        _keep_widths(trainer)
        watched = _Watch(trainer, work, show)
        if half and chosen == "cpu" and not plan.teacher:
            trainer.add_callback("on_pretrain_routine_end", in_bf16)
        trainer.train()
    except KeyboardInterrupt:
        raise Stopped(_epochs_done(work)) from None
    except (RuntimeError, AssertionError, FileNotFoundError, ValueError) as error:
        if resumed and "nothing to resume" in str(error):  # it was killed between its last epoch and its end
            (work / FINISHED).touch()
            return _finished(plan, work, resumed=True)
        raise DatasetError(
            f"{plan.data}: training failed: {str(error).strip().splitlines()[0]}",
            remedy="Run `inspector data check`; with too little memory, make the batch smaller",
        ) from error
    (work / FINISHED).touch()
    watched.close()
    return _finished(plan, work, resumed=resumed)


def _quiet() -> None:
    """Keep ultralytics from the network, from installing things and from printing; before its first import."""
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ["YOLO_VERBOSE"] = "false"
    logging.getLogger("ultralytics").setLevel(logging.ERROR)


def _prepare(plan: FitPlan, work: Path) -> bool:
    """Return whether there is a run of this plan to go on with; raises ``DatasetError`` where it is another's."""
    work.mkdir(parents=True, exist_ok=True)
    path = work / PLAN
    wanted = asdict(plan)
    if path.is_file():
        there = asdict(FitPlan(**json.loads(path.read_text(encoding="utf-8"))))
        if there != wanted and (work / CHECKPOINT).is_file():
            changed = ", ".join(key for key in wanted if there.get(key) != wanted[key])
            raise DatasetError(
                f"{work}: holds a run with another {changed}",
                remedy="Give the old settings to go on with it, --work another folder, or --fresh to begin anew",
            )
    half_written = path.with_suffix(".part")
    half_written.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
    half_written.replace(path)
    return (work / CHECKPOINT).is_file()


def _restore(work: Path) -> None:
    """Put the kept checkpoints where ultralytics wants them: its own may be half written."""
    weights = work / "run" / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    for kept, name in ((CHECKPOINT, "last.pt"), (BEST, "best.pt")):
        if (work / kept).is_file():
            shutil.copyfile(work / kept, weights / name)


def _describe(plan: FitPlan, manifest: Manifest, work: Path) -> Path:
    """Write the data.yaml of a run, whose paths hold wherever it is started."""
    path = work / "data.yaml"
    content = {
        "path": str(Path(plan.data).resolve()),
        "train": ["images/train", *([str(Path(plan.more).resolve() / "images" / "train")] if plan.more else [])],
        "val": "images/val",
        "names": dict(enumerate(manifest.classes)),
    }
    with path.open("w", encoding="utf-8") as out:
        YAML(typ="safe", pure=True).dump(content, out)
    return path


def _pruned(plan: FitPlan, work: Path) -> Path:
    """Write the weights that a pruned run begins from."""
    from inspector.training.pruning import save_pruned

    target = work / PRUNED
    save_pruned(load_best(Path(plan.start_from)), plan.prune, plan.image_px, target)
    return target


def _keep_widths(trainer: Any) -> None:
    """Let a trainer take a pruned network as it is: built anew from its description, it would be whole again."""
    build = trainer.get_model

    def get_model(cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
        if not hasattr(weights, "pruned"):
            return build(cfg=cfg, weights=weights, verbose=verbose)
        if weights.yaml["nc"] != trainer.data["nc"]:
            raise DatasetError(
                f"the pruned weights know {weights.yaml['nc']} classes, the data has {trainer.data['nc']}",
                remedy="Train the whole network on this data first, then prune it",
            )
        return weights

    trainer.get_model = get_model


def _suffix(task: str) -> str:
    return {"detect": "", "segment": "-seg", "obb": "-obb"}[task]


class _Watch:
    """Follows a run by the trainer's callbacks: shows it, and keeps its checkpoints."""

    def __init__(self, trainer: Any, work: Path, show: Show) -> None:
        self._work, self._show = work, show
        self._step = 0
        self._figures: tuple[float | None, float | None] = (None, None)
        trainer.final_eval = lambda: None  # the exported model is judged by the line's own detector instead
        trainer.add_callback("on_train_epoch_start", self._epoch)
        trainer.add_callback("on_train_batch_end", self._batch)
        trainer.add_callback("on_model_save", self._keep)
        trainer.add_callback("on_fit_epoch_end", self._whole)

    def close(self) -> None:
        """Remove what only an unfinished run needs."""
        for name in ("last.pt", "best.pt"):
            (self._work / "run" / "weights" / name).unlink(missing_ok=True)

    def _epoch(self, trainer: Any) -> None:
        self._step = 0

    def _batch(self, trainer: Any) -> None:
        self._step += 1
        self._show(self._progress(trainer))

    def _whole(self, trainer: Any) -> None:
        metrics = {key.split("(")[0].removeprefix("metrics/"): float(v) for key, v in trainer.metrics.items()}
        self._figures = (metrics.get("mAP50"), metrics.get("mAP50-95"))
        self._show(replace(self._progress(trainer), whole=True))

    def _progress(self, trainer: Any) -> FitProgress:
        loss = float(sum(trainer.tloss.values())) if trainer.tloss else None
        return FitProgress(
            trainer.epoch + 1, trainer.epochs, self._step, len(trainer.train_loader), loss, *self._figures
        )

    def _keep(self, trainer: Any) -> None:
        if trainer.best_fitness == trainer.fitness:
            _copy_whole(trainer.best, self._work / BEST)
        _copy_whole(trainer.last, self._work / CHECKPOINT)


def _copy_whole(source: Path, target: Path) -> None:
    half_written = target.with_suffix(".part")
    shutil.copyfile(source, half_written)
    with half_written.open("rb") as content:
        os.fsync(content.fileno())
    half_written.replace(target)


def _curve(work: Path) -> Iterator[dict[str, float]]:
    """Yield the rows of ultralytics' own record, the last one of each epoch: a killed epoch is written twice."""
    path = work / "run" / "results.csv"
    if not path.is_file():
        return
    head, *lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines() if line]
    rows = {float(line[0]): line for line in lines if len(line) == len(head)}
    for line in rows.values():
        yield {name.strip(): float(value) for name, value in zip(head, line, strict=True)}


def _epochs_done(work: Path) -> int:
    return len(list(_curve(work))) if (work / CHECKPOINT).is_file() else 0


def _finished(plan: FitPlan, work: Path, *, resumed: bool) -> Fit:
    curve = tuple(_curve(work))
    if not (work / BEST).is_file():
        raise DatasetError(f"{work}: the run left no weights", remedy="Start again with --fresh")
    return Fit(work / BEST, len(curve), len(curve) < plan.epochs, resumed, curve)


def forget(work: Path) -> None:
    """Remove what a run and its rounds have kept, so that the next one begins anew."""
    for name in (CHECKPOINT, BEST, PRUNED, PLAN, FINISHED):
        (work / name).unlink(missing_ok=True)
    for folder in (work / "run", *work.glob("round-*")):
        shutil.rmtree(folder, ignore_errors=True)


def load_best(path: Path) -> Any:
    """Return the network of a checkpoint, in float32; of a student with its teacher, the student."""
    import torch

    kept = torch.load(path, map_location="cpu", weights_only=False)
    network = kept.get("ema") or kept["model"]
    return getattr(network, "student_model", network).float().eval()


def weights_hash(path: Path) -> str:
    """Return the first digits of a file's SHA-256, to name it in a card."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
