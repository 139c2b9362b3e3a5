"""The glossary on the line's page in a real browser: a name is changed, refused, taken back, and who did it is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.browser import CHROMIUM, SIZES, browser, entered, overflow, too_small
from tests.support.review_screen import PASSWORDS

__all__ = ["browser"]

TERM, ENGLISH, CHINESE = (f".names input >> nth={place}" for place in range(3))
NOTED = ".name-said >> text={}"

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    # Chromium and the server process start cold on a busy machine.
    pytest.mark.timeout(1800),
]


def named(page: Any, term: str, name: str) -> None:
    page.wait_for_selector(f"[data-term='{term}'] td:not(:first-child) >> text={name}")


def on_line(browser: Any, url: str, name: str, size: tuple[int, int] = SIZES[0]) -> Any:
    page = entered(browser, url, name, PASSWORDS[name], size)
    page.goto(f"{url}line")
    page.wait_for_selector("[data-term=spur]")
    return page


def test_a_name_is_changed_refused_and_taken_back(browser: Any, url: str) -> None:
    page = on_line(browser, url, "mei", SIZES[1])
    page.click("[data-term=spur] button")
    page.wait_for_function("document.querySelectorAll('.names input')[2].value === '毛刺'")
    assert page.input_value(ENGLISH) == "spur"
    page.fill(ENGLISH, "burr <1>")
    page.click(".save-name")
    page.wait_for_selector(NOTED.format("Done"))
    named(page, "spur", "burr <1>")
    page.wait_for_selector(".names-past li >> text=mei · spur (EN): burr <1>")

    page.fill(ENGLISH, "open")
    page.click(".save-name")
    page.wait_for_selector(NOTED.format("is what open is called"))
    page.fill(ENGLISH, "")
    page.click(".save-name")
    page.wait_for_selector(".names-past li >> text=as the product calls it")
    named(page, "spur", "spur")

    # A zone has no name before somebody writes one.
    page.fill(TERM, "connector")
    page.fill(ENGLISH, "")
    page.fill(CHINESE, "插头")
    page.click(".save-name")
    named(page, "connector", "插头")
    assert too_small(page) == []
    assert overflow(page) == 0
    left = "(panel) => panel.getBoundingClientRect().left"
    assert page.eval_on_selector(".names", left) == page.eval_on_selector(".connections", left), "below, not beside"
    page.click(".lang-zh")
    page.wait_for_selector(".names-head >> text=名称")
    page.context.close()


def test_an_operator_reads_the_names_and_changes_none(browser: Any, url: str) -> None:
    page = on_line(browser, url, "jan")
    assert not page.is_visible(".names .writing")
    assert page.locator(".names button:visible").count() == 0
    page.context.close()
