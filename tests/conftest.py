"""What every test shares: where the real recordings lie, and no task left open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import POSTGRES_BIN, Postgres

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real images and recordings; the test is skipped where it is absent."""
    folder = Path(os.environ.get("INSPECTOR_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real recordings are not here: {folder} (set INSPECTOR_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this test run's own; the test is skipped where none is installed."""
    if POSTGRES_BIN is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    server = Postgres()
    yield server
    server.close()
