"""Programs of other makes: what tests/foreign/package.json names, installed by npm once and kept."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOREIGN = Path(__file__).resolve().parents[1] / "foreign"
FOLDER = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "inspector-tests" / "npm"


def npm_package(name: str) -> Path:
    """Return a folder whose ``node_modules`` holds this package; skips the test where npm cannot get it."""
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        pytest.skip("node and npm are not installed (Debian: apt install nodejs npm)")
    version = json.loads((FOREIGN / "package.json").read_text())["dependencies"][name]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (FOLDER / "node_modules" / name).is_dir():
            command = [npm, "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", "--silent"]
            try:
                subprocess.run([*command, f"{name}@{version}"], check=True, capture_output=True, timeout=150)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                pytest.skip(f"npm cannot install {name} here: {error}")
    return FOLDER
