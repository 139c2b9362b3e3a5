"""The operator's screen in a real browser: what it shows is what was fed, in every size, language and theme."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inspector.domain import Box, FaultCode, Lamp, LampState, RecordedPart
from tests.support.browser import CHROMIUM, SIZES, browser, covered, overflow
from tests.support.browser import tab as open_tab
from tests.support.screen import ServedScreen, board_image, part, served, status

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra: dev)")

SPUR = ("spur", 0.97, Box(100, 120, 126, 140))
OPEN = ("open", 0.95, Box(300, 310, 330, 322))
PIN_HOLE = ("pin_hole", 0.72, Box(420, 500, 434, 514))

__all__ = ["browser"]

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    # Chromium and the two server processes start cold on a busy machine.
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return board_image(tmp_path_factory.mktemp("images") / "board.png")


@pytest.fixture(scope="module")
def screen() -> Iterator[ServedScreen]:
    with served() as running:
        running.feed(status())
        yield running


class Tab:
    """One open page that remembers what it asked for and complained about."""

    def __init__(self, browser: sync_api.Browser, url: str, size: tuple[int, int] = SIZES[0], **cookies: str) -> None:
        chosen = [{"name": f"inspector_{name}", "value": value, "url": url} for name, value in cookies.items()]
        self.page = open_tab(browser, size, chosen)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)
        self.page.wait_for_selector(".verdict")

    def _said(self, message: sync_api.ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def await_part(self, shown: RecordedPart) -> None:
        """Wait until banner, and picture where there is one, are this part's."""
        self.page.wait_for_selector(f".thumb[aria-pressed=true][data-report='{shown.report.id}']")
        if shown.image is not None:
            self.page.wait_for_selector(f".board-image[data-report='{shown.report.id}']")
            self.page.wait_for_function("!document.querySelector('.tag-unplaced')")

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text().replace("\u00a0", " ")

    def texts(self, selector: str) -> list[str]:
        return [re.sub(r"\s+", " ", text) for text in self.page.locator(selector).all_inner_texts()]


@pytest.fixture
def tab(browser: sync_api.Browser, screen: ServedScreen) -> Iterator[Tab]:
    opened = Tab(browser, screen.url)
    yield opened
    opened.page.context.close()


def test_the_page_shows_the_record(tab: Tab, screen: ServedScreen, image: Path) -> None:
    limits = {0: ("above_usl", 0.35), 1: ("not_allowed", 0.0), 2: ("confidence", 0.9)}
    fed = part(17, image, boxes=[SPUR, OPEN, PIN_HOLE], limits=limits, zones={0: "connector"})
    screen.feed(fed)
    tab.await_part(fed)

    assert tab.text(".verdict-word") == "REJECT"
    assert tab.text(".part-id") == "PCB-000017"
    assert tab.text(".report p") == fed.texts["en"]
    assert tab.texts(".tag") == ["1 Spur 0.542 mm", "2 Open 0.625 mm", "3 Pin-hole 0.292 mm"]
    assert tab.texts(".finding-name") == ["Spur", "Open", "Pin-hole"]
    assert tab.texts(".row-value") == ["0.542 ± 0.033 mm", "72 %"]
    assert tab.texts(".limit-text") == ["max 0.35 mm", "min 90 %"]
    assert tab.texts(".row-why") == ["over by 0.192 mm", "not sure enough"]
    assert tab.page.locator(".mark-fail").count() == 2
    assert tab.page.locator(".mark-review").count() == 1


def test_outlines_lie_where_the_record_says(tab: Tab, screen: ServedScreen, image: Path) -> None:
    fed = part(18, image, boxes=[SPUR, OPEN], limits={0: ("above_usl", 0.35)})
    screen.feed(fed)
    tab.await_part(fed)
    picture = tab.page.locator(".board-image").bounding_box()
    assert picture is not None
    scale = picture["width"] / 640
    for number, box in ((1, SPUR[2]), (2, OPEN[2])):
        drawn = tab.page.locator(f".outline[data-number='{number}']").bounding_box()
        assert drawn is not None
        assert tab.page.locator(f".outline[data-number='{number}']").get_attribute("data-box") == (
            f"{box.x0:g} {box.y0:g} {box.x1:g} {box.y1:g}"
        )
        centre = (drawn["x"] + drawn["width"] / 2, drawn["y"] + drawn["height"] / 2)
        wanted = (picture["x"] + box.centre[0] * scale, picture["y"] + box.centre[1] * scale)
        assert centre == pytest.approx(wanted, abs=1.5)
        assert drawn["width"] >= box.width * scale


def test_forty_labels_cover_no_other_label(tab: Tab, screen: ServedScreen, image: Path) -> None:
    corners = [(30 + 75 * (index % 8), 40 + 110 * (index // 8)) for index in range(40)]
    boxes = [("spur", 0.99 - index / 1000, Box(x, y, x + 20, y + 18)) for index, (x, y) in enumerate(corners)]
    fed = part(19, image, boxes=boxes, limits=dict.fromkeys(range(40), ("above_usl", 0.1)))
    screen.feed(fed)
    tab.await_part(fed)
    drawn = [handle.bounding_box() for handle in tab.page.locator(".tag").all()]
    assert len(drawn) == 40
    for index, one in enumerate(drawn):
        for other in drawn[index + 1 :]:
            apart = (
                one["x"] + one["width"] <= other["x"] + 1
                or other["x"] + other["width"] <= one["x"] + 1
                or one["y"] + one["height"] <= other["y"] + 1
                or other["y"] + other["height"] <= one["y"] + 1
            )
            assert apart
    assert tab.page.locator(".finding").count() == 40


def test_counts_lamps_and_yield_follow_the_line(browser: sync_api.Browser, image: Path) -> None:
    with served() as line:
        line.feed(status())
        tab = Tab(browser, line.url)
        assert tab.text(".verdict-word") == "WAITING"
        assert tab.text("[data-count=yield]") == "–"
        line.feed(part(1, image), part(2, image), part(3, image, boxes=[SPUR], limits={0: ("above_usl", 0.1)}))
        last = part(4, None, fault=FaultCode.DEADLINE)
        line.feed(part(5, image, boxes=[SPUR], limits={0: ("guard_band", 0.55)}), last)
        tab.await_part(last)
        shown = {name: tab.text(f"[data-count={name}] b") for name in ("passed", "review", "failed", "faults")}
        assert shown == {"passed": "2", "review": "1", "failed": "1", "faults": "1"}
        assert tab.text("[data-count=yield]") == "40.0 %"
        assert tab.text(".verdict-word") == "NOT INSPECTED"
        assert tab.page.locator(".thumb").count() == 5
        assert "No picture was kept" in tab.text(".board-empty")

        assert tab.texts(".lamp-good .lamp-name") == ["Camera OK", "Model OK", "PLC OK", "MES OK"]
        line.feed(status(bad=Lamp.PLC, ready=False))
        tab.page.wait_for_selector(".lamp-bad[data-lamp=plc]")
        assert "connection refused by 127.0.0.1:4840" in tab.text(".alert")
        assert tab.text(".badge-not_ready") == "Not ready"
        assert tab.text(".badge-sim") == "Simulated"
        tab.page.context.close()


def test_the_talk_key_follows_the_lamp_of_the_voice(browser: sync_api.Browser) -> None:
    now = datetime.now(UTC)
    with served(listens=True) as line:
        loading = LampState(None, now, "the speech model is being loaded")
        line.feed(replace(status(), lamps={**status().lamps, Lamp.VOICE: loading}))
        tab = Tab(browser, line.url, SIZES[1])
        tab.page.wait_for_selector(".lamp-unknown[data-lamp=voice]")
        tab.page.wait_for_selector(".talk-key.away")
        tab.page.locator(".talk-key").click()
        tab.page.wait_for_selector(".talk-card.talk-away")
        assert tab.text(".talk-text") == "The voice is not there at the moment"
        tab.page.locator(".talk-close").click()

        line.feed(replace(status(), lamps={**status().lamps, Lamp.VOICE: LampState(True, now)}))
        tab.page.wait_for_selector(".lamp-good[data-lamp=voice]")
        tab.page.wait_for_selector(".talk-key:not(.away)")

        gone = LampState(False, now, "the voice process does not answer")
        line.feed(replace(status(), lamps={**status().lamps, Lamp.VOICE: gone}))
        tab.page.wait_for_selector(".lamp-bad[data-lamp=voice]")
        tab.page.wait_for_selector(".talk-key.away")
        assert "the voice process does not answer" in tab.text(".alert")
        assert overflow(tab.page) <= 0
        tab.page.context.close()


def test_the_language_changes_while_it_runs_and_is_remembered(tab: Tab, screen: ServedScreen, image: Path) -> None:
    fed = part(20, image, boxes=[SPUR], limits={0: ("above_usl", 0.35)})
    screen.feed(fed)
    tab.await_part(fed)
    tab.page.locator(".lang-zh").click()
    tab.page.wait_for_selector(".screen[lang=zh]")
    tab.page.wait_for_function("document.querySelector('.tag-text').innerText.includes('毛刺')")
    assert tab.text(".verdict-word") == "不合格"
    assert tab.text(".report p") == fed.texts["zh"]
    tab.page.wait_for_function("document.cookie.includes('inspector_language=zh')")
    tab.page.reload()
    tab.page.wait_for_selector(".screen[lang=zh]")
    tab.page.locator(".lang-en").click()
    tab.page.wait_for_function("document.querySelector('.verdict-word').innerText == 'REJECT'")


def test_a_part_from_the_strip_stays_until_the_operator_goes_back(tab: Tab, screen: ServedScreen, image: Path) -> None:
    rejected = part(21, image, boxes=[SPUR], limits={0: ("above_usl", 0.35)})
    screen.feed(rejected)
    tab.await_part(rejected)
    tab.page.locator(f".thumb[data-report='{rejected.report.id}']").click()
    tab.page.wait_for_selector(".screen.held")
    passed = part(22, image)
    screen.feed(passed)
    tab.page.wait_for_selector(f".thumb[data-report='{passed.report.id}']")
    assert tab.text(".part-id") == "PCB-000021"
    assert tab.text(".badge-earlier") == "Earlier part"
    tab.page.locator(".hold").click()
    tab.await_part(passed)
    assert tab.text(".verdict-word") == "PASS"
    tab.page.locator(".follow", has_text="Not passed").click()
    tab.await_part(rejected)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES)
def test_every_size_fits_and_every_key_can_be_hit_with_a_glove(
    browser: sync_api.Browser, screen: ServedScreen, image: Path, size: tuple[int, int], theme: str
) -> None:
    fed = part(23, image, boxes=[SPUR, OPEN], limits={0: ("above_usl", 0.35)})
    screen.feed(fed)
    tab = Tab(browser, screen.url, size, theme=theme)
    tab.await_part(fed)
    assert tab.page.locator(f".screen.theme-{theme}").count() == 1
    assert covered(tab.page) == []
    overflow = tab.page.evaluate(
        "[document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]"
    )
    assert max(overflow) <= 0
    for key in tab.page.locator("button:visible").all():
        box = key.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 48
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
    tab.page.context.close()


def test_nothing_is_asked_from_other_hosts_and_nothing_is_complained_about(
    browser: sync_api.Browser, screen: ServedScreen, image: Path
) -> None:
    tab = Tab(browser, screen.url)
    for number in range(30, 34):
        fed = part(number, image, boxes=[SPUR], limits={0: ("above_usl", 0.35)})
        screen.feed(fed)
        tab.await_part(fed)
    assert tab.requests
    assert {url.split("/")[2] for url in tab.requests if not url.startswith(("data:", "blob:"))} == {
        f"127.0.0.1:{screen.port}"
    }
    assert not tab.complaints
    tab.page.context.close()


def test_hostile_words_are_shown_as_text(tab: Tab, screen: ServedScreen, image: Path) -> None:
    hostile = '<img src=x onerror="window.hit=1">'
    fed = part(40, image, boxes=[(hostile, 0.9, SPUR[2])], limits={0: ("not_allowed", 0.0)}, part_id=hostile)
    screen.feed(fed)
    tab.await_part(fed)
    assert tab.page.locator(".part-id").get_attribute("title") == hostile
    assert tab.text(".part-id").startswith("<img ")
    assert hostile in tab.texts(".tag")[0]
    assert tab.page.evaluate("window.hit") is None


def test_a_lost_line_is_said_and_found_again(browser: sync_api.Browser, image: Path) -> None:
    with served() as line:
        line.feed(status(), part(1, image))
        tab = Tab(browser, line.url)
        tab.page.wait_for_selector(".clock")
        assert tab.page.locator(".lost").count() == 0
        line.kill()
        tab.page.wait_for_selector(".lost")
        assert "Connection lost" in tab.text(".lost-card")
        with served(line.port) as again:
            again.feed(status(), back := part(2, image))
            tab.page.wait_for_selector(".lost", state="detached")
            tab.await_part(back)
            assert tab.text(".part-id") == "PCB-000002"
        tab.page.context.close()


def test_an_open_tab_does_not_grow_with_the_parts_it_has_seen(tab: Tab, screen: ServedScreen, image: Path) -> None:
    nodes = []
    for first in (100, 200):
        for number in range(first, first + 40):
            fed = part(number, image, boxes=[SPUR, OPEN], limits={0: ("above_usl", 0.35)})
            screen.feed(fed)
        tab.await_part(fed)
        nodes.append(tab.page.evaluate("document.querySelectorAll('*').length"))
    assert nodes[0] == nodes[1]
