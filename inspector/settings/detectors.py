"""What looks at the images: models, a golden part, and detectors that learn nothing; one, or several together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from inspector.settings.base import HOST_AND_PORT, MODEL, ClassName, FilePath, Items, Name, Settings
from inspector.settings.vision import Millimetre

__all__ = [
    "DEFAULT_KIND",
    "ONE",
    "SEVERAL",
    "AnyDetector",
    "BlobSettings",
    "CaliperSettings",
    "CodeSettings",
    "ColourSettings",
    "ComparedImages",
    "Detector",
    "DetectorKey",
    "GoldenImages",
    "GoldenSettings",
    "PresenceSettings",
    "TextSettings",
]

DEFAULT_KIND = "model"
ONE, SEVERAL = "one", "several"

BoxMm = Annotated[tuple[Millimetre, Millimetre, Millimetre, Millimetre], Field(strict=False)]
AreaMm2 = Annotated[float, Field(ge=0, le=1e6)]
GreyLevels = Annotated[int, Field(ge=1, le=255)]
Search = Annotated[
    float, Field(ge=0, le=1000, description="How far the part may lie off its place along each axis, in mm.")
]
SpotCount = Annotated[int, Field(ge=0, le=100_000)]
Lab = Annotated[float, Field(ge=-200, le=200)]
WHERE = "Left, top, right, bottom in mm from the image's top-left corner."


class GoldenImages(Settings):
    """Pictures of good parts to compare with."""

    image: FilePath | None = Field(
        default=None, description="Image of a good part, for every recipe without its own; relative to this file."
    )
    recipes: Mapping[Name, FilePath] = Field(default={}, description="Images of good parts by recipe.")
    search_mm: Search = 0.4


class ComparedImages(GoldenImages):
    """Pictures of good parts that a model compares with."""

    folder: FilePath | None = Field(
        default=None,
        description="Instead: a folder with a good part for each recorded image, under its name.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        named = self.image is not None or bool(self.recipes)
        if named == (self.folder is not None):
            raise ValueError("give either 'image:' and 'recipes:', or 'folder:'")
        return self


class Detector(Settings):
    """A trained model: YOLO boxes, or the heat map of a good-only model."""

    kind: Literal["model"] = Field(default="model", description="May be left out.")
    model: str = Field(
        default="bare-board",
        min_length=1,
        pattern=MODEL,
        description="Name of a shipped model, or the path of a model folder (with a `/`; relative to this file).",
    )
    backend: Literal[
        "auto",
        "onnxruntime",
        "openvino",
        "onnxruntime-cuda",
        "onnxruntime-tensorrt",
        "onnxruntime-tensorrt-rtx",
        "tensorrt",
        "triton",
    ] = Field(default="auto", description="What runs the model; `auto` takes the best that this machine has.")
    triton: str = Field(
        default="",
        pattern=HOST_AND_PORT,
        description="Host and port of a Triton server's gRPC service, such as 127.0.0.1:8001; `auto` tries it as well.",
    )
    threads: int = Field(default=2, ge=1, le=256, description="Processor threads the model may use.")
    floor: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Score below which findings are not reported; default: the floor of the model's card. Raise it "
        "only where another detector of the line finds what the model then leaves out.",
    )
    golden: ComparedImages | None = Field(
        default=None,
        description="Good parts that the model compares with; for models whose card says `channels: 2`.",
    )


class GoldenSettings(GoldenImages):
    """The difference to a golden part, after registration."""

    kind: Literal["golden"] = Field(description="Compare with a golden part.")
    label: ClassName = Field(default="difference", description="Defect name of its findings, for the rules.")
    tolerance_mm: float = Field(default=0.06, ge=0, le=10, description="How far an edge may lie off its place, in mm.")
    levels: GreyLevels = Field(default=60, description="Grey levels that a pixel may differ beyond that.")
    least_area_mm2: AreaMm2 = Field(default=0.005, description="Smallest difference that counts, in mm2.")


class PresenceSettings(Settings):
    """Something that must be there."""

    kind: Literal["presence"] = Field(description="Something must be there.")
    image: FilePath = Field(description="Image of a good part that has it; relative to this file.")
    box_mm: BoxMm = Field(description=f"Where it is on that image. {WHERE}")
    label: ClassName = Field(default="missing", description="Defect name of its finding, for the rules.")
    search_mm: Search = 0.4
    least_match: float = Field(
        default=0.7, gt=0, le=1, description="Least correlation with the golden cut-out that counts as there."
    )


class BlobSettings(Settings):
    """Dark or bright spots: each a finding, or counted."""

    kind: Literal["blob"] = Field(description="Find or count spots.")
    box_mm: BoxMm | None = Field(default=None, description=f"Where to look; without it, everywhere. {WHERE}")
    label: ClassName = Field(default="blob", description="Defect name of its findings, for the rules.")
    shade: Literal["dark", "bright"] = Field(default="dark", description="Which spots.")
    level: int | None = Field(
        default=None, ge=0, le=254, description="Grey level between dark and bright; without it, found in each image."
    )
    least_area_mm2: AreaMm2 = Field(default=0.005, description="Smallest spot that counts, in mm2.")
    largest_area_mm2: AreaMm2 = Field(default=1e6, description="Largest spot that counts, in mm2.")
    count: Annotated[tuple[SpotCount, SpotCount], Field(strict=False)] | None = Field(
        default=None, description="Least and largest number on a good part; without it, every spot is a finding."
    )


class CaliperSettings(Settings):
    """The distance between two edges; the rules hold it by `characteristic: length`."""

    kind: Literal["caliper"] = Field(description="Measure between two edges.")
    box_mm: BoxMm = Field(description=f"Where the edges are. {WHERE}")
    label: ClassName = Field(
        default="gap", description="Name of the measured finding; `<label>_not_found` where there are no two edges."
    )
    axis: Literal["x", "y"] = Field(default="x", description="Across which way: `x` from left to right, `y` down.")
    contrast: GreyLevels = Field(default=20, description="Least step in grey levels that is an edge.")


class ColourSettings(Settings):
    """The colour that a place ought to have."""

    kind: Literal["colour"] = Field(description="Check a colour.")
    box_mm: BoxMm = Field(description=f"Where. {WHERE}")
    lab: Annotated[tuple[Lab, Lab, Lab], Field(strict=False)] = Field(
        description="Colour it ought to have: CIELAB L*, a*, b* under D65."
    )
    tolerance: float = Field(default=8.0, gt=0, le=200, description="Largest colour difference (CIE 1976).")
    label: ClassName = Field(default="wrong_colour", description="Defect name of its finding, for the rules.")


class CodeSettings(Settings):
    """1D and 2D codes: the part's identity; findings `code_unreadable` and `code_mismatch`."""

    kind: Literal["code"] = Field(description="Read a code.")
    box_mm: BoxMm | None = Field(default=None, description=f"Where to look; without it, everywhere. {WHERE}")
    formats: Items[Name] = Field(default=(), description="Kinds of code, such as `DataMatrix`; empty: all.")
    pattern: str = Field(
        default="",
        max_length=500,
        description="Regular expression that the whole text must match; its first group, if any, is the identity.",
    )
    identity: bool = Field(
        default=True,
        description="Whether the text is the part's identity: taken where the PLC names no part, else compared.",
    )


class TextSettings(Settings):
    """Printed text, such as a lot number; findings `text_unreadable` and `text_mismatch`. Needs the extra `ocr`."""

    kind: Literal["text"] = Field(description="Read printed text.")
    box_mm: BoxMm | None = Field(default=None, description=f"Where to look; without it, everywhere. {WHERE}")
    pattern: str = Field(
        default="", max_length=500, description="Regular expression that one line of the text must match as a whole."
    )
    least_score: float = Field(
        default=0.8, ge=0, le=1, description="Least certainty of the reader; a line below it counts as not read."
    )
    identity: bool = Field(default=False, description="Whether the text is the part's identity, as for a code.")


def _with_kind(value: Any) -> Any:
    """Return a detector's keys with the kind that may be left out."""
    return {"kind": DEFAULT_KIND, **value} if isinstance(value, Mapping) and "kind" not in value else value


AnyDetector = Annotated[
    Annotated[
        Detector
        | GoldenSettings
        | PresenceSettings
        | BlobSettings
        | CaliperSettings
        | ColourSettings
        | CodeSettings
        | TextSettings,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_with_kind),
]


def _one_or_several(value: Any) -> str:
    return SEVERAL if isinstance(value, (list, tuple)) else ONE


DetectorKey = Annotated[
    Annotated[AnyDetector, Tag(ONE)]
    | Annotated[Items[AnyDetector], Field(json_schema_extra={"minItems": 1}), Tag(SEVERAL)],
    Discriminator(_one_or_several),
]
"""One detector, or a list of them; that the list is not empty is checked with the relations between the keys."""
