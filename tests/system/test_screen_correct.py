"""A report's text corrected in a real browser: both texts stay, with name and time, in both languages and themes."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

from tests.support.browser import CHROMIUM, SIZES, browser, entered, overflow, too_small
from tests.support.review_screen import PASSWORDS

__all__ = ["browser"]

DIALOG = "dialog.correcting[open]"
ENGLISH, CHINESE = f"{DIALOG} textarea >> nth=0", f"{DIALOG} textarea >> nth=1"

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    # Chromium and the server process start cold on a busy machine.
    pytest.mark.timeout(1800),
]


def on_part(browser: Any, url: str, name: str, number: int, size: tuple[int, int] = SIZES[0]) -> Any:
    """Open the page of yesterday's part of this number."""
    page = entered(browser, url, name, PASSWORDS[name], size)
    page.goto(f"{url}history?when=yesterday&part={number}")
    page.click(".list tbody tr a")
    page.wait_for_selector(".correct-key")
    return page


def test_an_operator_corrects_a_text_and_what_was_written_stays(browser: Any, url: str) -> None:
    page = on_part(browser, url, "jan", 17)
    assert page.inner_text(".report-text p") == "A spur."
    assert page.locator(".original").count() == 0
    page.click("text=Correct this text")
    assert page.input_value(ENGLISH) == "A spur."
    assert page.input_value(CHINESE) == "毛刺。"
    page.fill(ENGLISH, "A burr <b>at\nthe edge</b>.")
    page.click("text=Keep the correction")
    page.wait_for_selector(".corrected >> text=A burr <b>at the edge</b>.")
    page.wait_for_selector(DIALOG, state="detached")
    assert "corrected by jan at 20" in page.inner_text(".report .author")
    assert not page.is_visible(".original p")
    page.click("text=As it was written")
    page.wait_for_selector(".original p >> text=A spur.")
    page.wait_for_selector(".original p >> text=written by the template")
    page.wait_for_selector(".moment-corrected >> text=en · jan · A burr")

    # The other language was left alone; there it is corrected by somebody else.
    page.context.close()
    page = on_part(browser, url, "mei", 17)
    page.click(".lang-zh")
    page.wait_for_selector("text=更正文字")
    assert page.inner_text(".report-text p") == "毛刺。"
    page.click(".correct-key")
    assert page.input_value(ENGLISH) == "A burr <b>at the edge</b>."
    page.fill(CHINESE, "边缘有毛刺。")
    page.click("text=保存更正")
    page.wait_for_selector(".corrected >> text=边缘有毛刺。")
    assert "由 mei 于 20" in page.inner_text(".report .author")
    page.goto(f"{url}audit")
    page.wait_for_selector(".list >> text=zh: 边缘有毛刺。")
    assert page.locator(".list >> text=en: A burr").count() == 1
    page.context.close()


def test_what_cannot_be_kept_is_said_and_escape_leaves_all_as_it_is(browser: Any, url: str) -> None:
    page = on_part(browser, url, "mei", 22)
    page.click("text=Correct this text")
    page.fill(ENGLISH, "")
    page.click("text=Keep the correction")
    page.wait_for_selector(f"{DIALOG} .said >> text=The correction could not be recorded")
    page.fill(ENGLISH, "Never said.")
    page.keyboard.press("Escape")
    page.wait_for_selector(DIALOG, state="detached")
    page.click("text=Correct this text")
    assert page.input_value(ENGLISH) == "A spur."
    page.click("text=Leave it")
    page.wait_for_selector(DIALOG, state="detached")
    assert page.inner_text(".report-text p") == "A spur."
    page.context.close()


@pytest.mark.parametrize("size", [SIZES[0], SIZES[1]])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_dialog_fits_and_reads_in_every_theme(browser: Any, url: str, size: tuple[int, int], theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="axe is not installed (extra: dev)")
    page = on_part(browser, url, "mei", 27, size)
    page.context.add_cookies([{"name": "inspector_theme", "value": theme, "url": url}])
    page.reload()
    page.wait_for_selector(f".theme-{theme}")
    page.click(".correct-key")
    page.wait_for_selector(DIALOG)
    assert too_small(page) == []
    assert overflow(page) == 0
    assert page.eval_on_selector(DIALOG, "(dialog) => dialog.scrollHeight <= dialog.clientHeight")
    page.evaluate(files(axe).joinpath("axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run(document, {iframes: false})")["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in {"serious", "critical"}] == []
    page.context.close()
