"""What every test shares: where the real recordings lie, and no task left open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.postgres import POSTGRES_BIN, Postgres

if TYPE_CHECKING:
    from tests.support.triton import TritonServer

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


@pytest.fixture(scope="session")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """A real Triton server with the tiny model and the shipped board model; skipped where none is set up."""
    # Only tests that ask for the server pay for loading the inference libraries.
    from inspector.detection import find_model, load_model
    from tests.support.tiny_model import write_tiny_model
    from tests.support.triton import TritonServer, serve, triton_packages

    if triton_packages() is None:
        pytest.skip("Triton is not set up (make triton)")
    pytest.importorskip("tritonclient.grpc", reason="the extra `triton` is not installed")
    work = tmp_path_factory.mktemp("triton")
    serve(load_model(write_tiny_model(work / "tiny")), work / "repository")
    serve(load_model(find_model("bare-board")), work / "repository")
    server = TritonServer(work / "repository", work)
    yield server
    server.close()
