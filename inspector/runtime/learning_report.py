"""The report of a training: figures, curves, what is taken for what, and the worst mistakes as pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.runtime import report_page as html
from inspector.runtime.learning import Learned
from inspector.runtime.self_labelling import SelfTaught
from inspector.training.dataset import read_colour
from inspector.training.mistakes import Mistake, confusion, mistakes, precision_recall

__all__ = ["as_html"]

SHOWN_MISTAKES = 12
SIDE = 260
CROP_PX = 220
LEAST_CROP_PX = 48
_COLOURS = ("#0f766e", "#c2410c", "#1d4ed8", "#a21caf", "#4d7c0f", "#b91c1c", "#0e7490", "#6d28d9")
_DASHES = ("", "6 3", "2 3", "8 3 2 3")
_TRUE, _FOUND = (80, 160, 0), (40, 40, 220)
_KINDS = {"missed": "missed", "false_alarm": "false alarm", "confused": "taken for another class"}


def as_html(learned: Learned) -> str:
    """Return one page without any reference to elsewhere."""
    return html.page(f"Training of {learned.card.parent.name}", _parts(learned))


def _parts(learned: Learned) -> Iterator[str]:
    row, fit = learned.at_floor, learned.fit
    ended = "patience ended it" if fit.early else "all that were allowed"
    yield html.paragraph(
        f"Task {learned.task}; {fit.epochs} epochs ({ended}). Judged on {len(learned.examples)} held-out images by the "
        "exported weights, through the detector that a line runs."
    )
    if learned.taught is not None:
        yield from _rounds(learned.taught)
    yield html.heading("Average precision")
    yield html.table(
        ("of", "mAP50", "mAP50-95"),
        [
            ("all", f"{learned.figures.map50:.3f}", f"{learned.figures.map50_95:.3f}"),
            *(
                (name, f"{each['map50']:.3f}", f"{each['map50_95']:.3f}")
                for name, each in learned.figures.per_class.items()
            ),
        ],
    )
    yield html.heading(f"At the floor of {learned.floor}")
    yield html.table(
        ("what", "count", "of"),
        [
            ("defects without a finding", str(row.missed_defects), str(row.defects)),
            ("defective parts that would pass", str(row.escaped_parts), str(row.defective_parts)),
            ("good parts that would be held", str(row.held_good_parts), str(row.good_parts)),
        ],
    )
    yield html.heading("Precision over recall, overlap 0.5")
    yield _curves(learned)
    yield html.heading(f"What is taken for what (floor {learned.floor}, overlap 0.5)")
    yield _confusion(learned)
    yield html.heading("The course of the training")
    yield _course(learned)
    yield from _worst(learned)


def _rounds(taught: SelfTaught) -> Iterator[str]:
    seen = taught.seen
    yield html.heading("Images that the model labelled itself")
    yield html.paragraph(
        f"{len(seen.images)} images; left out were {seen.held_out} that are held out and {seen.labelled} that have "
        f"labels. A label is what is right with a probability of {taught.wish.confidence} or more."
    )
    yield html.table(
        ("round", "images", "labels", "painted over", "mAP50-95", "kept"),
        [
            (
                str(number),
                str(each.images),
                str(each.labels),
                str(each.doubted),
                "not trained" if each.map50_95 is None else f"{each.map50_95:.3f}",
                "yes" if each.kept else "no",
            )
            for number, each in enumerate(taught.rounds, start=1)
        ],
    )


def _curves(learned: Learned) -> str:
    lines = []
    for number, name in enumerate(learned.classes):
        recall, precision = precision_recall(learned.examples, learned.findings, number)
        lines.append((name, list(zip(recall.tolist(), precision.tolist(), strict=True))))
    return _plot("Precision over recall by class", "recall", "precision", lines)


def _course(learned: Learned) -> str:
    rows = learned.fit.curve
    last = max(row["epoch"] for row in rows) if rows else 1.0
    names = (("mAP50", "metrics/mAP50(B)"), ("mAP50-95", "metrics/mAP50-95(B)"))
    lines = [(name, [(row["epoch"] / last, row[key]) for row in rows if key in row]) for name, key in names]
    return _plot(f"Held-out precision over {last:.0f} epochs", f"epoch, of {last:.0f}", "precision", lines)


def _plot(title: str, across: str, up: str, lines: Sequence[tuple[str, Sequence[tuple[float, float]]]]) -> str:
    """Return curves in the unit square as SVG, told apart by colour and by dashes, with a legend."""
    drawn, legend = [], []
    for number, (name, points) in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        dash = _DASHES[number // len(_COLOURS) % len(_DASHES)] or _DASHES[number % len(_DASHES)]
        path = " ".join(f"{x * SIDE:.1f},{SIDE - y * SIDE:.1f}" for x, y in points)
        style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        drawn.append(f'<polyline points="{path}" {style}/>')
        y = 14 + number * 18
        legend.append(
            f'<line x1="{SIDE + 16}" y1="{y}" x2="{SIDE + 44}" y2="{y}" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{dash}"/><text x="{SIDE + 50}" y="{y + 4}">{escape(name)}</text>'
        )
    ticks = "".join(
        f'<text x="{v * SIDE:.0f}" y="{SIDE + 16}" text-anchor="middle">{v:g}</text>'
        f'<text x="-6" y="{SIDE - v * SIDE + 4:.0f}" text-anchor="end">{v:g}</text>'
        for v in (0, 0.5, 1)
    )
    height = max(SIDE + 60, 30 + 18 * len(lines))
    return (
        f'<svg role="img" aria-label="{escape(title, quote=True)}" font-size="13" width="{SIDE + 260}" '
        f'height="{height}" viewBox="-50 -10 {SIDE + 260} {height}"><rect width="{SIDE}" height="{SIDE}" fill="none" '
        f'stroke="#9aa7b4"/>{ticks}{"".join(drawn)}{"".join(legend)}'
        f'<text x="{SIDE / 2}" y="{SIDE + 36}" text-anchor="middle">{escape(across)}</text>'
        f'<text x="{-SIDE / 2}" y="-34" text-anchor="middle" transform="rotate(-90)">{escape(up)}</text></svg>'
    )


def _confusion(learned: Learned) -> str:
    table = confusion(learned.examples, learned.findings, len(learned.classes), learned.floor)
    columns = ("true \\ found", *learned.classes, "nothing")
    rows = [
        (name, *(str(count) for count in row)) for name, row in zip([*learned.classes, "nothing"], table, strict=True)
    ]
    rows[-1] = (*rows[-1][:-1], "")
    return html.table(columns, rows)


def _worst(learned: Learned) -> Iterator[str]:
    found = mistakes(learned.examples, learned.findings, learned.floor)
    counts: Counter[str] = Counter(each.kind for each in found)
    for kind, told in _KINDS.items():
        chosen = [each for each in found if each.kind == kind][:SHOWN_MISTAKES]
        figures = [html.picture(_cut_out(learned, each), _caption(learned, each)) for each in chosen]
        yield html.gallery(f"Worst mistakes: {told} ({counts[kind]})", figures)
    yield html.paragraph("Green: the label. Red: the finding.")


def _caption(learned: Learned, mistake: Mistake) -> str:
    name = learned.classes[mistake.label]
    image = learned.examples[mistake.image].image.name
    match mistake.kind:
        case "missed":
            return f"{image}: {name}; best score on it {mistake.score:.3f}"
        case "confused":
            return f"{image}: {name} taken for {learned.classes[mistake.taken_for]}, score {mistake.score:.2f}"
        case _:
            return f"{image}: {name}, score {mistake.score:.2f}"


def _cut_out(learned: Learned, mistake: Mistake) -> NDArray[np.uint8]:
    example, found = learned.examples[mistake.image], learned.findings[mistake.image]
    pixels = read_colour(example.image)
    centre = (mistake.box[:2] + mistake.box[2:]) / 2
    side = max(float((mistake.box[2:] - mistake.box[:2]).max()) * 2, LEAST_CROP_PX)
    low = np.maximum(np.floor(centre - side / 2), 0).astype(int)
    high = np.minimum(np.ceil(centre + side / 2).astype(int), np.array(pixels.shape[1::-1]))
    scale = CROP_PX / max(1, int((high - low).max()))
    cut = np.ascontiguousarray(pixels[low[1] : high[1], low[0] : high[0]])
    large = np.asarray(cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
    shown = [*((box, _TRUE) for box in example.boxes)]
    shown += [(box, _FOUND) for box, score in zip(found.boxes, found.scores, strict=True) if score >= learned.floor]
    for box, colour in shown:
        x0, y0, x1, y1 = (int(value) for value in np.rint((box - np.tile(low, 2)) * scale))
        cv2.rectangle(large, (x0, y0), (x1, y1), colour, 1)
    return large
