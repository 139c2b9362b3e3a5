"""Good images in, a model folder out: it finds what they do not have, and says how sure its threshold is."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from inspector.cli.main import app
from inspector.detection import AnomalyDetector, find_model, load_model, open_backend
from inspector.domain import ConfigurationError, Frame, Trigger
from inspector.runtime.good_only import Trained, train_anomaly
from inspector.training.anomaly import Plan, folds

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SIDE = 128


def frame(pixels: NDArray[np.uint8]) -> Frame:
    return Frame(Trigger("0001", "cell-1", 1, NOW), pixels, "test", NOW)


def part(seed: int, *, scratch: bool = False) -> NDArray[np.uint8]:
    """Return a ring on a noisy ground, a pixel or two off its place; a bad one has a dark blot at (64, 30)."""
    rng = np.random.default_rng(seed)
    pixels = np.full((SIDE, SIDE), 120, np.uint8)
    centre = (64 + int(rng.integers(-1, 2)), 64 + int(rng.integers(-1, 2)))
    cv2.circle(pixels, centre, 40, 200, 9)
    if scratch:
        cv2.line(pixels, (56, 24), (72, 36), 30, 6)
    noisy = cv2.GaussianBlur(pixels, (0, 0), 1) + rng.normal(0, 3, pixels.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def good_parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    for number in range(24):
        cv2.imwrite(str(folder / f"lot{number // 6}-{number:02d}.png"), part(number))
    return folder


@pytest.fixture(scope="module", params=[("padim", "fixed"), ("padim", "free"), ("patchcore", "fixed")], ids="-".join)
def trained(request: pytest.FixtureRequest, good_parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    out = tmp_path_factory.mktemp("models") / "ring"
    return train_anomaly(good_parts, out, plan=Plan(*request.param, memory=600), group=r"^lot\d", false_reject=0.05)


def test_what_good_parts_do_not_have_is_found_where_it_is(trained: Trained) -> None:
    model = load_model(trained.card.parent)
    detector = AnomalyDetector(model, open_backend(model, "onnxruntime", threads=1))
    detector.warm_up()
    bad = detector.detect(frame(part(100, scratch=True)))
    assert bad.items
    box = bad.items[0].box
    assert box.x0 < 64 < box.x1
    assert box.y0 < 30 < box.y1
    assert bad.items[0].score >= model.card.confidence_floor
    assert bad.items[0].mask is not None
    assert bad.items[0].mask.any()
    heat = detector.heat_map(frame(part(100, scratch=True)))
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    assert heat.max() > 1
    assert abs(column - 64) < 20
    assert abs(row - 30) < 20


def test_most_good_parts_never_seen_are_good(trained: Trained) -> None:
    model = load_model(trained.card.parent)
    detector = AnomalyDetector(model, open_backend(model, "onnxruntime", threads=1))
    stopped = sum(bool(detector.detect(frame(part(seed))).items) for seed in range(200, 220))
    assert stopped <= 4  # of 20, at a wanted rate of 1 in 20


def test_every_backend_gives_the_same_heat(trained: Trained) -> None:
    model = load_model(trained.card.parent)
    heats = []
    for name in ("onnxruntime", "openvino-f32"):
        detector = AnomalyDetector(model, open_backend(model, name, threads=1))
        heats.append(detector.heat_map(frame(part(100, scratch=True))))
        detector.close()
    np.testing.assert_allclose(heats[0], heats[1], rtol=0.01, atol=0.01)


def test_the_card_says_how_sure_the_threshold_is(trained: Trained) -> None:
    card = load_model(trained.card.parent).card
    assert (trained.images, trained.groups, trained.rejected) == (24, 4, 1)
    assert card.metrics["held_out_good"] == {
        "images": 24,
        "rejected": 1,
        "false_reject_wanted": 0.05,
        "false_reject_95": [0.00105, 0.2112],  # Clopper-Pearson for 1 of 24, from its tables
    }
    assert card.anomaly is not None
    assert card.anomaly.threshold == pytest.approx(trained.threshold, abs=1e-4)
    detector = AnomalyDetector(load_model(trained.card.parent), open_backend(load_model(trained.card.parent), "auto"))
    assert detector.score(trained.threshold) == pytest.approx(card.confidence_floor, abs=1e-3)
    assert card.confidence_floor == pytest.approx(1 - 2 / 25, abs=1e-3)


def test_the_same_images_make_the_same_weights(good_parts: Path, tmp_path: Path) -> None:
    cards = [
        load_model(train_anomaly(good_parts, tmp_path / name / "ring", plan=Plan("padim", "free")).card.parent).card
        for name in "ab"
    ]
    assert cards[0].sha256 == cards[1].sha256


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "one.png"), part(1))
    with pytest.raises(ConfigurationError, match=r"1 images; good-only training needs 20, better 150"):
        train_anomaly(tmp_path, tmp_path / "out", plan=Plan())


def test_an_image_of_another_size_is_named(good_parts: Path, tmp_path: Path) -> None:
    folder = tmp_path / "good"
    shutil.copytree(good_parts, folder)
    cv2.imwrite(str(folder / "lot3-20.png"), part(1)[:100])
    with pytest.raises(ConfigurationError, match=r"lot3-20\.png: 128 x 100 pixels, the images before it 128 x 128"):
        train_anomaly(folder, tmp_path / "out", plan=Plan())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("group", "words"),
    [("(", "not a regular expression"), ("^board", "matches nothing in lot0-00.png and 23"), ("^lot", "group lot")],
)
def test_a_group_that_divides_nothing_is_refused(good_parts: Path, tmp_path: Path, group: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        train_anomaly(good_parts, tmp_path / "out", plan=Plan(), group=group)


def test_groups_are_held_out_whole_and_once() -> None:
    groups = ["a"] * 5 + ["b"] * 2 + ["c"] * 2 + ["d"]
    held = list(folds(groups, 3))
    assert np.sum(held, axis=0).tolist() == [1] * 10
    for mask in held:
        inside = {group for group, held_out in zip(groups, mask, strict=True) if held_out}
        assert not inside & {group for group, held_out in zip(groups, mask, strict=True) if not held_out}


def test_the_backbone_is_the_published_network() -> None:
    model = load_model(find_model("efficientnet-lite0"))
    assert model.card.task == "features"
    with pytest.raises(ConfigurationError, match="a model with task features has no heat map"):
        AnomalyDetector(model, open_backend(model, "onnxruntime"))


def test_the_commands_train_and_show(good_parts: Path, tmp_path: Path) -> None:
    out, picture = tmp_path / "ring", tmp_path / "heat.png"
    made = CliRunner().invoke(
        app, ["anomaly", "train", "--images", str(good_parts), "--name", str(out), "--placed", "free", "--json"]
    )
    assert made.exit_code == 0, made.output
    said = json.loads(made.stdout.splitlines()[-1])
    assert said["images"] == 24
    assert said["false_reject_95"][0] == 0.0
    bad = tmp_path / "bad.png"
    cv2.imwrite(str(bad), part(100, scratch=True))
    shown = CliRunner().invoke(app, ["anomaly", "show", str(out), str(bad), "--out", str(picture), "--json"])
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["peak"] > 1
    assert cv2.imread(str(picture)).shape == (SIDE, SIDE, 3)
