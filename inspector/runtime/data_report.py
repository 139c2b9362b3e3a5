"""`inspector data check` on paper: the findings as a page with pictures, and as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.runtime import report_page as html
from inspector.training.checking import CheckedImage, Examined, Finding, Mark
from inspector.training.dataset import DatasetError, read_colour

__all__ = ["as_html", "as_values", "class_rows"]

SHOWN_EACH = 12
SIDE_PX = 300
CROP_MARGIN = 1.5
_RED = (40, 40, 220)
_SAMPLES = 6

_TITLES = {
    "unreadable": "Images that cannot be read",
    "label": "Broken labels",
    "leak": "Leakage between splits",
    "duplicate": "Equal pictures",
    "near_duplicate": "Nearly equal pictures",
    "missing_split": "Splits",
    "missing_class": "Classes missing in a split",
    "rare_class": "Rare classes",
    "balance": "Balance of the classes",
    "no_good_parts": "Good parts",
    "mixed": "Mixed images",
    "altered": "Version",
}


def as_values(examined: Examined) -> dict[str, Any]:
    """Return everything as plain values, for JSON."""
    manifest = examined.manifest
    return {
        "name": manifest.name,
        "task": manifest.task,
        "version": examined.version,
        "divided": manifest.divided,
        "images": dict(Counter(image.split for image in examined.images)),
        "groups": {
            split: len({image.group for image in examined.images if image.split == split}) for split in examined.labels
        },
        "labels": {split: dict(of) for split, of in examined.labels.items()},
        "errors": examined.errors,
        "findings": [
            {
                "kind": finding.kind,
                "severity": finding.severity,
                "message": finding.message,
                "images": [path.name for path in finding.images],
            }
            for finding in examined.findings
        ],
    }


def class_rows(examined: Examined) -> list[tuple[str, ...]]:
    """Return a row per class: its labels in each split."""
    return [
        (name, *(str(examined.labels[split][name]) for split in examined.labels)) for name in examined.manifest.classes
    ]


def as_html(examined: Examined) -> str:
    """Return one page: what there is, what is wrong, with pictures of it."""
    return html.page(f"Data check: {examined.manifest.name}", _parts(examined))


def _parts(examined: Examined) -> Iterator[str]:
    manifest = examined.manifest
    warnings = len(examined.findings) - examined.errors
    yield html.paragraph(
        f"{len(examined.images)} images, {examined.errors} errors, {warnings} warnings. Labels for task "
        f"{manifest.task}. Licence {manifest.licence}; source: {manifest.source}. "
        f"{'Divided by ' + manifest.divided + '. ' if manifest.divided else ''}Version {examined.version[:12]}."
    )
    counts = Counter(image.split for image in examined.images)
    yield html.heading("Labels by class")
    yield html.table(
        ("class", *(f"{split} ({counts[split]} images)" for split in examined.labels)), class_rows(examined)
    )
    for kind, title in _TITLES.items():
        found = [finding for finding in examined.findings if finding.kind == kind]
        if not found:
            continue
        yield html.heading(f"{title} ({len(found)})")
        for finding in found[:SHOWN_EACH]:
            yield f'<p><span class="{finding.severity}">{finding.severity}</span> {html.paragraph(finding.message)[3:]}'
            yield from _pictures(finding)
        if len(found) > SHOWN_EACH:
            yield html.paragraph(f"and {len(found) - SHOWN_EACH} more")
    yield from _samples(examined)


def _pictures(finding: Finding) -> Iterator[str]:
    for path in finding.images:
        try:
            pixels = read_colour(path)
        except DatasetError:
            continue
        marks = finding.marks if path == finding.images[0] else ()
        yield html.picture(_shown(pixels, marks), f"{path.parent.name}/{path.name}")


def _samples(examined: Examined) -> Iterator[str]:
    """Show a few labels of every class, cut out with their surroundings: wrong classes are seen at a glance."""
    for number, name in enumerate(examined.manifest.classes):
        figures = [
            html.picture(_cut_out(image, points), image.path.name) for image, points in _spread(examined, number)
        ]
        yield html.gallery(f"Labelled {name}", figures, empty="No label.")


def _spread(examined: Examined, number: int) -> list[tuple[CheckedImage, NDArray[np.float64]]]:
    """Return labels of a class from images far apart in the set."""
    found = [(image, points) for image in examined.images for label, points in image.labels if label == number]
    step = max(1, len(found) // _SAMPLES)
    return found[::step][:_SAMPLES]


def _shown(pixels: NDArray[np.uint8], marks: tuple[Mark, ...]) -> NDArray[np.uint8]:
    scale = SIDE_PX / max(pixels.shape[:2])
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    for mark in marks:
        corners = np.rint(mark.points * scale).astype(np.int32)
        cv2.polylines(small, [corners.reshape(-1, 1, 2)], isClosed=True, color=_RED, thickness=2)
    return np.asarray(small, np.uint8)


def _cut_out(image: CheckedImage, points: NDArray[np.float64]) -> NDArray[np.uint8]:
    pixels = read_colour(image.path)
    centre, side = (points.min(axis=0) + points.max(axis=0)) / 2, np.ptp(points, axis=0).max() * (1 + CROP_MARGIN)
    low = np.maximum(np.floor(centre - side / 2), 0).astype(int)
    high = np.minimum(np.ceil(centre + side / 2).astype(int), np.array(image.size))
    cut = np.ascontiguousarray(pixels[low[1] : high[1], low[0] : high[0]])
    scale = SIDE_PX / 2 / max(cut.shape[:2])
    large = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    corners = np.rint((points - low) * scale).astype(np.int32)
    cv2.polylines(large, [corners.reshape(-1, 1, 2)], isClosed=True, color=_RED, thickness=1)
    return np.asarray(large, np.uint8)
