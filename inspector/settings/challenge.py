"""The challenge test: boundary samples that the line has to judge rightly before it may judge parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from inspector.settings.base import FilePath, Items, Name, Settings

Expected = Literal["pass", "review", "fail"]
PartId = Annotated[str, Field(min_length=1, max_length=128)]


class Sample(Settings):
    """A kept picture of a part whose verdict is known."""

    image: FilePath = Field(description="Picture as the camera took it (PNG); relative to this file.")
    expect: Expected = Field(description="The verdict it has to get.")
    recipe: Name | None = Field(default=None, description="Recipe it belongs to; default: every one.")


class Challenge(Settings):
    """Samples near the limits; a wrong verdict holds the line until they are judged rightly again."""

    samples: Items[Sample] = Field(
        default=(), description="Kept pictures, inspected by the line itself between two parts; some seconds at most."
    )
    master_parts: Mapping[PartId, Expected] = Field(
        default={},
        description="Real sample parts by the part id that the PLC gives them, and the verdict they have to get: they "
        "go through camera and light like any part.",
    )
    every_h: float | None = Field(
        default=None, gt=0, le=8760, description="Run the samples again after so many hours; default: never by time."
    )
    shift_start: bool = Field(
        default=True, description="Run them at the start of each shift; needs `shifts:`, and does nothing without it."
    )
    changeover: bool = Field(default=True, description="Run them when the recipe changes.")
