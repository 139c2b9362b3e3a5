"""A model is fetched once, resumed where it broke off, and never unpacked with another hash than the pinned one."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from inspector.domain import ModelError
from inspector.voice import CATALOGUE, SpeechModel, installed_model, pull


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("vosk-small/am/final.mdl", np.random.default_rng(1).bytes(300_000))
        packed.writestr("vosk-small/README", "a model")
    return stream.getvalue()


BODY = archive()


class Server(ThreadingHTTPServer):
    """Sends the archive; may break off, ignore ranges, or send something else."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = BODY
        self.break_after: int | None = None
        self.ranges = True
        self.asked: list[str | None] = []

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.ranges else 0
        if start >= len(self.server.body):
            self.send_error(416)
            return
        rest = self.server.body[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: self.server.break_after])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def model(server: Server) -> SpeechModel:
    url = f"http://127.0.0.1:{server.server_address[1]}/vosk-small.zip"
    return replace(CATALOGUE["vosk-en-small"], url=url, sha256=hashlib.sha256(BODY).hexdigest())


def test_a_model_is_fetched_once(server: Server, model: SpeechModel, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = pull(model, tmp_path / "models", progress=lambda have, total: seen.append((have, total)))
    assert (path / "am" / "final.mdl").stat().st_size == 300_000
    assert seen[-1] == (len(BODY), len(BODY))
    assert installed_model("vosk-en-small", tmp_path / "models") == path
    assert pull(model, tmp_path / "models") == path
    assert len(server.asked) == 1
    assert [item.name for item in (tmp_path / "models").iterdir()] == ["vosk-en-small"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on(server: Server, model: SpeechModel, tmp_path: Path, ranges: bool) -> None:
    server.break_after, server.ranges = 100_000, ranges
    with pytest.raises(ModelError, match=r"[Pp]ull again"):
        pull(model, tmp_path)
    assert installed_model("vosk-en-small", tmp_path) is None
    server.break_after = None
    path = pull(model, tmp_path)
    assert server.asked == [None, "bytes=100000-"]
    assert (path / "README").read_text() == "a model"


def test_another_file_is_refused_and_forgotten(server: Server, model: SpeechModel, tmp_path: Path) -> None:
    server.body = BODY[:-1] + b"!"
    with pytest.raises(ModelError, match="another file than expected"):
        pull(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_all_of_it_was_there_but_not_unpacked(server: Server, model: SpeechModel, tmp_path: Path) -> None:
    (tmp_path / "vosk-en-small.zip.part").write_bytes(BODY)
    assert (pull(model, tmp_path) / "README").is_file()


def test_no_server(model: SpeechModel, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be fetched"):
        pull(replace(model, url="http://127.0.0.1:9/model.zip"), tmp_path)


@pytest.mark.parametrize("url", ["http://models.example/x.zip", "file:///etc/passwd", "ftp://models.example/x.zip"])
def test_only_https_is_fetched(model: SpeechModel, tmp_path: Path, url: str) -> None:
    with pytest.raises(ModelError, match="only https"):
        pull(replace(model, url=url), tmp_path)


def test_every_model_of_the_catalogue_is_pinned() -> None:
    for name, model in CATALOGUE.items():
        assert name == model.name
        assert model.url.startswith("https://")
        assert len(bytes.fromhex(model.sha256)) == 32
        assert model.licence
