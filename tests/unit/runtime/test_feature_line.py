"""Features of the part from the YAML to a verdict: built as the line builds them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.domain import Frame, Outcome, Trigger
from inspector.runtime.wiring.verdict import build_detector, build_gauge, build_judge
from inspector.settings import load_line

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LINE = """
version: 1
line: plate
station: cell-1
simulated: true
camera: {kind: folder, path: .}
calibration: {px_per_mm: 20, scale_uncertainty: 0.0005}
gauging:
  features:
    circles: [left_hole, right_hole]
    distances: [{start: left_hole, end: right_hole}]
    datum: {origin: left_hole, towards: right_hole}
detector:
  - {kind: blob, label: left_hole, box_mm: [2, 2, 10, 18], least_area_mm2: 1}
  - {kind: blob, label: right_hole, box_mm: [10, 2, 18, 18], least_area_mm2: 1}
recipes:
  default:
    id: 1
    rules:
      - {defect: left_hole, characteristic: diameter, lsl: 2.9, usl: 3.1}
      - {defect: right_hole, characteristic: diameter, lsl: 2.9, usl: 3.1}
      - {defect: right_hole, characteristic: distance, lsl: 7.95, usl: 8.05}
      - {defect: right_hole, characteristic: roundness, usl: 0.1}
recipe: default
plc: {kind: simulated}
"""


def plate(diameter_mm: float, pitch_mm: float) -> np.ndarray:
    """Draw two holes, a little turned, at 20 px/mm."""
    fine = 8
    picture = np.full((400 * fine, 400 * fine), 190, np.uint8)
    for side in (-1, 1):
        turn = np.deg2rad(3.0)
        x, y = 200 + side * pitch_mm * 10 * np.cos(turn), 200 + side * pitch_mm * 10 * np.sin(turn)
        centre = (round((x * fine - 0.5) * 16), round((y * fine - 0.5) * 16))
        cv2.circle(picture, centre, round(diameter_mm * 10 * fine * 16), 50, -1, cv2.LINE_8, 4)
    small = cv2.resize(picture, (400, 400), interpolation=cv2.INTER_AREA).astype(np.float64)
    noise = np.random.default_rng(3).normal(0, 2, small.shape)
    return np.clip(np.rint(cv2.GaussianBlur(small, (0, 0), 0.8) + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("diameter_mm", "pitch_mm", "outcome"),
    [(3.0, 8.0, Outcome.PASS), (3.2, 8.0, Outcome.FAIL), (3.0, 8.2, Outcome.FAIL), (3.0, 8.05, Outcome.REVIEW)],
)
def test_holes_are_judged_by_diameter_and_pitch(
    diameter_mm: float, pitch_mm: float, outcome: Outcome, tmp_path: Path
) -> None:
    (tmp_path / "line.yaml").write_text(LINE)
    settings = load_line(tmp_path / "line.yaml", data=tmp_path)
    detector = build_detector(settings, lambda _problem: None)
    trigger = Trigger("1", "cell-1", 1, NOW)
    frame = Frame(trigger, plate(diameter_mm, pitch_mm), "drawn", NOW)
    found = detector.detect(frame)
    measured = build_gauge(settings, detector.margins_px).measure(frame, found)
    verdict = build_judge(settings).judge(trigger, found, measured)
    detector.close()
    assert verdict.outcome is outcome, verdict.reasons
    [pitch] = [item for item in measured if item.characteristic == "distance"]
    assert pitch.value == pytest.approx(pitch_mm, abs=0.01)
