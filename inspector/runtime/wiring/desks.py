"""What the screen works with, out of a line's settings: the desks behind its pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.capture import read_image
from inspector.detection import AnomalyDetector, find_model, load_model, open_backend, read_card
from inspector.domain import Connection, Desks, LineStatus, ReportShelf, ReviewDesk, Staff
from inspector.runtime.control import Control
from inspector.runtime.corrections import RecordCorrectionDesk
from inspector.runtime.linedesk import RunningLineDesk
from inspector.runtime.overlays import LineOverlays, grey
from inspector.runtime.quality import LineQuality
from inspector.runtime.wiring.trials import build_trials
from inspector.runtime.wiring.verdict import build_calibration
from inspector.settings import Detector as ModelSettings
from inspector.settings import GoldenSettings, LineSettings, ModbusPlc
from inspector.store import Database, RecordStore, SqlAuditTrail, SqlCorrections, SqlHistory

__all__ = ["build_desks", "build_overlays", "connections_of"]


def build_desks(
    settings: LineSettings,
    data: Path,
    *,
    database: Database,
    record: RecordStore,
    control: Control,
    status: Callable[[], LineStatus],
    review: ReviewDesk,
    people: Staff | None,
    shelf: ReportShelf | None,
) -> Desks:
    """Return everything that the pages of this line are about; raises ``ConfigurationError``."""
    trail = SqlAuditTrail(database)
    corrections = SqlCorrections(database, line=settings.line, station=settings.station)
    return Desks(
        review=review,
        history=SqlHistory(database, record, line=settings.line, station=settings.station),
        overlays=build_overlays(settings),
        line=RunningLineDesk(
            control=control,
            trail=trail,
            status=status,
            recipes=settings.recipes,
            connections=connections_of(settings),
            trials=build_trials(settings, data),
            challenged=settings.challenge is not None and bool(settings.challenge.samples),
        ),
        quality=LineQuality(settings),
        shelf=shelf,
        trail=trail,
        corrections=RecordCorrectionDesk(corrections, trail),
        people=people,
    )


def connections_of(settings: LineSettings) -> list[Connection]:
    """Return what the line is connected to, as its description has it; passwords stand nowhere in it."""
    camera, mes, store = settings.camera, settings.connected_mes, settings.store
    seen = ", ".join(settings.views) or next(
        (str(getattr(camera, name)) for name in ("path", "serial", "device") if getattr(camera, name, None)), ""
    )
    plc_host = f"{settings.plc.host}:{settings.plc.port}" if isinstance(settings.plc, ModbusPlc) else ""
    ears = {} if settings.voice is None else settings.voice.recognisers
    heard = ", ".join(f"{language}: {recogniser.kind}" for language, recogniser in ears.items())
    return [
        Connection("camera", camera.kind, seen),
        Connection("plc", settings.plc.kind, plc_host or str(getattr(settings.plc, "url", ""))),
        Connection("mes", mes.kind if mes is not None else "none", str(getattr(mes, "url", ""))),
        Connection("record", (store.url or "").partition(":")[0], _place(store.url or "")),
        Connection("images", store.images.keep, str(store.images.folder or "")),
        *([Connection("voice", heard, "")] if heard else []),
    ]


def _place(url: str) -> str:
    """Return where a record is: the file of SQLite, or server and database."""
    return url.removeprefix("sqlite:///").rpartition("://")[2]


def build_overlays(settings: LineSettings) -> LineOverlays:
    """Return what parts can be compared with: the golden images of this line, its good-only models."""
    if settings.views:  # a golden part of one view cannot be laid over the picture of all
        return LineOverlays({})
    golden: dict[str, NDArray[np.uint8]] = {}
    heat, search_mm = [], 0.0
    for detector in settings.detectors:
        if isinstance(detector, GoldenSettings):
            golden |= _golden_images(detector.image, detector.recipes)
            search_mm = max(search_mm, detector.search_mm)
        if isinstance(detector, ModelSettings) and detector.golden is not None:
            # A network that compares has its golden image in its own settings.
            golden |= _golden_images(detector.golden.image, detector.golden.recipes)
        if isinstance(detector, ModelSettings) and read_card(find_model(detector.model)).task == "anomaly":
            heat.append(partial(_open_heat, detector.model))
    made = build_calibration(settings)
    scale = made.px_per_mm if made else settings.calibration.px_per_mm
    return LineOverlays(golden, heat, search_px=search_mm * (scale or 0.0))


def _golden_images(image: Path | None, recipes: Mapping[str, Path]) -> dict[str, NDArray[np.uint8]]:
    images = dict(recipes) | ({"": image} if image is not None else {})
    return {recipe: grey(read_image(path)) for recipe, path in images.items()}


def _open_heat(name: str) -> AnomalyDetector:
    model = load_model(find_model(name))
    return AnomalyDetector(model, open_backend(model, "onnxruntime", threads=1))
