"""A whole line with two cameras, as `inspector run` starts it: one verdict, one picture, a view for each finding."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.timeout(1200)

LINE = """
version: 1
line: two-views
station: cell-1
simulated: true
camera:
  kind: several
  views:
    top:
      camera: {{ kind: virtual, seed: 7, px_per_mm: 24, width: 320, height: 320 }}
    side:
      camera: {side}
      calibration: {{ px_per_mm: 12 }}
calibration: {{ px_per_mm: 24 }}
detector: {{ kind: blob, shade: bright, level: 128, label: copper, least_area_mm2: 0.5 }}
recipes: {{ default: {{ id: 1, rules: [{{ defect: copper, allowed: true }}] }} }}
recipe: default
deadline_ms: 20000
plc: {{ kind: simulated, security: none, poll_ms: 5, heartbeat_ms: 500, timeout_s: 2 }}
mes: {{ kind: embedded, identity: {{ enterprise: a, site: n, area: b, line: two-views, cell: c }}, operation: aoi }}
"""
VIRTUAL = "{ kind: virtual, seed: 8, px_per_mm: 12, width: 160, height: 160, min_defect_mm: 0.2 }"


def ran(tmp_path: Path, side: str, parts: int) -> dict[str, Any]:
    """Run the line by its command until its simulated PLC is through; return its figures."""
    line = tmp_path / "line.yaml"
    line.write_text(LINE.format(side=side), encoding="utf-8")
    command = [sys.executable, "-m", "inspector.cli", "run", str(line), "--parts", str(parts), "--headless", "--json"]
    done = subprocess.run([*command, "--data", str(tmp_path)], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[0])
    assert figures["complete"], figures
    return figures


def reports(tmp_path: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(tmp_path / "two-views" / "record.db")) as database:
        found = database.execute("SELECT report FROM inspection ORDER BY id").fetchall()
    return [json.loads(report) for (report,) in found]


def test_two_virtual_cameras_make_one_report_and_one_picture(tmp_path: Path) -> None:
    figures = ran(tmp_path, VIRTUAL, 3)
    assert figures["outcomes"] == {"pass": 3, "review": 0, "fail": 0, "fault": 0}
    for report in reports(tmp_path):
        items = report["detections"]["items"]
        assert {item["view"] for item in items} == {"top", "side"}
        assert all((item["box"]["x0"] >= 320) == (item["view"] == "side") for item in items)
        measured = {items[item["detection"]]["view"] for item in report["measurements"]}
        assert measured == {"top", "side"}
    pictures = sorted((tmp_path / "two-views").rglob("images/**/*.png"))
    assert len(pictures) == 3
    assert {cv2.imread(str(file), cv2.IMREAD_UNCHANGED).shape for file in pictures} == {(320, 480)}
    with closing(sqlite3.connect(tmp_path / "two-views" / "record.db")) as database:
        sent = [json.loads(body) for (body,) in database.execute("SELECT body FROM outbox ORDER BY id")]
    results = [body for body in sent if body["schema"].startswith("inspection-result")]
    assert {defect["view"] for body in results for defect in body["defects"]} == {"top", "side"}


def test_a_part_that_one_camera_has_not_seen_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "side").mkdir()
    for number in range(2):
        cv2.imwrite(str(tmp_path / "side" / f"{number}.png"), np.full((160, 160), 200, np.uint8))
    figures = ran(tmp_path, "{ kind: folder, path: side, expect: { width: 160, height: 160 } }", 3)
    assert figures["outcomes"] == {"pass": 2, "review": 0, "fail": 0, "fault": 1}
    last = reports(tmp_path)[-1]["verdict"]
    assert last["fault"] == "CAMERA_LOST"
    assert last["reasons"][0]["note"].startswith("view side:")
