"""A new temperature: scores change, findings do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.detection import read_card
from inspector.detection.recalibrate import write_temperature
from inspector.detection.temperature import with_temperature
from tests.support.tiny_model import write_tiny_model


def test_both_floors_keep_the_same_findings(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path, confidence_floor=0.3, floor_without_golden=0.01, temperature=0.8)

    told = write_temperature(folder, 0.43)

    card = read_card(folder)
    assert told == card.confidence_floor
    assert card.temperature == 0.43
    # What the head itself must say to be at the floor is what it was.
    for now, before in ((card.confidence_floor, 0.3), (card.floor_without_golden, 0.01)):
        assert now is not None
        assert with_temperature(now, 1 / 0.43) == pytest.approx(with_temperature(before, 1 / 0.8), rel=1e-3)


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path, confidence_floor=0.3)
    write_temperature(folder, 0.5)
    before = (folder / "card.yaml").read_text(encoding="utf-8")
    write_temperature(folder, 0.5)
    assert (folder / "card.yaml").read_text(encoding="utf-8") == before
