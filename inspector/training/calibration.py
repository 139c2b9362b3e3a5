"""Are scores what they say? Reliability of findings, and the temperature that makes it so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from inspector.training.dataset import Example
from inspector.training.evaluate import Findings

__all__ = ["Reliability", "Scored", "fit_temperature", "match", "reliability", "scaled"]

MATCH_OVERLAP = 0.5
BINS = 10
_LEAST, _MOST = 0.05, 20.0
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Scored:
    """Findings of many images: ``scores`` (n,) 0 … 1, ``right`` (n,) bool, ``image`` (n,) index of the image."""

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]
    image: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Mean score, share that is right and number of findings in each tenth of the scores that occurs.

    ``error`` is the expected calibration error: the mean distance of the two, weighted by the number.
    """

    mean_score: tuple[float, ...]
    share_right: tuple[float, ...]
    count: tuple[int, ...]
    error: float


def match(examples: Sequence[Example], findings: Sequence[Findings], lowest: float) -> Scored:
    """Return which findings lie on a true box of their class (overlap 0.5 or more, best score first, each once)."""
    scores: list[float] = []
    right: list[bool] = []
    image: list[int] = []
    for index, (example, found) in enumerate(zip(examples, findings, strict=True)):
        taken = np.zeros(len(example.boxes), np.bool_)
        for number in np.argsort(-found.scores, kind="stable"):
            if found.scores[number] < lowest:
                break
            overlaps = _overlap(found.boxes[number], example.boxes)
            overlaps[taken | (example.labels != found.labels[number])] = 0
            best = int(overlaps.argmax()) if len(overlaps) else -1
            hit = best >= 0 and overlaps[best] >= MATCH_OVERLAP
            if hit:
                taken[best] = True
            scores.append(float(found.scores[number]))
            right.append(hit)
            image.append(index)
    return Scored(np.array(scores), np.array(right, np.bool_), np.array(image, np.int64))


def reliability(scored: Scored) -> Reliability:
    """Return the reliability of these scores."""
    places = np.minimum((scored.scores * BINS).astype(int), BINS - 1)
    bins = [places == number for number in range(BINS) if (places == number).any()]
    means = tuple(float(scored.scores[inside].mean()) for inside in bins)
    shares = tuple(float(scored.right[inside].mean()) for inside in bins)
    counts = tuple(int(inside.sum()) for inside in bins)
    gaps = [abs(mean - share) * count for mean, share, count in zip(means, shares, counts, strict=True)]
    return Reliability(means, shares, counts, sum(gaps) / max(1, sum(counts)))


def fit_temperature(scored: Scored) -> float:
    """Return the temperature with the least log loss, 1 where there is nothing to learn it from."""
    if scored.right.all() or not scored.right.any():
        return 1.0
    odds = _log_odds(scored.scores)

    def loss(log_temperature: float) -> float:
        scaled_odds = odds / np.exp(log_temperature)
        return float(np.mean(np.logaddexp(0, np.where(scored.right, -scaled_odds, scaled_odds))))

    best = minimize_scalar(loss, bounds=(np.log(_LEAST), np.log(_MOST)), method="bounded")
    return float(np.exp(best.x))


def scaled(scored: Scored, temperature: float) -> Scored:
    """Return the findings with scores after this temperature."""
    return Scored(1 / (1 + np.exp(-_log_odds(scored.scores) / temperature)), scored.right, scored.image)


def _log_odds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    safe = np.clip(scores, _EPSILON, 1 - _EPSILON)
    return np.asarray(np.log(safe / (1 - safe)))


def _overlap(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    first, last = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.clip(last - first, 0, None), axis=1)
    union = np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - shared
    return np.asarray(shared / union, np.float32)
