"""The verdict path of a line: camera, detector, gauge and judge out of its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.capture import read_image
from inspector.detection import LineDetector, ViewsDetector, find_placement
from inspector.detection.pixels import grey
from inspector.domain import ConfigurationError, Frame, Gauge, ModelError, Outcome, SpecLimits
from inspector.gauging import (
    BoxGauge,
    CalibratedGauge,
    Calibration,
    DepthGauge,
    Plane,
    RelativeEffects,
    SubpixelGauge,
    UniformPlane,
    ViewsGauge,
    load_calibration,
)
from inspector.gauging import Zone as GaugeZone
from inspector.gauging.datum import Circles, Datum, Edges, Template
from inspector.gauging.features import Distance, FeatureGauge, FeatureKind
from inspector.gauging.plane import local_px_per_mm
from inspector.judgement import Recipe, Region, Rule, RuleJudge
from inspector.runtime.control import ControlFollower
from inspector.runtime.spool import Spool
from inspector.runtime.wiring.cameras import places_of
from inspector.runtime.wiring.detectors import open_detector, unheard
from inspector.settings import LineSettings, SeveralViews, image_size
from inspector.settings import RealSenseCamera as RealSenseSettings
from inspector.settings import Recipe as RecipeSettings
from inspector.settings.vision import Datum as DatumSettings
from inspector.settings.vision import Features

__all__ = [
    "build_calibration",
    "build_commands",
    "build_detector",
    "build_gauge",
    "build_judge",
    "build_recipe",
    "build_spool",
]

UNKNOWN_BLUR_PX = 0.03  # standard uncertainty of an edge blur that a person wrote down


def build_detector(settings: LineSettings, on_loss: Callable[[str], None] = unheard) -> LineDetector:
    """Return the line's detector, its weights proven; raises ``ModelError`` or ``ConfigurationError``.

    ``on_loss`` is told where a backend is lost and another takes over.
    """
    detector: LineDetector
    if settings.views:
        views = {name: _open(view, on_loss) for name, view in settings.views.items()}
        detector = ViewsDetector(views, places_of(settings))
    else:
        detector = _open(settings, on_loss)
    known = set(detector.classes)
    for name, recipe in settings.recipes.items():
        for number, rule in enumerate(recipe.rules):
            if rule.defect not in known:
                detector.close()
                raise ModelError(
                    f"recipes.{name}.rules[{number}].defect: {detector.description} has no class {rule.defect}",
                    remedy=f"Its classes are {', '.join(detector.classes)}",
                )
    return detector


def _open(settings: LineSettings, on_loss: Callable[[str], None]) -> LineDetector:
    return open_detector(settings, _px_per_mm(settings, build_calibration(settings)), on_loss)


def _px_per_mm(settings: LineSettings, made: Calibration | None) -> float:
    px_per_mm = made.px_per_mm if made else settings.calibration.px_per_mm
    if px_per_mm is None:
        raise ConfigurationError("calibration: there is no scale", remedy="Add 'px_per_mm:' or 'file:'")
    return px_per_mm


def build_gauge(settings: LineSettings, margins_px: Mapping[str, float]) -> Gauge:
    """Return the line's gauge; boxes are larger than the defect by these margins, by class or ``view/class``.

    Raises ``ConfigurationError`` where the calibration does not hold.
    """
    if settings.views:
        gauges = {}
        for name, view in settings.views.items():
            own = {key.partition("/")[2]: px for key, px in margins_px.items() if key.startswith(f"{name}/")}
            gauges[name] = build_gauge(view, own)
        return ViewsGauge(gauges, places_of(settings))
    scale, how = settings.calibration, settings.gauging
    made = build_calibration(settings)
    px_per_mm = _px_per_mm(settings, made)
    distance = how.working_distance_mm or (made.working_distance_mm if made else 0.0)
    effects = RelativeEffects(
        scale=made.scale_uncertainty if made else scale.scale_uncertainty,
        off_plane_mm=how.off_plane_mm,
        working_distance_mm=distance,
        temperature_span_k=how.temperature_span_k,
        expansion_per_k=how.expansion_ppm_per_k * 1e-6,
    )
    all_zones = [GaugeZone(zone.name, zone.box_mm) for zone in settings.zones]
    # Zones of a part that may lie anywhere are known only once its datum is.
    follow = how.features is not None and how.features.datum is not None
    zones = [] if follow else all_zones
    plane: Plane = made or UniformPlane(px_per_mm)
    box = BoxGauge(
        px_per_mm=px_per_mm,
        scale_uncertainty=effects.combined,
        edge_uncertainty_px=scale.edge_uncertainty_px,
        box_margin_px=margins_px,
        zones=zones,
        plane=plane,
    )
    gauge: Gauge = box
    if how.method == "subpixel":
        blur = how.edge_sigma_px or (made.edge_sigma_px if made else None)
        if blur is None:
            raise ConfigurationError("gauging: the edge blur is not known", remedy="Add 'edge_sigma_px:'")
        measured = made.edge_sigma_uncertainty_px if made and how.edge_sigma_px is None else UNKNOWN_BLUR_PX
        doubt = how.edge_sigma_uncertainty_px
        gauge = SubpixelGauge(
            box=box,
            plane=plane,
            edge_sigma_px=blur,
            edge_sigma_uncertainty_px=measured if doubt is None else doubt,
            repeatability_px=how.repeatability_px,
            effects=effects,
            zones=zones,
        )
    if how.features is not None:
        gauge = _features(gauge, how.features, plane, effects, all_zones if follow else ())
    if isinstance(settings.camera, RealSenseSettings):
        gauge = DepthGauge(gauge, depth_uncertainty=how.depth_uncertainty, smallest_mm=how.depth_floor_mm)
    return CalibratedGauge(gauge, made) if made else gauge


def _features(
    gauge: Gauge, wanted: Features, plane: Plane, effects: RelativeEffects, zones: Sequence[GaugeZone]
) -> FeatureGauge:
    kinds: dict[str, FeatureKind] = dict.fromkeys(wanted.circles, "circle")
    kinds |= dict.fromkeys(wanted.edges, "edge")
    return FeatureGauge(
        gauge,
        features=kinds,
        plane=plane,
        effects=effects,
        edge_uncertainty_px=wanted.edge_uncertainty_px,
        distances=[Distance(one.start, one.end) for one in wanted.distances],
        datum=_datum(wanted.datum, plane) if wanted.datum is not None else None,
        zones=zones,
        contrast=wanted.contrast,
    )


def _datum(wanted: DatumSettings, plane: Plane) -> Datum:
    match wanted:
        case DatumSettings(origin=str(origin), towards=str(towards)):
            return Circles(origin, towards)
        case DatumSettings(along=str(along), across=str(across)):
            return Edges(along, across)
        case DatumSettings(image=Path() as image):
            template = grey(read_image(image))
            height, width = template.shape
            search_px = wanted.search_mm * local_px_per_mm(plane, width / 2, height / 2)
            found = partial(_placed, template, search_px, wanted.turn_deg)
            return Template(found, (width, height), plane)
        case _:
            raise ConfigurationError("gauging.features.datum: it is not complete", remedy="Run inspector check")


def _placed(template: NDArray[np.uint8], search_px: float, turn_deg: float, frame: Frame) -> NDArray[np.float64]:
    return find_placement(template, grey(frame.pixels), search_px=search_px, turn_deg=turn_deg)


def build_calibration(settings: LineSettings) -> Calibration | None:
    """Return the line's calibration file, None where it has a scale only; raises ``ConfigurationError``."""
    file, camera = settings.calibration.file, settings.camera
    if file is None:
        return None
    calibration = load_calibration(file)
    size = None if isinstance(camera, SeveralViews) else image_size(camera)
    width, height = size or (None, None)
    calibration.require_valid(datetime.now(UTC), width, height)
    return calibration


def build_judge(settings: LineSettings) -> RuleJudge:
    """Return the line's judge, with every recipe."""
    return RuleJudge([build_recipe(*item) for item in settings.recipes.items()], default=settings.recipe)


def build_recipe(name: str, recipe: RecipeSettings) -> Recipe:
    """Return a recipe of the YAML as the judge reads it."""
    return Recipe(
        name=name,
        id=recipe.id,
        confidence_gate=recipe.confidence_gate,
        unlisted=Outcome[recipe.unlisted.upper()],
        guard_band=recipe.guard_band,
        rules=tuple(
            Rule(
                defect=rule.defect,
                zone=rule.zone,
                allowed=rule.allowed is not False,
                characteristic=rule.characteristic,
                limits=SpecLimits(lower=rule.lsl, upper=rule.usl, nominal=rule.nominal),
            )
            for rule in recipe.rules
        ),
        regions=tuple(Region(region.box_mm, region.view or "") for region in recipe.regions),
    )


def build_commands(settings: LineSettings, data: Path) -> ControlFollower:
    """Return where the running line's commands come from."""
    return ControlFollower(data / settings.line)


def build_spool(settings: LineSettings, data: Path) -> Spool:
    """Return the journal between the line and the office."""
    return Spool(data / settings.line / "journal")
