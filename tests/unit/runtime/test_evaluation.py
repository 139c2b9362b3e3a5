"""Evaluation through the detector of the line: figures that can be worked out by hand, in three forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from inspector.cli.main import app
from inspector.detection import YoloDetector, load_model, open_backend, read_card
from inspector.domain import ConfigurationError
from inspector.runtime.evaluation import evaluate_model
from inspector.runtime.evaluation_report import as_html, as_markdown
from tests.support.frames import frame
from tests.support.tiny_heat import write_tiny_heat
from tests.support.tiny_model import CELL, board, write_tiny_model
from tests.support.triton import TritonServer

LEVELS = {(0, 0): 255, (1, 1): 200, (2, 2): 120}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four boards with a defect, found at 1.0, 0.78, 0.47 and not at all; two good ones, one with a false find."""
    folder = tmp_path / "boards"
    for name in ("images/val", "labels/val", "images/good", "labels/good"):
        (folder / name).mkdir(parents=True)
    for number, (cell, level) in enumerate([*LEVELS.items(), ((3, 0), 0)]):
        cv2.imwrite(str(folder / f"images/val/{number}.png"), board(cell, level=level))
        x, y = (cell[0] + 0.5) * CELL / 128, (cell[1] + 0.5) * CELL / 96
        (folder / f"labels/val/{number}.txt").write_text(f"0 {x} {y} {CELL / 128} {CELL / 96}\n")
    for number, pixels in enumerate([board(), board((3, 2), level=180)]):
        cv2.imwrite(str(folder / f"images/good/g{number}.png"), pixels)
        (folder / f"labels/good/g{number}.txt").write_text("")
    return folder


def facts_of(tmp_path: Path, data: Path, **more: Any) -> dict[str, Any]:
    pytest.importorskip("faster_coco_eval", reason="the extra `evaluate` is not installed")
    model = write_tiny_model(tmp_path / "models" / "tiny")
    return evaluate_model(str(model), data, backend="onnxruntime", threads=1, **more)


def test_precision_is_over_the_split_and_parts_over_all(tmp_path: Path, data: Path) -> None:
    facts = facts_of(tmp_path, data)
    # Three of four defects, no false finding among them: precision 1 up to a recall of 0.75.
    assert facts["per_class"]["open"]["map50"] == pytest.approx(76 / 101, abs=1e-3)
    assert facts["per_size"].keys() == {"medium"}
    assert facts["per_size"]["medium"]["boxes"] == 4
    parts = facts["parts"]
    assert (parts["escapes"]["count"], parts["escapes"]["of"]) == (1, 4)
    assert (parts["defective_failed"], parts["defective_held"]) == (1, 2)
    assert (parts["good_held"], parts["good_passed"], parts["false_rejects"]["count"]) == (1, 1, 0)
    assert parts["escapes"]["interval_95"] == pytest.approx([0.0063, 0.8059], abs=1e-3)  # Clopper-Pearson, 1 of 4


def test_the_gate_decides_what_fails(tmp_path: Path, data: Path) -> None:
    parts = facts_of(tmp_path, data, gate=0.7)["parts"]
    assert (parts["defective_failed"], parts["defective_held"], parts["false_rejects"]["count"]) == (2, 1, 1)


def test_a_temperature_in_the_card_changes_scores_but_not_what_is_found(tmp_path: Path, data: Path) -> None:
    facts_of(tmp_path, data)
    folder = tmp_path / "models" / "tiny"
    runner = CliRunner()
    pixels = board((1, 1), level=200)
    before = YoloDetector(load_model(folder), open_backend(load_model(folder), "onnxruntime")).detect(frame(pixels))
    done = runner.invoke(
        app,
        ["evaluate", str(folder), str(data), "--calibrate", "--backend", "onnxruntime", "--out", str(tmp_path / "r")],
    )
    assert done.exit_code == 0, done.output
    card = read_card(folder)
    told = json.loads((tmp_path / "r" / "report.json").read_text())["calibration"]
    assert card.temperature == told["temperature"] != 1.0
    model = load_model(folder)
    after = YoloDetector(model, open_backend(model, "onnxruntime")).detect(frame(pixels))
    assert [item.box for item in after.items] == [item.box for item in before.items]
    odds = [np.log(each.items[0].score / (1 - each.items[0].score)) for each in (before, after)]
    assert odds[1] == pytest.approx(odds[0] / card.temperature, rel=1e-3)
    again = runner.invoke(app, ["evaluate", str(folder), str(data), "--backend", "onnxruntime", "--json"])
    parts = json.loads(again.stdout.splitlines()[-1])["parts"]
    assert parts["good_passed"] == 1
    assert parts["escapes"]["count"] == 1


def test_a_server_gives_the_same_figures_and_reliability(tmp_path: Path, data: Path, triton: TritonServer) -> None:
    here = facts_of(tmp_path, data)
    model = str(tmp_path / "models" / "tiny")
    there = evaluate_model(model, data, backend="triton", triton=triton.url)
    assert there["backend"] == "triton"
    for key in ("map50", "parts", "calibration"):
        assert there[key] == here[key]


def test_the_report_has_every_table_in_both_forms(tmp_path: Path, data: Path) -> None:
    facts = facts_of(tmp_path, data)
    text, page = as_markdown(facts), as_html(facts)
    for words in ("mAP50", "escapes", "false rejects", "Reliability", "Temperature", "tiny 1.0.0"):
        assert words in text
        assert words in page
    assert "<svg" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_a_heat_model_is_judged_by_parts_and_pixels(tmp_path: Path, data: Path) -> None:
    facts = evaluate_model(str(write_tiny_heat(tmp_path / "heat")), data, backend="onnxruntime", threads=1)
    heat = facts["heat"]
    assert heat["truth"] == "boxes"
    # Peaks of bad parts 1, .78, .47, 0; of good ones 0 and .71: 2 + 2 + 1 + .5 of 8 pairs.
    assert heat["image_auroc"] == pytest.approx(5.5 / 8)
    assert 0.8 < heat["pixel_auroc"] < 1
    assert heat["pro"] == pytest.approx(0.75, abs=0.05)
    assert "Heat map (truth: boxes)" in as_markdown(facts)


def test_folders_of_kinds_with_masks(tmp_path: Path) -> None:
    for kind, cells in (("good", []), ("dent", [(1, 1)])):
        (tmp_path / "test" / kind).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "test" / kind / "000.png"), board(*cells))
    (tmp_path / "ground_truth" / "dent").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "ground_truth" / "dent" / "000_mask.png"), board((1, 1)))
    facts = evaluate_model(str(write_tiny_heat(tmp_path / "heat")), tmp_path, backend="onnxruntime", threads=1)
    assert facts["heat"] == {"image_auroc": 1.0, "pixel_auroc": 1.0, "pro": 1.0, "truth": "masks"}
    assert facts["parts"]["escapes"]["count"] == 0


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    with pytest.raises(ConfigurationError, match="no images"):
        evaluate_model(str(write_tiny_heat(tmp_path / "heat")), tmp_path)


def test_heat_scores_are_not_calibrated(tmp_path: Path, data: Path) -> None:
    heat = write_tiny_heat(tmp_path / "heat")
    done = CliRunner().invoke(app, ["evaluate", str(heat), str(data), "--calibrate", "--backend", "onnxruntime"])
    assert isinstance(done.exception, ConfigurationError)
