"""Virtual metal: the same seed, the same part; labels lie on what was drawn; good parts are good."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from inspector.capture.metal import METAL_CLASSES, TRAINING_METAL, Finish, MetalSpec, render_metal
from inspector.capture.metal_defects import DRAWN
from inspector.cli.data import app
from inspector.training.dataset import read_grey, read_manifest, read_split

ALWAYS = dataclasses.replace(TRAINING_METAL, defect_rate=1.0)


def test_the_same_seed_draws_the_same_part() -> None:
    first, again, other = render_metal(5, 3)[0], render_metal(5, 3)[0], render_metal(5, 4)[0]

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("finish", list(Finish))
def test_every_finish_is_a_grey_picture_of_its_own_texture(finish: Finish) -> None:
    pixels, defects = render_metal(2, 0, MetalSpec(finishes=(finish,), defect_rate=0.0))

    assert pixels.shape == (320, 320)
    assert pixels.dtype == np.uint8
    assert 40 < pixels.mean() < 230
    assert pixels.std() > 0.5
    assert not defects


def test_all_classes_come_and_labels_keep_apart() -> None:
    seen = set()
    for part in range(25):
        _, defects = render_metal(9, part, ALWAYS)
        assert defects
        seen |= {defect.label for defect in defects}
        covered = np.sum([defect.mask for defect in defects], axis=0)
        assert covered.max() == 1
    assert seen == set(METAL_CLASSES)


@pytest.mark.parametrize("label", METAL_CLASSES)
def test_what_is_drawn_lies_on_its_label(label: str) -> None:
    inside, outside = [], []
    for seed in range(12):
        delta, mask = DRAWN[label](np.random.default_rng(seed), 320)
        if mask.any():
            inside.append(float(np.abs(delta[mask]).mean()))
            outside.append(float(np.abs(delta[~mask]).mean()))

    assert np.mean(inside) > 20 * np.mean(outside)


def test_a_defect_shows_over_its_skin() -> None:
    """The drawn change is stronger than the texture it lies on, or nobody could label it."""
    plain = dataclasses.replace(ALWAYS, noise=(0.0, 0.0), blur=(0.4, 0.4))
    for part in range(10):
        pixels, defects = render_metal(3, part, plain)
        for defect in defects:
            around = pixels[~defect.mask].astype(float)
            assert np.ptp(pixels[defect.mask].astype(float)) > 0.5 * around.std()


@pytest.mark.parametrize("outlines", [False, True])
def test_the_command_writes_a_data_set(tmp_path: Path, outlines: bool) -> None:
    arguments = ["synth", str(tmp_path / "metal"), "--part", "metal", "--finish", "brushed", "--parts", "6"]
    arguments += ["--held-out", "3", *(["--outlines"] if outlines else [])]

    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 0, result.output
    manifest = read_manifest(tmp_path / "metal")
    assert (manifest.classes, manifest.task) == (METAL_CLASSES, "segment" if outlines else "detect")
    assert "brushed" in manifest.source
    examples = read_split(tmp_path / "metal", "train")
    assert len(examples) == 6
    assert sum(len(example.boxes) for example in examples)
    for example in examples:
        assert read_grey(example.image).shape == (320, 320)
        assert (example.boxes >= 0).all()
        assert (example.boxes <= 320).all()


def test_an_existing_folder_is_not_drawn_over(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["synth", str(tmp_path), "--part", "metal"])

    assert "exists already" in str(result.exception)


def test_boards_have_no_finish(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["synth", str(tmp_path / "b"), "--finish", "cast"])

    assert result.exit_code == 2
