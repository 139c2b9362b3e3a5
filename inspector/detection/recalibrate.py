"""A new temperature in a model's card, with everything that speaks of scores moved along."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

from inspector.detection.card import CARD_NAME, read_card
from inspector.detection.temperature import with_temperature
from inspector.domain import ModelError

__all__ = ["write_temperature"]


def write_temperature(folder: Path, temperature: float) -> float:
    """Write the temperature and the floor that keeps the same findings; return that floor.

    Comments and the order of the card's keys stay. Raises ``ModelError``.
    """
    card = read_card(folder)
    floor = round(with_temperature(card.confidence_floor, temperature / card.temperature), 4)
    path = folder / CARD_NAME
    yaml = YAML()
    try:
        keys = yaml.load(path.read_text(encoding="utf-8"))
        keys["confidence_floor"] = floor
        keys["temperature"] = temperature
        half_written = path.with_suffix(".part")
        with half_written.open("w", encoding="utf-8") as out:
            yaml.dump(keys, out)
        half_written.replace(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be written: {error.strerror}", remedy="Check the file's rights") from error
    read_card(folder)
    return floor
