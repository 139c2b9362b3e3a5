"""The pictures of the documentation, taken of the demonstration as it runs: ``make screenshots``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from inspector.domain import Person, Role
from inspector.runtime.people import people_of
from inspector.runtime.plant import Plant
from inspector.settings import load_line
from tests.support.browser import CHROMIUM, entered, linked, log_in, tab

LINE = Path(__file__).parents[2] / "line_configs" / "virtual-board.yaml"
NAME, SECRET = "mei", "a good password"
PARTS = 100_000
WAIT_MS = 300_000
ENOUGH = 80  # parts: for a full strip and a trend
PATIENT_MS = 20_000
GATE = 0.95
CYCLE_MS = 300  # gaps for the report writer


def main(folder: Path) -> None:
    """Run the virtual line and write one PNG a page into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        settings = load_line(LINE, data=Path(data))
        screen = settings.screen.model_copy(update={"login": "required", "port": 0})
        # A picture waits for nobody: on a busy machine too, parts are to be inspected and not to be late.
        # The model is sure of nearly everything it names: a higher gate leaves some parts to people.
        recipes = {
            name: recipe.model_copy(update={"confidence_gate": GATE}) for name, recipe in settings.recipes.items()
        }
        plc = settings.plc.model_copy(update={"cycle_ms": CYCLE_MS})
        changed = {"screen": screen, "plc": plc, "deadline_ms": PATIENT_MS, "recipes": recipes}
        settings = settings.model_copy(update=changed)
        with people_of(settings) as (accounts, _):
            for name, role in ((NAME, Role.QUALITY), ("eng", Role.ENGINEER), ("root", Role.ADMIN)):
                accounts.add(name, role, SECRET, by=Person("shell:root", Role.ADMIN))
        with Plant(settings, data=Path(data), parts=PARTS) as plant, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
            page = entered(browser, plant.screen_url, NAME, SECRET)
            page.set_default_timeout(WAIT_MS)
            take(page, plant.screen_url, folder)
            engineer = entered(browser, plant.screen_url, "eng", SECRET)
            engineer.set_default_timeout(WAIT_MS)
            take_line(engineer, plant.screen_url, folder)
            take_users(tab(browser), plant.screen_url, folder)
            take_figures(page, plant.screen_url, folder)
            browser.close()


def take(page: Any, url: str, folder: Path) -> None:
    """Take what quality sees."""
    page.wait_for_function(f"+document.querySelector('[data-count=passed] b').innerText > {ENOUGH}")
    page.click(".follow >> text=Not passed")
    page.wait_for_selector(".verdict-fail, .verdict-review")
    shoot(page, ".board-image", folder / "live.png")
    page.goto(f"{url}review")
    page.wait_for_selector(".thumb")
    page.click(".reason >> nth=4")
    shoot(page, ".board-image", folder / "review.png")
    page.click(".decision-scrap")
    page.wait_for_selector(".said >> text=decided")
    page.goto(f"{url}history?kind=fail&when=today")
    shoot(page, ".list tbody tr", folder / "history.png")
    page.click(".list tbody tr >> nth=0")
    page.wait_for_selector(".moments")
    page.wait_for_selector(".board-image")
    page.click("[data-overlay=golden]")
    shoot(page, ".board-over", folder / "part.png")
    page.goto(f"{url}audit")
    page.wait_for_selector(".list")
    page.click(".verify")
    shoot(page, ".said code", folder / "audit.png")


def take_line(page: Any, url: str, folder: Path) -> None:
    """Take what an engineer does with the line."""
    page.goto(f"{url}line")
    page.wait_for_selector(".connections tr")
    page.click(".hold-reason >> nth=3")
    page.wait_for_selector(".state-held")
    page.click(".try-once")
    page.wait_for_selector(".trial .board-image")
    page.click(".recipe >> nth=1")
    shoot(page, ".confirm .yes", folder / "line.png")


def take_users(page: Any, url: str, folder: Path) -> None:
    """Take the log-in, and what an administrator sees behind it."""
    page.goto(f"{url}login")
    linked(page)
    shoot(page, "input[name=secret]", folder / "login.png")
    log_in(page, "root", SECRET)
    page.wait_for_selector(".verdict")
    page.goto(f"{url}users")
    page.wait_for_selector(".user")
    page.click(".user >> nth=1")
    shoot(page, ".user[aria-pressed=true]", folder / "users.png")


def take_figures(page: Any, url: str, folder: Path) -> None:
    """Take what is worked out by a process of its own, which takes its time."""
    page.goto(f"{url}quality")
    shoot(page, ".figures figure", folder / "quality.png")
    page.goto(f"{url}reports")
    page.wait_for_selector(".shift")
    page.click(".shift >> nth=0")
    page.click(".make")
    page.wait_for_function("document.querySelector('.report-page .said').innerText === 'Done'")
    page.frame_locator(".report-page iframe").locator("h1").first.wait_for()
    shoot(page, ".report-page iframe", folder / "reports.png")


def shoot(page: Any, there: str, file: Path) -> None:
    """Take the page once this is on it, and nothing is on its way any more."""
    linked(page)
    page.wait_for_selector(".lost", state="detached")
    page.wait_for_selector(there)
    page.wait_for_function("!document.querySelector('.tag-unplaced, .board-late')")
    page.wait_for_function(
        "[...document.images].every((image) => image.complete || image.getBoundingClientRect().top > innerHeight)"
    )
    page.screenshot(path=str(file))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
