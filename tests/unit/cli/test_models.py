"""`inspector models` tells which models there are and which are not what their cards say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspector.cli.models import app
from inspector.domain import ModelError
from tests.support.tiny_model import write_tiny_model

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tiny_model(tmp_path / "tiny")
    return tmp_path


def spoil(folder: Path) -> None:
    with (folder / "tiny" / "tiny.onnx").open("ab") as weights:
        weights.write(b"x")


def test_list_shows_name_version_classes_accuracy_licence_and_hash(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = runner.invoke(app, ["list", "--folder", str(folder)])
    assert done.exit_code == 0
    for expected in ("tiny", "1.0.0", "open, short", "0.500", "Apache-2.0", "ok"):
        assert expected in done.output


def test_list_as_json_is_one_object(folder: Path) -> None:
    done = runner.invoke(app, ["list", "--folder", str(folder), "--json"])
    (row,) = json.loads(done.stdout)["models"]
    assert row["ok"] is True
    assert row["map50"] == 0.5
    assert row["bytes"] == (folder / "tiny" / "tiny.onnx").stat().st_size


def test_list_shows_an_altered_model_as_wrong_and_says_why(folder: Path) -> None:
    spoil(folder)
    done = runner.invoke(app, ["list", "--folder", str(folder)])
    assert done.exit_code == 0
    assert "wrong" in done.stdout
    assert "SHA-256" in done.stderr


def test_verify_is_silent_trouble_free_and_zero_on_sound_models(folder: Path) -> None:
    done = runner.invoke(app, ["verify", "--folder", str(folder)])
    assert done.exit_code == 0
    assert "ok tiny 1.0.0" in done.stdout


@pytest.mark.parametrize("names", [[], ["tiny"]])
def test_verify_ends_with_one_on_an_altered_model(folder: Path, names: list[str]) -> None:
    spoil(folder)
    done = runner.invoke(app, ["verify", *names, "--folder", str(folder), "--json"])
    assert done.exit_code == 1
    answer = json.loads(done.stdout)
    assert answer["ok"] is False
    assert "SHA-256" in answer["models"][0]["problem"]


def test_verify_of_a_model_that_is_not_there_names_the_choice(folder: Path) -> None:
    done = runner.invoke(app, ["verify", "huge", "--folder", str(folder)])
    assert isinstance(done.exception, ModelError)
    assert "(tiny)" in str(done.exception)


def test_a_folder_without_models_is_named(tmp_path: Path) -> None:
    done = runner.invoke(app, ["list", "--folder", str(tmp_path)])
    assert isinstance(done.exception, ModelError)
    assert str(tmp_path) in str(done.exception)


def test_help_shows_an_example() -> None:
    assert "inspector models list" in runner.invoke(app, ["--help"]).output
