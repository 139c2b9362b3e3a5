"""The benchmark of detection: every figure there, and no claim where there is nothing to compare with."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from inspector.cli.main import app
from inspector.domain import ConfigurationError
from inspector.runtime.bench_detect import measure_detection
from inspector.training.rival import Rival
from tests.support.tiny_heat import write_tiny_heat
from tests.support.tiny_model import write_tiny_model
from tests.support.triton import TritonServer

PREDICT = """
import time
__version__ = "9.9"
class YOLO:
    def __init__(self, weights, task): print("Loading", weights)
    def predict(self, pixels, *, imgsz, conf, verbose, device, save):
        assert pixels.shape == (96, 128, 3) and imgsz == [96, 128] and conf == 0.25 and device == "cpu"
        {act}
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that is called as ultralytics is, so that the way to it and back is tested without it."""
    (tmp_path / "packages" / "ultralytics").mkdir(parents=True)
    threads = "__version__ = '2'\ndef set_num_threads(count): assert count == 1\n"
    (tmp_path / "packages" / "torch.py").write_text(threads, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    file = tmp_path / "packages" / "ultralytics" / "__init__.py"
    file.write_text(PREDICT.format(act="time.sleep(0.02)"), encoding="utf-8")
    return file


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
        "detect_over_session", "with_golden_over_session", "best_over_onnxruntime", "ultralytics_over_detect",
        "tensorrt_over_cuda",
    }  # fmt: skip
    if figures["gpu"] is None:
        assert figures["tensorrt_over_cuda"] is None
    assert figures["with_golden_over_session"] is None, "the tiny model looks at the part alone"
    assert figures["triton"] is None
    assert (figures["ultralytics_ms"] is None) == (importlib.util.find_spec("ultralytics") is None)


def test_a_server_is_measured_with_several_clients_at_once(tmp_path: Path, triton: TritonServer) -> None:
    figures = measure_detection(str(write_tiny_model(tmp_path)), rounds=3, threads=1, triton=triton.url)
    assert "triton" in figures.backends_ms
    assert figures.triton is not None
    assert set(figures.triton) == {"1", "8", "32"}
    assert all(each["frames_per_s"] > 0 and each["p95_ms"] > 0 for each in figures.triton.values())


def test_the_rival_takes_its_turns_in_its_own_process(tmp_path: Path, stand_in: Path) -> None:
    figures = measure_detection(str(write_tiny_model(tmp_path / "m")), rounds=3, threads=1, rival=sys.executable)
    assert figures.machine["ultralytics"] == "9.9"
    assert figures.ultralytics_ms is not None
    assert figures.ultralytics_ms >= 20
    assert figures.ultralytics_over_detect == pytest.approx(figures.ultralytics_ms / figures.detect_ms)


def test_a_rival_that_breaks_says_why(tmp_path: Path, stand_in: Path) -> None:
    stand_in.write_text(PREDICT.format(act="raise ValueError('two channels')"), encoding="utf-8")
    weights = write_tiny_model(tmp_path / "m") / "tiny.onnx"
    with pytest.raises(ConfigurationError, match="ultralytics' predict ended: ValueError: two channels"):
        Rival(sys.executable, weights, np.zeros((96, 128, 3), np.uint8), floor=0.25, threads=1)


def test_a_heat_model_is_not_measured_as_a_detector(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has task anomaly"):
        measure_detection(str(write_tiny_heat(tmp_path)))
