"""Somebody speaks into the browser's microphone, and the line holds; with the code from the screen it goes on."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import sqlite3
import threading
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.runtime.control import Control
from inspector.runtime.demo import demo_settings
from inspector.runtime.plant import Plant
from inspector.settings import LineSettings, NoMes, Voice
from inspector.voice import RATE, Speaker
from tests.support.browser import CHROMIUM, tab, too_small

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra: dev)")

SPEAKER = Speaker("espeak-ng", "en-gb", 145)
DIGITS = dict(enumerate(("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")))
TRIES = 3
ANSWERED_MS = 60_000

# True once somebody was heard and then nobody for a while: what was to be said has been said.
SAID = """() => {
  const meter = document.querySelector('.talk-meter i'), now = performance.now();
  if (meter && parseFloat(meter.style.width) > 12) window.lastLoud = now;
  return window.lastLoud !== undefined && now - window.lastLoud > 900;
}"""

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("moonshine_cpp") is None, reason="the extra 'voice' is not installed"),
    # A whole line, a browser and a speech model start cold on a busy machine.
    pytest.mark.timeout(600),
]


class Microphone:
    """The file that the browser takes for a microphone, opened afresh at each press."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.hears("stop")

    def hears(self, text: str) -> None:
        # Not too loud, for the browser's own gain; and late enough for a busy browser.
        said = SPEAKER.say(text) // 4
        self.plays(np.concatenate([np.zeros(RATE, np.int16), said, np.zeros(2 * RATE, np.int16)]))

    def plays(self, pcm: np.ndarray) -> None:
        with wave.open(str(self.file), "wb") as sound:
            sound.setparams((1, 2, RATE, pcm.size, "NONE", ""))
            sound.writeframes(pcm.tobytes())


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Microphone:
    return Microphone(tmp_path_factory.mktemp("microphone") / "voice.wav")


@pytest.fixture(scope="module")
def browser(microphone: Microphone) -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone.file}%noloop",
            ],
        )


@contextmanager
def running(settings: LineSettings, data: Path) -> Iterator[Plant]:
    stop = threading.Event()
    with Plant(settings, data=data) as plant:
        watch = threading.Thread(target=plant.run, args=(stop.is_set,))
        watch.start()
        try:
            yield plant
        finally:
            stop.set()
            watch.join()


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Plant, Path]]:
    data = tmp_path_factory.mktemp("line") / "data"
    settings = demo_settings(data)
    slow = settings.plc.model_copy(update={"cycle_ms": 2000})
    voice = Voice(read_back="espeak-ng", code_s=60, wake_phrases={"en": "hello inspector"})
    settings = settings.model_copy(update={"plc": slow, "voice": voice, "mes": NoMes(kind="none")})
    with running(settings, data) as plant:
        yield plant, data


@pytest.fixture
def page(browser: Any, line: tuple[Plant, Path]) -> Iterator[Any]:
    opened = tab(browser)
    opened.goto(line[0].screen_url)
    opened.wait_for_selector(".talk-key")
    # It loads its models while the line is ready long ago.
    opened.wait_for_selector(".lamp-good[data-lamp=voice]")
    yield opened
    opened.context.close()


def speak(page: Any, *, down: Callable[[], None] | None = None, up: Callable[[], None] | None = None) -> Any:
    """Hold the key until the microphone has said what it has to say; return the card with the reply."""
    if page.locator(".talk-close").count():
        page.click(".talk-close")
    if down is None:
        box = page.locator(".talk-key").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.evaluate("window.lastLoud = undefined")
    (down or page.mouse.down)()
    page.wait_for_selector(".talk-key.live")
    page.wait_for_function(SAID, polling=50)
    (up or page.mouse.up)()
    page.wait_for_selector(".talk-card:not(.talk-partial) .talk-text:not(:empty)")
    return page.locator(".talk-card")


def trail(data: Path) -> list[tuple[str, str, dict[str, Any]]]:
    database = sqlite3.connect(next(data.rglob("record.db")))
    rows = database.execute("SELECT act, subject, detail FROM audit ORDER BY number").fetchall()
    database.close()
    return [(act, subject, json.loads(detail) if detail.startswith("{") else {}) for act, subject, detail in rows]


def test_a_line_is_held_and_released_by_voice(page: Any, line: tuple[Plant, Path], microphone: Microphone) -> None:
    data = line[1]
    control = Control(next(data.rglob("record.db")).parent)
    page.wait_for_selector(".badge-ready")
    microphone.hears("stop")
    card = speak(page)
    assert card.locator(".talk-text").inner_text() == "Done: hold the line."
    held = control.held()
    assert held is not None
    assert held.reason == "spoken command"
    page.wait_for_selector(".badge-not_ready")

    for _ in range(TRIES):
        microphone.hears("release the line")
        card = speak(page)
        assert card.get_attribute("class") == "talk-card talk-asking"
        assert control.held() is not None  # asked is not done
        code = "".join(card.locator(".talk-digit").all_inner_texts())
        assert len(code) == 2
        microphone.hears("confirm " + " ".join(DIGITS[int(digit)] for digit in code))
        card = speak(page)
        if "talk-done" in card.get_attribute("class"):
            break
    assert card.locator(".talk-text").inner_text() == "Done: release the line."
    assert control.held() is None
    page.wait_for_selector(".badge-ready")

    entries = trail(data)
    utterances = [(subject, detail) for act, subject, detail in entries if act == "spoken"]
    spoken = [(subject, detail["confirmation"], detail["effect"]) for subject, detail in utterances]
    assert spoken[0] == ("hold_line", "none", "applied")
    assert spoken[1] == ("release_line", "asked", "waiting")
    assert spoken[-1] == ("confirm", "given", "applied")
    assert all(len(detail["audio_sha256"]) == 64 for _, detail in utterances)
    assert [act for act, _, _ in entries if act in {"hold_line", "release_line"}] == ["hold_line", "release_line"]


def test_the_space_bar_is_the_key_as_well(page: Any, microphone: Microphone) -> None:
    microphone.hears("how many parts")
    card = speak(page, down=lambda: page.keyboard.down("Space"), up=lambda: page.keyboard.up("Space"))
    assert "parts:" in card.locator(".talk-text").inner_text()
    assert "how many parts" in card.locator(".talk-heard").inner_text().lower()


def test_a_microphone_that_is_left_open_hears_the_phrase_and_the_key_needs_none(
    page: Any, line: tuple[Plant, Path], microphone: Microphone
) -> None:
    data, switch = line[1], page.locator(".talk-open")
    before = len(trail(data))
    assert switch.get_attribute("aria-checked") == "false"
    microphone.hears("hello inspector, how many parts")
    for _ in range(TRIES):  # what a busy machine hears too late it does not listen to
        switch.click()
        page.wait_for_selector(".talk-open[aria-checked=true] .talk-meter", state="attached")
        with suppress(sync_api.TimeoutError):
            page.wait_for_selector(".talk-card.talk-answer", timeout=ANSWERED_MS)
            break
        switch.click()
        page.wait_for_selector(".talk-open[aria-checked=false]")
    assert page.inner_text(".talk-heard q") == "how many parts"
    assert {subject for act, subject, _ in trail(data)[before:] if act == "spoken"} == {"counts"}

    microphone.hears("status")  # to the key that is held nobody says the phrase
    assert "talk-answer" in speak(page).get_attribute("class")
    page.wait_for_selector(".talk-open[aria-checked=true] .talk-meter", state="attached")
    switch.click()
    page.wait_for_selector(".talk-open[aria-checked=false]")


def test_what_is_no_command_does_nothing(page: Any, line: tuple[Plant, Path], microphone: Microphone) -> None:
    microphone.hears("the weather is nice today and we go swimming")
    card = speak(page)
    assert "talk-hint" in card.get_attribute("class")
    assert "nothing was done" in card.locator(".talk-text").inner_text()
    assert Control(next(line[1].rglob("record.db")).parent).held() is None


def test_a_dead_microphone_is_said(page: Any, microphone: Microphone) -> None:
    microphone.plays(np.zeros(30 * RATE, np.int16))
    box = page.locator(".talk-key").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_selector(".talk-warning", state="visible")
    assert "No sound" in page.inner_text(".talk-warning")
    page.mouse.up()
    page.wait_for_function("document.querySelector('.talk-text').innerText.includes('gives no sound')")


def test_a_microphone_that_is_too_loud_is_said(page: Any, microphone: Microphone) -> None:
    loud = np.clip(SPEAKER.say("release the line").astype(np.int32) * 60, -32768, 32767).astype(np.int16)
    microphone.plays(np.tile(loud, 6))
    box = page.locator(".talk-key").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_selector(".talk-warning", state="visible")
    assert "Too loud" in page.inner_text(".talk-warning")
    page.mouse.up()
    page.wait_for_function("document.querySelector('.talk-text').innerText.includes('microphone is overdriven')")


def test_a_sentence_may_be_typed_in_either_language(page: Any, microphone: Microphone) -> None:
    microphone.hears("status")
    speak(page)
    page.fill(".talk-type input", "release the line")
    page.keyboard.press("Enter")
    page.wait_for_selector(".talk-card.talk-refused")
    assert "the line is not held" in page.inner_text(".talk-text")
    page.click(".lang-zh")
    page.wait_for_function("document.querySelector('.talk-word').innerText == '讲话'")
    assert too_small(page) == []


def test_a_killed_voice_is_said_and_comes_back(page: Any, line: tuple[Plant, Path], microphone: Microphone) -> None:
    plant = line[0]
    microphone.hears("status")
    speak(page)
    first = plant.supervisor.pid("voice")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    page.wait_for_selector(".talk-card.talk-away")
    page.wait_for_selector(".talk-key.away")
    page.click(".talk-close")
    page.keyboard.press("Space")  # opens no microphone, and says why
    page.wait_for_selector(".talk-card.talk-away")
    page.wait_for_selector(".lamp-good[data-lamp=voice]")
    page.wait_for_selector(".talk-key:not(.away)")
    speak(page)
    assert "talk-answer" in page.locator(".talk-card").get_attribute("class")
    assert plant.supervisor.restarts["voice"] >= 1
    assert "line" not in plant.supervisor.restarts
