"""Packages of npm for tests that need somebody who shares no code with the product; installed once and kept."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["FOREIGN", "npm_modules"]

FOREIGN = Path(__file__).resolve().parents[1] / "foreign"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "inspector-tests" / "npm"
PACKAGES = {"mqtt": "mqtt@5", "sparkplug-payload": "sparkplug-payload@1.0.3"}


def npm_modules(name: str) -> Path:
    """Return the folder that holds this package; the test is skipped where it cannot be had."""
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        pytest.skip("node and npm are not installed (Debian: apt install nodejs npm)")
    folder = CACHE / name
    if not (folder / "node_modules" / name).is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent", PACKAGES[name]]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=150)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"npm cannot install {name} here: {error}")
    return folder
