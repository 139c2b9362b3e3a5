"""The part of the wiring that turns the key ``detector`` of a line into its detector."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from inspector.capture import read_image
from inspector.detection import (
    AnomalyDetector,
    BlobDetector,
    CaliperDetector,
    CodeReader,
    ColourDetector,
    CombinedDetector,
    GoldenDetector,
    GoldenFolder,
    GoldenParts,
    GoldenSource,
    LineDetector,
    PresenceDetector,
    TextReader,
    YoloDetector,
    find_model,
    load_model,
    open_backend,
    read_card,
)
from inspector.domain import ModelError
from inspector.settings import (
    BlobSettings,
    CaliperSettings,
    CodeSettings,
    ColourSettings,
    ComparedImages,
    GoldenImages,
    GoldenSettings,
    LineSettings,
    PresenceSettings,
    TextSettings,
)
from inspector.settings import Detector as ModelSettings
from inspector.settings.detectors import AnyDetector

__all__ = ["classes_of", "open_detector", "open_model", "unheard"]

Box = tuple[float, float, float, float]

SHARE_OF_DEADLINE = 0.5  # of the time for a verdict, that one call to a server may take


def unheard(told: str) -> None:
    """Nobody wants to be told."""


def open_detector(settings: LineSettings, px_per_mm: float, on_loss: Callable[[str], None] = unheard) -> LineDetector:
    """Return the line's detector, ready to warm up; raises ``ModelError`` or ``ConfigurationError``."""
    # A server that hangs is given up in time for the spare to look at the same frame.
    patience_s = settings.deadline_ms / 1000 * SHARE_OF_DEADLINE
    made = [_open(detector, px_per_mm, patience_s, on_loss) for detector in settings.detectors]
    return made[0] if len(made) == 1 else CombinedDetector(made)


def open_model(
    name: str,
    *,
    backend: str = "auto",
    threads: int = 2,
    floor: float | None = None,
    golden: GoldenSource | None = None,
    triton: str = "",
    triton_timeout_s: float = 2.0,
    on_loss: Callable[[str], None] = unheard,
) -> YoloDetector | AnomalyDetector:
    """Return the detector of a model folder, by the task of its card; raises ``ModelError``.

    ``floor`` replaces the card's score floor; a heat map has its threshold and no floor. ``golden`` are the good
    parts that weights with two planes compare with.
    """
    model = load_model(find_model(name))
    if model.card.task == "features":
        raise ModelError(
            f"{model.folder}: a feature network is no detector by itself",
            remedy="Make a model from good parts with it: `inspector anomaly train`",
        )
    runs = open_backend(
        model, backend, threads=threads, triton=triton, triton_timeout_s=triton_timeout_s, on_loss=on_loss
    )
    if model.card.task == "anomaly":
        return AnomalyDetector(model, runs)
    return YoloDetector(model, runs, floor=floor, golden=golden)


def _open(  # noqa: PLR0911 - one case each
    wanted: AnyDetector, px_per_mm: float, patience_s: float, on_loss: Callable[[str], None]
) -> LineDetector:
    def px(box_mm: Box) -> Box:
        left, top, right, bottom = (side * px_per_mm for side in box_mm)
        return left, top, right, bottom

    match wanted:
        case ModelSettings():
            golden = None if wanted.golden is None else _golden(wanted.golden, px_per_mm)
            return open_model(
                wanted.model,
                backend=wanted.backend,
                threads=wanted.threads,
                floor=wanted.floor,
                golden=golden,
                triton=wanted.triton,
                triton_timeout_s=patience_s,
                on_loss=on_loss,
            )
        case GoldenSettings():
            return GoldenDetector(
                _pictures(wanted),
                label=wanted.label,
                tolerance_px=wanted.tolerance_mm * px_per_mm,
                levels=wanted.levels,
                least_area_px=max(1, math.ceil(wanted.least_area_mm2 * px_per_mm**2)),
                search_px=wanted.search_mm * px_per_mm,
            )
        case PresenceSettings():
            return PresenceDetector(
                read_image(wanted.image),
                px(wanted.box_mm),
                label=wanted.label,
                search_px=wanted.search_mm * px_per_mm,
                least_match=wanted.least_match,
            )
        case BlobSettings():
            return BlobDetector(
                label=wanted.label,
                window=px(wanted.box_mm) if wanted.box_mm else None,
                shade=wanted.shade,
                level=wanted.level,
                area_px=(wanted.least_area_mm2 * px_per_mm**2, wanted.largest_area_mm2 * px_per_mm**2),
                count=wanted.count,
            )
        case CaliperSettings():
            return CaliperDetector(
                px(wanted.box_mm), label=wanted.label, axis=wanted.axis, contrast=float(wanted.contrast)
            )
        case ColourSettings():
            return ColourDetector(px(wanted.box_mm), wanted.lab, label=wanted.label, tolerance=wanted.tolerance)
        case CodeSettings():
            return CodeReader(
                window=px(wanted.box_mm) if wanted.box_mm else None,
                formats=wanted.formats,
                pattern=wanted.pattern,
                identity=wanted.identity,
            )
        case TextSettings():
            return TextReader(
                window=px(wanted.box_mm) if wanted.box_mm else None,
                pattern=wanted.pattern,
                least_score=wanted.least_score,
                identity=wanted.identity,
            )


def _golden(wanted: ComparedImages, px_per_mm: float) -> GoldenSource:
    search_px = wanted.search_mm * px_per_mm
    if wanted.folder is not None:
        return GoldenFolder(wanted.folder, search_px=search_px)
    return GoldenParts(_pictures(wanted), search_px=search_px)


def _pictures(golden: GoldenImages) -> dict[str, NDArray[np.uint8]]:
    images = dict(golden.recipes) | ({"": golden.image} if golden.image is not None else {})
    return {recipe: read_image(path) for recipe, path in images.items()}


def classes_of(settings: LineSettings) -> tuple[str, ...]:
    """Return every label that the line's detectors may give, without opening them."""
    lines = settings.views.values() or [settings]
    return tuple(dict.fromkeys(label for line in lines for each in line.detectors for label in _labels(each)))


def _labels(wanted: AnyDetector) -> tuple[str, ...]:
    match wanted:
        case ModelSettings():
            # The card alone: proving the weights is the business of the process that runs them.
            return read_card(find_model(wanted.model)).classes
        case CaliperSettings():
            return wanted.label, f"{wanted.label}_not_found"
        case CodeSettings():
            return "code_unreadable", "code_mismatch"
        case TextSettings():
            return "text_unreadable", "text_mismatch"
        case _:
            return (wanted.label,)
