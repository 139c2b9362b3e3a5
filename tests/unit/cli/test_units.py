"""The systemd units that are shipped: systemd reads every line of them, and they run commands that exist."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from inspector.cli.main import app

UNITS = Path(__file__).resolve().parents[3] / "deploy" / "systemd"
ANALYZE = shutil.which("systemd-analyze")


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed")
def test_systemd_understands_them(tmp_path: Path) -> None:
    files = []
    for unit in UNITS.iterdir():
        # Any program will do, as long as it is there.
        text = unit.read_text(encoding="utf-8").replace("/opt/inspector/bin/inspector", "/bin/true")
        file = tmp_path / unit.name.replace("@", "@line-1")
        file.write_text(text, encoding="utf-8")
        files.append(str(file))
    done = subprocess.run([str(ANALYZE), "verify", *files], capture_output=True, text=True, timeout=120, check=False)
    assert [line for line in done.stderr.splitlines() if "inspector" in line] == []


def test_they_run_commands_that_exist() -> None:
    known = get_command(app).commands  # type: ignore[attr-defined]
    run = [
        line.split()[1]
        for unit in UNITS.glob("*.service")
        for line in unit.read_text(encoding="utf-8").splitlines()
        if line.startswith("Exec")
    ]
    assert sorted(run) == ["backup", "run"]
    assert set(run) <= set(known)
