"""Studies as CSV files: reading them, with the line of each mistake, and a plan to fill in."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inspector.domain import ConfigurationError

__all__ = ["plan", "read_numbers", "read_rows", "verdict_of"]

MAX_BYTES = 10_000_000
GOOD = frozenset({"1", "ok", "good", "pass", "accept", "true", "yes"})
BAD = frozenset({"0", "nok", "bad", "fail", "reject", "false", "no"})


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV file with these columns, in any order, others ignored; raises ``ConfigurationError``.

    Comma, semicolon and tab separate columns; each row has the key ``line`` with its line number.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}", remedy="Name a CSV file") from error
    try:
        text = content[:MAX_BYTES].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: not UTF-8 at byte {error.start}", remedy="Save it as UTF-8") from error
    head = text.partition("\n")[0]
    mark = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=mark, skipinitialspace=True)
    names = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
    missing = [name for name in columns if name not in names]
    if missing:
        raise ConfigurationError(
            f"{path}: there is no column {', '.join(missing)}",
            remedy=f"The first line names the columns: {', '.join(columns)}; 'inspector msa plan' writes such a file",
        )
    rows = []
    for row in reader:
        values = {name: (row.get(names[name]) or "").strip() for name in columns}
        if not any(values.values()):
            continue
        empty = [name for name in columns if not values[name]]
        if empty:
            raise ConfigurationError(f"{path}:{reader.line_num}: {empty[0]} is empty", remedy="Fill it in")
        rows.append({**values, "line": str(reader.line_num)})
    if not rows:
        raise ConfigurationError(f"{path}: there are no readings", remedy="Fill in one line per reading")
    return rows


def read_numbers(path: Path, rows: Sequence[dict[str, str]], column: str) -> list[float]:
    """Return a column as finite numbers; a decimal comma is understood; raises ``ConfigurationError``."""
    numbers = []
    for row in rows:
        text = row[column]
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ConfigurationError(f"{path}:{row['line']}: {column} is no number: {text}", remedy="Write 1.23")
        numbers.append(value)
    return numbers


def verdict_of(path: Path, row: dict[str, str], column: str) -> bool:
    """Return whether a verdict says good; raises ``ConfigurationError``."""
    text = row[column].lower()
    if text not in GOOD | BAD:
        raise ConfigurationError(
            f"{path}:{row['line']}: {column} is no verdict: {row[column]}", remedy="Write ok or nok"
        )
    return text in GOOD


def plan(parts: int, appraisers: Sequence[str], trials: int, *, attribute: bool, seed: int) -> str:
    """Return the CSV of a study to fill in: in each trial every appraiser gets the parts in an order of chance.

    Nobody then knows which reading belongs to which earlier one (AIAG MSA, 4th edition, chapter III-B).
    """
    rng = np.random.default_rng(seed)
    columns = ["part", "appraiser", "rating", "reference"] if attribute else ["part", "appraiser", "value"]
    lines = [",".join(["order", "trial", *columns])]
    for trial in range(1, trials + 1):
        for appraiser in appraisers:
            for part in rng.permutation(parts) + 1:
                blanks = "," * (len(columns) - 2)
                lines.append(f"{len(lines)},{trial},{part},{appraiser}{blanks}")
    return "\n".join(lines) + "\n"
