"""A valid line as text, the table of what may be wrong with it, and the way to break it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = sorted((ROOT / "line_configs").glob("*.yaml"))


def table() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(Path(__file__).with_name("bad_lines.yaml").read_text("utf-8"))
    return loaded


def broken(text: str, changes: list[str]) -> str:
    for change in changes:
        old, new = change.split("=>", 1)
        assert old in text, f"the line has no {old!r} to replace"
        text = text.replace(old, new, 1)
    return text
