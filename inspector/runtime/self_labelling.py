"""Rounds of training on labels that a model itself gave to images without any, for as long as it gets better."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from inspector.detection.temperature import with_temperature
from inspector.training.calibration import fit_temperature, match
from inspector.training.dataset import Example, content_hash
from inspector.training.evaluate import Findings
from inspector.training.fitting import Fit, FitPlan, weights_hash
from inspector.training.pseudo import Sorted, told_by, write_told
from inspector.training.versioning import version_of

__all__ = ["Look", "PseudoLabels", "Round", "SelfTaught", "teach_itself"]

CALIBRATED_FROM = 0.01
GENTLE_RATE = 0.0005  # a quarter of the usual: at the full rate a round first forgets what it begins with
_TOLD = "told.json"

Look = Callable[[Path, Sequence[Path]], list[Findings]]
"""Weights and images in; what these weights find on each, through the detector that a line runs."""
Train = Callable[[FitPlan, Path], Fit]
"""A plan and the folder of its checkpoints in; the run out."""


@dataclass(frozen=True, slots=True)
class PseudoLabels:
    """Where the unlabelled images are and what of them is taught; the keys of ``training.pseudo_labels``."""

    images: Path
    confidence: float = 0.7
    rounds: int = 1
    epochs: int | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round taught and what it brought.

    Attributes
    ----------
    images, labels, doubted
        Images with something sure on them, their labels, and the places of them that were painted over.
    temperature
        What the scores were calibrated by, on the held-out images.
    map50_95
        On the held-out split after the round; None where nothing was sure, so that nothing was trained.
    kept
        It was better than before, so that its weights count.
    """

    images: int
    labels: int
    doubted: int
    temperature: float
    epochs: int = 0
    map50_95: float | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class SelfTaught:
    """The best run, what the unlabelled images were, and the rounds in order; the last may have brought nothing."""

    wish: PseudoLabels
    fit: Fit
    seen: Sorted
    rounds: tuple[Round, ...]

    def note(self) -> dict[str, Any]:
        """Return what a card says of how this was done."""
        return {
            "confidence": self.wish.confidence,
            "unlabelled_images": len(self.seen.images),
            "left_out_as_held_out": self.seen.held_out,
            "left_out_as_labelled": self.seen.labelled,
            "rounds": [asdict(each) for each in self.rounds],
        }

    def data_notes(self) -> list[dict[str, Any]]:
        """Return what a card says of the images that taught the weights, none where no round was kept."""
        kept = [each for each in self.rounds if each.kept]
        return [
            {
                "name": self.wish.images.name,
                "licence": "not stated",
                "source": f"{len(self.seen.images)} unlabelled images",
                "use": f"training, with {each.labels} labels of the model's own",
                "images": each.images,
                "version": content_hash(self.seen.images)[:12],
            }
            for each in kept[-1:]
        ]


def teach_itself(
    wish: PseudoLabels,
    plan: FitPlan,
    first: Fit,
    seen: Sorted,
    held_out: Sequence[Example],
    *,
    look: Look,
    train: Train,
) -> SelfTaught:
    """Let the model label what it is sure of, train on from its weights with these too, and again.

    Parameters
    ----------
    plan, first
        The run on the labelled images alone; checkpoints of the rounds lie in folders beside its own.
    seen
        The unlabelled images; none of them is among ``held_out``, on which the scores are calibrated.
    """
    best, rounds = first, list[Round]()
    for number in range(1, wish.rounds + 1):
        work = first.best.parent / f"round-{number}"
        told = _told(wish, best, seen, held_out, work, look=look)
        if not told.labels:
            rounds.append(told)
            break
        taught = train(
            replace(
                plan,
                start_from=str(best.best),
                prune=0.0,
                rate=GENTLE_RATE,
                epochs=wish.epochs or plan.epochs,
                more=str(work / "data"),
                more_version=version_of(work / "data"),
            ),
            work,
        )
        kept = taught.map50_95 > best.map50_95
        rounds.append(replace(told, epochs=taught.epochs, map50_95=round(taught.map50_95, 4), kept=kept))
        if not kept:
            break
        best = taught
    return SelfTaught(wish, best, seen, tuple(rounds))


def _told(wish: PseudoLabels, best: Fit, seen: Sorted, held_out: Sequence[Example], work: Path, *, look: Look) -> Round:
    """Label the images into ``work/data``, or take what an interrupted run of the same has written there."""
    note = work / _TOLD
    weights, images = weights_hash(best.best), content_hash(seen.images)
    of = {"weights": weights, "images": images, "confidence": wish.confidence}
    if note.is_file():
        kept = json.loads(note.read_text(encoding="utf-8"))
        if kept["of"] == of:
            return Round(**kept["told"])
        note.unlink()
    judged = [example.image for example in held_out]
    found = look(best.best, [*judged, *seen.images])
    temperature = fit_temperature(match(held_out, found[: len(judged)], CALIBRATED_FROM))
    certainty = partial(with_temperature, temperature=temperature)
    told = [told_by(each, certainty, wish.confidence) for each in found[len(judged) :]]
    written = write_told(work / "data", seen.images, told)
    sure = [each for each in told if len(each.labels)]
    result = Round(
        written, sum(len(each.labels) for each in sure), sum(len(each.doubted) for each in sure), round(temperature, 4)
    )
    note.write_text(json.dumps({"of": of, "told": asdict(result)}, indent=2) + "\n", encoding="utf-8")
    return result
