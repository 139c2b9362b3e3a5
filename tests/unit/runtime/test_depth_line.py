"""A line with a depth camera: from a recording to a verdict on a depth in millimetres, built as it runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyrealsense2", reason="pip install pyrealsense2")

from inspector.domain import Box, CameraLost, Detection, Detections, Measurement, ModelId, Outcome, Trigger, Verdict
from inspector.runtime.demo import shipped_lines
from inspector.runtime.wiring.cameras import build_camera
from inspector.runtime.wiring.verdict import build_gauge, build_judge
from inspector.settings import LineSettings, load_line
from tests.support.realsense import FOCAL, HEIGHT, WIDTH, Scene, SoftwareSource

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TRIGGER = Trigger("0001", "cell-1", 1, NOW)
DISTANCE_MM, RADIUS_MM = 200.0, 6.0
MIDDLE = (150, 110)
REACH_PX = RADIUS_MM * FOCAL / DISTANCE_MM
BOX = Box(MIDDLE[0] - REACH_PX, MIDDLE[1] - REACH_PX, MIDDLE[0] + REACH_PX, MIDDLE[1] + REACH_PX)


def recorded(file: Path, dent_mm: float) -> None:
    """Record a dent of this depth by the SDK's own recorder."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    off = np.hypot(x - MIDDLE[0], y - MIDDLE[1]) * DISTANCE_MM / FOCAL
    depth = DISTANCE_MM + dent_mm * np.maximum(1 - (off / RADIUS_MM) ** 2, 0)
    source = SoftwareSource(Scene(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), depth), record=file)
    for _ in range(24):
        source.next(1.0, fresh=False)
    source.finish()


def line(folder: Path) -> LineSettings:
    text = (shipped_lines() / "virtual-board.yaml").read_text()
    camera, calibration, detector = (text.index(f"\n{key}:") for key in ("camera", "calibration", "detector"))
    rules, plc = text.index("\nrecipes:"), text.index("\nrecipe:")
    assert camera < calibration < detector < rules < plc
    file = folder / "line.yaml"
    file.write_text(
        text[:camera]
        + f"\ncamera: {{kind: realsense, recording: dent.db3, width: {WIDTH}, height: {HEIGHT}, average: 16}}"
        + f"\ncalibration: {{px_per_mm: {FOCAL / DISTANCE_MM}}}"
        + text[detector:rules]
        + "\nrecipes: {default: {id: 1, rules: [{defect: spur, characteristic: depth, usl: 0.3}]}}"
        + text[plc:],
        encoding="utf-8",
    )
    return load_line(file, data=folder)


def inspected(settings: LineSettings) -> tuple[Verdict, dict[str, Measurement]]:
    camera = build_camera(settings)
    try:
        frame = camera.grab(TRIGGER)
    finally:
        camera.close()
    found = Detections((Detection("spur", 0.99, BOX),), ModelId("fake", "1", ""))
    measured = build_gauge(settings, {}).measure(frame, found)
    verdict = build_judge(settings).judge(TRIGGER, found, measured)
    return verdict, {item.characteristic: item for item in measured}


@pytest.mark.parametrize(("dent_mm", "outcome"), [(0.6, Outcome.FAIL), (0.1, Outcome.PASS), (0.3, Outcome.REVIEW)])
def test_a_dent_is_judged_by_its_depth(dent_mm: float, outcome: Outcome, tmp_path: Path) -> None:
    recorded(tmp_path / "dent.db3", dent_mm)
    verdict, of = inspected(line(tmp_path))
    assert of["depth"].value == pytest.approx(dent_mm, rel=0.05, abs=0.02)
    assert of["depth"].unit == "mm"
    assert verdict.outcome is outcome


def test_without_depth_the_part_is_held(tmp_path: Path) -> None:
    recorded(tmp_path / "dent.db3", -10 * DISTANCE_MM)  # in front of the camera there is nothing to see
    verdict, of = inspected(line(tmp_path))
    assert "depth" not in of
    assert [reason.code for reason in verdict.reasons] == ["not_measured"]


def test_a_recording_that_is_not_there_is_a_lost_camera(tmp_path: Path) -> None:
    camera = build_camera(line(tmp_path))
    try:
        with pytest.raises(CameraLost, match=r"dent\.db3: cannot be opened"):
            camera.grab(TRIGGER)
    finally:
        camera.close()
