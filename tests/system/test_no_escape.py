"""The shipped virtual line against what was planted: no defect passes, and good boards do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.capture.virtual import VirtualBoardCamera
from inspector.domain import Outcome, Trigger
from inspector.runtime.demo import demo_settings, draw_golden, shipped_lines
from inspector.runtime.wiring.cameras import build_camera
from inspector.runtime.wiring.verdict import build_detector, build_gauge, build_judge
from inspector.settings import VirtualCamera

LEAST_MM = 0.15


@pytest.mark.timeout(600)
@pytest.mark.parametrize("parts", [80, pytest.param(500, marks=pytest.mark.soak)])
def test_no_planted_defect_passes_and_good_boards_do(parts: int, tmp_path: Path) -> None:
    settings = demo_settings(tmp_path)
    camera, detector = build_camera(settings), build_detector(settings)
    gauge, judge = build_gauge(settings, detector.margins_px), build_judge(settings)
    assert isinstance(camera, VirtualBoardCamera)
    passed: dict[bool, int] = {True: 0, False: 0}
    seen: dict[bool, int] = {True: 0, False: 0}
    for sequence in range(1, parts + 1):
        trigger = Trigger(f"{sequence:06d}", settings.station, sequence, datetime.now(UTC))
        frame = camera.grab(trigger)
        found = detector.detect(frame)
        outcome = judge.judge(trigger, found, gauge.measure(frame, found)).outcome
        truths = camera.truth(sequence)
        assert all(truth.size_mm >= LEAST_MM for truth in truths)
        seen[bool(truths)] += 1
        passed[bool(truths)] += outcome is Outcome.PASS
    camera.close()
    detector.close()
    assert seen[True] > parts * 0.2
    assert passed[True] == 0, f"{passed[True]} of {seen[True]} boards with a planted defect passed"
    assert passed[False] >= 0.9 * seen[False], f"only {passed[False]} of {seen[False]} good boards passed"


def test_the_shipped_golden_board_is_the_drawn_one(tmp_path: Path) -> None:
    camera = demo_settings(tmp_path).camera
    assert isinstance(camera, VirtualCamera)
    drawn = cv2.imread(str(draw_golden(camera, tmp_path / "golden.png")), cv2.IMREAD_UNCHANGED)
    shipped = cv2.imread(str(shipped_lines() / "golden" / "virtual-board.png"), cv2.IMREAD_UNCHANGED)
    assert np.abs(drawn.astype(int) - shipped.astype(int)).max() <= 1


def test_another_seed_brings_its_own_golden_board(tmp_path: Path) -> None:
    settings = demo_settings(tmp_path, seed=11)
    camera, detector = build_camera(settings), build_detector(settings)
    frames = [camera.grab(Trigger(str(n), "s", n, datetime.now(UTC))) for n in (1, 2, 3)]
    assert all(detector.detect(frame).items is not None for frame in frames)
    camera.close()
    detector.close()
