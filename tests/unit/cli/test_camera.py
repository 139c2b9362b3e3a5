"""The camera's commands, on cameras that are there."""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from inspector.capture.condition import condition_of
from inspector.cli.main import app
from inspector.domain import ConfigurationError, Frame, Trigger
from inspector.runtime.camera_tools import Look
from inspector.runtime.control import Control
from inspector.runtime.demo import shipped_lines
from inspector.runtime.tune_page import TunePage
from inspector.runtime.wiring.cameras import build_camera, build_condition_guard
from inspector.settings import load_line
from tests.support.gige import ADDRESS, SERIAL, FakeGigE, needs_fake_gige

NOW = datetime(2026, 1, 2, tzinfo=UTC)
GIGE = shipped_lines() / "gige-camera.yaml"
VIRTUAL = shipped_lines() / "virtual-board.yaml"


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["camera", *map(str, arguments)])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


@needs_fake_gige
def test_cameras_are_listed_with_the_key_to_write(tmp_path: Path) -> None:
    fake = FakeGigE(tmp_path)
    found = json.loads(run("list", "--json"))["cameras"]
    text = run("list")
    fake.kill()
    [gige] = [one for one in found if one["kind"] == "genicam" and ADDRESS in one["detail"]]
    assert (gige["key"], gige["name"], gige["id"]) == ("device", "Aravis Fake", f"Aravis-Fake-{SERIAL}")
    assert f'device: "Aravis-Fake-{SERIAL}"' in re.sub(r"[\n│┃]|  +", "", text) or SERIAL in text


@needs_fake_gige
def test_a_camera_is_tested_as_the_line_opens_it(tmp_path: Path) -> None:
    fake = FakeGigE(tmp_path)
    figures = json.loads(run("test", GIGE, "--frames", 3, "--json"))
    features = json.loads(run("test", GIGE, "--features", "--json"))
    table = run("test", GIGE, "--frames", 2)
    fake.kill()
    assert (figures["frames"], figures["failed"], figures["size"]) == (3, 0, [512, 512])
    assert figures["health"]["connected"]
    assert features["DeviceModelName"] == "Fake"
    assert "sharpness" in table


@needs_fake_gige
def test_a_camera_that_is_not_there_fails_its_test() -> None:
    done = CliRunner().invoke(app, ["camera", "test", str(GIGE), "--frames", "1", "--json"])
    assert done.exit_code == 1
    assert ADDRESS in json.loads(done.stdout.splitlines()[-1])["problems"][0]


def test_a_camera_without_named_features_says_so() -> None:
    done = CliRunner().invoke(app, ["camera", "test", str(VIRTUAL), "--features"])
    assert isinstance(done.exception, ConfigurationError)
    assert "kind virtual" in str(done.exception)


def test_snapped_pictures_are_files_of_full_size(tmp_path: Path) -> None:
    run("snap", VIRTUAL, "--out", tmp_path / "new" / "shot.png", "--count", 2)
    files = sorted((tmp_path / "new").iterdir())
    assert [file.name for file in files] == ["shot-001.png", "shot-002.png"]
    assert cv2.imread(str(files[0]), cv2.IMREAD_UNCHANGED).shape == (640, 640)


def test_the_golden_state_of_a_camera_guards_its_line(tmp_path: Path) -> None:
    said = run("golden", VIRTUAL, "--frames", 12, "--out", tmp_path / "state.json")
    assert "12 pictures" in said
    line = tmp_path / "line.yaml"
    text = VIRTUAL.read_text(encoding="utf-8").replace("golden/", f"{VIRTUAL.parent / 'golden'}/")
    line.write_text(text + "\ncamera_watch: {golden: state.json}\n", encoding="utf-8")
    settings = load_line(line, data=tmp_path)
    guard = build_condition_guard(settings, tmp_path)
    assert guard is not None
    camera = build_camera(settings)
    frames = [camera.grab(Trigger("", "cell-1", number, NOW)) for number in range(30)]
    for frame in frames:
        guard.look(frame)
    assert guard.words == ""
    control = Control(tmp_path / settings.line)
    assert control.held() is None
    for frame in frames:
        guard.look(Frame(frame.trigger, (frame.pixels * 0.4).astype(np.uint8), "dim", NOW))
    held = control.held()
    assert held is not None
    assert (held.by, held.reason.partition(" (")[0]) == ("camera watch", "the light has changed")


def test_tuning_tells_the_figures_of_every_picture() -> None:
    lines = [json.loads(line) for line in run("tune", VIRTUAL, "--frames", 3, "--json").splitlines()]
    assert len(lines) == 3
    assert all(0 < line["condition"]["sharpness"] <= line["best"] for line in lines)
    assert sum(lines[0]["condition"]["histogram"]) == pytest.approx(1)
    assert "mean level" in run("tune", VIRTUAL, "--frames", 1)


def test_the_sharpest_picture_is_the_one_in_focus_whatever_the_light() -> None:
    sharp = np.random.default_rng(1).integers(0, 2, (240, 320)).astype(np.uint8)
    sharp = cv2.resize(sharp * 200 + 20, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    values = [condition_of(cv2.GaussianBlur(sharp, (0, 0), sigma)).sharpness for sigma in (0.8, 1.5, 3, 6)]
    assert values == sorted(values, reverse=True)
    dim = condition_of((cv2.GaussianBlur(sharp, (0, 0), 1.5) * 0.4).astype(np.uint8))
    assert dim.sharpness == pytest.approx(values[1], rel=0.1)


@pytest.mark.parametrize(
    ("level", "black", "white", "words"),
    [(0, 1.0, 0.0, "too dark"), (255, 0.0, 1.0, "too bright"), (120, 0.0, 0.0, "")],
)
def test_all_black_and_all_white_are_told(level: int, black: float, white: float, words: str) -> None:
    found = condition_of(np.full((8, 8, 3), level, np.uint8))
    assert (found.black, found.white) == (black, white)
    assert found.verdict.startswith(words)
    assert found.sharpness == 0.0


def test_the_live_view_shows_the_last_picture_and_its_figures() -> None:
    before = threading.active_count()
    with TunePage(0) as page:
        figures = json.load(urlopen(page.url + "figures.json", timeout=20))  # noqa: S310
        assert figures["number"] == 0
        page.show(Look(1, 5.0, None, None, "no frame within 1 s"), 0.0)
        assert "no frame" in json.load(urlopen(page.url + "figures.json", timeout=20))["problem"]  # noqa: S310
        assert b"<title>Tune the camera" in urlopen(page.url, timeout=20).read()  # noqa: S310
        with pytest.raises(ConfigurationError, match="port"):
            TunePage(int(page.url.rstrip("/").rpartition(":")[2]))
    assert threading.active_count() == before
