"""A local server that speaks chat completions, rightly or in every wrong way a real one has been seen to."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["ChatServer", "completion", "serving"]

Answer = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


def completion(content: object) -> bytes:
    """Return the body of a chat completion with this content."""
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


class ChatServer:
    """What was asked, and a gate that ends every answer that waits."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.let_go = threading.Event()


@contextlib.contextmanager
def serving(answer: Callable[[ChatServer, BaseHTTPRequestHandler, dict[str, Any]], None]) -> Iterator[ChatServer]:
    """Serve on a free port while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append({"path": self.path, **body})
            server.headers.append(dict(self.headers))
            with contextlib.suppress(ConnectionError):
                answer(server, self, body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    server = ChatServer(f"http://127.0.0.1:{listening.server_address[1]}/v1")
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.let_go.set()
        listening.shutdown()
        thread.join()
        listening.server_close()
