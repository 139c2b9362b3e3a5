"""Access: no serious finding of axe on any page in either theme, a review by keys alone, a silent line is said."""

from __future__ import annotations

import os
import signal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import CHROMIUM, browser, entered, linked, tab
from tests.support.review_screen import PASSWORDS, served_process

__all__ = ["browser"]

PAGES = {
    "": ".verdict",
    "review": ".thumb",
    "history?when=own": ".list",
    "history?part=17&when=yesterday": ".list",
    "quality": ".figures",
    "line": ".connections tr",
    "reports": ".report-page iframe",
    "audit": ".list",
    "users": ".user",
}
SAID_WITHIN_MS = 2000
SERIOUS = {"serious", "critical"}

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    # Chromium and the server process start cold on a busy machine.
    pytest.mark.timeout(1800),
]


@pytest.fixture(scope="module")
def axe() -> str:
    package = pytest.importorskip("axe_playwright_python", reason="axe is not installed (extra: dev)")
    return files(package).joinpath("axe.min.js").read_text("utf-8")


def flaws(page: Any, axe: str) -> list[str]:
    """Return what axe calls serious on this page: rule, place, advice."""
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {iframes: false})")
    return [
        f"{rule['id']}: {node['target']} {node['html'][:120]} {node['failureSummary'][:200]}"
        for rule in found["violations"]
        if rule["impact"] in SERIOUS
        for node in rule["nodes"][:3]
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_page_has_a_serious_flaw(browser: Any, url: str, axe: str, theme: str) -> None:
    seen: dict[str, list[str]] = {}
    for name in ("mei", "root"):
        page = entered(browser, url, name, PASSWORDS[name])
        page.context.add_cookies([{"name": "inspector_theme", "value": theme, "url": url}])
        for path, there in PAGES.items():
            if (path == "users") is not (name == "root"):
                continue
            page.goto(f"{url}{path}")
            page.wait_for_selector(there)
            page.wait_for_selector(f".screen.theme-{theme}")
            page.click(".menu > summary")
            seen[path] = flaws(page, axe)
            if "part=17" in path:
                page.click(".menu > summary")
                page.click(".list tbody tr a")
                page.wait_for_selector(".moments")
                page.wait_for_selector(".board-image")
                seen["part"] = flaws(page, axe)
        page.context.close()
    page = tab(browser)
    page.context.add_cookies([{"name": "inspector_theme", "value": theme, "url": url}])
    page.goto(f"{url}login?refused=1")
    page.wait_for_selector("[role=alert]")
    seen["login"] = flaws(page, axe)
    page.context.close()
    assert {path: found for path, found in seen.items() if found} == {}


def test_a_review_needs_no_mouse(browser: Any, url: str) -> None:
    page = tab(browser)
    page.goto(url)
    page.wait_for_url("**/login")
    linked(page)
    page.wait_for_selector("input[name=name]:focus")
    # The name has the focus; everything from here on is keys.
    page.keyboard.type("mei")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORDS["mei"])
    page.keyboard.press("Enter")
    page.wait_for_selector(".verdict")

    def reach(selector: str) -> None:
        for _ in range(80):
            if page.evaluate(f"document.activeElement?.matches({selector!r}) ?? false"):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"no way to {selector} by Tab")

    reach(".menu > summary")
    page.keyboard.press("Enter")
    reach(".menu a[href='/review']")
    page.keyboard.press("Enter")
    page.wait_for_selector(".decision-accept")
    page.wait_for_selector(".part-id")
    linked(page)
    shown = page.inner_text(".part-id")
    page.keyboard.press("2")
    page.wait_for_selector(".reason[aria-pressed=true]")
    reach(".decision-scrap")
    page.keyboard.press("Enter")
    page.wait_for_function(f"document.querySelector('.said').innerText.startsWith('{shown}: scrap')")
    page.context.close()


def test_a_silent_line_is_said_and_found_again(browser: Any, tmp_path: Path) -> None:
    with served_process(tmp_path, login=False) as (url, process):
        page = tab(browser)
        # The page's own clock, so that two seconds are two seconds on a slow machine, too.
        page.clock.install()
        page.goto(f"{url}history")
        linked(page)
        assert page.locator(".lost").count() == 0
        # Stopped, not ended: the connection stays open and silent, which is the harder case.
        os.kill(process.pid, signal.SIGSTOP)
        try:
            page.clock.run_for(SAID_WITHIN_MS)
            assert page.locator(".lost").count() == 1
        finally:
            os.kill(process.pid, signal.SIGCONT)
        page.wait_for_selector(".lost", state="detached")
        page.context.close()
