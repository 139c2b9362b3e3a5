"""The live view of a camera that is being tuned: one page on this machine, with picture, histogram and sharpness."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING

import cv2

from inspector.domain import ConfigurationError

if TYPE_CHECKING:
    from inspector.runtime.camera_tools import Look

__all__ = ["TunePage"]

_PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Tune the camera</title>
<meta name="viewport" content="width=device-width">
<style>body{font:16px system-ui;margin:1rem;background:#111;color:#eee}img{max-width:100%;max-height:70vh}
svg{width:32rem;max-width:100%;height:6rem;background:#222}meter{width:20rem}</style>
<img id="picture" alt="what the camera sees"><p id="words" role="status"></p>
<p>sharpness <meter id="sharp" min="0" max="1"></meter> <span id="share"></span></p>
<svg id="bars" viewBox="0 0 32 1" preserveAspectRatio="none" role="img" aria-label="grey levels"></svg>
<script>
let seen = 0;
async function look() {
  const at = await (await fetch("figures.json")).json();
  if (at.number !== seen) {
    seen = at.number;
    const light = at.condition;
    words.textContent = at.problem || `level ${light.mean.toFixed(0)}, ${(light.white * 100).toFixed(1)} % white, ` +
      `${(light.black * 100).toFixed(1)} % black ${at.advice}`;
    if (light) {
      picture.src = "picture.jpg?" + seen;
      const share = at.best ? light.sharpness / at.best : 0;
      sharp.value = share;
      document.getElementById("share").textContent =
        `${light.sharpness.toFixed(3)}, ${(share * 100).toFixed(0)} % of the best`;
      const most = Math.max(...light.histogram) || 1;
      bars.innerHTML = light.histogram.map((bar, n) =>
        `<rect x="${n}" y="${1 - bar / most}" width="0.9" height="${bar / most}" fill="#8cf"/>`).join("");
    }
  }
  setTimeout(look, 100);
}
look();
</script></html>"""


class TunePage:
    """Serves what ``show`` was given last, on 127.0.0.1; use as a context manager.

    Raises
    ------
    ConfigurationError
        The port is taken.
    """

    def __init__(self, port: int) -> None:
        self._figures: dict[str, object] = {"number": 0, "problem": "no picture yet", "condition": None}
        self._picture = b""
        handler = type("Handler", (_Handler,), {"page": self})
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        except OSError as error:
            raise ConfigurationError(
                f"port {port}: cannot be served: {error.strerror}", remedy="Choose another --port"
            ) from error
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, name="tune page", daemon=True)

    def __enter__(self) -> TunePage:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def show(self, look: Look, best: float) -> None:
        """Replace the picture and its figures."""
        if look.frame is not None:
            self._picture = cv2.imencode(".jpg", look.frame.pixels)[1].tobytes()
        light = look.condition
        self._figures = {
            "number": look.number,
            "ms": look.ms,
            "problem": look.problem,
            "condition": asdict(light) if light else None,
            "advice": light.verdict if light else "",
            "best": best,
        }

    def content(self, path: str) -> tuple[str, bytes] | None:
        """Return type and content of an address, None where there is nothing."""
        return {
            "/": ("text/html; charset=utf-8", _PAGE),
            "/figures.json": ("application/json", json.dumps(self._figures).encode()),
            "/picture.jpg": ("image/jpeg", self._picture),
        }.get(path)


class _Handler(BaseHTTPRequestHandler):
    page: TunePage

    def do_GET(self) -> None:
        """Answer one request."""
        found = self.page.content(self.path.partition("?")[0])
        if found is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", found[0])
        self.send_header("Content-Length", str(len(found[1])))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(found[1])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: a page that asks ten times a second would fill the terminal."""
