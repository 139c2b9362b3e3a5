"""The line's page, the trail and the users in a real browser: every act is done, confirmed and written down."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from inspector.runtime.control import Control
from tests.support.browser import CHROMIUM, SIZES, browser, covered, entered, linked, log_in, overflow, too_small
from tests.support.review_screen import PASSWORDS, served

__all__ = ["browser"]

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    # Chromium and the server process start cold on a busy machine.
    pytest.mark.timeout(1800),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("line")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with served(folder, login=True) as running:
        yield running


def acts(folder: Path, who: str) -> list[tuple[str, str]]:
    with sqlite3.connect(folder / "record.db") as database:
        rows = database.execute("SELECT act, detail FROM audit WHERE who = ? ORDER BY number", (who,)).fetchall()
    database.close()
    return [row for row in rows if not row[0].startswith("log_")]


def said(page: Any, text: str) -> None:
    page.wait_for_function("(text) => document.querySelector('.said').innerText.includes(text)", arg=text)


def test_an_engineer_changes_the_recipe_and_tries_a_picture(browser: Any, url: str, folder: Path) -> None:
    page = entered(browser, url, "eng", PASSWORDS["eng"])
    page.click(".menu > summary")
    page.click(".menu a[href='/line']")
    page.wait_for_selector(".recipe[aria-pressed=true] >> text=default")
    assert "opc.tcp://plc:4840/" in page.inner_text(".connections")
    assert "no route" in page.inner_text(".alarm")
    page.dispatch_event(".try-once", "click")
    said(page, "only while the line is held")
    page.click(".challenge >> text=Challenge test")
    said(page, "Done")

    # A recipe is changed after a question only.
    page.click(".recipe >> text=fine")
    page.wait_for_selector(".question >> text=from default to fine")
    page.click(".no")
    page.wait_for_selector(".question", state="hidden")
    page.click(".recipe >> text=fine")
    page.click(".yes")
    page.wait_for_selector(".recipe[aria-pressed=true] .sign")
    said(page, "Done")

    page.click(".hold-reason >> text=Set-up")
    page.wait_for_selector(".state-held >> text=eng · Set-up")
    page.click(".try-once")
    page.wait_for_selector(".trial-said [data-trial='1']")
    page.wait_for_selector(".trial .board-image")
    assert "0.400" in page.inner_text(".trial-said")
    page.click(".release")
    page.wait_for_selector(".state-pass")
    page.click(".acknowledge")
    page.wait_for_selector(".alarm >> text=seen by eng")
    assert acts(folder, "eng") == [
        ("start_challenge_test", ""),
        ("select_recipe", "default -> fine"),
        ("hold_line", "set_up"),
        ("trigger_once", ""),
        ("release_line", ""),
        ("acknowledge_alarm", "plc"),
    ]
    page.goto(url)
    page.wait_for_selector(".alert >> text=seen by eng")
    # Of several detectors the first is named, and how many there are beside it.
    assert "bare-board 0.4.0 + 1" in page.inner_text(".facts")
    page.context.close()


def test_an_operator_stops_the_line_and_does_not_start_it(browser: Any, url: str, folder: Path) -> None:
    page = entered(browser, url, "jan", PASSWORDS["jan"])
    page.goto(f"{url}line")
    assert page.get_attribute(".recipe >> nth=0", "aria-disabled") == "true"
    assert page.get_attribute(".challenge", "aria-disabled") == "true"
    page.click(".hold-reason >> text=Bad parts")
    page.wait_for_selector(".state-held")
    page.dispatch_event(".release", "click")
    said(page, "Your role may not do this")
    assert acts(folder, "jan") == [("hold_line", "bad_parts"), ("release_line_refused", "")]
    assert page.locator(".menu a[href='/audit']").count() == 0
    for closed in ("audit", "users"):
        page.goto(f"{url}{closed}")
        page.wait_for_selector(".verdict")
    page.wait_for_selector(".alert >> text=Held by jan · Bad parts")
    page.context.close()


def test_a_lot_is_held_by_an_operator_and_released_by_quality(browser: Any, url: str, folder: Path) -> None:
    Control(folder).make_lot("L-9")
    with closing(sqlite3.connect(folder / "record.db")) as database, database:
        database.execute("UPDATE inspection SET lot = 'L-9' WHERE id = 1")
        (report,) = database.execute("SELECT report_id FROM inspection WHERE lot = 'L-9'").fetchone()
    page = entered(browser, url, "jan", PASSWORDS["jan"])
    page.goto(f"{url}line")
    linked(page)
    page.wait_for_selector(".held-lots >> text=No lot is held")
    page.click(".lots-head [data-lot='L-9']")
    page.wait_for_function("document.querySelector('.lots input').value === 'L-9'")
    page.fill(".lots input >> nth=1", "solder paste")
    page.click(".hold-lot")
    page.wait_for_selector(".held-lots >> text=Held by jan · solder paste")
    page.dispatch_event(".release-lot", "click")
    said(page, "Your role may not do this")
    page.goto(url)
    page.wait_for_selector(".alert >> text=Lot L-9 Held by jan · solder paste")
    page.goto(f"{url}part/{report}")
    page.wait_for_selector(".lot-held >> text=L-9: Held by jan · solder paste")
    page.wait_for_selector(".moment-lot_held >> text=L-9 · jan · solder paste")
    page.context.close()

    page = entered(browser, url, "mei", PASSWORDS["mei"])
    page.goto(f"{url}line")
    linked(page)
    page.click(".held-lots [data-lot='L-9']")
    page.wait_for_function("document.querySelector('.lots input').value === 'L-9'")
    page.click(".release-lot")
    page.wait_for_selector(".held-lots >> text=No lot is held")
    assert acts(folder, "mei")[-1] == ("release_lot", "")
    page.goto(f"{url}part/{report}")
    page.wait_for_selector(".moment-lot_released >> text=L-9 · mei")
    assert page.locator(".lot-held").count() == 0
    page.context.close()


def test_a_new_user_is_made_shut_out_and_let_in(browser: Any, url: str, folder: Path) -> None:
    page = entered(browser, url, "root", PASSWORDS["root"])
    page.goto(f"{url}users")
    page.fill(".person input[type=text]", "new")
    page.fill(".person input[type=password]", "short")
    page.click(".role-key >> text=quality")
    page.click(".save")
    said(page, "too short")
    page.fill(".person input[type=password]", "long enough now")
    page.click(".save")
    said(page, "new: Done")
    page.wait_for_selector(".user[aria-pressed=true] >> text=new · quality")

    fresh = entered(browser, url, "new", "long enough now")
    page.click(".shut")
    page.wait_for_selector(".user >> text=shut out")
    fresh.goto(f"{url}history")
    fresh.wait_for_url("**/login")
    log_in(fresh, "new", "long enough now")
    fresh.wait_for_selector("[role=alert]")
    fresh.context.close()
    page.click(".shut")
    page.wait_for_selector(".shut >> text=Shut out")
    page.click(".user >> text=root")
    page.click(".shut")
    said(page, "Nobody shuts themselves out")
    assert [act for act, _ in acts(folder, "root")][-3:] == ["add_user", "change_user", "change_user"]
    page.context.close()


def test_a_tampered_entry_is_found_and_named(browser: Any, tmp_path: Path) -> None:
    with served(tmp_path, login=True) as url:
        page = entered(browser, url, "mei", PASSWORDS["mei"])
        page.click(".menu > summary")
        page.click(".menu a[href='/audit']")
        page.wait_for_selector(".list tbody tr")
        assert "mei" in page.inner_text(".list tbody tr >> nth=0")
        page.click(".verify")
        said(page, "Every entry holds")
        with sqlite3.connect(tmp_path / "record.db") as database:
            database.execute("DROP TRIGGER audit_no_update")
            database.execute("UPDATE audit SET detail = 'admin' WHERE number = 2")
        database.close()
        page.click(".verify")
        said(page, "Entry 2 does not hold")
        assert page.inner_text(".flawed td >> nth=0") == "2"
        page.context.close()


def test_a_report_is_read_printed_and_made(browser: Any, url: str) -> None:
    page = entered(browser, url, "jan", PASSWORDS["jan"])
    page.click(".menu > summary")
    page.click(".menu a[href='/reports']")
    frame = page.frame_locator(".report-page iframe")
    frame.locator("h1 >> text=Shift quality report 2026-11-22/A").wait_for()
    page.evaluate(
        "document.querySelector('.report-page iframe').contentWindow.print = () => { window.printed = true; }"
    )
    page.click(".print")
    page.wait_for_function("window.printed")
    page.click(".shift >> text=2026-11-22/B")
    page.wait_for_selector("text=There is no report of this shift yet >> nth=1")
    page.click(".make")
    said(page, "Done")
    frame.locator("h1 >> text=2026-11-22/B").wait_for()
    page.click(".lang-zh")
    frame.locator("h1 >> text=班次质量报告 2026-11-22/B").wait_for()
    page.context.close()


@pytest.mark.parametrize("size", SIZES)
def test_every_size_fits_and_every_key_can_be_hit(browser: Any, url: str, size: tuple[int, int]) -> None:
    page = entered(browser, url, "root", PASSWORDS["root"], size)
    for path, there in (("line", ".connections tr"), ("audit", ".list"), ("reports", ".shift"), ("users", ".user")):
        page.goto(f"{url}{path}")
        page.wait_for_selector(there)
        linked(page)
        assert covered(page) == []
        assert too_small(page) == []
        assert overflow(page) == 0
    page.context.close()
