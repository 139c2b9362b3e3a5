"""A file system of a few megabytes that can be filled to the last byte, for tests of full disks."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

__all__ = ["SmallDisk", "mounted"]


class SmallDisk:
    """A mounted file system and what fills it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave not one free block."""
        with self._ballast.open("wb") as file:
            while (free := os.statvfs(self.folder)).f_bavail:
                with suppress(OSError):  # others write here too: one of their blocks may have come first
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free.f_bavail * free.f_frsize)

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a small disk there; the test is skipped where that is not allowed."""
    folder.mkdir(parents=True)
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "tmpfs", str(folder)]
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here (it takes root)")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: a killed process may not have let go of it yet.
        subprocess.run(["umount", "-l", str(folder)], check=True)
