"""Training recipes: the YAML file that says, stage by stage, how shipped weights are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from inspector.domain import ConfigurationError
from inspector.training.crops import CropSettings
from inspector.training.dataset import View


class RecipeError(ConfigurationError):
    """A recipe is broken; the message names the file, the key and what would be right."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A run of optimiser steps with one data mix and one warm-up-then-cosine learning rate.

    ``steps`` is the length of the schedule; a stage with ``until`` ends there, while the rate is still
    high, and leaves the descent to the next. ``mix`` maps a data-set name to its weight in the draw;
    ``averaging`` is the decay of the moving average of the weights, which is validated and exported;
    ``processes`` share each batch evenly; ``inverted`` is the share of bare-board crops shown as negatives,
    ``without_golden`` the share shown without their golden board.
    """

    name: str
    steps: int
    peak_rate: float
    mix: Mapping[str, float]
    final_rate: float = 0.02
    warmup_steps: int = 100
    averaging: float = 0.998
    batch: int = 16
    crop: int = 320
    until: int | None = None
    inverted: float = 0.0
    without_golden: float = 0.0
    processes: int = 2

    @property
    def last_step(self) -> int:
        """The step after which the stage ends."""
        return self.steps if self.until is None else min(self.until, self.steps)

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1 or not self.mix or min(self.mix.values()) <= 0:
            raise RecipeError(f"stage {self.name}: steps, batch and every weight of the mix must be positive")
        if self.processes < 1 or self.batch % self.processes:
            raise RecipeError(f"stage {self.name}: batch must be a multiple of processes ({self.processes})")
        if self.crop % 32:
            raise RecipeError(f"stage {self.name}: crop {self.crop} px, expected a multiple of 32")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that determines the weights, apart from the data folders.

    ``paired`` networks see the image and its golden board as two planes; others see the image alone.
    ``figures_from`` names the data set whose val split gives the figures of the card, ``floor_from``
    the ones on which the confidence floor is chosen.
    """

    name: str
    version: str
    architecture: str
    classes: tuple[str, ...]
    seed: int
    weight_decay: float
    figures_from: str
    floor_from: tuple[str, ...]
    stages: tuple[Stage, ...]
    paired: bool = False

    @property
    def planes(self) -> int:
        """Input planes of the network: grey repeated three times, or image and golden board."""
        return 2 if self.paired else 3

    @property
    def view(self) -> View:
        """What the network sees of an example."""
        return View.PAIR if self.paired else View.IMAGE

    @property
    def data_sets(self) -> tuple[str, ...]:
        """The names of all data sets the recipe speaks of, in order of first use."""
        drawn = [name for stage in self.stages for name in stage.mix]
        return tuple(dict.fromkeys([*drawn, self.figures_from, *self.floor_from]))


def crop_settings(stage: Stage, *, paired: bool = False) -> CropSettings:
    """Return the crop settings of a stage."""
    return CropSettings(size=stage.crop, inverted=stage.inverted, paired=paired, without_golden=stage.without_golden)


def read_recipe(path: Path) -> Recipe:
    """Return the recipe of a YAML file.

    Raises
    ------
    RecipeError
        The file is missing, or a key is missing, unknown or of a wrong type.
    """
    if not path.is_file():
        raise RecipeError(f"{path}: no such recipe; models/bare-board/recipe.yaml is an example")
    try:
        raw: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) or {}
    except YAMLError as error:
        raise RecipeError(f"{path}: not YAML: {error}") from error
    try:
        stages = tuple(Stage(**stage) for stage in raw.pop("stages"))
        classes, floor_from = tuple(raw.pop("classes")), tuple(raw.pop("floor_from"))
        return Recipe(**raw, classes=classes, floor_from=floor_from, stages=stages)
    except KeyError as error:
        raise RecipeError(f"{path}: key {error} is missing") from error
    except TypeError as error:
        raise RecipeError(f"{path}: {error}") from error
