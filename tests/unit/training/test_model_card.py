"""The card that training writes is one that the line reads."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from inspector.detection.card import read_card
from inspector.training.card import CardFacts, DataNote, write_card
from inspector.training.dataset import BOARD_CLASSES
from inspector.training.evaluate import Figures
from inspector.training.recipe import Recipe, Stage

RECIPE = Recipe(
    name="tiny",
    version="1.2.3",
    architecture="yolo11n.yaml",
    classes=BOARD_CLASSES,
    seed=1,
    weight_decay=0.0,
    figures_from="real",
    floor_from=("real",),
    stages=(Stage("only", steps=1, peak_rate=0.1, mix={"real": 1.0}),),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.onnx").write_bytes(b"weights")
    facts = CardFacts(
        confidence_floor=0.05,
        box_margin_px=9.5,
        data=[DataNote("boards", "MIT", "somewhere", "training", 3, ("00041",))],
        figures=Figures(0.91234, 0.5, {"open": {"map50": 0.9, "map50_95": 0.4}}),
        held_out_images=7,
        floor_report={"real": {"defects": 3, "missed_defects": 0}},
        command="inspector train recipe.yaml",
        created=date(2026, 1, 2),
    )
    write_card(tmp_path, RECIPE, facts)
    return tmp_path


def test_the_line_reads_the_card(folder: Path) -> None:
    card = read_card(folder)

    assert card.classes == BOARD_CLASSES
    assert card.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert card.licence == "AGPL-3.0"
    assert card.input.shape == (3, 640, 640)
    assert card.confidence_floor == pytest.approx(0.05)


def test_the_card_says_what_was_reached_and_on_what(folder: Path) -> None:
    card = read_card(folder)

    assert card.metrics["held_out"]["images"] == 7
    assert card.metrics["held_out"]["map50"] == pytest.approx(0.9123)
    assert card.metrics["at_the_floor"]["real"]["missed_defects"] == 0
    assert card.data[0]["groups"] == ["00041"]
