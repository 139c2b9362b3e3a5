"""One production line, as its YAML file describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from inspector.settings.base import Items, Name, Settings
from inspector.settings.cameras import CameraWatch
from inspector.settings.challenge import Challenge
from inspector.settings.crosschecks import cross_check
from inspector.settings.detectors import AnyDetector, Detector, DetectorKey
from inspector.settings.language import Disposition, Language, Search, TemplateLanguage
from inspector.settings.links import EmbeddedMes, Mes, MqttMes, NoMes, Screen, Store
from inspector.settings.plc import Plc
from inspector.settings.recipes import Recipe
from inspector.settings.shifts import Shifts
from inspector.settings.training import Training
from inspector.settings.views import OWN, AnyCamera, SeveralViews
from inspector.settings.vision import Calibration, Gauging, Zone
from inspector.settings.voice import Voice


class LineSettings(Settings):
    """One production line: what it sees with, what is good enough, and who is told."""

    version: Literal[1] = Field(description="Version of this format.")
    line: Name = Field(description="Name of the line; also the folder of its record.")
    station: Name = Field(description="Name of the station that the parts stand in front of.")
    simulated: bool = Field(
        default=False,
        description="`true` where camera or PLC is simulated; every MES message says so.",
    )
    languages: Annotated[Items[Literal["en", "zh"]], Field(min_length=1)] = Field(
        default=("en",), description="Languages of the reports and the screen; the first is the default."
    )
    camera: AnyCamera = Field(description="Where images come from.")
    camera_watch: CameraWatch | None = Field(
        default=None, description="Warns, then holds the line, where the camera no longer sees as it was set up to."
    )
    calibration: Calibration = Field(description="How pixels become millimetres.")
    gauging: Gauging = Field(default=Gauging(), description="How findings are measured.")
    detector: DetectorKey = Field(
        default=Detector(), description="What finds the defects: one detector, or a list of several that look together."
    )
    zones: Items[Zone] = Field(default=(), description="Named areas of the part.")
    recipes: Annotated[Mapping[Name, Recipe], Field(min_length=1)] = Field(
        description="Recipes by name: what is good enough, product by product."
    )
    recipe: Name = Field(description="Name of the recipe the line starts with.")
    deadline_ms: int = Field(
        default=500, ge=20, le=60_000, description="Time from trigger to verdict, in ms; after it the part is UNKNOWN."
    )
    plc: Plc = Field(description="Who triggers, and who gets the verdict.")
    store: Store = Field(default=Store(), description="The record.")
    mes: Mes = Field(default=NoMes(kind="none"), description="Who gets the results.")
    screen: Screen = Field(default=Screen(), description="The operator's page.")
    language: Language = Field(default=TemplateLanguage(kind="template"), description="Who writes the reports.")
    search: Search | None = Field(
        default=Search(), description="Finding past defects by describing them; `null` turns it off."
    )
    disposition: Disposition = Field(
        default=Disposition(), description="What may be decided about parts that the rules hold for review."
    )
    challenge: Challenge | None = Field(
        default=None, description="Samples that the line has to judge rightly before it may judge parts."
    )
    shifts: Shifts | None = Field(default=None, description="The shift calendar; the shift reports need one.")
    voice: Voice | None = Field(default=None, description="Who listens at this line; nobody without it.")
    training: Training | None = Field(default=None, description="How the line's model is trained.")

    @model_validator(mode="wrap")
    @classmethod
    def _hold_together(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # The relations between keys are checked even where single keys are wrong: all mistakes at once.
        relations = cross_check(data) if isinstance(data, Mapping) else []
        try:
            settings = handler(data)
        except ValidationError as error:
            singles = [
                InitErrorDetails(type=item["type"], loc=item["loc"], input=item["input"], ctx=item.get("ctx", {}))
                for item in error.errors(include_url=False)
            ]
            raise ValidationError.from_exception_data(cls.__name__, [*singles, *relations], hide_input=True) from error
        if relations:
            raise ValidationError.from_exception_data(cls.__name__, relations, hide_input=True)
        return settings

    @property
    def views(self) -> Mapping[str, LineSettings]:
        """Each view of a station with several cameras, as a line of its own; empty where there is one camera."""
        if not isinstance(self.camera, SeveralViews):
            return {}
        return {
            name: self.model_copy(
                update={"camera": view.camera} | {key: own for key in OWN if (own := getattr(view, key)) is not None}
            )
            for name, view in self.camera.views.items()
        }

    @property
    def all_zones(self) -> tuple[Zone, ...]:
        """The zones of every view."""
        views = self.views.values()
        return tuple(zone for view in views for zone in view.zones) if views else self.zones

    @property
    def detectors(self) -> tuple[AnyDetector, ...]:
        """The detectors, also where there is one only."""
        return self.detector if isinstance(self.detector, tuple) else (self.detector,)

    @property
    def active_recipe(self) -> Recipe:
        """The recipe the line starts with."""
        return self.recipes[self.recipe]

    @property
    def connected_mes(self) -> MqttMes | EmbeddedMes | None:
        """The MES, or None where the line has none."""
        return None if isinstance(self.mes, NoMes) else self.mes
