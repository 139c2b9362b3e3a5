"""The version of a data set: a hash over every image, every label, and the split each is in."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["ORIGINS", "split_folders", "version_of"]

ORIGINS = "origins.json"
"""Name of the file that says where each image lay before it was imported."""

_PARTS = ("images", "labels", "golden")


def split_folders(folder: Path) -> list[str]:
    """Return the names of the splits that there are, training first."""
    found = sorted(path.name for path in (folder / "images").glob("*") if path.is_dir())
    return sorted(found, key=lambda name: (name != "train", name))


def version_of(folder: Path) -> str:
    """Return the SHA-256 over splits, names and bytes of all images and labels, in the order of their paths.

    Moving one image to another split, or changing one label, makes another version.
    """
    digest = hashlib.sha256()
    for part in _PARTS:
        for path in sorted((folder / part).glob("*/*")):
            if path.is_file() and path.suffix != ".cache":
                digest.update(f"{part}/{path.parent.name}/{path.name}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
