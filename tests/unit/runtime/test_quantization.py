"""8-bit weights are written where they do no harm, and refused with the reason where they do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from inspector.capture import read_image
from inspector.cli.main import app
from inspector.detection import Model, YoloDetector, find_model, load_model, open_backend
from inspector.detection.golden_parts import GoldenFolder
from inspector.domain import Box, ConfigurationError, Detection, Detections, Frame, ModelId
from inspector.runtime import quantization
from inspector.runtime.quantization import Limits, Outcome, Trial, quantize_model
from inspector.training.dataset import Example
from inspector.training.deeppcb import read_deeppcb
from tests.support.frames import frame
from tests.support.tiny_heat import write_tiny_heat
from tests.support.tiny_model import write_tiny_model

MODEL = ModelId("m", "1", "0" * 64)
LIMITS = Limits()


@pytest.fixture
def boards(shared_data: Path, tmp_path: Path) -> Path:
    """Six boards of the training groups and six of held-out ones, with their golden boards."""
    found = read_deeppcb(shared_data / "deeppcb")
    splits = {
        "train": [each for each in found if each.image.name.startswith("20085")][::50][:6],
        "val": [each for each in found if each.image.name.startswith("77000")][::17][:6],
    }
    for split, examples in splits.items():
        for folder in ("images", "labels", "golden"):
            (tmp_path / "boards" / folder / split).mkdir(parents=True)
        for each in examples:
            stem = each.image.stem
            pixels = read_image(each.image)
            cv2.imwrite(str(tmp_path / "boards" / "images" / split / f"{stem}.png"), pixels)
            golden = cv2.imread(str(shared_data / "deeppcb" / "templates" / each.image.name), cv2.IMREAD_GRAYSCALE)
            assert golden is not None
            cv2.imwrite(str(tmp_path / "boards" / "golden" / split / f"{stem}.png"), golden)
            rows = [
                f"{label} {(x0 + x1) / 1280} {(y0 + y1) / 1280} {(x1 - x0) / 640} {(y1 - y0) / 640}"
                for (x0, y0, x1, y1), label in zip(each.boxes.tolist(), each.labels.tolist(), strict=True)
            ]
            (tmp_path / "boards" / "labels" / split / f"{stem}.txt").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path / "boards"


@pytest.mark.timeout(600)  # half a minute of processor time
def test_the_shipped_model_in_8_bits_finds_the_same_and_says_what_it_costs(boards: Path, tmp_path: Path) -> None:
    pytest.importorskip("nncf", reason="the extra `quantize` is not installed")
    pytest.importorskip("faster_coco_eval", reason="the extra `quantize` is not installed")
    # Six boards are too few for half a point of average precision; the edges and the escapes are held to the letter.
    outcome = quantize_model(
        "bare-board", boards, out=tmp_path / "small", images=6, limits=Limits(map_drop=0.05), ways=["head"]
    )
    last = outcome.trials[-1]
    assert outcome.folder == tmp_path / "small", last
    assert (outcome.learnt_from, outcome.held_out) == (6, 6)
    assert last.broken == ()
    assert last.edge_shift_px[1] <= 0.5
    assert last.new_escapes == ()
    assert last.findings[1] >= 0.95 * last.findings[0] > 10

    small, whole = load_model(outcome.folder), load_model(find_model("bare-board"))
    assert small.card.name == "bare-board-int8"
    assert small.card.sha256 != whole.card.sha256
    assert small.card.confidence_floor == whole.card.confidence_floor
    assert small.weights.stat().st_size < 0.7 * whole.weights.stat().st_size
    proof = small.card.metrics["quantisation"]
    assert proof["kept"] == last.kept
    assert proof["held_out"] == 6
    picture = replace(frame(read_image(next((boards / "images" / "val").iterdir()))), camera="test:x")
    answers = {name: findings(small, name, picture, boards) for name in ("onnxruntime", "openvino-f32")}
    assert answers["onnxruntime"] == answers["openvino-f32"] != []


def findings(model: Model, backend: str, picture: Frame, boards: Path) -> list[str]:
    name = next((boards / "images" / "val").iterdir()).name
    golden = GoldenFolder(boards / "golden" / "val") if model.card.input.sees_golden else None
    detector = YoloDetector(model, open_backend(model, backend, threads=2), floor=0.5, golden=golden)
    found = sorted(item.label for item in detector.detect(replace(picture, camera=f"test:{name}")).items)
    detector.close()
    return found


def detections(*boxes: tuple[float, float, float, float], label: str = "open") -> Detections:
    return Detections(tuple(Detection(label, 0.9, Box(*box)) for box in boxes), MODEL)


def judged(*found: Detections, map50: float = 0.98, map50_95: float = 0.76) -> Any:
    return quantization._Judged({"map50": map50, "map50_95": map50_95}, found)


def board(name: str) -> Example:
    return Example(Path(f"{name}.png"), np.array([[0, 0, 10, 10]], np.float32), np.zeros(1, np.int64), "lot")


FLOAT = judged(detections((0, 0, 10, 10)))


@pytest.mark.parametrize(
    ("after", "broken"),
    [
        (judged(detections((0.4, 0, 10, 10))), None),
        (judged(detections((0.6, 0, 10, 10.6))), "edges move by 0.60 px"),
        (judged(detections((0, 0, 10, 10)), map50=0.974), "mAP50 drops by 0.60 points, allowed 0.50"),
        (judged(detections((0, 0, 10, 10)), map50_95=0.75), "mAP50-95 drops by 1.00 points"),
        (judged(detections()), "1 held-out parts escape that the float weights stop: a.png"),
        (judged(detections((0, 0, 10, 10), label="short")), "no finding in common"),
        (judged(detections((50, 50, 60, 60))), "no finding in common"),
    ],
)
def test_each_limit_refuses_on_its_own(after: Any, broken: str | None) -> None:
    trial = quantization._compare("decoding", [board("a")], FLOAT, after, LIMITS)
    if broken is None:
        assert trial.broken == ()
        assert trial.findings == (1, 1)
    else:
        assert any(broken in said for said in trial.broken), trial.broken


def test_a_part_that_the_float_weights_pass_too_is_counted_but_not_held_against_8_bits() -> None:
    both = judged(detections((0, 0, 10, 10)), detections())
    trial = quantization._compare("decoding", [board("a"), board("b")], both, both, LIMITS)
    assert trial.escapes == (1, 1)
    assert trial.new_escapes == trial.broken == ()


@pytest.mark.parametrize(("passes", "code"), [(True, 0), (False, 1)])
def test_the_command_shows_the_table_and_ends_with_one_where_all_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passes: bool, code: int
) -> None:
    good = Trial("decoding", (0.98, 0.979), (0.76, 0.759), (0.1, 0.4), (9, 9), (0, 0), (), ())
    trial = good if passes else replace(good, broken=("edges move by 0.75 px (95 %), allowed 0.50",))
    outcome = Outcome(tmp_path / "small" if passes else None, (trial,), 6, 6)
    monkeypatch.setattr(quantization, "quantize_model", lambda *_, **__: outcome)
    monkeypatch.setenv("COLUMNS", "200")
    done = CliRunner().invoke(app, ["models", "quantize", "bare-board", "--data", str(tmp_path)])
    assert done.exit_code == code
    assert "0.9800 → 0.9790" in done.stderr
    assert ("refused with decoding in float: edges move" in done.stderr) is not passes
    done = CliRunner().invoke(app, ["models", "quantize", "bare-board", "--data", str(tmp_path), "--json"])
    assert json.loads(done.stdout)["trials"][0]["edge_shift_px"] == [0.1, 0.4]


@pytest.mark.parametrize(
    ("change", "said"),
    [({"held_out": "train"}, "Name two splits"), ({"out": Path()}, "is there already")],
)
def test_what_proves_nothing_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    model = write_tiny_model(tmp_path / "tiny")
    for split in ("train", "val"):
        for folder in ("images", "labels"):
            (tmp_path / "data" / folder / split).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / f"data/images/{split}/a.png"), np.zeros((96, 128), np.uint8))
        (tmp_path / f"data/labels/{split}/a.txt").write_text("")
    with pytest.raises(ConfigurationError, match=said):
        quantize_model(str(model), tmp_path / "data", **change)


def test_a_heat_map_is_not_quantised(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="too many digits for 8 bits"):
        quantize_model(str(write_tiny_heat(tmp_path / "heat")), tmp_path)
