"""The data check finds each trouble that was planted, and nothing in a sound set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from inspector.cli.data import app
from inspector.training.checking import check_dataset
from inspector.training.dataset import Manifest, read_grey, write_manifest
from inspector.training.near import finger_print, likenesses


def scene(seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """A picture of its own: a few soft blobs and some noise."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.integers(40, 215, (6, 8)).astype(np.float32), (160, 120), interpolation=cv2.INTER_CUBIC)
    return np.clip(coarse + rng.normal(0, 3, coarse.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Thirty images to train on, ten held out, each of its own group; every fifth shows a good part."""
    folder = tmp_path / "set"
    groups = {}
    for split, numbers in (("train", range(30)), ("val", range(30, 40))):
        for part in ("images", "labels"):
            (folder / part / split).mkdir(parents=True)
        for number in numbers:
            cv2.imwrite(str(folder / "images" / split / f"p{number:02d}.png"), scene(number))
            lines = "0 0.3 0.3 0.2 0.2\n1 0.7 0.7 0.1 0.2\n" if number % 5 else ""
            (folder / "labels" / split / f"p{number:02d}.txt").write_text(lines)
            groups[f"p{number:02d}"] = f"g{number}"
    write_manifest(folder, Manifest("parts", "MIT", "test", ("dent", "scratch")), groups)
    return folder


def kinds(folder: Path) -> dict[str, str]:
    return {finding.kind: finding.message for finding in check_dataset(folder).findings}


def test_a_sound_set_has_no_findings(sound: Path) -> None:
    examined = check_dataset(sound)

    assert not examined.findings
    assert examined.labels == {"train": {"dent": 24, "scratch": 24}, "val": {"dent": 8, "scratch": 8}}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 1.4 0.5 0.2 0.2", "lies outside the image"),
        ("0 0.95 0.5 0.3 0.2", "reaches beyond the image"),
        ("0 0.5 0.5 0.001 0.2", "nothing to learn"),
        ("5 0.5 0.5 0.2 0.2", "class 5, the data set has 2"),
        ("0 0.5 0.5", "neither a box nor an outline"),
        ("0 0.3 0.3 0.2 0.2", "labelled twice as dent"),
        ("1 0.3 0.3 0.2 0.2", "dent and scratch at once"),
    ],
)
def test_a_broken_label_is_found(sound: Path, line: str, message: str) -> None:
    path = sound / "labels" / "train" / "p01.txt"
    path.write_text(path.read_text() + line + "\n")

    assert message in kinds(sound)["label"]


def test_a_missing_label_file_is_found(sound: Path) -> None:
    (sound / "labels" / "train" / "p01.txt").unlink()

    assert "p01.txt: there are no labels" in kinds(sound)["label"]


def test_an_unreadable_image_is_found(sound: Path) -> None:
    path = sound / "images" / "val" / "p31.png"
    path.write_bytes(path.read_bytes()[:200])

    assert "p31.png" in kinds(sound)["unreadable"]


def altered(how: str, pixels: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    match how:
        case "same":
            return pixels
        case "brighter":
            return np.clip(pixels.astype(float) * 1.15 + 10, 0, 255).astype(np.uint8)
        case "smaller":
            return cv2.resize(pixels, (120, 90), interpolation=cv2.INTER_AREA)
        case "noisy":
            return np.clip(pixels + np.random.default_rng(1).normal(0, 5, pixels.shape), 0, 255).astype(np.uint8)
    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    return cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)


@pytest.mark.parametrize("how", ["same", "brighter", "smaller", "noisy", "compressed"])
def test_the_same_picture_on_both_sides_is_a_leak(sound: Path, how: str) -> None:
    pixels = altered(how, read_grey(sound / "images" / "train" / "p01.png"))
    cv2.imwrite(str(sound / "images" / "val" / "p31.png"), pixels)

    assert "train/p01.png is" in kinds(sound)["leak"]


def test_a_group_on_both_sides_is_a_leak(sound: Path) -> None:
    groups = json.loads((sound / "groups.json").read_text())
    groups["p31"] = "g3"
    (sound / "groups.json").write_text(json.dumps(groups))

    assert kinds(sound)["leak"] == "group g3 is in the splits train and val"


def test_equal_pictures_with_other_labels_contradict(sound: Path) -> None:
    shutil.copy(sound / "images" / "train" / "p01.png", sound / "images" / "train" / "p05.png")

    assert "labelled otherwise" in kinds(sound)["duplicate"]


def test_a_class_missing_in_a_split_is_an_error(sound: Path) -> None:
    for path in (sound / "labels" / "val").glob("*.txt"):
        path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if line[0] == "0"))

    assert kinds(sound) == {"missing_class": "split val has no scratch"}


def test_mixed_sizes_and_formats_are_told(sound: Path) -> None:
    cv2.imwrite(str(sound / "images" / "train" / "p01.png"), cv2.resize(scene(1), (80, 60)))
    cv2.imwrite(str(sound / "images" / "train" / "p02.png"), cv2.cvtColor(scene(2), cv2.COLOR_GRAY2BGR))

    messages = [finding.message for finding in check_dataset(sound).findings if finding.kind == "mixed"]

    assert messages == ["images of 2 sizes: 160x120 (39), 80x60 (1)", "images of 2 pixel formats: L (39), RGB (1)"]


def test_different_pictures_are_not_alike() -> None:
    assert not likenesses([finger_print(scene(seed)) for seed in range(60)])


def test_the_command_ends_with_one_where_something_is_wrong_and_writes_a_page(sound: Path, tmp_path: Path) -> None:
    page = tmp_path / "check.html"
    assert CliRunner().invoke(app, ["check", str(sound), "--out", str(page)]).exit_code == 0
    (sound / "labels" / "train" / "p01.txt").write_text("0 1.4 0.5 0.2 0.2\n")

    result = CliRunner().invoke(app, ["check", str(sound), "--out", str(page), "--json"])

    assert result.exit_code == 1
    values = json.loads(result.stdout.splitlines()[-1])
    assert values["errors"] == 1
    assert "lies outside the image" in page.read_text(encoding="utf-8")
    assert "data:image/jpeg;base64," in page.read_text(encoding="utf-8")


def test_real_boards_have_no_leaks_between_their_groups(shared_data: Path) -> None:
    boards = sorted((shared_data / "deeppcb" / "images").glob("*.jpg"))[::20]

    pairs = likenesses([finger_print(read_grey(path)) for path in boards])

    assert not [pair for pair in pairs if boards[pair.first].name[:5] != boards[pair.second].name[:5]]
