"""A new temperature in a model's card, with everything that speaks of scores moved along."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

from inspector.detection.card import CARD_NAME, read_card
from inspector.detection.temperature import with_temperature
from inspector.domain import ModelError

__all__ = ["write_temperature"]


def write_temperature(folder: Path, temperature: float) -> float:
    """Write the temperature and the floors that keep the same findings; return the first.

    Comments and the order of the card's keys stay. Raises ``ModelError``.
    """
    card = read_card(folder)

    def moved(floor: float) -> float:
        return float(f"{with_temperature(floor, temperature / card.temperature):.4g}")

    floor = moved(card.confidence_floor)
    path = folder / CARD_NAME
    yaml = YAML()
    try:
        keys = yaml.load(path.read_text(encoding="utf-8"))
        keys["confidence_floor"] = floor
        if card.floor_without_golden is not None:
            keys["floor_without_golden"] = moved(card.floor_without_golden)
        keys["temperature"] = temperature
        half_written = path.with_suffix(".part")
        with half_written.open("w", encoding="utf-8") as out:
            yaml.dump(keys, out)
        half_written.replace(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be written: {error.strerror}", remedy="Check the file's rights") from error
    read_card(folder)
    return floor
