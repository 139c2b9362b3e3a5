"""`inspector train LINE.yaml`: a tiny run of each task, ended and gone on with (extra `train`)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from inspector.cli.main import app
from inspector.detection import YoloDetector, load_model, open_backend
from inspector.domain import ConfigurationError, Frame, Trigger
from inspector.runtime.learning import Lesson, learn
from inspector.runtime.self_labelling import PseudoLabels
from inspector.training.dataset import DatasetError, Manifest, read_manifest, write_manifest
from inspector.training.fitting import CHECKPOINT, FitPlan, FitProgress, Stopped, fit, load_best

LINE = """\
version: 1
line: parts
station: cell-1
simulated: true
camera: {kind: folder, path: set/images/val}
calibration: {px_per_mm: 20}
detector: {model: ./model}
recipes:
  default: {id: 1, rules: [{defect: dent, allowed: false}]}
recipe: default
plc: {kind: simulated}
"""


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Twelve parts to learn from, six held out; bright squares are dents."""
    folder, rng = tmp_path / "set", np.random.default_rng(4)
    for split, count in (("train", 12), ("val", 6)):
        for part in ("images", "labels"):
            (folder / part / split).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(60, 90, (64, 96), np.uint8)
            x, y = (int(v) for v in rng.integers(4, 40, 2))
            lines = ""
            if number % 3:
                pixels[y : y + 16, x : x + 20] = 230
                corners = [(x, y), (x + 20, y), (x + 20, y + 16), (x, y + 16)]
                lines = "0 " + " ".join(f"{cx / 96:.5f} {cy / 64:.5f}" for cx, cy in corners) + "\n"
            cv2.imwrite(str(folder / "images" / split / f"{split}{number}.png"), pixels)
            (folder / "labels" / split / f"{split}{number}.txt").write_text(lines)
    manifest = Manifest("dents", "MIT", "drawn", ("dent",), {}, {"train": 12, "val": 6}, "", "segment")
    write_manifest(folder, manifest, {})
    return folder


def line(parts: Path, **training: object) -> Path:
    path = parts.parent / "line.yaml"
    path.write_text(LINE + f"training: {json.dumps({'data': 'set', 'epochs': 2, 'batch': 4, **training})}\n")
    return path


# --- without the extra ------------------------------------------------------------------------------------


def test_a_line_without_the_key_is_told_so(parts: Path) -> None:
    (parts.parent / "line.yaml").write_text(LINE)

    result = CliRunner().invoke(app, ["train", str(parts.parent / "line.yaml")])

    assert isinstance(result.exception, ConfigurationError)
    assert "key training is missing" in str(result.exception)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["train", str(tmp_path / "gone.yaml")])

    assert "gone.yaml: no such file" in str(result.exception)


# --- with it ----------------------------------------------------------------------------------------------

needs_trainer = pytest.mark.usefixtures("trainer")


@pytest.fixture
def trainer() -> None:
    pytest.importorskip("ultralytics", reason="needs the extra `train`")
    pytest.importorskip("faster_coco_eval", reason="needs the extra `train`")


def lesson(parts: Path, task: str = "detect") -> Lesson:
    manifest = read_manifest(parts)
    write_manifest(parts, replace(manifest, task=task), {})
    return Lesson(parts, parts.parent / "model", parts.parent / "work", "inspector train line.yaml", epochs=2, batch=4)


@needs_trainer
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("task", ["detect", "segment", "obb"])
def test_a_model_of_every_task_runs_on_the_line_in_every_backend(parts: Path, task: str) -> None:
    learned = learn(lesson(parts, task))

    model = load_model(parts.parent / "model", classes=["dent"])
    assert (model.card.task, model.card.input.width, model.card.input.height) == (task, 96, 64)
    assert model.card.input.colour == "grey"
    assert learned.fit.epochs == 2
    pixels = cv2.imread(str(parts / "images" / "val" / "val1.png"), cv2.IMREAD_GRAYSCALE)
    now = datetime.now(UTC)
    frame = Frame(Trigger("1", "s", 1, now), np.asarray(pixels, np.uint8), "c", now)
    answers = []
    for backend in ("onnxruntime", "openvino-f32"):
        detector = YoloDetector(model, open_backend(model, backend), floor=0.0)
        detector.warm_up()
        answers.append(detector.detect(frame).items)
        detector.close()
    one, other = answers
    assert one
    assert [item.score for item in one[:3]] == pytest.approx([item.score for item in other[:3]], abs=1e-3)
    assert (one[0].mask is None) == (task == "detect")


@needs_trainer
@pytest.mark.filterwarnings("default")
def test_the_command_writes_card_weights_and_report(parts: Path) -> None:
    work = parts.parent / "work"

    result = CliRunner().invoke(app, ["train", str(line(parts)), "--work", str(work)])

    assert result.exit_code == 0, result.output
    card = YAML(typ="safe").load((parts.parent / "model" / "card.yaml").read_text())
    assert card["licence"] == "AGPL-3.0"
    assert card["metrics"]["training"]["epochs"] == 2
    page = (work / "report.html").read_text(encoding="utf-8")
    assert "Precision over recall" in page
    assert "Worst mistakes" in page


@needs_trainer
@pytest.mark.filterwarnings("default")
def test_an_interrupted_run_goes_on_where_it_was(parts: Path) -> None:
    work = parts.parent / "work"
    plan = FitPlan(str(parts), "v", "segment", "yolo11n", 96, 3, 9, 4, 0)

    def interrupt(at: FitProgress) -> None:
        if at.epoch == 2 and at.step == 2 and not at.whole:
            raise KeyboardInterrupt

    with pytest.raises(Stopped) as stopped:
        fit(plan, read_manifest(parts), work, show=interrupt)
    assert stopped.value.epochs == 1
    seen: list[int] = []

    done = fit(plan, read_manifest(parts), work, show=lambda at: seen.append(at.epoch))

    assert done.resumed
    assert sorted(set(seen)) == [2, 3]
    assert [row["epoch"] for row in done.curve] == [1, 2, 3]
    again = fit(plan, read_manifest(parts), work)
    assert again.epochs == 3


@needs_trainer
@pytest.mark.filterwarnings("default")
def test_a_killed_run_goes_on_where_it_was(parts: Path) -> None:
    """kill -9 in the second epoch; what ultralytics was writing then is not looked at."""
    work = parts.parent / "work"
    path = line(parts, epochs=3)
    command = [sys.executable, "-m", "inspector.cli", "train", str(path), "--work", str(work)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as run:
        assert run.stderr is not None
        told = next((each for each in iter(run.stderr.readline, "") if each.startswith("epoch 1 of 3")), None)
        run.send_signal(signal.SIGKILL)
    assert told is not None
    assert (work / CHECKPOINT).is_file()
    assert not (parts.parent / "model").exists()
    for weights in (work / "run" / "weights").glob("*.pt"):
        weights.write_bytes(weights.read_bytes()[:1000])

    result = CliRunner().invoke(app, ["train", str(path), "--work", str(work)])

    assert result.exit_code == 0, result.output
    card = YAML(typ="safe").load((parts.parent / "model" / "card.yaml").read_text())
    assert card["metrics"]["training"]["epochs"] == 3


@needs_trainer
@pytest.mark.filterwarnings("default")
def test_a_run_begins_from_the_weights_of_another(parts: Path) -> None:
    first = learn(lesson(parts)).fit
    later = replace(
        lesson(parts), work=parts.parent / "later", start_from=parts.parent / "work" / "weights.pt", epochs=1
    )

    learn(later)

    card = YAML(typ="safe").load((parts.parent / "model" / "card.yaml").read_text())
    assert first.best.is_file()
    assert len(card["metrics"]["training"]["started_from"]) == 12


@needs_trainer
@pytest.mark.filterwarnings("default")
def test_a_student_of_a_teacher_is_a_plain_network_in_the_end(parts: Path) -> None:
    write_manifest(parts, replace(read_manifest(parts), task="detect"), {})
    plan = FitPlan(str(parts), "v", "detect", "yolo11n", 96, 1, 9, 4, 0)
    teacher = fit(plan, read_manifest(parts), parts.parent / "teacher").best

    taught = fit(replace(plan, teacher=str(teacher)), read_manifest(parts), parts.parent / "student")

    one, other = (sum(weight.numel() for weight in load_best(path).parameters()) for path in (teacher, taught.best))
    assert one == other


@needs_trainer
@pytest.mark.filterwarnings("default")
def test_a_pruned_network_is_smaller_and_stays_so(parts: Path) -> None:
    """Interrupted, gone on with, begun from again, taught by the whole one: it never grows back. The line runs it."""
    pytest.importorskip("torch_pruning", reason="needs the extra `train`")
    whole = replace(lesson(parts), epochs=1)
    learn(whole)
    smaller = replace(whole, work=parts.parent / "pruned", start_from=whole.work / "weights.pt", prune=0.5, epochs=2)

    def interrupt(at: FitProgress) -> None:
        if at.epoch == 2 and at.step == 1:
            raise KeyboardInterrupt

    with pytest.raises(Stopped):
        learn(smaller, show=interrupt)
    assert learn(smaller).fit.resumed
    card = YAML(typ="safe").load((parts.parent / "model" / "card.yaml").read_text())
    counts = card["metrics"]["training"]["pruned"]
    teacher = whole.work / "weights.pt"
    learn(replace(whole, work=parts.parent / "later", start_from=smaller.work / "weights.pt", teacher=teacher))

    assert counts["share"] == 0.5
    assert counts["parameters"]["after"] < 0.5 * counts["parameters"]["before"]
    assert counts["multiplications"]["after"] < 0.5 * counts["multiplications"]["before"]
    card = YAML(typ="safe").load((parts.parent / "model" / "card.yaml").read_text())
    assert card["metrics"]["training"]["pruned"] == counts


@needs_trainer
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("network", "description"),
    [("SegmentationModel", "yolo11n-seg.yaml"), ("OBBModel", "yolo11n-obb.yaml"), ("DetectionModel", "yolov8n.yaml")],
)
def test_networks_of_every_task_can_be_pruned(network: str, description: str) -> None:
    pytest.importorskip("torch_pruning", reason="needs the extra `train`")
    from ultralytics.nn import tasks

    from inspector.training.pruning import prune

    whole = getattr(tasks, network)(description, nc=4, verbose=False)
    before = sum(weight.numel() for weight in whole.parameters())

    smaller = prune(whole, 0.3, 64)

    assert sum(weight.numel() for weight in smaller.parameters()) < 0.7 * before
    assert sum(weight.numel() for weight in whole.parameters()) == before
    assert {type(layer) for layer in smaller.modules()} == {type(layer) for layer in whole.modules()}


@needs_trainer
@pytest.mark.filterwarnings("default")
def test_what_cannot_be_pruned_is_refused() -> None:
    pytest.importorskip("torch_pruning", reason="needs the extra `train`")
    from ultralytics.nn.tasks import DetectionModel

    from inspector.training.pruning import prune

    with pytest.raises(DatasetError, match="this architecture cannot be pruned"):
        prune(DetectionModel("yolo26n.yaml", nc=4, verbose=False), 0.3, 64)


@needs_trainer
@pytest.mark.filterwarnings("default")
def test_a_pruned_network_keeps_its_classes(parts: Path) -> None:
    pytest.importorskip("torch_pruning", reason="needs the extra `train`")
    first = replace(lesson(parts), epochs=1)
    learn(first)
    write_manifest(parts, replace(read_manifest(parts), classes=("dent", "pit")), {})

    with pytest.raises(DatasetError, match=r"know 1 classes, the data has 2.*then prune"):
        learn(replace(first, work=parts.parent / "pruned", start_from=first.work / "weights.pt", prune=0.3))


@needs_trainer
@pytest.mark.filterwarnings("default")
def test_a_round_trains_on_the_labels_of_the_model_too(parts: Path) -> None:
    write_manifest(parts, replace(read_manifest(parts), task="detect"), {})
    plan = FitPlan(str(parts), "v", "detect", "yolo11n", 96, 1, 9, 4, 0)
    own = parts.parent / "round-1" / "data"
    for part, suffix, content in (("images", "png", None), ("labels", "txt", "0 0.5 0.5 0.2 0.2\n")):
        (own / part / "train").mkdir(parents=True)
        for number in range(8):
            path = own / part / "train" / f"n{number}.{suffix}"
            path.write_text(content) if content else cv2.imwrite(str(path), np.full((64, 96), number, np.uint8))
    steps: list[int] = []

    fit(plan, read_manifest(parts), parts.parent / "first", show=lambda at: steps.append(at.steps))
    done = fit(
        replace(plan, more=str(own), more_version="v", start_from=str(parts.parent / "first" / "best.pt")),
        read_manifest(parts),
        parts.parent / "round-1",
        show=lambda at: steps.append(at.steps),
    )

    assert sorted(set(steps)) == [12 // 4, 20 // 4]
    assert 0 <= done.map50_95 <= 1


@needs_trainer
@pytest.mark.filterwarnings("default")
def test_the_card_says_what_the_model_labelled_itself(parts: Path) -> None:
    write_manifest(parts, replace(read_manifest(parts), task="detect"), {})
    new = parts.parent / "new"
    shutil.copytree(parts / "images" / "val", new)
    cv2.imwrite(str(new / "fresh.png"), np.random.default_rng(9).integers(0, 255, (64, 96), np.uint8))

    result = CliRunner().invoke(
        app, ["train", str(line(parts)), "--unlabelled", str(new), "--work", str(parts.parent / "w")]
    )

    assert result.exit_code == 0, result.output
    card = YAML(typ="safe").load((parts.parent / "model" / "card.yaml").read_text())
    taught = card["metrics"]["training"]["pseudo_labels"]
    assert (taught["unlabelled_images"], taught["left_out_as_held_out"], len(taught["rounds"])) == (1, 6, 1)
    assert f"--unlabelled {new}" in card["command"]
    assert "Images that the model labelled itself" in (parts.parent / "w" / "report.html").read_text(encoding="utf-8")


@needs_trainer
@pytest.mark.filterwarnings("default")
def test_a_run_of_other_settings_is_not_gone_on_with(parts: Path) -> None:
    work = parts.parent / "work"
    plan = FitPlan(str(parts), "v", "segment", "yolo11n", 96, 1, 9, 4, 0)
    fit(plan, read_manifest(parts), work)

    with pytest.raises(DatasetError, match=r"another epochs, seed.*--fresh"):
        fit(replace(plan, epochs=2, seed=1), read_manifest(parts), work)


@needs_trainer
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_px": 640}, "image_px 640: the largest image has 96 px only"),
        ({"device": "cuda"}, "torch sees no GPU"),
        ({"teacher": Path("gone.pt")}, "gone.pt: no such weights"),
        ({"data": Path("gone")}, "manifest.json: missing"),
        ({"prune": 0.3}, "prune: nothing to prune"),
        ({"pseudo_labels": PseudoLabels(Path("gone"))}, "gone: no images"),
    ],
)
def test_what_does_not_fit_is_said_before_training(parts: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        learn(replace(lesson(parts), **change))  # type: ignore[arg-type]


@needs_trainer
def test_a_set_that_was_not_divided_is_refused(parts: Path) -> None:
    (parts / "images" / "val").rename(parts / "images" / "test")

    with pytest.raises(DatasetError, match=r"no split val.*inspector data split"):
        learn(lesson(parts))


@needs_trainer
def test_outlines_are_not_labelled_by_the_model(parts: Path) -> None:
    with pytest.raises(DatasetError, match="pseudo-labels are boxes, its task is segment"):
        learn(replace(lesson(parts, "segment"), pseudo_labels=PseudoLabels(parts)))


@needs_trainer
def test_a_label_of_an_unknown_class_is_refused(parts: Path) -> None:
    (parts / "labels" / "train" / "train1.txt").write_text("3 0.5 0.5 0.2 0.2\n")

    with pytest.raises(DatasetError, match="labels of class 3, but 1 classes"):
        learn(lesson(parts))
