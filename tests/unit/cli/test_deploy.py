"""`inspector models triton` and `build`: a repository and engines from model folders."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspector.cli.models import app
from inspector.detection import models_folder
from inspector.domain import ConfigurationError
from tests.support.tiny_model import write_tiny_model

runner = CliRunner()
needs_rtx = pytest.mark.skipif(
    importlib.util.find_spec("tensorrt_rtx_bindings") is None, reason="TensorRT for RTX is not installed"
)


def test_the_repository_holds_the_models_that_are_named(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "tiny")
    out = tmp_path / "repository"
    done = runner.invoke(app, ["triton", str(folder), "--out", str(out), "--engine", "python", "--largest-batch", "4"])
    assert done.exit_code == 0, done.output
    assert f"tritonserver --model-repository={out}" in done.stdout
    assert "max_batch_size: 4" in (out / "tiny" / "config.pbtxt").read_text(encoding="utf-8")
    again = runner.invoke(app, ["triton", str(folder), "--out", str(out), "--json"])
    assert json.loads(again.stdout) == {"repository": str(out), "models": ["tiny"]}
    assert 'backend: "onnxruntime"' in (out / "tiny" / "config.pbtxt").read_text(encoding="utf-8")


def test_without_names_every_shipped_detector_is_served_and_nothing_else(tmp_path: Path) -> None:
    done = runner.invoke(app, ["triton", "--out", str(tmp_path), "--json"])
    served = set(json.loads(done.stdout)["models"])
    assert "bare-board" in served
    assert served.isdisjoint({"defect-search", "efficientnet-lite0", "report-writer"})
    assert len(served) <= len(list(models_folder().glob("*/card.yaml"))) - 2


def test_an_engine_that_triton_does_not_have_is_named(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "tiny")
    done = runner.invoke(app, ["triton", str(folder), "--out", str(tmp_path), "--engine", "abacus"])
    assert isinstance(done.exception, ConfigurationError)
    assert "Triton engine abacus: there is none. Choose one of onnxruntime," in str(done.exception)


@needs_rtx
def test_an_engine_is_built_and_then_found(tmp_path: Path) -> None:
    command = [
        "build",
        str(write_tiny_model(tmp_path / "tiny")),
        "--capability",
        "8.9",
        "--folder",
        str(tmp_path / "e"),
    ]
    first, second = runner.invoke(app, command), runner.invoke(app, [*command, "--json"])
    assert first.exit_code == 0, first.output
    assert "tiny: " in first.stdout
    (row,) = json.loads(second.stdout)["engines"]
    assert row["fresh"] is False
    assert Path(row["engine"]).is_file()
