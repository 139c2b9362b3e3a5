"""Division by whole groups: none is cut, shares are kept, the same every time, and versioned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from inspector.cli.data import app
from inspector.training.dataset import DatasetError, Manifest, read_manifest, read_split, write_manifest
from inspector.training.groups import grouping
from inspector.training.splitting import SplitPlan, assign, split_dataset
from tests.support.foreign_sets import picture


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Ten lots of three images; every third lot has the rare class too."""
    folder = tmp_path / "parts"
    for lot in range(10):
        for number in range(3):
            name = f"lot{lot:02d}_{number}"
            picture(folder / "images" / "train" / f"{name}.png", lot * 10 + number)
            labels = folder / "labels" / "train" / f"{name}.txt"
            labels.parent.mkdir(parents=True, exist_ok=True)
            labels.write_text("0 0.5 0.5 0.2 0.2\n" + ("1 0.2 0.2 0.1 0.1\n" if lot % 3 == 0 else ""))
    write_manifest(folder, Manifest("parts", "MIT", "test", ("dent", "scratch")), {})
    return folder


def test_no_group_is_divided_and_every_class_is_on_both_sides(parts: Path) -> None:
    done = split_dataset(parts, SplitPlan("first:5", val=0.3))

    train, val = ({e.group for e in read_split(parts, split)} for split in ("train", "val"))
    assert not train & val
    assert train | val == {f"lot{lot:02d}" for lot in range(10)}
    assert 6 <= len(read_split(parts, "val")) <= 12
    assert all(count for of in done.labels.values() for count in of.values())


def test_images_keep_their_labels(parts: Path) -> None:
    split_dataset(parts, SplitPlan("first:5", val=0.3, test=0.2))

    for split in ("train", "val", "test"):
        for example in read_split(parts, split):
            rare = int(example.image.stem[3:5]) % 3 == 0
            assert example.labels.tolist() == ([0, 1] if rare else [0])


def test_the_division_depends_on_the_seed_alone(parts: Path) -> None:
    first = split_dataset(parts, SplitPlan("first:5", val=0.3, seed=1)).manifest
    other = split_dataset(parts, SplitPlan("first:5", val=0.3, seed=2)).manifest
    again = split_dataset(parts, SplitPlan("first:5", val=0.3, seed=1)).manifest

    assert first == again
    assert first.content_sha256 != other.content_sha256
    assert read_manifest(parts).divided == "group first:5, val 0.3, test 0, seed 1"


def test_named_groups_are_held_out(parts: Path) -> None:
    split_dataset(parts, SplitPlan("lot([0-9]+)", hold_out=("03", "04")))

    assert {e.group for e in read_split(parts, "val")} == {"03", "04"}


def test_one_label_more_is_another_version(parts: Path) -> None:
    before = split_dataset(parts, SplitPlan("first:5")).manifest.content_sha256
    (example, *_) = read_split(parts, "train")
    label = parts / "labels" / "train" / f"{example.image.stem}.txt"
    label.write_text(label.read_text() + "1 0.7 0.7 0.1 0.1\n")

    assert split_dataset(parts, SplitPlan("first:5")).manifest.content_sha256 != before


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (SplitPlan("first:3"), "into one group, lot"),
        (SplitPlan("part([0-9])"), "finds nothing in its name"),
        (SplitPlan("lot("), "not a regular expression"),
        (SplitPlan("first:x"), "first:N"),
        (SplitPlan("folder"), "lies in no folder"),
        (SplitPlan("first:5", hold_out=("lot77",)), "cannot hold out lot77: the groups are lot00"),
        (SplitPlan("table:gone.csv"), r"gone\.csv: the table of groups cannot be read"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(parts: Path, plan: SplitPlan, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        split_dataset(parts, plan)


def test_a_table_gives_the_groups(tmp_path: Path) -> None:
    (tmp_path / "lots.csv").write_text("image,group\na.png,monday\nb,tuesday\n")
    group_of = grouping(f"table:{tmp_path / 'lots.csv'}")

    assert (group_of("x/a.png"), group_of("b.jpg")) == ("monday", "tuesday")
    with pytest.raises(DatasetError, match=r"lots\.csv: has no group for c\.png"):
        group_of("c.png")


@given(
    sizes=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60), st.integers(0, 60)), min_size=3, max_size=40),
    seed=st.integers(0, 99),
)
def test_every_split_gets_something_and_every_group_one_split(sizes: list[tuple[int, int, int]], seed: int) -> None:
    groups = {f"g{number}": np.array(size) for number, size in enumerate(sizes)}

    where = assign(groups, 0.2, 0.2, seed)

    assert set(where) == set(groups)
    assert set(where.values()) == {"train", "val", "test"}


def test_the_command_shows_the_division(parts: Path) -> None:
    result = CliRunner().invoke(app, ["split", str(parts), "--group", "first:5", "--val", "0.3"])

    assert result.exit_code == 0, result.output
    assert "scratch" in result.output
    assert f"version {read_manifest(parts).content_sha256[:12]}" in result.output
