"""Log-in and review queue in a real browser: by touch and by key, in two languages, on three sizes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.support.browser import CHROMIUM, SIZES, browser, log_in, tab
from tests.support.review_screen import PASSWORDS, served

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra: dev)")

__all__ = ["browser"]

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    # Chromium and the server process start cold on a busy machine.
    pytest.mark.timeout(1800),
]


def decisions(folder: Path) -> list[tuple[str, str, str]]:
    with sqlite3.connect(folder / "record.db") as database:
        rows = database.execute("SELECT decision, reason_code, decided_by FROM disposition ORDER BY id").fetchall()
    database.close()
    return rows


def test_a_new_user_logs_in_and_resolves_a_review(browser: sync_api.Browser, tmp_path: Path) -> None:
    with served(tmp_path, login=True) as url:
        page = tab(browser)
        page.goto(f"{url}review")
        page.wait_for_url("**/login")
        log_in(page, "mei", "a wrong one")
        page.wait_for_selector("[role=alert]")
        log_in(page, "mei", PASSWORDS["mei"])
        page.wait_for_selector(".verdict")
        page.click("a[href='/review']")
        page.wait_for_selector(".thumb >> nth=2")
        assert "mei" in page.inner_text(".facts")

        # By touch: without a reason nothing happens, then the oldest part is released.
        page.click(".decision-accept")
        page.wait_for_function("document.querySelector('.said').innerText === 'Choose a reason first'")
        page.click(".reason >> nth=0")
        page.wait_for_selector(".reason[aria-pressed=true]")
        page.click(".decision-accept")
        page.wait_for_function("document.querySelector('.said').innerText.startsWith('P-00001: accept')")
        page.wait_for_selector(".thumb >> nth=1")
        assert page.locator(".thumb").count() == 2

        # By key.
        page.keyboard.press("5")
        page.wait_for_selector(".reason[aria-pressed=true]:has-text('Defect confirmed')")
        page.keyboard.press("s")
        page.wait_for_function("document.querySelector('.said').innerText.startsWith('P-00002: scrap')")
        assert decisions(tmp_path)[3:] == [("ACCEPT", "false_alarm", "mei"), ("SCRAP", "defect_confirmed", "mei")]

        page.click(".menu > summary")
        page.click("text=Log out")
        page.wait_for_url("**/login")
        page.goto(f"{url}review")
        page.wait_for_url("**/login")


def test_an_operator_may_not_release(browser: sync_api.Browser, tmp_path: Path) -> None:
    with served(tmp_path, login=True) as url:
        page = tab(browser)
        page.goto(f"{url}login")
        log_in(page, "jan", PASSWORDS["jan"])
        page.wait_for_selector(".verdict")
        page.goto(f"{url}review")
        page.wait_for_selector(".thumb >> nth=2")
        assert page.get_attribute(".decision-accept", "aria-disabled") == "true"
        assert page.get_attribute(".decision-scrap", "aria-disabled") == "false"
        page.keyboard.press("1")
        page.wait_for_selector(".reason[aria-pressed=true]")
        page.keyboard.press("a")
        page.wait_for_function("document.querySelector('.said').innerText === 'Your role may not do this'")
        assert len(decisions(tmp_path)) == 3


def test_without_log_in_the_pages_say_so_and_fit(browser: sync_api.Browser, tmp_path: Path) -> None:
    with served(tmp_path, login=False) as url:
        for size in SIZES:
            page = tab(browser, size)
            page.goto(url)
            page.wait_for_selector(".badge-open")
            page.goto(f"{url}review")
            page.wait_for_selector(".thumb >> nth=2")
            page.wait_for_selector(".badge-open")
            small = page.eval_on_selector_all(
                ".key, .thumb",
                "(keys) => keys.map((key) => key.getBoundingClientRect())"
                ".filter((box) => box.width < 48 || box.height < 48).length",
            )
            assert small == 0, size
            for element in (".decisions", ".reasons", ".queue", ".panel-picture", ".tools"):
                box = page.locator(element).bounding_box()
                assert box is not None
                assert box["x"] >= 0
                assert box["y"] >= 0
                assert box["x"] + box["width"] <= size[0] + 1, (element, size)
                assert box["y"] + box["height"] <= size[1] + 1, (element, size)
            page.click(".lang-zh")
            page.wait_for_selector("h1 >> text=复检队列")
            assert "放行" in page.inner_text(".decision-accept")
            assert "误报" in page.inner_text(".reason >> nth=0")
            page.context.close()
