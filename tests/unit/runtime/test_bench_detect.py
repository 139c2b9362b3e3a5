"""The benchmark of detection: every figure there, and no claim where there is nothing to compare with."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspector.cli.main import app
from inspector.domain import ConfigurationError
from inspector.runtime.bench_detect import measure_detection
from tests.support.tiny_heat import write_tiny_heat
from tests.support.tiny_model import write_tiny_model


def test_every_figure_is_there(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    done = CliRunner().invoke(app, ["bench", "detect", "--model", str(folder), "--rounds", "3", "--json"])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["detect_over_session"] == pytest.approx(figures["detect_ms"] / figures["session_ms"])
    assert {"onnxruntime", "openvino-f32"} <= set(figures["backends_ms"])
    assert figures["best_over_onnxruntime"] >= 1
    assert set(figures["batch_ms_per_frame"]) == {"1", "2", "4", "8"}
    assert figures["frames_per_core_second"] == pytest.approx(1e3 / figures["processor_ms"]["detect"])
    assert figures["by_processor_time"].keys() == {
        "detect_over_session", "best_over_onnxruntime", "ultralytics_over_detect",
    }  # fmt: skip
    assert figures["gpu"] is None
    assert (figures["ultralytics_ms"] is None) == (importlib.util.find_spec("ultralytics") is None)


def test_a_heat_model_is_not_measured_as_a_detector(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has task anomaly"):
        measure_detection(str(write_tiny_heat(tmp_path)))
