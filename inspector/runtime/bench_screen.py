"""What the verdict path feels of open pages: a real browser with so many tabs on the live page of a running line.

The verdict path runs as in ``inspector bench``, with the real office process beside it, which records the parts and
serves the screen. Blocks without a browser come before and after those with one: the figures are compared as a ratio
of the same minutes on the same machine.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from inspector.domain import ConfigurationError
from inspector.runtime import embedded
from inspector.runtime.backoffice import office_main
from inspector.runtime.bench import TakenFrames, run_block, spread, take_frames
from inspector.runtime.demo import demo_settings
from inspector.runtime.plant import BEHIND_THE_LINE
from inspector.runtime.supervisor import Child, Supervisor
from inspector.runtime.wiring.cameras import build_camera
from inspector.runtime.wiring.verdict import build_detector
from inspector.settings import LineSettings, NoMes

__all__ = ["ScreenFigures", "measure_screen"]

BLOCK = 100
BACKGROUND = 19  # people look from machines of their own: here the browser takes what is left
OPEN_WITHIN_S = 300.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class ScreenFigures:
    """What was measured: trigger to verdict-in-the-PLC in milliseconds; ratios are with tabs over without."""

    p50_ratio: float
    p99_ratio: float
    without_ms: Mapping[str, float]
    with_tabs_ms: Mapping[str, float]
    tabs: int
    parts_without: int
    parts_with_tabs: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def measure_screen(*, tabs: int = 10, parts: int = 400) -> ScreenFigures:
    """Measure on this machine, ``parts`` parts with tabs and as many without; raises what starting a line raises.

    Raises
    ------
    ConfigurationError
        There is no browser here, or it does not open the pages.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise ConfigurationError(f"no browser here: none of {', '.join(BROWSERS)}", remedy="apt install chromium")
    with tempfile.TemporaryDirectory(prefix="inspector-bench-") as folder:
        data = Path(folder)
        settings = demo_settings(data)
        screen = settings.screen.model_copy(update={"port": embedded.free_port()})
        settings = settings.model_copy(update={"screen": screen, "mes": NoMes(kind="none")})
        without, watched = asyncio.run(_measure(settings, data, browser, tabs=tabs, parts=parts))
    quiet, busy = spread(without), spread(watched)
    return ScreenFigures(
        p50_ratio=busy["p50"] / quiet["p50"],
        p99_ratio=busy["p99"] / quiet["p99"],
        without_ms=quiet,
        with_tabs_ms=busy,
        tabs=tabs,
        parts_without=len(without),
        parts_with_tabs=len(watched),
    )


async def _measure(
    settings: LineSettings, data: Path, browser: str, *, tabs: int, parts: int
) -> tuple[list[float], list[float]]:
    camera, detector = build_camera(settings), build_detector(settings)
    without: list[float] = []
    watched: list[float] = []
    office = Child(
        "office",
        office_main,
        {"settings": settings, "data": data, "broker": None, "screen": True},
        nice=BEHIND_THE_LINE,
    )
    try:
        detector.warm_up()
        frames = await asyncio.to_thread(take_frames, camera, range(1, BLOCK + 1), settings.station)
        block = partial(run_block, settings, data, TakenFrames(frames), detector, BLOCK)
        with Supervisor() as supervisor:
            await asyncio.to_thread(supervisor.start, office)
            await block()  # warms everything up
            while len(without) < parts // 2:
                without += await block()
            with _open_tabs(browser, settings, tabs, data / "browser") as opened:
                await asyncio.to_thread(opened.wait)
                while len(watched) < parts:
                    watched += await block()
                opened.check()
            while len(without) < parts:
                without += await block()
    finally:
        camera.close()
        detector.close()
    return without, watched


class _Tabs:
    """The open pages, counted by their connections to the screen."""

    def __init__(self, port: int, wanted: int, browser: subprocess.Popen[bytes]) -> None:
        self._port, self._wanted, self._browser = port, wanted, browser

    def wait(self) -> None:
        """Wait until every tab is connected; raises ``ConfigurationError``."""
        deadline = time.monotonic() + OPEN_WITHIN_S
        while self._connected() < self._wanted:
            if time.monotonic() > deadline or self._browser.poll() is not None:
                self.check()
            time.sleep(0.2)

    def check(self) -> None:
        """Raise ``ConfigurationError`` where a tab has lost the line."""
        connected = self._connected()
        if connected < self._wanted:
            raise ConfigurationError(f"{connected} of {self._wanted} tabs are connected to the screen")

    def _connected(self) -> int:
        return sum(
            1
            for item in psutil.net_connections("tcp")
            if item.status == psutil.CONN_ESTABLISHED and item.laddr and item.laddr.port == self._port
        )


@contextmanager
def _open_tabs(browser: str, settings: LineSettings, tabs: int, profile: Path) -> Iterator[_Tabs]:
    # Without a display a browser opens one tab only: one document holds the pages side by side.
    page = f'<iframe src="http://127.0.0.1:{settings.screen.port}/" width="1280" height="800"></iframe>'
    document = profile.with_suffix(".html")
    document.write_text(page * tabs, encoding="utf-8")
    options = ["--headless=new", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # without which it does not run for root
    process = subprocess.Popen(  # noqa: S603
        ["nice", f"-n{BACKGROUND}", browser, *options, document.as_uri()],  # noqa: S607
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield _Tabs(settings.screen.port, tabs, process)
    finally:
        process.terminate()
        process.wait()
