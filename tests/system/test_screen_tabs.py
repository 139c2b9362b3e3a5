"""Ten open tabs on a running line: none grows with what it has seen, none lags behind, none holds up the verdicts."""

from __future__ import annotations

import logging
import sqlite3
import statistics
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from inspector.runtime.plant import Plant
from inspector.settings import load_line
from tests.support.browser import CHROMIUM, browser, linked, tab
from tests.support.screen import Box, board_image, part, served, status

__all__ = ["browser"]

log = logging.getLogger(__name__)

LINE = Path(__file__).parents[2] / "line_configs" / "virtual-board.yaml"
PATHS = ("", "", "", "", "", "review", "history", "line", "quality", "reports")
FEW, MINUTES = 3, 10
FILLED = 3  # minutes after which lists, strips and charts are full: from then on nothing may grow
LAG_S = 5  # the clock of a page goes with every beat of the line
KINDS = ("Nodes", "JSEventListeners", "JSHeapUsedSize")
MOST_GROWTH = {"Nodes": 300, "JSEventListeners": 60, "JSHeapUsedSize": 6_000_000}
SPUR = ("spur", 0.97, Box(100, 120, 126, 140))

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    pytest.mark.timeout(7200),
]


class Watched:
    """One open tab with what it holds: nodes, listeners and bytes of script, those that are garbage not counted."""

    def __init__(self, browser: Any, url: str) -> None:
        self.page = tab(browser)
        self.page.goto(url)
        linked(self.page)
        self._tools = self.page.context.new_cdp_session(self.page)
        self._tools.send("Performance.enable")

    def holds(self) -> dict[str, float]:
        self._tools.send("HeapProfiler.collectGarbage")
        found = self._tools.send("Performance.getMetrics")["metrics"]
        return {item["name"]: item["value"] for item in found if item["name"] in KINDS}

    def lag_s(self) -> float:
        # A machine that is busy with the tests may be silent for two seconds: then the page says so, and comes back.
        self.page.wait_for_selector(".lost", state="detached")
        now = datetime.now().astimezone()
        shown = datetime.strptime(self.page.inner_text(".clock"), "%H:%M:%S").astimezone()
        late = (now - now.replace(hour=shown.hour, minute=shown.minute, second=shown.second)).total_seconds()
        return late % 86_400

    def close(self) -> None:
        self.page.context.close()


def grown(before: Sequence[dict[str, float]], after: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    return [{kind: late[kind] - early[kind] for kind in KINDS} for early, late in zip(before, after, strict=True)]


def test_open_tabs_hold_no_more_than_before(browser: Any, tmp_path: Path) -> None:
    image = board_image(tmp_path / "board.png")
    with served() as line:
        line.feed(status())
        tabs = [Watched(browser, line.url) for _ in range(FEW)]
        holds = []
        for first in (1, 26, 51):
            fed = [part(first + n, image, boxes=[SPUR], limits={0: ("above_usl", 0.35)}) for n in range(25)]
            line.feed(*fed)
            for watched in tabs:
                watched.page.wait_for_selector(f".board-image[data-report='{fed[-1].report.id}']")
            holds.append([watched.holds() for watched in tabs])
        for watched in tabs:
            watched.close()
    # The first ones fill the strip and the chart; from then on one goes for each that comes.
    change = grown(holds[1], holds[2])
    assert all(each[kind] <= MOST_GROWTH[kind] for each in change for kind in KINDS), change


@pytest.mark.soak
def test_ten_tabs_for_ten_minutes(browser: Any, tmp_path: Path) -> None:
    settings = load_line(LINE, data=tmp_path)
    settings = settings.model_copy(update={"screen": settings.screen.model_copy(update={"port": 0})})
    file = Path((settings.store.url or "").removeprefix("sqlite:///"))
    with Plant(settings, data=tmp_path, parts=1_000_000) as plant:
        tabs = [Watched(browser, f"{plant.screen_url}{path}") for path in PATHS]
        tabs[0].page.wait_for_selector(".trend-plot polyline", state="attached")
        before, lags, seen = [watched.holds() for watched in tabs], [], recorded(file)
        for minute in range(MINUTES):
            if minute == FILLED:
                before = [watched.holds() for watched in tabs]
            tabs[0].page.wait_for_timeout(60_000)
            lags.append(max(watched.lag_s() for watched in tabs))
        change, parts = grown(before, [watched.holds() for watched in tabs]), recorded(file) - seen
        for watched in tabs:
            watched.close()
    log.info("%d parts; growth of each tab: %s; lag in s: %s", parts, change, lags)
    assert all(each[kind] <= MOST_GROWTH[kind] for each in change for kind in KINDS), change
    assert statistics.median(lags) <= LAG_S, lags
    assert lags[-1] <= LAG_S, lags


def recorded(file: Path) -> int:
    with sqlite3.connect(file) as database:
        count: int = database.execute("SELECT COUNT(*) FROM inspection").fetchone()[0]
    database.close()
    return count
