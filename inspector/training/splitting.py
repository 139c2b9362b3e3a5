"""Division of a data set into what is trained on and what is held out: by whole groups, the same way every time."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.training.dataset import (
    IMAGE_SUFFIXES,
    DatasetError,
    Manifest,
    read_lines,
    read_manifest,
    write_manifest,
)
from inspector.training.groups import check_grouping, grouping
from inspector.training.versioning import ORIGINS, split_folders, version_of

__all__ = ["SplitPlan", "Splitted", "assign", "split_dataset"]

_PARTS = ("images", "labels", "golden")


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """How to divide.

    Attributes
    ----------
    group
        Rule of ``inspector.training.groups``; empty: the groups that the import wrote.
    val, test
        Shares to hold out, for choosing a model and for the last word on it.
    hold_out
        Groups that make up ``val``, instead of a share.
    seed
        Same seed and same images, same division.
    """

    group: str = ""
    val: float = 0.2
    test: float = 0.0
    hold_out: tuple[str, ...] = ()
    seed: int = 0

    @property
    def text(self) -> str:
        """The plan in words, for the manifest."""
        rule = f"group {self.group or 'as imported'}"
        if self.hold_out:
            return f"{rule}, val {', '.join(self.hold_out)}"
        return f"{rule}, val {self.val:g}, test {self.test:g}, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Splitted:
    """The new manifest, and for each split how often each class occurs."""

    manifest: Manifest
    labels: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class _Image:
    path: Path
    split: str
    group: str
    classes: tuple[int, ...]


def split_dataset(folder: Path, plan: SplitPlan) -> Splitted:
    """Move images, labels and golden images of a data set into their splits and write its new version.

    Broken off in the middle, the same command finishes the work.

    Raises
    ------
    DatasetError
        The folder is no data set of ours, or its groups cannot be divided like this.
    """
    manifest = read_manifest(folder)
    if (folder / "images" / "good").is_dir():
        raise DatasetError(
            f"{folder}: has good boards of its held-out groups, which belong to its division",
            remedy="Import it again with --hold-out GROUP",
        )
    images = _images(folder, plan.group)
    check_grouping([image.group for image in images], plan.group)
    counts = _counts(images, len(manifest.classes))
    where = _held_out(counts, plan) if plan.hold_out else assign(counts, plan.val, plan.test, plan.seed)
    for image in images:
        _move(folder, image, where[image.group])
    for cache in (folder / "labels").glob("*.cache"):
        cache.unlink()
    by_split: dict[str, list[_Image]] = {split: [] for split in dict.fromkeys(["train", "val", *where.values()])}
    for image in images:
        by_split[where[image.group]].append(image)
    new = dataclasses.replace(
        manifest,
        groups={split: sorted({image.group for image in inside}) for split, inside in by_split.items()},
        counts={split: len(inside) for split, inside in by_split.items()},
        content_sha256=version_of(folder),
        divided=plan.text,
    )
    write_manifest(folder, new, {image.path.stem: image.group for image in images})
    return Splitted(new, {split: _labels(inside, manifest.classes) for split, inside in by_split.items()})


def assign(groups: Mapping[str, NDArray[np.int64]], val: float, test: float, seed: int) -> dict[str, str]:
    """Return the split of each group so that images and every class come as close to the shares as groups allow.

    Parameters
    ----------
    groups
        Group -> counts (1 + classes,): its images, then its labels of each class.

    Raises
    ------
    DatasetError
        There are fewer groups than splits.
    """
    shares = {"train": 1 - val - test, "val": val, "test": test}
    shares = {split: share for split, share in shares.items() if share > 0}
    if "train" not in shares or len(groups) < len(shares):
        raise DatasetError(
            f"{len(groups)} groups cannot be divided into {', '.join(shares)}",
            remedy="Collect parts of more lots, or group by a finer rule (--group)",
        )
    names = sorted(groups, key=lambda name: (-int(groups[name][0]), _shuffled(name, seed)))
    total = np.maximum(sum(groups.values(), start=np.zeros(1)), 1)
    filled = {split: np.zeros_like(total, dtype=np.float64) for split in shares}
    where: dict[str, str] = {}
    for name in names:
        portion = groups[name] / total

        def worse(split: str, portion: NDArray[np.float64] = portion) -> float:
            before, wanted = filled[split], shares[split]
            return float((np.square(before + portion - wanted) - np.square(before - wanted)).sum())

        split = min(shares, key=worse)
        filled[split] += portion
        where[name] = split
    for split in shares:  # no split may stay empty
        if split not in where.values():
            spare = [name for name in reversed(names) if list(where.values()).count(where[name]) > 1]
            where[spare[0]] = split
    return where


def _shuffled(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def _held_out(groups: Mapping[str, NDArray[np.int64]], plan: SplitPlan) -> dict[str, str]:
    unknown = [name for name in plan.hold_out if name not in groups]
    if unknown or not set(groups) - set(plan.hold_out):
        known = ", ".join(sorted(groups)[:12])
        raise DatasetError(
            f"cannot hold out {', '.join(unknown or plan.hold_out)}: the groups are {known}"
            + (" …" if len(groups) > 12 else ""),  # noqa: PLR2004 - as many as fit a line
            remedy="Name groups that there are, and leave some to train on",
        )
    return {name: "val" if name in plan.hold_out else "train" for name in groups}


def _images(folder: Path, rule: str) -> list[_Image]:
    origins, known = (_table(folder / name) for name in (ORIGINS, "groups.json"))
    group_of = grouping(rule)
    images = []
    for split in split_folders(folder):
        for path in sorted((folder / "images" / split).iterdir()):
            if path.suffix.lower() not in IMAGE_SUFFIXES:
                continue
            stem = path.stem
            group = group_of(origins.get(stem, path.name)) if rule else known.get(stem, stem)
            labels = folder / "labels" / split / f"{stem}.txt"
            images.append(_Image(path, split, group, tuple(int(float(li.split()[0])) for li in read_lines(labels))))
    if not images:
        raise DatasetError(f"{folder / 'images'}: no images", remedy="Run `inspector data import` first")
    return images


def _table(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    return {str(key): str(value) for key, value in json.loads(path.read_text(encoding="utf-8")).items()}


def _counts(images: Sequence[_Image], classes: int) -> dict[str, NDArray[np.int64]]:
    counts: dict[str, NDArray[np.int64]] = {}
    for image in images:
        row = counts.setdefault(image.group, np.zeros(1 + classes, np.int64))
        row[0] += 1
        for label in image.classes:
            if not 0 <= label < classes:
                raise DatasetError(f"{image.path}: a label of class {label}, the data set has {classes}")
            row[1 + label] += 1
    return counts


def _labels(images: Sequence[_Image], classes: Sequence[str]) -> dict[str, int]:
    found = [label for image in images for label in image.classes]
    return {name: found.count(number) for number, name in enumerate(classes)}


def _move(folder: Path, image: _Image, split: str) -> None:
    if image.split == split:
        return
    for part in _PARTS:
        for path in (folder / part / image.split).glob(f"{_escaped(image.path.stem)}.*"):
            target = folder / part / split
            target.mkdir(parents=True, exist_ok=True)
            path.replace(target / path.name)


def _escaped(stem: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in stem)
