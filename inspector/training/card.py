"""Model cards: what a shipped model is, where it comes from, what it reaches."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from inspector.training.evaluate import Figures
from inspector.training.recipe import Recipe

CARD_FILE = "card.yaml"
TRAINER_LICENCE = "AGPL-3.0"


@dataclass(frozen=True, slots=True)
class DataNote:
    """One data set behind a model: name, licence, source, and what each split holds."""

    name: str
    licence: str
    source: str
    use: str
    images: int
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card says beyond the recipe.

    ``confidence_floor`` is the lowest score that the line looks at, ``floor_without_golden`` the one where a
    network that sees golden boards is shown none; ``box_margin_px`` is how far the labelled boxes reach beyond
    the defect on every side, at the input's scale.
    """

    confidence_floor: float
    box_margin_px: float
    data: Sequence[DataNote]
    figures: Figures
    held_out_images: int
    floor_report: Mapping[str, Any]
    command: str
    created: date
    input_px: int = 640
    channels: int = 3
    floor_without_golden: float | None = None
    figures_without_golden: Figures | None = None


def write_card(folder: Path, recipe: Recipe, facts: CardFacts) -> Path:
    """Write ``card.yaml`` beside the weights ``<name>.onnx`` and return its path."""
    weights = folder / f"{recipe.name}.onnx"
    card = {
        "name": recipe.name,
        "version": recipe.version,
        "task": "detect",
        "weights": weights.name,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "input": {
            "width": facts.input_px,
            "height": facts.input_px,
            "channels": facts.channels,
            "layout": "NCHW",
            "colour": "grey",
            "normalisation": {"mean": 0.0, "std": 255.0},
            "pad_value": 114,
        },
        "classes": list(recipe.classes),
        "confidence_floor": facts.confidence_floor,
        **({} if facts.floor_without_golden is None else {"floor_without_golden": facts.floor_without_golden}),
        "licence": TRAINER_LICENCE,
        "data": [_data_entry(note) for note in facts.data],
        "metrics": {
            "held_out": {"images": facts.held_out_images, **rounded(facts.figures)},
            **(
                {}
                if facts.figures_without_golden is None
                else {"held_out_without_golden": rounded(facts.figures_without_golden)}
            ),
            "at_the_floor": dict(facts.floor_report),
            "box_margin_px": facts.box_margin_px,
            "architecture": Path(recipe.architecture).stem,
        },
        "command": facts.command,
        "created": facts.created.isoformat(),
    }
    return save_card(folder, card)


def save_card(folder: Path, card: Mapping[str, Any]) -> Path:
    """Write ``card.yaml`` with its keys in the given order and return its path; raises ``OSError``."""
    path = folder / CARD_FILE
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    with path.open("w", encoding="utf-8") as out:
        yaml.dump(card, out)
    return path


def rounded(figures: Figures) -> dict[str, Any]:
    """Return the precision of a model as its card gives it, to four digits."""
    return {
        "map50": round(figures.map50, 4),
        "map50_95": round(figures.map50_95, 4),
        "per_class": {
            name: {key: round(value, 4) for key, value in values.items()} for name, values in figures.per_class.items()
        },
    }


def _data_entry(note: DataNote) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": note.name,
        "licence": note.licence,
        "source": note.source,
        "use": note.use,
        "images": note.images,
    }
    if note.groups:
        entry["groups"] = list(note.groups)
    return entry
