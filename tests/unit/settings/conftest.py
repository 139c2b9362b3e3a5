"""A valid line, for tests to break."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.settings.broken_lines import table


@pytest.fixture(scope="session")
def good_text() -> str:
    text: str = table()["line"]
    return text


@pytest.fixture
def good_file(tmp_path: Path, good_text: str) -> Path:
    file = tmp_path / "line.yaml"
    file.write_text(good_text, encoding="utf-8")
    return file
