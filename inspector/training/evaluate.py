"""Detection figures on labelled images: average precision, recall at a floor, good parts kept."""

# mypy: disable-error-code="import-not-found, import-untyped"
# torch, ultralytics, onnxslim and faster-coco-eval come with the train extra only.

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain import Detections
from inspector.training.dataset import Example, View, read_view

OVERLAP = 0.5
MATCH_OVERLAPS = np.arange(0.5, 1.0, 0.05)
NMS_OVERLAP = 0.6
LOWEST_CONFIDENCE = 0.001
MOST_FINDINGS = 300
SMALL_PX = 32
MEDIUM_PX = 96


@dataclass(frozen=True, slots=True)
class Findings:
    """Boxes (n, 4) float32 x1 y1 x2 y2 px, scores (n,) float32 in 0..1 and labels (n,) int64."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, found: Detections, classes: Sequence[str]) -> Findings:
        """Return what a detector of the line found, labels as places in ``classes``; raises ``ValueError``."""
        corners = [[item.box.x0, item.box.y0, item.box.x1, item.box.y1] for item in found.items]
        return cls(
            np.array(corners, np.float32).reshape(-1, 4),
            np.array([item.score for item in found.items], np.float32),
            np.array([classes.index(item.label) for item in found.items], np.int64),
        )


Predict = Callable[[NDArray[np.uint8]], Findings]


@dataclass(frozen=True, slots=True)
class Figures:
    """Average precision over all classes and per class."""

    map50: float
    map50_95: float
    per_class: dict[str, dict[str, float]]


def decode(
    raw: NDArray[np.float32],
    lowest: float = LOWEST_CONFIDENCE,
    overlap: float = NMS_OVERLAP,
) -> Findings:
    """Return the findings of one raw head output, shape (4 + classes, anchors).

    Rows are centre x, centre y, width, height in px, then one score per class. Every class of an
    anchor above ``lowest`` counts on its own; suppression is per class.
    """
    anchors, labels = np.nonzero(lowest < raw[4:].T)
    scores = raw[4 + labels, anchors]
    strongest = np.argsort(-scores)[: MOST_FINDINGS * 10]
    anchors, labels, scores = anchors[strongest], labels[strongest], scores[strongest]
    centres, sizes = raw[:2, anchors].T, raw[2:4, anchors].T
    corners = centres - sizes / 2
    rectangles = np.concatenate([corners, sizes], axis=1).astype(np.float64)
    kept = np.asarray(
        cv2.dnn.NMSBoxesBatched(rectangles.tolist(), scores.tolist(), labels.tolist(), lowest, overlap),
        dtype=np.int64,
    ).reshape(-1)[:MOST_FINDINGS]
    boxes = np.concatenate([corners, corners + sizes], axis=1).astype(np.float32)
    return Findings(boxes[kept], scores[kept].astype(np.float32), labels[kept].astype(np.int64))


def onnx_predictor(weights: Path, threads: int = 2) -> Predict:
    """Return a predictor that runs exported weights in ONNX Runtime, float32, one image a call."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def predict(pixels: NDArray[np.uint8]) -> Findings:
        (raw,) = session.run(None, {name: as_input(pixels)})
        return decode(raw[0])

    return predict


def torch_predictor(model: Any) -> Predict:
    """Return a predictor that runs a model in training, bf16 where the processor has it."""
    import torch

    def predict(pixels: NDArray[np.uint8]) -> Findings:
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            answer = model(torch.from_numpy(as_input(pixels)))
        raw = answer[0] if isinstance(answer, tuple) else answer
        return decode(raw[0].float().numpy())

    return predict


def as_input(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return grey pixels (h, w) as the network input (1, 3, h, w), a pair (h, w, 2) as (1, 2, h, w); 0..1.

    The sides must be multiples of 32.
    """
    scaled = pixels.astype(np.float32) / 255
    if pixels.ndim > 2:  # noqa: PLR2004
        return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])
    return np.ascontiguousarray(np.broadcast_to(scaled, (1, 3, *pixels.shape)))


def predict_all(predict: Predict, examples: Sequence[Example], view: View = View.IMAGE) -> list[Findings]:
    """Return the findings of every example, in order."""
    return [predict(read_view(example, view)) for example in examples]


def average_precision(examples: Sequence[Example], findings: Sequence[Findings], classes: Sequence[str]) -> Figures:
    """Return COCO average precision at overlap 0.5 and averaged over 0.5..0.95."""
    precision = _precision(examples, findings, classes)
    if precision is None:
        empty = {name: {"map50": 0.0, "map50_95": 0.0} for name in classes}
        return Figures(0.0, 0.0, empty)
    per_class = {
        name: {"map50": _mean(precision[0, :, index, 0]), "map50_95": _mean(precision[:, :, index, 0])}
        for index, name in enumerate(classes)
    }
    return Figures(
        map50=float(np.mean([value["map50"] for value in per_class.values()])),
        map50_95=float(np.mean([value["map50_95"] for value in per_class.values()])),
        per_class=per_class,
    )


def average_precision_by_size(
    examples: Sequence[Example], findings: Sequence[Findings], classes: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return average precision for small (< 32² px), medium and large (>= 96² px) boxes that occur, COCO's sizes."""
    areas = np.concatenate([np.prod(example.boxes[:, 2:] - example.boxes[:, :2], axis=1) for example in examples])
    edges = [0.0, SMALL_PX**2, MEDIUM_PX**2, np.inf]
    counts = np.histogram(areas, bins=edges)[0]
    precision = _precision(examples, findings, classes)
    return {
        name: {
            "boxes": int(count),
            "map50": 0.0 if precision is None else _mean(precision[0, :, :, index]),
            "map50_95": 0.0 if precision is None else _mean(precision[:, :, :, index]),
        }
        for index, (name, count) in enumerate(zip(("small", "medium", "large"), counts, strict=True), start=1)
        if count
    }


def _precision(
    examples: Sequence[Example], findings: Sequence[Findings], classes: Sequence[str]
) -> NDArray[np.float64] | None:
    """Return the precisions (overlaps, recalls, classes, sizes), -1 where unknown; None where nothing was found."""
    from faster_coco_eval import COCO, COCOeval_faster

    truth = COCO(_coco_truth(examples, classes))
    answers = _coco_answers(findings)
    if not answers:
        return None
    run = COCOeval_faster(truth, truth.loadRes(answers), "bbox", print_function=_quiet)
    run.params.maxDets = [1, 10, MOST_FINDINGS]
    run.evaluate()
    run.accumulate()
    return np.asarray(run.eval["precision"])[:, :, :, :, -1]


def _quiet(*_: object) -> None:
    """Swallow the evaluator's own progress lines."""


def _mean(values: NDArray[np.float64]) -> float:
    known = values[values >= 0]
    return float(known.mean()) if known.size else 0.0


def _coco_truth(examples: Sequence[Example], classes: Sequence[str]) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for image_id, example in enumerate(examples, start=1):
        for box, label in zip(example.boxes.tolist(), example.labels.tolist(), strict=True):
            x1, y1, x2, y2 = box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": label + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                }
            )
    return {
        "info": {},
        "images": [{"id": number} for number in range(1, len(examples) + 1)],
        "categories": [{"id": i, "name": name} for i, name in enumerate(classes, start=1)],
        "annotations": annotations,
    }


def _coco_answers(findings: Sequence[Findings]) -> list[dict[str, Any]]:
    return [
        {
            "image_id": image_id,
            "category_id": label + 1,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "score": score,
        }
        for image_id, found in enumerate(findings, start=1)
        for (x1, y1, x2, y2), score, label in zip(
            found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True
        )
    ]
