"""`inspector train LINE.yaml`: from a line's own images to a model folder that the line loads, with its report."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from PIL import Image

from inspector.capture import read_image
from inspector.detection import YoloDetector, load_model, open_backend
from inspector.domain import Frame, Trigger, require_extra
from inspector.runtime.self_labelling import Look, PseudoLabels, SelfTaught, teach_itself
from inspector.training.card import CARD_FILE, TRAINER_LICENCE, rounded, save_card
from inspector.training.dataset import DatasetError, Example, Manifest, read_manifest, read_split
from inspector.training.evaluate import Figures, Findings, average_precision
from inspector.training.fitting import Fit, FitPlan, FitProgress, fit, load_best, weights_hash
from inspector.training.floor import FloorRow, choose_floor, floor_row, floor_table
from inspector.training.pseudo import sort_out
from inspector.training.versioning import split_folders, version_of

__all__ = ["Learned", "Lesson", "learn"]

LOWEST = 0.001
LARGEST_DEFAULT_PX = 640
STRIDE = 32
LEAST_IMAGES = 2
_GREY_MODES = frozenset({"1", "L", "LA", "I;16"})

Show = Callable[[FitProgress], None]
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is to be learnt; the keys are those of ``training`` in a line's YAML.

    Attributes
    ----------
    model
        Folder to write; its last name is the model's.
    work
        Folder of checkpoints; the same one goes on with an unfinished run.
    command
        The command line, for the card.
    prune
        Share of the channels of ``start_from`` to leave out before training.
    pseudo_labels
        Images without labels to learn from too.
    """

    data: Path
    model: Path
    work: Path
    command: str
    version: str = "1.0.0"
    architecture: str = "yolo11n"
    image_px: int | None = None
    epochs: int = 100
    patience: int = 30
    batch: int = 16
    seed: int = 0
    start_from: Path | None = None
    teacher: Path | None = None
    prune: float = 0.0
    pseudo_labels: PseudoLabels | None = None
    box_margin_px: float = 0.0
    device: str = "auto"
    precision: str = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A new model, judged on what was held out by the very detector that a line runs.

    ``findings`` go with ``examples`` and reach down to nearly nothing; ``floor`` is the card's; ``fit`` is the run
    that gave the weights, ``taught`` what unlabelled images had to do with it.
    """

    card: Path
    classes: tuple[str, ...]
    task: str
    fit: Fit
    figures: Figures
    floor: float
    at_floor: FloorRow
    examples: tuple[Example, ...]
    findings: tuple[Findings, ...]
    taught: SelfTaught | None = None


@dataclass(frozen=True, slots=True)
class _Look:
    """What the images are: width and height of the network's input, and whether all are grey."""

    width: int
    height: int
    longer_px: int
    grey: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """A data set that was found sound, with its held-out images and its version."""

    manifest: Manifest
    held_out: tuple[Example, ...]
    look: _Look
    version: str


def learn(
    lesson: Lesson, *, show: Show = lambda _progress: None, tell: Tell = lambda _what, _done, _of: None
) -> Learned:
    """Train or go on training, export, judge, choose the floor, and write the model folder.

    Raises
    ------
    ConfigurationError
        The extra is not installed, or data and lesson do not fit each other.
    Stopped
        The training was interrupted; the same call goes on with it.
    """
    require_extra("train", "ultralytics", "faster_coco_eval", needed_by="training")
    if lesson.prune:
        require_extra("train", "torch_pruning", needed_by="pruning")
        if lesson.start_from is None:
            raise DatasetError("prune: nothing to prune", remedy="Name trained weights by training.start_from")
    manifest = read_manifest(lesson.data)
    task = _task(manifest)
    held_out = _held_out(lesson.data, manifest)
    ready = _Ready(manifest, held_out, _look(lesson), version_of(lesson.data))
    plan = FitPlan(
        data=str(lesson.data.resolve()),
        version=ready.version,
        task=task,
        architecture=lesson.architecture,
        image_px=ready.look.longer_px,
        epochs=lesson.epochs,
        patience=lesson.patience,
        batch=lesson.batch,
        seed=lesson.seed,
        start_from=str(lesson.start_from or ""),
        teacher=str(lesson.teacher or ""),
        prune=lesson.prune,
    )
    for weights in (lesson.start_from, lesson.teacher):
        if weights is not None and not weights.is_file():
            raise DatasetError(f"{weights}: no such weights", remedy="Correct start_from or teacher")

    def train(plan: FitPlan, work: Path) -> Fit:
        return fit(plan, manifest, work, device=lesson.device, precision=lesson.precision, show=show)

    wish = lesson.pseudo_labels
    if wish is None:
        return _finish(lesson, ready, train(plan, lesson.work), None, tell)
    if task != "detect":
        raise DatasetError(f"{lesson.data}: pseudo-labels are boxes, its task is {task}", remedy="Import it as detect")
    splits = split_folders(lesson.data)
    judged = [each for split in splits if split != "train" for each in read_split(lesson.data, split)]
    seen = sort_out(wish.images, read_split(lesson.data, "train"), judged, group=wish.group)
    first = train(plan, lesson.work)
    taught = teach_itself(wish, plan, first, seen, held_out, look=_looking(lesson, ready, tell), train=train)
    return _finish(lesson, ready, taught.fit, taught, tell)


def _task(manifest: Manifest) -> Literal["detect", "segment", "obb"]:
    for task in ("detect", "segment", "obb"):
        if manifest.task == task:
            return task
    raise DatasetError(f"{manifest.name}: task {manifest.task} is unknown", remedy="Import the data again")


def _held_out(folder: Path, manifest: Manifest) -> tuple[Example, ...]:
    """Return what the model is judged on: the split val, and the good parts beside it."""
    for split in ("train", "val"):
        if not (folder / "images" / split).is_dir():
            raise DatasetError(f"{folder}: there is no split {split}", remedy="Run `inspector data split` first")
    held_out = [*read_split(folder, "val"), *(read_split(folder, "good") if _has_good(folder) else [])]
    train = read_split(folder, "train")
    if len(train) < LEAST_IMAGES:
        raise DatasetError(f"{folder}: {len(train)} images to train on", remedy="Collect some hundreds")
    for split, examples in (("train", train), ("val", held_out)):
        seen = {int(label) for example in examples for label in example.labels}
        unknown = [label for label in seen if label >= len(manifest.classes)]
        if unknown or not seen:
            what = f"labels of class {unknown[0]}, but {len(manifest.classes)} classes" if unknown else "no labels"
            raise DatasetError(f"{folder}: split {split} has {what}", remedy="Run `inspector data check`")
    return tuple(held_out)


def _has_good(folder: Path) -> bool:
    return (folder / "images" / "good").is_dir()


def _look(lesson: Lesson) -> _Look:
    """Read the heads of all images: their sizes decide what the network sees."""
    sizes: Counter[tuple[int, int]] = Counter()
    modes: set[str] = set()
    for path in sorted((lesson.data / "images").glob("*/*")):
        with Image.open(path) as image:
            sizes[image.size] += 1
            modes.add(image.mode)
    own = _up(max(max(size) for size in sizes))
    longer = lesson.image_px or min(own, LARGEST_DEFAULT_PX)
    if longer > own:
        raise DatasetError(
            f"image_px {longer}: the largest image has {own} px only", remedy="Leave image_px out, or make it smaller"
        )
    width = height = longer
    if len(sizes) == 1:  # the input of the line's network need not be square: less to compute
        ((wide, high),) = sizes
        scale = min(1.0, longer / max(wide, high))
        width, height = _up(round(wide * scale)), _up(round(high * scale))
    return _Look(width, height, longer, grey=modes <= _GREY_MODES)


def _up(pixels: int) -> int:
    return -(-pixels // STRIDE) * STRIDE


def _finish(lesson: Lesson, ready: _Ready, done: Fit, taught: SelfTaught | None, tell: Tell) -> Learned:
    """Export beside the old folder, judge there, and only then take its place."""
    manifest, held_out = ready.manifest, ready.held_out
    part = lesson.model.with_name(f"{lesson.model.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        tell("exporting", 0, 1)
        card = _export(lesson, ready, done.best, part)
        findings = _judge(part, [example.image for example in held_out], manifest.classes, partial(tell, "judging"))
        floor = choose_floor([floor_table(held_out, findings)])
        row = floor_row(floor, held_out, findings)
        own = [number for number, example in enumerate(held_out) if example.image.parent.name != "good"]
        figures = average_precision(
            [held_out[number] for number in own], [findings[number] for number in own], manifest.classes
        )
        card["confidence_floor"] = floor
        card["metrics"] = _metrics(figures, row, len(own), lesson) | {"training": _how(lesson, done, taught)}
        card["data"] += taught.data_notes() if taught else []
        save_card(part, card)
        shutil.copyfile(done.best, lesson.work / "weights.pt")
        _replace(lesson.model, part)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Learned(
        card=lesson.model / CARD_FILE,
        classes=manifest.classes,
        task=_task(manifest),
        fit=done,
        figures=figures,
        floor=floor,
        at_floor=row,
        examples=held_out,
        findings=tuple(findings),
        taught=taught,
    )


def _export(lesson: Lesson, ready: _Ready, best: Path, folder: Path) -> dict[str, Any]:
    """Write these weights and a first card into a folder, so that a line's detector can run them."""
    from inspector.training.export import export_onnx

    manifest, look = ready.manifest, ready.look
    weights = folder / f"{lesson.model.name}.onnx"
    size = (look.width, look.height)
    export_onnx(load_best(best), weights, manifest.classes, size=size, task=_task(manifest))
    card = _card(lesson, ready, weights)
    save_card(folder, card)
    return card


def _looking(lesson: Lesson, ready: _Ready, tell: Tell) -> Look:
    def look(best: Path, images: Sequence[Path]) -> list[Findings]:
        with TemporaryDirectory() as folder:
            _export(lesson, ready, best, Path(folder))
            return _judge(Path(folder), images, ready.manifest.classes, partial(tell, "labelling"))

    return look


def _card(lesson: Lesson, ready: _Ready, weights: Path) -> dict[str, Any]:
    manifest, look = ready.manifest, ready.look
    data = [
        {
            "name": manifest.name,
            "licence": manifest.licence,
            "source": manifest.source,
            "use": use,
            "images": manifest.counts.get(split, 0),
            "version": ready.version[:12],
            **({"groups": groups} if 0 < len(groups := manifest.groups.get(split, [])) <= 50 else {}),  # noqa: PLR2004
        }
        for split, use in (("train", "training"), ("val", "held out"))
    ]
    return {
        "name": lesson.model.name,
        "version": lesson.version,
        "task": manifest.task,
        "weights": weights.name,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "input": {
            "width": look.width,
            "height": look.height,
            "channels": 3,
            "layout": "NCHW",
            "colour": "grey" if look.grey else "rgb",
            "normalisation": {"mean": 0.0, "std": 255.0},
            "pad_value": 114,
        },
        "classes": list(manifest.classes),
        "confidence_floor": LOWEST,
        "licence": TRAINER_LICENCE,
        "data": data,
        "metrics": {},
        "command": lesson.command,
        "created": datetime.now(UTC).date().isoformat(),
    }


def _how(lesson: Lesson, done: Fit, taught: SelfTaught | None) -> dict[str, Any]:
    pruned = getattr(load_best(done.best), "pruned", None)
    return {
        "epochs": done.epochs,
        "epochs_at_most": lesson.epochs,
        "image_px": lesson.image_px,
        "batch": lesson.batch,
        "seed": lesson.seed,
        **({"started_from": weights_hash(lesson.start_from)} if lesson.start_from else {}),
        **({"teacher": weights_hash(lesson.teacher)} if lesson.teacher else {}),
        **({"pruned": pruned} if pruned else {}),
        **({"pseudo_labels": taught.note()} if taught else {}),
    }


def _metrics(figures: Figures, row: FloorRow, images: int, lesson: Lesson) -> dict[str, Any]:
    return {
        "held_out": {
            "images": images,
            **rounded(figures),
        },
        "at_the_floor": {
            "defects": row.defects,
            "missed_defects": row.missed_defects,
            "defective_parts": row.defective_parts,
            "escaped_parts": row.escaped_parts,
            "good_parts": row.good_parts,
            "held_good_parts": row.held_good_parts,
        },
        "box_margin_px": lesson.box_margin_px,
        "architecture": lesson.architecture,
    }


def _judge(
    folder: Path, images: Sequence[Path], classes: Sequence[str], tell: Callable[[int, int], None]
) -> list[Findings]:
    model = load_model(folder)
    detector = YoloDetector(model, open_backend(model, "onnxruntime"), floor=LOWEST)
    try:
        detector.warm_up()
        found = []
        for number, image in enumerate(images):
            tell(number, len(images))
            found.append(Findings.of(detector.detect(_frame(image)), classes))
        tell(len(images), len(images))
        return found
    finally:
        detector.close()


def _frame(path: Path) -> Frame:
    now = datetime.now(UTC)
    return Frame(Trigger(path.stem, "training", 0, now), read_image(path), "training", now)


def _replace(target: Path, part: Path) -> None:
    """Let the new folder take the place of the old one, which stays until the new one is there."""
    if not target.exists():
        part.replace(target)
        return
    for path in part.iterdir():  # other files of the folder, such as a recipe or notes, stay
        if path.name != CARD_FILE:
            path.replace(target / path.name)
    (part / CARD_FILE).replace(target / CARD_FILE)
