"""What is good enough: recipes and their rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from inspector.settings.base import ClassName, Items, Name, Settings
from inspector.settings.vision import PlaceMm

CHARACTERISTICS = (
    "length",
    "width",
    "area",
    "angle",
    "depth",
    "height",
    "volume",
    "flatness",
    "diameter",
    "roundness",
    "straightness",
    "distance",
    "position_x",
    "position_y",
)
"""What the gauge measures of a finding; lengths, depths and positions in mm, areas in mm2, volumes in mm3,
angles in degrees (0 … 180)."""


class Rule(Settings):
    """One rule for one defect class: either `allowed`, or a `characteristic` with limits."""

    defect: ClassName = Field(description="Defect class, as the model's card spells it.")
    zone: Name | None = Field(
        default=None, description="Zone it holds in; without one, wherever no zone says otherwise."
    )
    allowed: bool | None = Field(
        default=None, description="`false`: every finding of this class fails the part; `true`: none does."
    )
    characteristic: (
        Literal[
            "length",
            "width",
            "area",
            "angle",
            "depth",
            "height",
            "volume",
            "flatness",
            "diameter",
            "roundness",
            "straightness",
            "distance",
            "position_x",
            "position_y",
        ]
        | None
    ) = Field(
        default=None,
        description="What is held against the limits; length, width and position in mm, area in mm2; angle in "
        "degrees (0 to 180, only of a finding that `gauging.method: subpixel` could fit); depth below and height above "
        "the surface and flatness in mm and volume in mm3, from a depth camera; diameter, roundness, straightness and "
        "distance in mm, of what `gauging.features` names.",
    )
    lsl: float | None = Field(
        default=None, ge=0, le=1e6, description="Lower specification limit, in the characteristic's unit."
    )
    usl: float | None = Field(
        default=None, ge=0, le=1e6, description="Upper specification limit, in the characteristic's unit."
    )
    nominal: float | None = Field(
        default=None, ge=0, le=1e6, description="Nominal value, in the characteristic's unit; for the record."
    )


class Region(Settings):
    """A rectangle of the part that a recipe looks at."""

    box_mm: Annotated[tuple[PlaceMm, PlaceMm, PlaceMm, PlaceMm], Field(strict=False)] = Field(
        description="Left, top, right, bottom in mm, in the axes of the positions."
    )
    view: Name | None = Field(default=None, description="View it lies in, at a station with several cameras.")


class Recipe(Settings):
    """Everything that decides about one product."""

    id: int = Field(ge=1, le=65535, description="Number by which the PLC selects this recipe.")
    confidence_gate: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="A finding whose score lies between the model's floor and this gate sends the part to review.",
    )
    guard_band: float = Field(
        default=1.0,
        ge=0,
        le=3,
        description="Width of the guard band on either side of every limit, in expanded uncertainties (k = 2); "
        "a value within it sends the part to review. 1 follows ISO 14253-1; 0 is no guard band.",
    )
    unlisted: Literal["fail", "review"] = Field(
        default="fail", description="What happens to a part with a finding that no rule speaks of."
    )
    rules: Items[Rule] = Field(default=(), description="Rules, in any order; a rule with a zone wins inside its zone.")
    regions: Items[Region] = Field(
        default=(),
        description="Where this product is inspected: a finding whose position lies in none of them is recorded, but "
        "does not count. Default: everywhere; so is a view that none of them names.",
    )
