"""A tiny training from data folders to a model folder that the line loads (extra `train`)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from inspector.cli.data import app as data_commands
from inspector.detection.card import load_model
from inspector.training.dataset import BOARD_CLASSES, DatasetError, read_manifest, read_split
from inspector.training.pipeline import Paths, make_model
from inspector.training.recipe import Recipe, Stage

TINY = Recipe(
    name="tiny",
    version="0.0.1",
    architecture="yolo11n.yaml",
    classes=BOARD_CLASSES,
    seed=1,
    weight_decay=0.01,
    figures_from="virtual",
    floor_from=("virtual",),
    stages=(Stage("only", steps=3, peak_rate=0.001, mix={"virtual": 1.0}, batch=2, crop=64, warmup_steps=1),),
)


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boards")
    arguments = ["synth", str(folder / "virtual"), "--parts", "3", "--held-out", "3"]
    result = CliRunner().invoke(data_commands, arguments)
    assert result.exit_code == 0, result.output
    return folder


def test_drawn_boards_are_a_data_set_with_its_origin(boards: Path) -> None:
    manifest = read_manifest(boards / "virtual")

    assert manifest.licence == "Apache-2.0"
    assert manifest.counts == {"train": 3, "val": 3}
    assert len(read_split(boards / "virtual", "train")) == 3


def test_the_same_seed_draws_the_same_boards(boards: Path, tmp_path: Path) -> None:
    CliRunner().invoke(data_commands, ["synth", str(tmp_path / "again"), "--parts", "3", "--held-out", "3"])

    assert read_manifest(tmp_path / "again").content_sha256 == read_manifest(boards / "virtual").content_sha256


def test_templates_of_the_training_boards_only_are_painted(tmp_path: Path) -> None:
    source, like = tmp_path / "source", tmp_path / "like"
    pixels = np.full((640, 640), 255, dtype=np.uint8)
    pixels[:, 100:130] = 0
    for folder, names in ((source / "templates", ("a", "b")), (like / "images" / "train", ("a",))):
        folder.mkdir(parents=True)
        for name in names:
            cv2.imwrite(str(folder / f"{name}.jpg"), pixels)
    (like / "labels" / "train").mkdir(parents=True)
    (like / "labels" / "train" / "a.txt").touch()

    arguments = ["paint", str(source), str(tmp_path / "painted"), "--like", str(like)]
    result = CliRunner().invoke(data_commands, arguments)

    assert result.exit_code == 0, result.output
    painted = read_split(tmp_path / "painted", "train")
    assert [example.image.name for example in painted] == ["p0_a.jpg", "p1_a.jpg"]
    assert all(len(example.boxes) for example in painted)


def test_a_data_set_that_is_not_given_is_named(boards: Path, tmp_path: Path) -> None:
    from inspector.training.loop import Schedule

    recipe = replace(TINY, figures_from="real")
    paths = Paths({"virtual": boards / "virtual"}, tmp_path / "model", tmp_path / "work")

    with pytest.raises(DatasetError, match="real"):
        make_model(recipe, paths, Schedule(), command="inspector train")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("processes", [1, 2])
def test_a_trained_model_folder_loads_on_the_line(boards: Path, tmp_path: Path, processes: int) -> None:
    pytest.importorskip("ultralytics", reason="needs the extra `train`")
    pytest.importorskip("faster_coco_eval", reason="needs the extra `train`")
    from inspector.training.loop import Schedule

    paths = Paths({"virtual": boards / "virtual"}, tmp_path / "model", tmp_path / "work")

    (stage,) = TINY.stages
    recipe = replace(TINY, stages=(replace(stage, processes=processes),))
    make_model(recipe, paths, Schedule(), command="inspector train tiny.yaml")

    model = load_model(tmp_path / "model", classes=BOARD_CLASSES)
    assert model.card.command == "inspector train tiny.yaml"
    assert (tmp_path / "work" / "log.jsonl").is_file()
