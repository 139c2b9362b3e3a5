"""`inspector evaluate`: what a model is worth on labelled images, through the very detector that a line runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from inspector.capture import read_image
from inspector.capture.image_file import SUFFIXES
from inspector.detection import AnomalyDetector, GoldenFolder, YoloDetector, find_model, load_model, open_backend
from inspector.detection.temperature import with_temperature
from inspector.domain import ConfigurationError, Detections, Frame, Outcome, Trigger, require_extra
from inspector.runtime.wiring.verdict import build_gauge, build_judge
from inspector.settings import LineSettings
from inspector.training.calibration import Scored, fit_temperature, match, reliability, scaled
from inspector.training.dataset import Example, read_split
from inspector.training.evaluate import Findings, average_precision, average_precision_by_size
from inspector.training.heat_figures import auroc, per_region_overlap

__all__ = ["Progress", "evaluate_model"]

LOWEST = 0.001
HEAT_SIDE = 160  # heat maps are compared at this size: pixels beside each other say the same
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Part:
    """One image: its true boxes (none: a good part) or its true mask, and the lot it is of.

    ``beside`` says that it does not belong to the split, but to the good parts beside it.
    """

    image: Path
    defective: bool
    group: str
    example: Example | None = None
    mask: Path | None = None
    beside: bool = False


def evaluate_model(
    name: str,
    data: Path,
    *,
    split: str = "val",
    gate: float = 0.9,
    line: LineSettings | None = None,
    backend: str = "auto",
    threads: int = 2,
    triton: str = "",
    progress: Progress = lambda _done, _of: None,
) -> dict[str, Any]:
    """Return every figure as plain values.

    Parameters
    ----------
    name
        Name or path of a model folder, with task ``detect`` or ``anomaly``.
    data
        A data set with ``images/<split>`` and ``labels/<split>``, ``golden/<split>`` for models that compare with
        golden parts, and ``images/good`` where it has good parts; or
        a folder with ``test/good``, ``test/<defect>`` and, where there are masks, ``ground_truth/<defect>``.
    gate
        Score from which a finding fails a part; below it, down to the floor, it is held for review.
    line
        Count escapes and false rejects by the verdicts of this line's gauge and recipe instead.
    triton
        Host and port of the server for backend ``triton``.

    Raises
    ------
    ConfigurationError
        Model, data or an extra of the package is missing.
    """
    model = load_model(find_model(name))
    card = model.card
    parts, golden = _parts(data, split), data / "golden" / split
    shown = GoldenFolder(golden) if card.input.sees_golden and golden.is_dir() else None
    if shown is not None:  # good parts of their own have no golden part but themselves
        parts = [part for part in parts if not part.beside]
    runs = open_backend(model, backend, threads=threads, triton=triton)
    facts: dict[str, Any] = {
        "model": {"name": card.name, "version": card.version, "sha256": card.sha256, "task": card.task},
        "backend": runs.name,
        "data": {
            "folder": data.name,
            "images": len(parts),
            "defective": sum(part.defective for part in parts),
            "good": sum(not part.defective for part in parts),
            "groups": len({part.group for part in parts}),
            "golden_parts_shown": shown is not None,
        },
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        if card.task == "anomaly":
            heat = AnomalyDetector(model, runs)
            found = _look(heat, parts, progress)
            facts["heat"] = _heat_figures(heat, parts)
            facts["parts"] = _by_floor(parts, found, gate)
        else:
            # Everything that the head says, down to nearly nothing: average precision needs the faint ones too.
            floor = YoloDetector(model, runs, golden=shown).floor
            detector = YoloDetector(model, runs, floor=with_temperature(LOWEST, card.temperature), golden=shown)
            found = _look(detector, parts, progress)
            facts |= _detection_figures(card.classes, parts, found, floor, card.temperature)
            floored = [_at_floor(each, floor) for each in found]
            facts["parts"] = _by_floor(parts, floored, gate)
            found = floored
        if line is not None:
            facts["line"] = _by_line(line, dict.fromkeys(card.classes, card.box_margin_px), parts, found)
    finally:
        runs.close()
    return facts


def _parts(data: Path, split: str) -> list[_Part]:
    if (data / "test").is_dir():
        return _folders_of_kinds(data)
    splits = [split, *(["good"] if split != "good" and (data / "images" / "good").is_dir() else [])]
    return [
        _Part(example.image, bool(len(example.boxes)), example.group, example, beside=name != split)
        for name in splits
        for example in read_split(data, name)
    ]


def _folders_of_kinds(data: Path) -> list[_Part]:
    parts = []
    for image in sorted(path for path in (data / "test").glob("*/*") if path.suffix.lower() in SUFFIXES):
        kind = image.parent.name
        masks = sorted((data / "ground_truth" / kind).glob(f"{image.stem}*"))
        parts.append(_Part(image, kind != "good", image.stem, mask=masks[0] if masks else None))
    if not parts:
        raise ConfigurationError(
            f"{data / 'test'}: no images", remedy="Put good parts into test/good, others into test/<defect>"
        )
    return parts


def _frame(part: _Part) -> Frame:
    now = datetime.now(UTC)
    return Frame(
        Trigger(part.image.stem, "evaluate", 0, now), read_image(part.image), f"evaluate:{part.image.name}", now
    )


def _look(detector: YoloDetector | AnomalyDetector, parts: Sequence[_Part], progress: Progress) -> list[Detections]:
    found = []
    for number, part in enumerate(parts):
        progress(number, len(parts))
        found.append(detector.detect(_frame(part)))
    progress(len(parts), len(parts))
    return found


def _at_floor(found: Detections, floor: float) -> Detections:
    return Detections(tuple(item for item in found.items if item.score >= floor), found.model)


# --- boxes ------------------------------------------------------------------------------------------------


def _detection_figures(
    classes: Sequence[str], parts: Sequence[_Part], found: Sequence[Detections], floor: float, temperature: float
) -> dict[str, Any]:
    require_extra("evaluate", "faster_coco_eval", needed_by="average precision")
    labelled = [(part, each) for part, each in zip(parts, found, strict=True) if part.example is not None]
    if not labelled:
        raise ConfigurationError("the images have no boxes", remedy="Give a data set with labels/<split>")
    examples = [part.example for part, _ in labelled if part.example is not None]
    findings = [Findings.of(each, classes) for _, each in labelled]
    # As in the card: over the split alone; good parts beside it count below, and in the calibration.
    own = [number for number, (part, _) in enumerate(labelled) if not part.beside]
    own_examples, own_findings = [examples[number] for number in own], [findings[number] for number in own]
    figures = average_precision(own_examples, own_findings, classes)
    return {
        "map50": figures.map50,
        "map50_95": figures.map50_95,
        "per_class": figures.per_class,
        "per_size": average_precision_by_size(own_examples, own_findings, classes),
        "calibration": _calibration(examples, findings, floor, temperature),
    }


def _calibration(
    examples: Sequence[Example], findings: Sequence[Findings], floor: float, temperature: float
) -> dict[str, Any]:
    scored = match(examples, findings, floor)
    now = reliability(scored)
    groups = [examples[index].group for index in scored.image]
    after = reliability(_scaled_by_others(scored, groups))
    return {
        "findings": len(scored.scores),
        "temperature_now": temperature,
        # A factor on the temperature that the card already has.
        "temperature": round(float(np.clip(temperature * fit_temperature(scored), 0.05, 20)), 4),
        "error_now": now.error,
        "error_after": after.error,
        "bins": [
            {"mean_score": mean, "share_right": share, "findings": count}
            for mean, share, count in zip(now.mean_score, now.share_right, now.count, strict=True)
        ],
        "bins_after": [
            {"mean_score": mean, "share_right": share, "findings": count}
            for mean, share, count in zip(after.mean_score, after.share_right, after.count, strict=True)
        ],
    }


def _scaled_by_others(scored: Scored, groups: Sequence[str]) -> Scored:
    """Return the scores of each lot after the temperature of the others, so that none marks its own work."""
    names = np.array(groups)
    scores = scored.scores.copy()
    for group in dict.fromkeys(groups):
        inside = names == group
        others = Scored(scored.scores[~inside], scored.right[~inside], scored.image[~inside])
        own = Scored(scored.scores[inside], scored.right[inside], scored.image[inside])
        scores[inside] = scaled(own, fit_temperature(others) if len(others.scores) else 1.0).scores
    return Scored(scores, scored.right, scored.image)


# --- heat -------------------------------------------------------------------------------------------------


def _heat_figures(detector: AnomalyDetector, parts: Sequence[_Part]) -> dict[str, Any]:
    peaks: list[float] = []
    heats: list[NDArray[np.float32]] = []
    truths: list[NDArray[np.bool_]] = []
    for part in parts:
        heat = detector.heat_map(_frame(part))
        peaks.append(float(heat.max()))
        truth = _truth(part, heat.shape)
        if truth is not None:
            step = max(1, min(heat.shape) // HEAT_SIDE)
            heats.append(heat[::step, ::step])
            truths.append(truth[::step, ::step])
    bad = np.array([part.defective for part in parts], np.bool_)
    flat_heat = np.concatenate([heat.ravel() for heat in heats]) if heats else np.zeros(0, np.float32)
    flat_truth = np.concatenate([truth.ravel() for truth in truths]) if truths else np.zeros(0, np.bool_)
    return {
        "image_auroc": auroc(np.array(peaks)[~bad], np.array(peaks)[bad]),
        "pixel_auroc": auroc(flat_heat[~flat_truth], flat_heat[flat_truth]),
        "pro": per_region_overlap(heats, truths) if heats else None,
        "truth": "masks" if any(part.mask for part in parts) else "boxes",
    }


def _truth(part: _Part, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    if part.mask is not None:
        mask = read_image(part.mask)
        return np.asarray((mask if mask.ndim == len(shape) else mask.max(axis=2)) > 0, np.bool_)
    if part.example is None:
        return None if part.defective else np.zeros(shape, np.bool_)
    truth = np.zeros(shape, np.bool_)
    for x0, y0, x1, y1 in part.example.boxes.astype(int).tolist():
        truth[y0:y1, x0:x1] = True
    return truth


# --- parts ------------------------------------------------------------------------------------------------


def _by_floor(parts: Sequence[_Part], found: Sequence[Detections], gate: float) -> dict[str, Any]:
    """Count parts as a line without rules would: failed from the gate on, held below it, else passed."""
    outcomes = []
    for each in found:
        best = max((item.score for item in each.items), default=None)
        outcomes.append(Outcome.PASS if best is None else Outcome.FAIL if best >= gate else Outcome.REVIEW)
    return {"gate": gate, **_counts(parts, outcomes)}


def _by_line(
    line: LineSettings,
    margins_px: Mapping[str, float],
    parts: Sequence[_Part],
    found: Sequence[Detections],
) -> dict[str, Any]:
    gauge, judge = build_gauge(line, margins_px), build_judge(line)
    outcomes = []
    for part, each in zip(parts, found, strict=True):
        frame = _frame(part)
        outcomes.append(judge.judge(frame.trigger, each, gauge.measure(frame, each)).outcome)
    return {"line": line.line, "recipe": line.recipe, **_counts(parts, outcomes)}


def _counts(parts: Sequence[_Part], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    bad = [outcome for part, outcome in zip(parts, outcomes, strict=True) if part.defective]
    good = [outcome for part, outcome in zip(parts, outcomes, strict=True) if not part.defective]
    return {
        "escapes": _share(bad.count(Outcome.PASS), len(bad)),
        "defective_held": bad.count(Outcome.REVIEW),
        "defective_failed": bad.count(Outcome.FAIL),
        "false_rejects": _share(good.count(Outcome.FAIL), len(good)),
        "good_held": good.count(Outcome.REVIEW),
        "good_passed": good.count(Outcome.PASS),
    }


def _share(count: int, of: int) -> dict[str, Any]:
    """Return a share with its 95 % interval (Clopper and Pearson)."""
    if not of:
        return {"count": 0, "of": 0, "share": None, "interval_95": None}
    interval = binomtest(count, of).proportion_ci(method="exact")
    return {"count": count, "of": of, "share": count / of, "interval_95": [float(interval.low), float(interval.high)]}
