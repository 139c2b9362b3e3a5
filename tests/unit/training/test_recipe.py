"""Recipes: the shipped one is readable; a broken one is refused by file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.training.dataset import BOARD_CLASSES
from inspector.training.recipe import RecipeError, read_recipe

SHIPPED = Path(__file__).resolve().parents[3] / "models" / "bare-board" / "recipe.yaml"


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "recipe.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_the_shipped_recipe_trains_the_six_bare_board_defects() -> None:
    recipe = read_recipe(SHIPPED)

    assert recipe.classes == BOARD_CLASSES
    assert recipe.figures_from == "real"
    assert set(recipe.data_sets) == {"real", "painted", "hairlines", "virtual"}


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("seed: 7", "sead: 7", "sead"),
        ("seed: 7\n", "", "seed"),
        ("stages:", "steps:", "stages"),
        ("processes: 1", "processes: 3", "processes"),
        ("peak_rate: 0.002", "peak: 0.002", "peak"),
        ("name: bare-board", "name: [", "recipe.yaml"),
    ],
)
def test_a_broken_recipe_is_refused(tmp_path: Path, old: str, new: str, named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        read_recipe(changed(tmp_path, old, new))


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="nowhere"):
        read_recipe(tmp_path / "nowhere.yaml")
