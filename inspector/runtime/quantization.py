"""`inspector models quantize`: 8-bit weights that had to prove on the line's own images that they do no harm."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.capture import read_image
from inspector.detection import GoldenFolder, Model, YoloDetector, find_model, load_model, open_backend
from inspector.domain import ConfigurationError, Detection, Detections, Frame, Trigger
from inspector.runtime.evaluation import evaluate_model
from inspector.training.dataset import Example, read_split
from inspector.training.folder import write_model_folder
from inspector.training.quantize import KEPT, Kept, quantized

__all__ = ["Limits", "Outcome", "Trial", "quantize_model"]

SAME = 0.5  # intersection over union from which two findings of one class are one


@dataclass(frozen=True, slots=True)
class Limits:
    """What 8 bits may cost: average precision as a share, edges in pixels, parts."""

    map_drop: float = 0.005
    edge_shift_p95_px: float = 0.5
    new_escapes: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to quantise, judged on held-out images beside the float weights.

    Attributes
    ----------
    kept
        What stayed in float.
    map50, map50_95
        (float, 8 bits).
    edge_shift_px
        (mean, 95th percentile) of how far the edges of boxes moved, over findings of both at the floor.
    findings
        (of the float weights, of those how many the 8-bit ones have too).
    escapes
        Held-out parts with defects that pass at the floor (float, 8 bits).
    new_escapes
        Names of the images that the float weights stop and the 8-bit ones pass.
    broken
        The limits that do not hold, in words; empty: it passed.
    """

    kept: Kept
    map50: tuple[float, float]
    map50_95: tuple[float, float]
    edge_shift_px: tuple[float, float]
    findings: tuple[int, int]
    escapes: tuple[int, int]
    new_escapes: tuple[str, ...]
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All trials in their order, and the folder of the new model; None where all were refused."""

    folder: Path | None
    trials: tuple[Trial, ...]
    learnt_from: int
    held_out: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "folder": None if self.folder is None else str(self.folder)}


def quantize_model(
    name: str,
    data: Path,
    *,
    out: Path | None = None,
    learn: str = "train",
    held_out: str = "val",
    images: int = 128,
    backend: str = "openvino-f32",
    threads: int = 2,
    limits: Limits | None = None,
    ways: Sequence[Kept] = KEPT,
    told: Callable[[str], None] = lambda _text: None,
) -> Outcome:
    """Quantise a model, more of it left in float each time, until one way harms nothing; write that one.

    Parameters
    ----------
    out
        Folder of the new model; None: beside the old one, with ``-int8`` behind its name.
    learn, held_out
        Splits of the data: ranges are learnt from the first, judged on the second.
    images
        How many images to learn from, spread evenly over the split.
    backend
        What runs the float and the 8-bit weights in the comparison.
    ways
        What to leave in float, in the order of the trials.

    Raises
    ------
    ConfigurationError
        The extra, the data or the model is not what is needed.
    """
    limits = limits or Limits()
    model = load_model(find_model(name))
    if model.card.task != "detect":
        raise ConfigurationError(
            f"model {model.card.name} has task {model.card.task}: its distances have too many digits for 8 bits",
            remedy="Quantise models with task detect",
        )
    if learn == held_out:
        raise ConfigurationError("the split to learn from is the held-out one", remedy="Name two splits")
    examples, judged = read_split(data, learn), read_split(data, held_out)
    target = out or model.folder.with_name(f"{model.folder.name}-int8")
    if target.exists():
        raise ConfigurationError(f"{target}: is there already", remedy="Remove it, or name another folder with --out")
    told(f"looking at {min(images, len(examples))} images to learn the ranges")
    batches = _seen(model, _spread(examples, images), data / "golden" / learn)
    told("judging the float weights")
    judge = partial(_judge, data=data, examples=judged, split=held_out, backend=backend, threads=threads)
    before = judge(model)
    trials: list[Trial] = []
    with tempfile.TemporaryDirectory() as folder:
        for kept in ways:
            told(f"quantising with {kept} in float")
            trial = _write(model, quantized(model.weights, batches, kept=kept), Path(folder) / kept)
            told(f"judging 8 bits with {kept} in float")
            trials.append(_compare(kept, judged, before, judge(trial), limits))
            if not trials[-1].broken:
                command = f"inspector models quantize {name} --data {data.name} --images {images}"
                proof = {**asdict(trials[-1]), "learnt_from": len(batches), "held_out": len(judged)}
                _finish(trial, target, proof, command)
                return Outcome(target, tuple(trials), len(batches), len(judged))
    return Outcome(None, tuple(trials), len(batches), len(judged))


@dataclass(frozen=True, slots=True)
class _Judged:
    facts: dict[str, Any]
    found: tuple[Detections, ...]


class _Recorder:
    """A backend that keeps what it is handed, and finds nothing."""

    name = "recorder"

    def __init__(self, rows: int) -> None:
        self.batches: list[NDArray[np.float32]] = []
        self._nothing = np.zeros((1, rows, 1), np.float32)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Keep a copy."""
        self.batches.append(batch.copy())
        return self._nothing

    def close(self) -> None:
        """Nothing to release."""


def _seen(model: Model, examples: Sequence[Example], golden: Path) -> list[NDArray[np.float32]]:
    """Return what the network is handed for these images by the very detector of the line."""
    recorder = _Recorder(4 + len(model.card.classes))
    detector = YoloDetector(model, recorder, golden=_golden(model, golden))
    for example in examples:
        detector.detect(_frame(example))
    return recorder.batches


def _golden(model: Model, folder: Path) -> GoldenFolder | None:
    return GoldenFolder(folder) if model.card.input.sees_golden and folder.is_dir() else None


def _frame(example: Example) -> Frame:
    now = datetime.now(UTC)
    trigger = Trigger(example.image.stem, "quantize", 0, now)
    return Frame(trigger, read_image(example.image), f"quantize:{example.image.name}", now)


def _spread(examples: Sequence[Example], count: int) -> list[Example]:
    places = np.unique(np.linspace(0, len(examples) - 1, min(count, len(examples))).astype(int))
    return [examples[place] for place in places]


def _judge(model: Model, *, data: Path, examples: Sequence[Example], split: str, backend: str, threads: int) -> _Judged:
    facts = evaluate_model(str(model.folder), data, split=split, backend=backend, threads=threads)
    detector = YoloDetector(
        model, open_backend(model, backend, threads=threads), golden=_golden(model, data / "golden" / split)
    )
    found = tuple(detector.detect(_frame(example)) for example in examples)
    detector.close()
    return _Judged(facts, found)


def _write(model: Model, network: Any, folder: Path) -> Model:
    """Write the 8-bit network with the card of the float one; raises ``ModelError`` where they do not fit."""
    card = model.card.model_dump(mode="json", exclude={"weights", "sha256", "created"}, exclude_none=True)
    card["name"] = f"{model.card.name}-int8"
    return load_model(write_model_folder(folder, network, card).parent)


def _compare(kept: Kept, examples: Sequence[Example], before: _Judged, after: _Judged, limits: Limits) -> Trial:
    shifts, findings, same = [], 0, 0
    for one, other in zip(before.found, after.found, strict=True):
        for item in one.items:
            findings += 1
            twin = _twin(item, other.items)
            if twin is not None:
                same += 1
                shifts += [abs(getattr(item.box, edge) - getattr(twin.box, edge)) for edge in ("x0", "y0", "x1", "y1")]
    passed = [
        [bool(len(example.boxes)) and not found.items for example, found in zip(examples, each.found, strict=True)]
        for each in (before, after)
    ]
    fresh = tuple(example.image.name for example, old, new in zip(examples, *passed, strict=True) if new and not old)
    mean, worst = (float(np.mean(shifts)), float(np.percentile(shifts, 95))) if shifts else (0.0, 0.0)
    map50 = before.facts["map50"], after.facts["map50"]
    map50_95 = before.facts["map50_95"], after.facts["map50_95"]
    broken = []
    for label, (old, new) in (("mAP50", map50), ("mAP50-95", map50_95)):
        if old - new > limits.map_drop:
            broken.append(f"{label} drops by {100 * (old - new):.2f} points, allowed {100 * limits.map_drop:.2f}")
    if worst > limits.edge_shift_p95_px:
        broken.append(f"edges move by {worst:.2f} px (95 %), allowed {limits.edge_shift_p95_px:.2f}")
    if not shifts:
        broken.append("no finding in common: nothing shows where the edges are")
    if len(fresh) > limits.new_escapes:
        broken.append(f"{len(fresh)} held-out parts escape that the float weights stop: {', '.join(fresh[:3])}")
    return Trial(
        kept, map50, map50_95, (mean, worst), (findings, same), (sum(passed[0]), sum(passed[1])), fresh, tuple(broken)
    )


def _twin(item: Detection, others: Sequence[Detection]) -> Detection | None:
    best, twin = SAME, None
    for other in others:
        if other.label == item.label:
            overlap = _overlap(item, other)
            if overlap >= best:
                best, twin = overlap, other
    return twin


def _overlap(one: Detection, other: Detection) -> float:
    a, b = one.box, other.box
    both = max(0.0, min(a.x1, b.x1) - max(a.x0, b.x0)) * max(0.0, min(a.y1, b.y1) - max(a.y0, b.y0))
    return both / (a.width * a.height + b.width * b.height - both)


def _finish(model: Model, target: Path, proof: Mapping[str, object], command: str) -> None:
    """Write the proof into the card, and put the folder where it belongs."""
    import onnx

    card = model.card.model_dump(mode="json", exclude={"weights", "sha256", "created"}, exclude_none=True)
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in proof.items()}
    metrics = {**card.get("metrics", {}), "quantisation": plain}
    ready = model.folder.with_name("ready")
    write_model_folder(ready, onnx.load(model.weights), {**card, "metrics": metrics, "command": command})
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ready, target)
