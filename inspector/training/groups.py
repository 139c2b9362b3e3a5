"""Which images belong together: lots, boards, shifts. They are divided between splits as wholes, never by image."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from inspector.training.dataset import DatasetError

__all__ = ["HELP", "grouping"]

HELP = (
    "How images belong together: a regular expression searched in the file name (its first group, or all of it), "
    "first:N characters, folder, or table:FILE.csv with the columns image and group."
)
_COLUMNS = {"image", "group"}


def grouping(rule: str) -> Callable[[str], str]:
    """Return the function from an image's original path to its group.

    Parameters
    ----------
    rule
        ``first:5``, ``folder``, ``table:lots.csv`` or a regular expression; empty: every image by itself.

    Raises
    ------
    DatasetError
        The rule is broken; the function raises it where an image has no group.
    """
    kind, _, rest = rule.partition(":")
    if not rule:
        return lambda origin: Path(origin).stem
    if kind == "first":
        if not rest.isdecimal() or not int(rest):
            raise DatasetError(f"group {rule}: expected first:N with a number of characters", remedy="Say first:5")
        return lambda origin: Path(origin).stem[: int(rest)]
    if rule == "folder":
        return _folder
    if kind == "table":
        return _table(Path(rest))
    return _search(rule)


def _folder(origin: str) -> str:
    parent = Path(origin).parent.as_posix()
    if parent == ".":
        raise DatasetError(
            f"{origin}: lies in no folder of the source", remedy="Group by first:N, a regular expression or a table"
        )
    return parent


def _table(path: Path) -> Callable[[str], str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as content:
            reader = csv.DictReader(content)
            if not set(reader.fieldnames or ()) >= _COLUMNS:
                raise DatasetError(f"{path}: has the columns {reader.fieldnames}", remedy="Name them image and group")
            groups = {row["image"]: row["group"] for row in reader}
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: the table of groups cannot be read: {error}") from error

    def look_up(origin: str) -> str:
        name = Path(origin)
        for key in (origin, name.name, name.stem):
            if groups.get(key):
                return groups[key]
        raise DatasetError(f"{path}: has no group for {name.name}", remedy="Add a row for the image")

    return look_up


def _search(rule: str) -> Callable[[str], str]:
    try:
        pattern = re.compile(rule)
    except re.error as error:
        raise DatasetError(f"group {rule!r}: not a regular expression: {error}") from error

    def search(origin: str) -> str:
        found = pattern.search(Path(origin).name)
        text = found and (found.group(1) if pattern.groups else found.group())
        if not text:
            raise DatasetError(f"{origin}: group {rule!r} finds nothing in its name", remedy="Correct --group")
        return text

    return search


def check_grouping(groups: Sequence[str], rule: str) -> None:
    """Raise ``DatasetError`` where a rule puts all images into one group, so that nothing could be held out."""
    if rule and len(set(groups)) == 1 and len(groups) > 1:
        raise DatasetError(
            f"group {rule!r} puts all {len(groups)} images into one group, {groups[0]}", remedy="Correct --group"
        )
