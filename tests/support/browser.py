"""Chromium as an operator uses it: one browser a module, one context a tab."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
SIZES = [(1280, 800), (1024, 600), (1920, 1080), (3840, 2160)]
WAIT_MS = 180_000  # a step of a second here may take a slow, loaded machine a hundred times as long
LEAST_TARGET_PX = 48


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra: dev)")
    with sync_api.sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])


# A test acts as a person does, who sees the page build up first: what is touched or written before the page has its
# link can be lost when the page loads itself again. Plain links are the browser's own and always work.
_NOT_BEFORE_THE_LINK = """addEventListener("DOMContentLoaded", () => document.head.append(Object.assign(
    document.createElement("style"), {textContent: `body:has(.link):not(:has(.link.linked))
        :is(.key, .thumb, summary, button, input:not([autofocus]), select, textarea) { visibility: hidden }`})))"""


def tab(browser: Any, size: tuple[int, int] = SIZES[0], cookies: Sequence[Mapping[str, str]] = ()) -> Any:
    """Open an empty tab of this size, with nothing remembered but these cookies."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
    context.set_default_timeout(WAIT_MS)
    context.add_init_script(_NOT_BEFORE_THE_LINK)
    context.add_cookies(cookies)
    return context.new_page()


def linked(page: Any) -> None:
    """Wait until the page has heard from the server: before that it may still load itself again."""
    page.wait_for_selector(".link.linked", state="attached")


def log_in(page: Any, name: str, secret: str) -> None:
    linked(page)
    page.fill("input[name=name]", name)
    page.fill("input[name=secret]", secret)
    page.keyboard.press("Enter")


def entered(browser: Any, url: str, name: str, secret: str, size: tuple[int, int] = SIZES[0]) -> Any:
    """Open a tab and log in; ends on the live page."""
    page = tab(browser, size)
    page.goto(f"{url}login")
    log_in(page, name, secret)
    page.wait_for_selector(".verdict")
    return page


def too_small(page: Any) -> list[str]:
    """Return what is there to be touched and smaller than a gloved finger."""
    found: list[str] = page.eval_on_selector_all(
        ".key, .thumb, .screen select, .screen input:not([type=radio]):not([type=checkbox]), .list a",
        f"""(keys) => keys.map((key) => [key, key.getBoundingClientRect()])
            .filter(([key, box]) => key.checkVisibility() && box.width > 0
                && (box.width < {LEAST_TARGET_PX} || box.height < {LEAST_TARGET_PX}))
            .map(([key, box]) => `${{key.outerHTML.slice(0, 80)}} ${{box.width}}x${{box.height}}`)""",
    )
    return found


def covered(page: Any) -> list[str]:
    """Return what is there to be touched and lies under something else, unless one has only to scroll to it."""
    found: list[str] = page.eval_on_selector_all(
        ".key, .thumb, .screen select, .screen input:not([type=radio]):not([type=checkbox])",
        """(keys) => keys.filter((key) => {
            const box = key.getBoundingClientRect();
            if (!key.checkVisibility() || !box.width) return false;
            const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
            for (let outer = key.parentElement; outer; outer = outer.parentElement) {
                const edge = outer.getBoundingClientRect();
                const scrolls = /auto|scroll/.test(getComputedStyle(outer).overflow);
                if (scrolls && (x < edge.left || x > edge.right || y < edge.top || y > edge.bottom)) return false;
            }
            const top = document.elementFromPoint(x, y);
            return !key.disabled && !(top && key.contains(top));
        }).map((key) => key.outerHTML.slice(0, 80))""",
    )
    return found


def overflow(page: Any) -> int:
    """Return by how many pixels the page is larger than the window."""
    wide: int = page.evaluate("Math.max(document.documentElement.scrollWidth - innerWidth, 0)")
    return wide
