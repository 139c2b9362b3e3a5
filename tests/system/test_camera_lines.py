"""Whole lines, as `inspector run` starts them, from cameras that speak their real protocol: millimetres to the MES."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspector.domain import Counts
from inspector.runtime.demo import shipped_lines
from inspector.runtime.plant import Plant
from inspector.settings import load_line
from tests.support.brokers import free_port
from tests.support.gige import FakeGigE, needs_fake_gige

pytestmark = pytest.mark.timeout(600)

PX_PER_MM = 20.0
STRIPE_MM = 61 / PX_PER_MM  # 60 grey levels below 60, seen in two rows that are shifted by one
DISTANCE_MM, DENT_MM, RADIUS_MM = 200.0, 0.6, 6.0


@pytest.fixture
def gige(tmp_path: Path) -> Iterator[FakeGigE]:
    camera = FakeGigE(tmp_path)
    yield camera
    camera.kill()


def ran(line: Path, data: Path, parts: int) -> dict[str, Any]:
    """Run a line by its command until its simulated PLC is through; return its figures."""
    command = [sys.executable, "-m", "inspector.cli", "run", str(line), "--parts", str(parts), "--headless", "--json"]
    done = subprocess.run([*command, "--data", str(data)], capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[0])
    assert figures["complete"], figures
    return figures


def unhurried(line: Path, folder: Path) -> Path:
    """Return a copy of a shipped line that gives a part more time than a busy machine takes for it."""
    text, count = re.subn(r"deadline_ms: \d+", "deadline_ms: 30000", line.read_text(encoding="utf-8"))
    assert count == 1
    copy = folder / line.name
    copy.write_text(text, encoding="utf-8")
    return copy


def rows(data: Path, line: str, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(data / line / "record.db")) as database:
        return database.execute(query).fetchall()


def results(data: Path, line: str) -> list[dict[str, Any]]:
    bodies = [json.loads(body) for (body,) in rows(data, line, "SELECT body FROM outbox ORDER BY id")]
    return [body for body in bodies if body["schema"].startswith("inspection-result")]


@needs_fake_gige
def test_a_line_measures_through_a_gige_vision_camera(gige: FakeGigE, tmp_path: Path) -> None:
    figures = ran(unhurried(shipped_lines() / "gige-camera.yaml", tmp_path), tmp_path, 5)
    assert figures["outcomes"] == {"pass": 5, "review": 0, "fail": 0, "fault": 0}
    assert figures["messages"] == 5
    measured = rows(
        tmp_path, "gige-camera", "SELECT value, uncertainty, unit FROM measurement WHERE characteristic = 'length'"
    )
    lengths_mm = [value for value, _, _ in measured]
    assert {unit for *_, unit in measured} == {"mm"}
    assert max(lengths_mm) == pytest.approx(STRIPE_MM, abs=measured[0][1])
    assert all(0 < uncertainty < 0.2 for _, uncertainty, _ in measured)
    sent = [item for body in results(tmp_path, "gige-camera") for item in body["measurements"]]
    assert sorted(item["value"] for item in sent if item["name"] == "length") == pytest.approx(sorted(lengths_mm))
    [pixels] = {
        cv2.imread(str(file), cv2.IMREAD_UNCHANGED).shape
        for file in (tmp_path / "gige-camera").rglob("images/**/*.png")
    }
    assert pixels == (512, 512)


@needs_fake_gige
def test_a_camera_that_falls_away_costs_its_parts_and_comes_back(gige: FakeGigE, tmp_path: Path) -> None:
    settings = load_line(shipped_lines() / "gige-camera.yaml", data=tmp_path)
    plc = settings.plc.model_copy(update={"cycle_ms": 200.0})
    settings = settings.model_copy(update={"plc": plc})
    acts = [gige.kill, gige.start]
    with Plant(settings, data=tmp_path, parts=None, screen=False) as plant:

        def look(now: Counts) -> None:
            # The part that it falls away from may be late instead: it comes back when one was refused for it.
            if acts and (now.passed >= 2 if len(acts) == 2 else "CAMERA_LOST" in faults(tmp_path)):
                acts.pop(0)()

        def back() -> bool:
            return not acts and last_passed(tmp_path)

        plant.run(back, on_look=look)
        restarts = dict(plant.supervisor.restarts)
    assert restarts == {}
    assert faults(tmp_path) <= {"NONE", "CAMERA_LOST", "BAD_FRAME", "DEADLINE"}


def faults(data: Path) -> set[str]:
    return {fault for (fault,) in rows(data, "gige-camera", "SELECT DISTINCT fault FROM inspection")}


def last_passed(data: Path) -> bool:
    [last] = rows(data, "gige-camera", "SELECT outcome, fault FROM inspection ORDER BY id DESC LIMIT 1")
    return last[1] == "NONE"


def test_a_line_measures_depth_through_the_realsense_sdk(tmp_path: Path) -> None:
    pytest.importorskip("pyrealsense2", reason="pip install pyrealsense2")
    recorded_dent(tmp_path / "dent.db3")
    line = tmp_path / "dent.yaml"
    line.write_text(DENT_LINE, encoding="utf-8")
    figures = ran(line, tmp_path / "data", 3)
    assert figures["outcomes"] == {"pass": 0, "review": 0, "fail": 3, "fault": 0}
    query = "SELECT value, uncertainty, unit FROM measurement WHERE characteristic = 'depth'"
    depths = rows(tmp_path / "data", "dent", query)
    assert len(depths) == 3
    assert all(unit == "mm" and value == pytest.approx(DENT_MM, rel=0.06) for value, _, unit in depths)
    sent = [item for body in results(tmp_path / "data", "dent") for item in body["measurements"]]
    assert [item["value"] for item in sent if item["name"] == "depth"] == pytest.approx([value for value, *_ in depths])


def test_a_line_without_a_plc_is_triggered_by_programs(tmp_path: Path) -> None:
    text = (shipped_lines() / "virtual-board.yaml").read_text(encoding="utf-8")
    begin, end = text.index("\nplc:"), text.index("\nstore:")
    line = tmp_path / "line.yaml"
    plc = f"\nplc: {{kind: none, trigger: {{kind: socket, port: {free_port()}}}}}\n"
    boards = shipped_lines() / "golden"
    line.write_text((text[:begin] + plc + text[end:]).replace("golden/", f"{boards}/"), encoding="utf-8")
    said: list[dict[str, Any]] = []

    def trigger() -> None:
        for part in ("A-1", "A-2", "A-2"):
            command = [sys.executable, "-m", "inspector.cli", "trigger", str(line), "--part-id", part, "--key", part]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
            said.append(json.loads(done.stdout) | {"code": done.returncode})

    with Plant(load_line(line, data=tmp_path), data=tmp_path, parts=2, screen=False) as plant:
        caller = threading.Thread(target=trigger)
        caller.start()
        summary = plant.run(lambda: False)
        caller.join(300)
    assert [(one.get("sequence"), one.get("part_id"), one["code"]) for one in said] == [
        (1, "A-1", 0),
        (2, "A-2", 0),
        (None, None, 1),
    ]
    assert "not taken" in said[2]["error"]
    assert (summary.complete, summary.records, summary.messages) == (True, 2, 2)
    recorded = rows(tmp_path, "virtual-board", "SELECT part_id, sequence FROM inspection ORDER BY id")
    assert recorded == [("A-1", 1), ("A-2", 2)]


DENT_LINE = f"""
version: 1
line: dent
station: cell-1
simulated: true
camera: {{ kind: realsense, recording: dent.db3, width: 320, height: 240, average: 8 }}
calibration: {{ px_per_mm: {420 / DISTANCE_MM} }}
detector: {{ kind: blob, label: dent, shade: dark, level: 60, least_area_mm2: 5 }}
recipes: {{ default: {{ id: 1, rules: [{{ defect: dent, characteristic: depth, usl: 0.3 }}] }} }}
recipe: default
deadline_ms: 10000
plc: {{ kind: simulated }}
mes:
  kind: embedded
  identity: {{ enterprise: acme, site: north, area: boards, line: l1, cell: c1 }}
  operation: aoi
"""


def recorded_dent(file: Path) -> None:
    """Record a dent that is dark in colour and hollow in depth, by the SDK's own software device and recorder."""
    from tests.support.realsense import FOCAL, HEIGHT, WIDTH, Scene, SoftwareSource

    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    off_mm = np.hypot(x - 150, y - 110) * DISTANCE_MM / FOCAL
    colour = np.where(off_mm < RADIUS_MM, 30, 120).astype(np.uint8)
    depth = DISTANCE_MM + DENT_MM * np.maximum(1 - (off_mm / RADIUS_MM) ** 2, 0)
    source = SoftwareSource(Scene(np.dstack([colour] * 3), depth), record=file)
    for _ in range(40):
        source.next(1.0, fresh=False)
    source.finish()
