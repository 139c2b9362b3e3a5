"""The first day of a new user on a running line: log in, review, recipe, yesterday's part 17, the shift report."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspector.domain import Person, Role
from inspector.runtime.people import people_of
from inspector.runtime.plant import Plant
from inspector.settings import LineSettings, load_line
from tests.support.browser import CHROMIUM, browser, log_in, tab
from tests.support.shifts import fill, inspection

__all__ = ["browser"]

LINES = Path(__file__).parents[2] / "line_configs"
NAME, SECRET = "nova", "a good password"
PARTS = 100_000  # more than anybody waits for

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    pytest.mark.timeout(1800),
]


@pytest.fixture
def settings(tmp_path: Path) -> LineSettings:
    """The demonstration's line with log-in, yesterday's parts in its record, and one of them held."""
    settings = load_line(LINES / "virtual-board.yaml", data=tmp_path)
    screen = settings.screen.model_copy(update={"login": "required", "port": 0})
    recipe = settings.model_copy(update={"screen": screen})
    assert recipe.store.url is not None
    folder = Path(recipe.store.url.removeprefix("sqlite:///")).parent
    folder.mkdir(parents=True)
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = [
        inspection(n, midnight - timedelta(hours=12, seconds=-n), label="spur" if n == 17 else "", length=0.3)
        for n in range(1, 30)
    ]
    fill(folder, yesterday, line=settings.line)[0].close()
    with people_of(recipe) as (accounts, _):
        accounts.add(NAME, Role.ENGINEER, SECRET, by=Person("root", Role.ADMIN))
    return recipe


def menu(page: Any, path: str) -> None:
    page.click(".menu > summary")
    page.click(f".menu a[href='{path}']")


def test_nothing_needs_an_explanation(browser: Any, settings: LineSettings, tmp_path: Path) -> None:
    with Plant(settings, data=tmp_path, parts=PARTS) as plant:
        page = tab(browser)
        page.goto(plant.screen_url)
        page.wait_for_url("**/login")
        log_in(page, NAME, SECRET)
        page.wait_for_selector(".verdict")

        # The part held since yesterday has waited longest, so it is shown first.
        menu(page, "/review")
        page.wait_for_selector(".part-id >> text=P-00017")
        page.click(".reason >> text=Within limits")
        page.click(".decision-accept")
        page.wait_for_function("document.querySelector('.said').innerText.startsWith('P-00017: accept')")

        menu(page, "/line")
        page.click(".recipe >> text=rework-grade")
        page.click(".yes")
        # The line itself says so: the mark stands at what it uses.
        page.wait_for_selector(".recipe:has(.sign) >> text=rework-grade")

        menu(page, "/history")
        page.wait_for_selector(".list tbody tr")
        page.check("[value=yesterday]")
        page.fill("input[name=part]", "17")
        page.keyboard.press("Enter")
        page.wait_for_function("document.querySelectorAll('.list tbody tr').length === 1")
        page.click(".list tbody tr")
        page.wait_for_selector(".moment-decided >> text=nova")

        menu(page, "/reports")
        page.click(".shift >> nth=0")
        page.click(".make")
        page.wait_for_function("document.querySelector('.report-page .said').innerText === 'Done'")
        frame = page.frame_locator(".report-page iframe")
        frame.locator("text=Shift quality report").first.wait_for()
        page.evaluate(
            "document.querySelector('.report-page iframe').contentWindow.print = () => { window.printed = true; }"
        )
        page.click(".print")
        page.wait_for_function("window.printed")
        page.context.close()
    with sqlite3.connect(settings.store.url.removeprefix("sqlite:///")) as database:  # type: ignore[union-attr]
        acts = [row[0] for row in database.execute("SELECT act FROM audit WHERE who = ? ORDER BY number", (NAME,))]
    database.close()
    assert acts == ["log_in", "review", "select_recipe", "make_report"]
