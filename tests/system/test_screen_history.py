"""History and part pages in a real browser: from a question to everything about one part."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import CHROMIUM, SIZES, browser, covered, entered, overflow, too_small
from tests.support.review_screen import EACH_DAY, PASSWORDS

__all__ = ["browser"]

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    # Chromium and the server process start cold on a busy machine.
    pytest.mark.timeout(1800),
]


def test_yesterdays_part_17_is_found_and_tells_its_story(browser: Any, url: str) -> None:
    page = entered(browser, url, "mei", PASSWORDS["mei"])
    page.click(".menu > summary")
    page.click(".menu a[href='/history']")
    page.wait_for_selector(".list tbody tr >> nth=49")
    page.check("[value=yesterday]")
    page.fill("input[name=part]", "17")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('.list tbody tr').length === 1")
    assert page.inner_text(".list td.who") == "P-00017"
    assert "REJECT" in page.inner_text(".list td.sort")
    page.click(".list tbody tr")
    page.wait_for_selector(".moments li >> nth=1")
    assert page.inner_text(".part-id") == "P-00017"
    assert page.inner_text(".verdict-word") == "REJECT"
    assert "0.377" in page.inner_text(".measures")
    assert page.locator(".moment-triggered").count() == 1
    assert page.locator(".moment-recorded").count() == 1
    # Today's part of the same number is its other inspection.
    assert page.locator(".others-seen a").count() == 1

    # The golden part lies over it, as strongly as the slider says.
    page.wait_for_selector(".board-image")
    page.click("[data-overlay=golden]")
    page.wait_for_function("document.querySelector('.board-over')?.naturalWidth === 96")
    page.locator(".board-compare input").fill("25")
    page.wait_for_function("document.querySelector('.board-over').style.opacity === '0.25'")

    page.click(".lang-zh")
    page.wait_for_selector("h2 >> text=经过")
    page.go_back()
    page.wait_for_selector(".list")
    page.context.close()


def test_a_defect_is_found_by_words_and_its_part_answers(browser: Any, url: str) -> None:
    page = entered(browser, url, "mei", PASSWORDS["mei"])
    page.goto(f"{url}history")
    page.wait_for_selector(".list tbody tr >> nth=49")
    page.fill("input[name=words]", "spur at the top on the left")
    page.press("input[name=words]", "Enter")
    page.wait_for_selector("text=The likest of")
    assert page.locator(".list tbody tr").count() == 28  # 14 spurs a day; the held ones have no pictures
    assert set(page.locator(".list tbody td:nth-child(4)").all_inner_texts()) == {"Spur"}
    page.goto(f"{url}history?words=qwertz")
    page.wait_for_selector("text=None of these words is known")

    page.goto(f"{url}history?words=spur&kind=fail")
    page.click(".list tbody tr .who a >> nth=0")
    page.wait_for_selector("input[name=question]")
    page.fill("input[name=question]", "is there a spur near the connector?")
    page.press("input[name=question]", "Enter")
    page.wait_for_selector(".answered >> text=No spur was found in or near zone connector.")
    page.fill("input[name=question]", "is there a spur?")
    page.press("input[name=question]", "Enter")
    page.wait_for_selector(".answered >> text=Yes, 1: spur, length 0.3")
    page.click(".answer-links a >> text=Finding 1")
    assert page.url.endswith("#finding-1")
    page.fill("input[name=question]", "sing a song")
    page.click(".ask-key")
    page.wait_for_selector(".unanswered >> text=This can be asked: is there any spur near the connector")
    page.click(".lang-zh")
    page.fill("input[name=question]", "哪个最大")
    page.click(".ask-key")
    page.wait_for_selector(".answered >> text=只有一处：毛刺")
    page.context.close()


def test_what_is_asked_before_the_page_has_its_link_is_answered(browser: Any, url: str) -> None:
    page = entered(browser, url, "mei", PASSWORDS["mei"])
    page.goto(f"{url}history?kind=fail")
    address = page.get_attribute(".list tbody tr .who a >> nth=0", "href")
    # A network so slow that somebody has asked before the first word has left the browser.
    page.add_init_script("""
        const opened = new Promise((open) => { window.openTheNetwork = open; });
        window.WebSocket = class extends WebSocket {
            send(data) { opened.then(() => super.send(data)); }
        };""")
    page.goto(f"{url}{address.removeprefix('/')}")
    page.wait_for_selector("input[name=question]", state="attached")
    page.evaluate("document.querySelector('input[name=question]').style.visibility = 'visible'")
    page.fill("input[name=question]", "sing a song")
    page.press("input[name=question]", "Enter")
    assert page.locator(".link.linked").count() == 0
    page.evaluate("openTheNetwork()")
    page.wait_for_selector(".unanswered >> text=This can be asked")
    page.context.close()


def test_pages_follow_each_other_without_gaps(browser: Any, url: str) -> None:
    page = entered(browser, url, "mei", PASSWORDS["mei"])
    page.goto(f"{url}history?when=today&kind=pass")
    page.wait_for_selector(".list tbody tr >> nth=49")
    first = page.locator(".list .who").all_inner_texts()
    page.click("text=Older")
    page.wait_for_selector("text=Newest")
    second = page.locator(".list .who").all_inner_texts()
    good = [number for number in range(EACH_DAY, 0, -1) if number % 5 != 2]
    assert [*first, *second] == [f"P-{number:05d}" for number in good]
    page.click("text=Newest")
    page.wait_for_selector(".list tbody tr >> nth=49")
    page.context.close()


def test_a_size_that_is_none_is_said(browser: Any, url: str) -> None:
    page = entered(browser, url, "mei", PASSWORDS["mei"])
    page.goto(f"{url}history?size_from=big")
    assert "big" in page.inner_text("[role=alert]")
    page.goto(f"{url}history?part=no-such-part")
    page.wait_for_selector("text=No part meets all of this")
    page.goto(f"{url}part/00000000-0000-0000-0000-000000000000")
    page.wait_for_selector("text=The record has no such inspection")
    page.context.close()


def test_the_rows_are_taken_away_by_those_who_may(browser: Any, url: str) -> None:
    page = entered(browser, url, "mei", PASSWORDS["mei"])
    page.goto(f"{url}history?when=yesterday&label=spur&size_from=0.4")
    page.wait_for_selector(".list")
    with page.expect_download() as download:
        page.click(".away a >> text=CSV")
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert [row["part_id"] for row in rows] == [f"P-{n:05d}" for n in range(67, 40, -5)]
    assert {row["labels"] for row in rows} == {"spur"}
    page.context.close()

    page = entered(browser, url, "jan", PASSWORDS["jan"])
    page.goto(f"{url}history?when=yesterday")
    page.wait_for_selector(".list")
    assert page.locator(".away a").count() == 0
    assert page.request.get(f"{url}api/v1/history/export").status == 403
    page.context.close()


@pytest.mark.parametrize("size", SIZES)
def test_every_size_fits_and_every_key_can_be_hit(browser: Any, url: str, size: tuple[int, int]) -> None:
    page = entered(browser, url, "mei", PASSWORDS["mei"], size)
    for path in ("history?when=own", "history?when=yesterday&part=17"):
        page.goto(f"{url}{path}")
        page.wait_for_selector(".list")
        assert covered(page) == []
        page.click(".menu > summary")
        assert too_small(page) == []
        assert overflow(page) == 0
    page.click(".menu > summary")
    page.click(".list tbody tr a")
    page.wait_for_selector(".moments")
    page.wait_for_selector(".board-image")
    assert covered(page) == []
    assert too_small(page) == []
    assert overflow(page) == 0
    page.context.close()
