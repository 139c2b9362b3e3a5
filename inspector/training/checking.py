"""What is wrong with a data set before anything is learnt from it: labels, duplicates, leakage, balance."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inspector.training.dataset import IMAGE_SUFFIXES, DatasetError, Manifest, read_grey, read_manifest
from inspector.training.near import Print, finger_print, likenesses
from inspector.training.sources.pictures import look_at
from inspector.training.versioning import split_folders, version_of

__all__ = ["CheckedImage", "Examined", "Finding", "Mark", "check_dataset"]

Severity = Literal["error", "warning"]

BOX_VALUES, LEAST_OUTLINE_VALUES = 4, 6
SLACK = 1e-6  # labels are written with six decimals
LEAST_SIDE_PX = 2.0
SAME_OVERLAP = 0.9
RARE_CLASS = 20
BALANCE = 20
LEAST_HELD_OUT = 5

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A label to show on its picture: corners (n, 2) in pixels."""

    points: NDArray[np.float64]
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One thing to mend.

    Attributes
    ----------
    kind
        Stable word: ``unreadable``, ``label``, ``duplicate``, ``near_duplicate``, ``leak``, ``missing_class``, …
    severity
        An ``error`` makes what is learnt or measured wrong; a ``warning`` wants a look.
    images
        The pictures it is about, at most a few of them.
    marks
        Labels to draw on the first picture.
    """

    kind: str
    severity: Severity
    message: str
    images: tuple[Path, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class CheckedImage:
    """One image as it was found; ``labels`` are class number and corners (n, 2) in pixels."""

    path: Path
    split: str
    group: str
    size: tuple[int, int]
    mode: str
    labels: tuple[tuple[int, NDArray[np.float64]], ...]
    sound: bool = True
    printed: Print | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """Everything that was looked at: ``labels`` counts each class in each split."""

    manifest: Manifest
    version: str
    images: tuple[CheckedImage, ...]
    labels: Mapping[str, Mapping[str, int]]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == "error" for finding in self.findings)


def check_dataset(folder: Path, progress: Progress = lambda _done, _of: None) -> Examined:
    """Return what a data set holds and what is wrong with it.

    Raises
    ------
    DatasetError
        The folder is no data set of ours.
    """
    manifest = read_manifest(folder)
    groups = _groups(folder)
    found: list[Finding] = []
    images: list[CheckedImage] = []
    paths = [
        (split, path)
        for split in split_folders(folder)
        for path in sorted((folder / "images" / split).iterdir())
        if path.suffix.lower() in IMAGE_SUFFIXES
    ]
    if not paths:
        raise DatasetError(f"{folder / 'images'}: no images", remedy="Run `inspector data import` first")
    for number, (split, path) in enumerate(paths, start=1):
        image, problems = _image(folder, split, path, groups.get(path.stem, path.stem), manifest)
        images.append(image)
        found += problems
        progress(number, len(paths))
    found += _without_image(folder, paths)
    found += _duplicates(images)
    found += _shared_groups(images)
    counts = _class_counts(images, manifest.classes)
    found += _balance(counts, images)
    found += _mixed(images)
    version = version_of(folder)
    if manifest.divided and version != manifest.content_sha256:
        found.append(
            Finding(
                "altered", "warning", "images or labels were altered since the division; divide again to version it"
            )
        )
    found.sort(key=lambda finding: finding.severity)  # errors first, else in the order they were found
    return Examined(manifest, version, tuple(images), counts, tuple(found))


def _groups(folder: Path) -> dict[str, str]:
    table = folder / "groups.json"
    return {str(k): str(v) for k, v in json.loads(table.read_text("utf-8")).items()} if table.is_file() else {}


def _image(folder: Path, split: str, path: Path, group: str, manifest: Manifest) -> tuple[CheckedImage, list[Finding]]:
    try:
        seen = look_at(path)
        printed = finger_print(read_grey(path))
    except DatasetError as error:
        broken = CheckedImage(path, split, group, (0, 0), "", (), sound=False)
        return broken, [Finding("unreadable", "error", str(error))]
    labels: list[tuple[int, NDArray[np.float64]]] = []
    problems: list[Finding] = []
    for where, number, points, trouble in _labels(folder / "labels" / split / f"{path.stem}.txt", seen.size, manifest):
        if not trouble:
            labels.append((number, points))
            continue
        name = manifest.classes[number] if 0 <= number < len(manifest.classes) else ""
        marks = (Mark(points, name),) if len(points) else ()
        problems.append(Finding("label", "error", f"{where}: {trouble}", (path,), marks))
    problems += _twice(path, labels, manifest.classes)
    return CheckedImage(path, split, group, seen.size, seen.mode, tuple(labels), printed=printed), problems


def _labels(
    path: Path, size: tuple[int, int], manifest: Manifest
) -> Iterator[tuple[str, int, NDArray[np.float64], str]]:
    """Yield where, class, corners in pixels, and what is wrong, of every label of a file."""
    nothing = np.zeros((0, 2))
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        yield str(path), -1, nothing, "there are no labels that can be read; a good part has an empty file"
        return
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path.parent.name}/{path.name}:{number}"
        try:
            label, *values = (float(value) for value in line.split())
        except ValueError:
            label, values = np.nan, []
        if (len(values) != BOX_VALUES and (len(values) < LEAST_OUTLINE_VALUES or len(values) % 2)) or not np.isfinite(
            [label, *values]
        ).all():
            yield where, -1, nothing, f"{line!r} is neither a box nor an outline"
            continue
        points = _corners(values) * np.array(size, np.float64)
        yield where, int(label), points, _trouble(label, points, size, manifest.classes)


def _corners(values: Sequence[float]) -> NDArray[np.float64]:
    if len(values) != BOX_VALUES:
        return np.array(values, np.float64).reshape(-1, 2)
    x, y, width, height = values
    sides = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    return np.array([[x + dx * width / 2, y + dy * height / 2] for dx, dy in sides])


def _trouble(label: float, points: NDArray[np.float64], size: tuple[int, int], classes: Sequence[str]) -> str:
    limits = np.array(size, np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    if not label.is_integer() or not 0 <= label < len(classes):
        return f"class {label:g}, the data set has {len(classes)}"
    if (high < 0).any() or (low > limits).any():
        return f"lies outside the image of {size[0]}x{size[1]} px"
    if (low < -SLACK * limits - 1).any() or (high > limits * (1 + SLACK) + 1).any():
        return f"reaches beyond the image of {size[0]}x{size[1]} px: {low.round(1)} to {high.round(1)}"
    if (high - low).min() < LEAST_SIDE_PX:
        return f"is {high[0] - low[0]:.1f} x {high[1] - low[1]:.1f} px; there is nothing to learn from it"
    return ""


def _twice(path: Path, labels: Sequence[tuple[int, NDArray[np.float64]]], classes: Sequence[str]) -> Iterator[Finding]:
    boxes = [np.concatenate([points.min(axis=0), points.max(axis=0)]) for _, points in labels]
    for first in range(len(boxes)):
        for second in range(first + 1, len(boxes)):
            if _overlap(boxes[first], boxes[second]) < SAME_OVERLAP:
                continue
            names = [classes[labels[index][0]] for index in (first, second)]
            what = f"is labelled twice as {names[0]}" if names[0] == names[1] else f"is {' and '.join(names)} at once"
            yield Finding(
                "label",
                "error" if names[0] == names[1] else "warning",
                f"{path.name}: one defect {what}",
                (path,),
                (Mark(labels[first][1], names[0]),),
            )


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    shared = np.prod(np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None))
    return float(shared / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared))


def _without_image(folder: Path, paths: Iterable[tuple[str, Path]]) -> Iterator[Finding]:
    images = {(split, path.stem) for split, path in paths}
    lonely = [
        path for path in sorted((folder / "labels").glob("*/*.txt")) if (path.parent.name, path.stem) not in images
    ]
    if lonely:
        yield Finding("label", "warning", f"{len(lonely)} label files have no image, first {lonely[0].name}")


def _duplicates(images: Sequence[CheckedImage]) -> Iterator[Finding]:
    """Yield equal and nearly equal pictures; between training and a held-out split they are leaks.

    Good boards beside a held-out split are pictures of the same boards without defects, and meant to be.
    """
    sound = [image for image in images if image.printed is not None]
    within: Counter[tuple[str, str, bool]] = Counter()
    shown: dict[tuple[str, str, bool], tuple[Path, ...]] = {}
    for pair in likenesses([image.printed for image in sound if image.printed is not None]):
        one, other = sound[pair.first], sound[pair.second]
        if "good" in {one.split, other.split} and "train" not in {one.split, other.split}:
            continue
        what = "is the same picture as" if pair.exact else f"is nearly ({pair.correlation:.3f}) the same picture as"
        told = f"{one.split}/{one.path.name} {what} {other.split}/{other.path.name}"
        if one.split != other.split:
            yield Finding("leak", "error", told, (one.path, other.path))
        elif pair.exact and _differs(one, other):
            yield Finding("duplicate", "error", f"{told}, but is labelled otherwise", (one.path, other.path))
        else:
            key = (one.split, one.group if one.group == other.group else "", pair.exact)
            within[key] += 1
            shown.setdefault(key, (one.path, other.path))
    for key, count in within.items():
        split, group, exact = key
        kind = "equal" if exact else "nearly equal"
        inside = f"group {group} of split {split}" if group else f"split {split}, across groups"
        yield Finding(
            "duplicate" if exact else "near_duplicate",
            "warning",
            f"{count} pair{'s' * (count > 1)} of {kind} pictures in {inside}",
            shown[key],
        )


def _differs(one: CheckedImage, other: CheckedImage) -> bool:
    mine, others = (sorted((n, tuple(p.round(0).ravel().tolist())) for n, p in image.labels) for image in (one, other))
    return mine != others


def _shared_groups(images: Sequence[CheckedImage]) -> Iterator[Finding]:
    splits: dict[str, dict[str, Path]] = defaultdict(dict)
    for image in images:
        splits[image.group].setdefault("val" if image.split == "good" else image.split, image.path)
    for group, where in sorted(splits.items()):
        if len(where) > 1:
            yield Finding(
                "leak", "error", f"group {group} is in the splits {' and '.join(where)}", tuple(where.values())[:2]
            )


def _class_counts(images: Sequence[CheckedImage], classes: Sequence[str]) -> dict[str, dict[str, int]]:
    counts = {split: dict.fromkeys(classes, 0) for split in dict.fromkeys(image.split for image in images)}
    for image in images:
        for number, _ in image.labels:
            counts[image.split][classes[number]] += 1
    return counts


def _balance(counts: Mapping[str, Mapping[str, int]], images: Sequence[CheckedImage]) -> Iterator[Finding]:
    judged = {split: of for split, of in counts.items() if split != "good"}
    for wanted in ("train", "val"):
        if wanted not in judged:
            yield Finding("missing_split", "error", f"there is no split {wanted}: run `inspector data split`")
    for split, of in judged.items():
        absent = [name for name, count in of.items() if not count]
        if absent:
            yield Finding("missing_class", "error", f"split {split} has no {', '.join(absent)}")
        rare = [f"{name} ({count})" for name, count in of.items() if 0 < count < _enough(split)]
        if rare:
            yield Finding("rare_class", "warning", f"split {split} has few: {', '.join(rare)}")
    train = [count for count in judged.get("train", {}).values() if count]
    if train and max(train) > BALANCE * min(train):
        yield Finding("balance", "warning", f"the most frequent class has {max(train) // min(train)} times the rarest")
    good = [image for image in images if image.sound and not image.labels]
    if not any(image.split in {"val", "good"} for image in good):
        yield Finding(
            "no_good_parts", "warning", "no held-out image shows a good part: false rejects cannot be counted"
        )


def _enough(split: str) -> int:
    return RARE_CLASS if split == "train" else LEAST_HELD_OUT


def _mixed(images: Sequence[CheckedImage]) -> Iterator[Finding]:
    for what, values in (
        ("sizes", Counter(f"{image.size[0]}x{image.size[1]}" for image in images if image.sound)),
        ("pixel formats", Counter(image.mode for image in images if image.sound)),
    ):
        if len(values) > 1:
            told = ", ".join(f"{value} ({count})" for value, count in values.most_common(4))
            yield Finding("mixed", "warning", f"images of {len(values)} {what}: {told}")
