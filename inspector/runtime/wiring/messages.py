"""The result message of a line out of its settings: what the MES gets, and clients of the machine vision server."""

from __future__ import annotations

from hashlib import sha256

from pydantic import BaseModel

from inspector.domain import Measurement, SpecLimits
from inspector.gauging import load_calibration
from inspector.judgement import effective_rules
from inspector.mes.messages import LimitsOf, ResultMessages, Versioned
from inspector.mes.topics import Source
from inspector.runtime.wiring.plc import defect_codes
from inspector.runtime.wiring.verdict import build_recipe
from inspector.settings import Identity, LineSettings

__all__ = ["hash_of", "limits_of", "result_messages", "source_of"]


def result_messages(settings: LineSettings) -> ResultMessages:
    """Return what makes the result message of a report; a line without MES has no identity but its own name."""
    mes = settings.connected_mes
    own = Source(enterprise="", site="", area="", line=settings.line, cell=settings.station)
    return ResultMessages(
        own if mes is None else source_of(mes.identity),
        operation="" if mes is None else mes.operation,
        simulated=settings.simulated,
        recipes={
            name: Versioned(id=str(recipe.id), version=name, hash=hash_of(recipe))
            for name, recipe in settings.recipes.items()
        },
        calibration=_calibration_version(settings),
        limits=limits_of(settings),
        defect_codes={name: str(code) for name, code in defect_codes(settings).items()},
    )


def _calibration_version(settings: LineSettings) -> Versioned:
    if settings.views:
        own = [_calibration_version(view) for view in settings.views.values()]
        together = sha256("".join(each.hash or "" for each in own).encode()).hexdigest()
        return Versioned(id="+".join(each.id for each in own), hash=together)
    file = settings.calibration.file
    if file is None:
        return Versioned(id="scale", hash=hash_of(settings.calibration))
    calibration = load_calibration(file)
    return Versioned(id=calibration.id, hash=calibration.sha256)


def limits_of(settings: LineSettings) -> LimitsOf:
    """Return the look-up of the limits that a recipe sets for a class, zone and characteristic."""
    rules = {name: build_recipe(name, recipe).rules for name, recipe in settings.recipes.items()}

    def look_up(recipe: str, label: str, measurement: Measurement) -> SpecLimits | None:
        for rule in effective_rules(rules.get(recipe, ()), label, measurement.zone):
            if rule.characteristic == measurement.characteristic:
                return rule.limits
        return None

    return look_up


def source_of(identity: Identity) -> Source:
    """Return where the line's messages come from."""
    return Source(**identity.model_dump())


def hash_of(settings: BaseModel) -> str:
    """Return the SHA-256 of a part of a line's description, hexadecimal."""
    return sha256(settings.model_dump_json().encode()).hexdigest()
