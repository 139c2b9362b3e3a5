"""What every test shares: where the real recordings lie, and no task left open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real images and recordings; the test is skipped where it is absent."""
    folder = Path(os.environ.get("INSPECTOR_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real recordings are not here: {folder} (set INSPECTOR_SHARED_DATA)")
    return folder
