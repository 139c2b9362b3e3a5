"""The verdict path of a line: camera, detector, gauge and judge out of its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from inspector.detection import LineDetector
from inspector.domain import ConfigurationError, Gauge, Outcome, SpecLimits
from inspector.gauging import (
    BoxGauge,
    CalibratedGauge,
    Calibration,
    DepthGauge,
    Plane,
    RelativeEffects,
    SubpixelGauge,
    UniformPlane,
    load_calibration,
)
from inspector.gauging import Zone as GaugeZone
from inspector.gauging.features import Datum, Distance, FeatureGauge, FeatureKind
from inspector.judgement import Recipe, Rule, RuleJudge
from inspector.runtime.control import ControlFollower
from inspector.runtime.spool import Spool
from inspector.runtime.wiring.detectors import open_detector, unheard
from inspector.settings import FolderCamera as FolderSettings
from inspector.settings import LineSettings
from inspector.settings import RealSenseCamera as RealSenseSettings
from inspector.settings import Recipe as RecipeSettings
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
    return open_detector(settings, _px_per_mm(settings, build_calibration(settings)), on_loss)


def _px_per_mm(settings: LineSettings, made: Calibration | None) -> float:
    px_per_mm = made.px_per_mm if made else settings.calibration.px_per_mm
    if px_per_mm is None:
        raise ConfigurationError("calibration: there is no scale", remedy="Add 'px_per_mm:' or 'file:'")
    return px_per_mm


def build_gauge(settings: LineSettings, margins_px: Mapping[str, float]) -> Gauge:
    """Return the line's gauge; boxes are larger than the defect by these margins, by class.

    Raises ``ConfigurationError`` where the calibration does not hold.
    """
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
    zones = [GaugeZone(zone.name, zone.box_mm) for zone in settings.zones]
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
        gauge = _features(gauge, how.features, plane, effects)
    if isinstance(settings.camera, RealSenseSettings):
        gauge = DepthGauge(gauge, depth_uncertainty=how.depth_uncertainty, smallest_mm=how.depth_floor_mm)
    return CalibratedGauge(gauge, made) if made else gauge


def _features(gauge: Gauge, wanted: Features, plane: Plane, effects: RelativeEffects) -> FeatureGauge:
    kinds: dict[str, FeatureKind] = dict.fromkeys(wanted.circles, "circle")
    kinds |= dict.fromkeys(wanted.edges, "edge")
    return FeatureGauge(
        gauge,
        features=kinds,
        plane=plane,
        effects=effects,
        edge_uncertainty_px=wanted.edge_uncertainty_px,
        distances=[Distance(one.start, one.end) for one in wanted.distances],
        datum=Datum(wanted.datum.origin, wanted.datum.towards) if wanted.datum is not None else None,
        contrast=wanted.contrast,
    )


def build_calibration(settings: LineSettings) -> Calibration | None:
    """Return the line's calibration file, None where it has a scale only; raises ``ConfigurationError``."""
    file, camera = settings.calibration.file, settings.camera
    if file is None:
        return None
    calibration = load_calibration(file)
    size = camera.expect if isinstance(camera, FolderSettings) else camera
    width, height = (size.width, size.height) if size else (None, None)
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
    )


def build_commands(settings: LineSettings, data: Path) -> ControlFollower:
    """Return where the running line's commands come from."""
    return ControlFollower(data / settings.line)


def build_spool(settings: LineSettings, data: Path) -> Spool:
    """Return the journal between the line and the office."""
    return Spool(data / settings.line / "journal")
