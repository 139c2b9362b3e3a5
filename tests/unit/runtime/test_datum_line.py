"""Zones and positions follow a part that lies moved and turned under the camera: from the YAML to the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.domain import Frame, GaugingError, InspectionReport, Outcome, Trigger
from inspector.runtime.wiring.verdict import build_detector, build_gauge, build_judge
from inspector.settings import check_line, load_line

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PX_PER_MM, SIZE, FINE = 20.0, 480, 4
LINE = """
version: 1
line: plate
station: cell-1
simulated: true
camera: {{ kind: folder, path: . }}
calibration: {{ px_per_mm: 20, scale_uncertainty: 0.0005 }}
gauging: {{ features: {features} }}
detector:
  - {{ kind: blob, label: hole, level: 120, least_area_mm2: 3, largest_area_mm2: 6 }}
  - {{ kind: blob, label: pin, level: 120, least_area_mm2: 0.8, largest_area_mm2: 1.8 }}
  - {{ kind: blob, label: spot, level: 120, least_area_mm2: 0.05, largest_area_mm2: 0.4 }}
zones: [{{ name: seal, box_mm: {zone} }}]
recipes:
  default:
    id: 1
    rules:
      - {{ defect: hole, allowed: true }}
      - {{ defect: pin, allowed: true }}
      - {{ defect: spot, allowed: true }}
      - {{ defect: spot, zone: seal, allowed: false }}
recipe: default
plc: {{ kind: simulated }}
"""
# Of the plate, in mm from its middle: a large hole, a small one, and a sealing face of 4 by 1 mm between them.
HOLE, PIN, SEAL = (-5.0, -1.0), (5.0, -1.0), (-2.0, 1.5, 2.0, 2.5)
MIDDLE = SIZE / 2 / PX_PER_MM
CIRCLES = "{ circles: [hole, pin], datum: { origin: hole, towards: pin } }"
TEMPLATE = "{ datum: { image: plate.png, search_mm: 2.5, turn_deg: 9 } }"
ZONES: Mapping[str, tuple[float, ...]] = {
    CIRCLES: (SEAL[0] - HOLE[0], SEAL[1] - HOLE[1], SEAL[2] - HOLE[0], SEAL[3] - HOLE[1]),
    TEMPLATE: tuple(side + MIDDLE for side in SEAL),
}


def plate(dx: float, dy: float, turn_deg: float, spot: tuple[float, float] | None, seed: int = 0) -> NDArray[np.uint8]:
    """Draw a plate whose middle lies (dx, dy) mm off that of the picture, with a dark spot on it, in mm."""
    turn = math.radians(turn_deg)
    cos, sin = math.cos(turn), math.sin(turn)

    def at(x: float, y: float) -> tuple[float, float]:
        return MIDDLE + dx + x * cos - y * sin, MIDDLE + dy + x * sin + y * cos

    def fine(x: float, y: float) -> tuple[int, int]:
        return round((x * PX_PER_MM * FINE - 0.5) * 16), round((y * PX_PER_MM * FINE - 0.5) * 16)

    picture = np.full((SIZE * FINE, SIZE * FINE), 235, np.uint8)
    rim = np.array([fine(*at(x, y)) for x, y in ((-8, -4), (8, -4), (8, 4), (-8, 4))])
    cv2.fillConvexPoly(picture, rim, 180, cv2.LINE_8, 4)
    for (x, y), radius in ((HOLE, 1.2), (PIN, 0.6), *([(spot, 0.2)] if spot is not None else [])):
        cv2.circle(picture, fine(*at(x, y)), round(radius * PX_PER_MM * FINE * 16), 50, -1, cv2.LINE_8, 4)
    small = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float64)
    noise = np.random.default_rng(seed).normal(0, 2, small.shape)
    return np.clip(np.rint(cv2.GaussianBlur(small, (0, 0), 0.8) + noise), 0, 255).astype(np.uint8)


def judged(folder: Path, features: str, pixels: NDArray[np.uint8]) -> InspectionReport:
    cv2.imwrite(str(folder / "plate.png"), plate(0, 0, 0, None, seed=99))
    file = folder / "line.yaml"
    file.write_text(LINE.format(features=features, zone=list(ZONES[features])), encoding="utf-8")
    assert check_line(file) == []
    settings = load_line(file, data=folder)
    detector = build_detector(settings)
    trigger = Trigger("1", "cell-1", 1, NOW)
    frame = Frame(trigger, pixels, "drawn", NOW)
    try:
        found = detector.detect(frame)
        measured = build_gauge(settings, detector.margins_px).measure(frame, found)
    finally:
        detector.close()
    return InspectionReport(trigger, build_judge(settings).judge(trigger, found, measured), found, measured)


@pytest.mark.parametrize("features", [CIRCLES, TEMPLATE], ids=["holes", "template"])
@pytest.mark.parametrize("seed", range(6))
def test_a_spot_on_the_sealing_face_fails_the_part_however_it_lies(features: str, seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    pose = (*rng.uniform(-2, 2, 2), rng.uniform(-8, 8))
    left, top, right, bottom = SEAL
    inside = rng.uniform(left + 0.1, right - 0.1), rng.uniform(top + 0.1, bottom - 0.1)
    beside = rng.uniform(left, right), rng.uniform(bottom + 0.1, bottom + 0.6)
    bad = judged(tmp_path, features, plate(*pose, inside, seed))
    assert bad.verdict.outcome is Outcome.FAIL
    assert [(reason.label, reason.zone) for reason in bad.verdict.reasons] == [("spot", "seal")]
    assert judged(tmp_path, features, plate(*pose, beside, seed)).verdict.outcome is Outcome.PASS
    assert bad.detections is not None
    [spot] = [index for index, item in enumerate(bad.detections.items) if item.label == "spot"]
    place = {item.characteristic: item for item in bad.measurements if item.detection == spot}
    origin = HOLE if features == CIRCLES else (-MIDDLE, -MIDDLE)
    x, y = place["position_x"], place["position_y"]
    # The spot's own box is in whole pixels; what the datum adds is far less.
    assert (x.value, y.value) == pytest.approx((inside[0] - origin[0], inside[1] - origin[1]), abs=1.0 / PX_PER_MM)
    assert abs(x.value - inside[0] + origin[0]) <= x.uncertainty
    assert x.method.endswith("in the datum")


def test_without_following_the_zone_would_miss(tmp_path: Path) -> None:
    pose = (1.5, -1.5, 6.0)
    x, y = pose[0], pose[1] + 2.0  # where the middle of the sealing face lies in the picture, less its turn
    assert not (SEAL[0] <= x <= SEAL[2] and SEAL[1] <= y <= SEAL[3])
    assert judged(tmp_path, TEMPLATE, plate(*pose, (0.0, 2.0))).verdict.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("features", "pixels", "said"),
    [
        (TEMPLATE, plate(5.0, 0, 0, None), "does not lie where the template does"),
        (TEMPLATE, plate(0, 0, 20, None), "does not lie where the template does"),
        (TEMPLATE, np.full((SIZE, SIZE), 200, np.uint8), "does not lie where the template does"),
        (TEMPLATE, np.random.default_rng(1).integers(0, 255, (SIZE, SIZE), np.uint8), "does not lie where"),
        (TEMPLATE, np.full((SIZE, SIZE + 1), 200, np.uint8), f"the frame has {SIZE + 1} x {SIZE} pixels"),
        (CIRCLES, np.full((SIZE, SIZE), 200, np.uint8), "datum of the part was not found"),
    ],
    ids=["too far", "too much turned", "nothing there", "something else", "another size", "no holes"],
)
def test_a_part_whose_datum_is_not_found_is_not_judged_by_the_wrong_zones(
    features: str, pixels: NDArray[np.uint8], said: str, tmp_path: Path
) -> None:
    with pytest.raises(GaugingError, match=said):
        judged(tmp_path, features, pixels)
