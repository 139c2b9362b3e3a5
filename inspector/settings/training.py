"""How `inspector train` makes the model of a line from its own labelled images."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from inspector.settings.base import FilePath, Settings

__all__ = ["PseudoLabels", "Training"]


class PseudoLabels(Settings):
    """Images without labels to learn from too: the model labels what it is sure of, and is trained on with that."""

    images: FilePath = Field(
        description="Folder of the unlabelled images, with all folders below it; relative to this file. Those that "
        "are held out or labelled already are left out."
    )
    confidence: float = Field(
        default=0.7,
        ge=0.5,
        le=0.999,
        description="Probability of being right, calibrated on the held-out images, from which a finding is a label. "
        "Lesser findings are painted over.",
    )
    rounds: int = Field(
        default=1, ge=1, le=10, description="How often the model labels and is trained on, as long as it gets better."
    )
    epochs: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="Passes of a round, at most; default: as many as `training.epochs`."
    )
    group: Annotated[str, Field(max_length=256)] = Field(
        default="",
        description="How names tell the lot, as `--group` of `inspector data split`, so that images of held-out lots "
        "are left out; asked for where the labelled images were divided by lots.",
    )


class Training(Settings):
    """What is learnt, from which images, for how long; read by `inspector train LINE.yaml`, not by the running line."""

    data: FilePath = Field(
        description="Data set of `inspector data import`, divided by `inspector data split`; relative to this file."
    )
    model: FilePath | None = Field(
        default=None,
        description="Model folder to write, relative to this file; default: the path that `detector.model` names.",
    )
    version: Annotated[str, Field(min_length=1, max_length=32)] = Field(
        default="1.0.0", description="Version of the model, for its card and every record."
    )
    architecture: Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=32)] = Field(
        default="yolo11n",
        description="Network of ultralytics, without task and suffix: yolo11n is the smallest, yolo11s costs twice the "
        "time.",
    )
    image_px: Annotated[int, Field(ge=64, le=4096, multiple_of=32)] | None = Field(
        default=None,
        description="Longer side that images are scaled to, in pixels; default: their own, at most 640. More than "
        "their own is refused: enlarging adds nothing.",
    )
    epochs: int = Field(default=100, ge=1, le=10_000, description="Passes over the training images, at most.")
    patience: int = Field(
        default=30,
        ge=1,
        le=10_000,
        description="Passes without improvement on the held-out images that end it.",
    )
    batch: int = Field(default=16, ge=2, le=1024, description="Images per step; fewer need less memory.")
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Start of the random numbers.")
    start_from: FilePath | None = Field(
        default=None,
        description="Weights (.pt) of the same family to begin with, such as the last run's; relative to this file. "
        "Without them training begins from nothing and needs some hundreds of images.",
    )
    teacher: FilePath | None = Field(
        default=None,
        description="Weights (.pt) of a larger network that was trained on the same classes, to learn from beside the "
        "labels; relative to this file.",
    )
    prune: float = Field(
        default=0.0,
        ge=0,
        le=0.9,
        description="Share of the channels of `start_from` to leave out, the weakest ones of every layer, before "
        "training on: a smaller and faster network.",
    )
    pseudo_labels: PseudoLabels | None = Field(
        default=None, description="Images without labels to learn from too; task detect."
    )
    box_margin_px: float = Field(
        default=0.0,
        ge=0,
        le=99,
        description="How far the labelled boxes reach beyond the defect on every side, in pixels; lengths read off "
        "boxes are reduced by it.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="`auto` takes a GPU where there is one.")
    precision: Literal["auto", "bf16", "f32"] = Field(
        default="auto", description="`auto` trains in bfloat16 where processor or GPU compute it natively."
    )
