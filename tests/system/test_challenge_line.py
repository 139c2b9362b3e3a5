"""The challenge test on a whole line: it starts held on a wrong sample, and works once the samples are right."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import pytest

from inspector.capture.board import golden_board, render_board
from inspector.domain import Counts
from inspector.runtime.demo import shipped_lines
from inspector.runtime.plant import Plant
from inspector.runtime.wiring.cameras import build_virtual_camera
from inspector.settings import LineSettings, load_line

pytestmark = pytest.mark.timeout(600)


def challenged(folder: Path) -> tuple[Path, LineSettings]:
    """Return the virtual line with a good and a bad board as samples; the bad one's picture is still missing."""
    text = (shipped_lines() / "virtual-board.yaml").read_text(encoding="utf-8")
    line = folder / "line.yaml"
    samples = "\nchallenge: {samples: [{image: good.png, expect: pass}, {image: bad.png, expect: fail}]}\n"
    boards = shipped_lines() / "golden"
    line.write_text(text.replace("golden/", f"{boards}/") + samples, encoding="utf-8")
    settings = load_line(line, data=folder)
    camera = settings.camera
    assert camera.kind == "virtual"
    cv2.imwrite(str(folder / "good.png"), golden_board(camera.seed, 1, build_virtual_camera(camera).spec))
    return line, settings


def bad_board(settings: LineSettings) -> Any:
    camera = settings.camera
    assert camera.kind == "virtual"
    spec = build_virtual_camera(camera).spec
    drawn = (render_board(camera.seed, number, spec) for number in range(1000, 1100))
    return next(pixels for pixels, defects in drawn if any(defect.size_mm > 0.3 for defect in defects))


def command(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "inspector.cli", "challenge", *arguments, "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_line_works_only_after_its_samples_were_judged_rightly(tmp_path: Path) -> None:
    line, settings = challenged(tmp_path)
    seen: list[tuple[int, dict[str, Any]]] = []

    def repair() -> None:
        cv2.imwrite(str(tmp_path / "bad.png"), bad_board(settings))
        seen.append(command("run", str(line), "--data", str(tmp_path), "--timeout-s", "300"))

    with Plant(settings, data=tmp_path, parts=3, screen=False) as plant:
        helper = threading.Thread(target=repair)
        results = tmp_path / settings.line / "challenge.jsonl"
        before = -1

        def look(counts: Counts) -> None:
            nonlocal before
            if before < 0 and results.exists():
                before = counts.total
                helper.start()

        summary = plant.run(lambda: False, on_look=look)
        helper.join(150)
    assert before == 0, "parts were inspected before the samples were"
    assert summary.complete
    assert summary.records == 3
    code, result = seen[0]
    assert (code, result["passed"], result["samples"]) == (0, True, 2)
    first = json.loads(results.read_text().splitlines()[0])
    assert first["why"] == "never passed"
    assert "bad.png" in first["wrong"][0]
    with closing(sqlite3.connect(tmp_path / settings.line / "record.db")) as database:
        acts = [row[0] for row in database.execute("SELECT act FROM audit ORDER BY number")]
    assert acts.count("challenge_failed") == acts.count("challenge_passed") == 1
    assert "start_challenge_test" in acts
    assert command("show", str(line), "--data", str(tmp_path))[0] == 0
