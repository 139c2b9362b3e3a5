"""Import of the DeepPCB folder: a split by whole board groups, never by image."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.training.dataset import (
    BOARD_CLASSES,
    DatasetError,
    Example,
    Manifest,
    content_hash,
    read_grey,
    read_lines,
    write_golden,
    write_manifest,
    write_split,
)

GROUP_DIGITS = 5
HELD_OUT_GROUPS = frozenset({"77000", "50600"})
FIELDS_PER_LINE = 5

Register = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.uint8]]


def read_deeppcb(folder: Path) -> list[Example]:
    """Return every tested board with its boxes; the group is the first five digits of its name.

    Raises
    ------
    DatasetError
        The folder has no boards, or a label names an unknown class.
    """
    images = sorted((folder / "images").glob("*.jpg"))
    if not images:
        raise DatasetError(f"{folder / 'images'}: no .jpg boards; give the DeepPCB folder with images/ and labels/")
    return [_read_board(image, folder / "labels" / f"{image.stem}.txt") for image in images]


def _read_board(image: Path, label_file: Path) -> Example:
    rows: list[list[int]] = []
    for number, line in enumerate(read_lines(label_file), start=1):
        row = [int(field) for field in line.split() if field.isdecimal()]
        if len(row) != FIELDS_PER_LINE or not 1 <= row[-1] <= len(BOARD_CLASSES):
            raise DatasetError(
                f"{label_file}:{number}: {line!r} is not: x1 y1 x2 y2 class, class 1 … {len(BOARD_CLASSES)}",
                remedy="Correct the line, or take board and labels out of the folder",
            )
        rows.append(row)
    table = np.array(rows, dtype=np.int64).reshape(-1, FIELDS_PER_LINE)
    return Example(
        image=image,
        boxes=table[:, :4].astype(np.float32),
        labels=table[:, 4] - 1,
        group=image.stem[:GROUP_DIGITS],
    )


def _golden(board: Example, source: Path) -> Example:
    return Example(
        image=source / "templates" / board.image.name,
        boxes=np.zeros((0, 4), dtype=np.float32),
        labels=np.zeros(0, dtype=np.int64),
        group=board.group,
    )


def import_deeppcb(
    source: Path, target: Path, held_out: Collection[str] = HELD_OUT_GROUPS, *, register: Register
) -> Manifest:
    """Write the boards as a YOLO data set and return its manifest.

    ``held_out`` groups become the ``val`` split; all the others ``train``. The golden boards of the
    held-out groups become the split ``good``: parts on which nothing may be found. ``register`` lays a golden
    board (first) on a tested one (second); the result is kept as the tested board's golden picture.

    Raises
    ------
    DatasetError
        A held-out group does not occur, or nothing is left to train on.
    """
    boards = read_deeppcb(source)
    present = {board.group for board in boards}
    unknown = set(held_out) - present
    if unknown or not present - set(held_out):
        raise DatasetError(f"{source}: groups are {sorted(present)}; cannot hold out {sorted(held_out)}")
    splits = {
        "train": [board for board in boards if board.group not in held_out],
        "val": [board for board in boards if board.group in held_out],
    }
    groups = {split: sorted({board.group for board in examples}) for split, examples in splits.items()}
    splits["good"] = [_golden(board, source) for board in splits["val"]]
    counts = {split: write_split(target, split, examples) for split, examples in splits.items()}
    for split in ("train", "val"):
        for board in splits[split]:
            golden = read_grey(_golden(board, source).image)
            write_golden(target, split, board.image.stem, register(golden, read_grey(board.image)))
    manifest = Manifest(
        name="DeepPCB",
        licence="MIT",
        source="tangsanli5201/DeepPCB, official trainval list",
        classes=BOARD_CLASSES,
        groups=groups,
        counts=counts,
        content_sha256=content_hash([board.image for board in boards]),
    )
    write_manifest(target, manifest, {board.image.stem: board.group for board in boards})
    return manifest
