"""`inspector backup` and `inspector restore`, as they are typed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from inspector.runtime.wiring.record import build_record
from inspector.settings import load_line
from tests.support.reports import passed

SHIPPED = Path(__file__).resolve().parents[3] / "line_configs"


def inspector(*arguments: object) -> subprocess.CompletedProcess[str]:
    # A process of its own: the command steps back behind the line, and nothing takes that back.
    command = [sys.executable, "-m", "inspector.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def yaml(tmp_path: Path) -> Path:
    file = tmp_path / "etc" / "line.yaml"
    shutil.copytree(SHIPPED / "golden", file.parent / "golden")
    shutil.copy(SHIPPED / "virtual-board.yaml", file)
    database, record, _ = build_record(load_line(file, data=tmp_path / "data"))
    with closing(database):
        record.record(passed(), pixels=None, texts={}, messages=[])
    return file


def test_a_line_goes_there_and_comes_back(yaml: Path, tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "backup"
    kept = inspector("backup", yaml, folder, "--data", data, "--json")
    assert kept.returncode == 0, kept.stderr
    assert json.loads(kept.stdout)["record"] == {"parts": 1, "head": ""}
    shutil.rmtree(data)
    shutil.rmtree(yaml.parent)
    back = inspector("restore", folder, yaml, "--data", data)
    assert back.returncode == 0, back.stderr
    assert "1 parts; the trail holds" in back.stdout
    assert yaml.is_file()
    assert (data / "virtual-board" / "record.db").is_file()


def test_what_is_refused_is_a_sentence(yaml: Path, tmp_path: Path) -> None:
    refused = inspector("restore", tmp_path / "nothing", yaml, "--data", tmp_path / "data")
    assert refused.returncode == 1
    assert "holds no whole backup" in refused.stderr
    assert "Traceback" not in refused.stderr
