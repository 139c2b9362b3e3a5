"""Where this machine's own findings are kept: measured choices, compiled engines."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["default_cache", "engines_folder"]


def default_cache() -> Path:
    """Return the file in which choices are remembered; follows the XDG base directory specification."""
    return _base() / "backends.json"


def engines_folder() -> Path:
    """Return the folder of compiled engines."""
    return _base() / "engines"


def _base() -> Path:
    named = os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(named) if named else Path.home() / ".cache"
    except RuntimeError:  # a service user without a home
        base = Path(tempfile.gettempdir())
    return base / "line-inspector"
