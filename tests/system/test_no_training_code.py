"""A line runs from trigger to screen on a machine where no training library can be imported at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FORBIDDEN = ("torch", "torchvision", "ultralytics", "onnx", "nncf")
BLOCK = f"""
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FORBIDDEN!r}:
            with open(ATTEMPTS, "a") as out:
                out.write(name + chr(10))
            raise ModuleNotFoundError(name + " is for training", name=name)

sys.meta_path.insert(0, Block())
"""


@pytest.mark.timeout(400)
def test_every_process_of_the_demonstration_runs_without_them(tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    packages = tmp_path / "packages"
    packages.mkdir()
    # Every process that is spawned reads this file first.
    (packages / "sitecustomize.py").write_text(f"ATTEMPTS = {str(attempts)!r}\n{BLOCK}", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(packages), "INSPECTOR_DATA": str(tmp_path / "data")}
    blocked = subprocess.run(
        [sys.executable, "-c", "import torch"], env=environment, capture_output=True, text=True, check=False
    )
    assert "torch is for training" in blocked.stderr, "the block does not reach spawned processes"
    attempts.unlink()
    done = subprocess.run(
        [sys.executable, "-m", "inspector.cli", "demo", "--parts", "5", "--headless"],
        env=environment, capture_output=True, text=True, timeout=360, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert not attempts.exists(), f"tried to import: {sorted(set(attempts.read_text().split()))}"
