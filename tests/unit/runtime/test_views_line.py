"""A station with two cameras from the YAML to one verdict: built as the line builds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.domain import (
    Box,
    Camera,
    CameraLost,
    ConfigurationError,
    Detector,
    Frame,
    Gauge,
    Judge,
    Outcome,
    Trigger,
    report_from_json,
    report_to_json,
)
from inspector.domain import InspectionReport as Report
from inspector.runtime.reviewed_data import export_reviewed
from inspector.runtime.wiring.cameras import build_camera
from inspector.runtime.wiring.verdict import build_detector, build_gauge, build_judge
from inspector.settings import LineSettings, check_line, load_line

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LINE = """
version: 1
line: two-views
station: cell-1
camera:
  kind: several
  views:
    top:
      camera: { kind: folder, path: top, expect: { width: 200, height: 100 } }
      zones: [{ name: rim, box_mm: [0, 0, 2, 10] }]
    side:
      camera: { kind: folder, path: side, expect: { width: 80, height: 120 } }
      calibration: { px_per_mm: 20 }
      detector: { kind: blob, label: dent, least_area_mm2: 0.05, level: 100 }
calibration: { px_per_mm: 10 }
detector: { kind: blob, label: spot, least_area_mm2: 0.05, level: 100 }
recipes:
  default:
    id: 1
    rules:
      - { defect: spot, characteristic: length, usl: 3.0 }
      - { defect: spot, zone: rim, allowed: false }
      - { defect: dent, characteristic: length, usl: 3.0 }
  half:
    id: 2
    regions: [{ view: side, box_mm: [0, 0, 4, 3] }]
    rules:
      - { defect: spot, characteristic: length, usl: 3.0 }
      - { defect: dent, allowed: false }
recipe: default
plc: { kind: simulated }
simulated: true
"""


class Station:
    """The stages of the line, without the line."""

    def __init__(self, settings: LineSettings) -> None:
        self.settings = settings
        self.camera: Camera = build_camera(settings)
        detector = build_detector(settings)
        self.detector: Detector = detector
        self.gauge: Gauge = build_gauge(settings, detector.margins_px)
        self.judge: Judge = build_judge(settings)

    def seen(self, frame: Frame) -> Report:
        found = self.detector.detect(frame)
        measured = self.gauge.measure(frame, found)
        return Report(frame.trigger, self.judge.judge(frame.trigger, found, measured), found, measured)

    def inspected(self, recipe: str = "") -> Report:
        return self.seen(self.camera.grab(Trigger("1", "cell-1", 1, NOW, recipe)))

    def close(self) -> None:
        self.camera.close()
        self.detector.close()


def drawn(folder: Path, size: tuple[int, int], spot: Box | None) -> None:
    folder.mkdir(exist_ok=True)
    picture = np.full((size[1], size[0]), 200, np.uint8)
    if spot is not None:
        picture[int(spot.y0) : int(spot.y1), int(spot.x0) : int(spot.x1)] = 20
    cv2.imwrite(str(folder / "1.png"), picture)


@pytest.fixture
def line(tmp_path: Path) -> Path:
    (tmp_path / "line.yaml").write_text(LINE, encoding="utf-8")
    drawn(tmp_path / "top", (200, 100), Box(100, 40, 120, 50))
    drawn(tmp_path / "side", (80, 120), Box(20, 80, 60, 90))
    return tmp_path / "line.yaml"


@pytest.fixture
def station(line: Path) -> Iterator[Station]:
    assert check_line(line) == []
    made = Station(load_line(line, data=line.parent))
    yield made
    made.close()


def test_each_view_is_measured_in_its_own_millimetres_and_named(station: Station) -> None:
    report = station.inspected()
    assert report.detections is not None
    of = {
        (report.detections.items[item.detection or 0].view, item.characteristic): item.value
        for item in report.measurements
    }
    assert of["top", "length"] == pytest.approx(2.0)  # 20 px at 10 px/mm
    assert of["side", "length"] == pytest.approx(2.0)  # 40 px at 20 px/mm
    assert (of["side", "position_x"], of["side", "position_y"]) == (pytest.approx(2.0), pytest.approx(4.25))
    boxes = {item.view: (item.box.x0, item.box.y0) for item in report.detections.items}
    assert boxes == {"top": (100, 40), "side": (220, 80)}, "both lie in the picture of all"
    assert report.verdict.outcome is Outcome.PASS
    kept = report_from_json(report_to_json(report))
    assert kept.detections is not None
    assert [item.view for item in kept.detections.items] == [item.view for item in report.detections.items]


def test_one_bad_view_makes_a_bad_part(line: Path) -> None:
    drawn(line.parent / "side", (80, 120), Box(5, 20, 75, 30))  # 3.5 mm
    station = Station(load_line(line, data=line.parent))
    report = station.inspected()
    station.close()
    assert report.verdict.outcome is Outcome.FAIL
    assert {reason.label for reason in report.verdict.reasons} == {"dent"}


def test_zones_belong_to_their_view(line: Path) -> None:
    drawn(line.parent / "top", (200, 100), Box(2, 40, 12, 50))
    drawn(line.parent / "side", (80, 120), Box(2, 40, 12, 50))
    station = Station(load_line(line, data=line.parent))
    report = station.inspected()
    station.close()
    assert [(reason.label, reason.zone) for reason in report.verdict.reasons] == [("spot", "rim")]


def test_a_recipe_looks_at_its_own_regions_only(station: Station) -> None:
    outside = station.inspected("half")
    assert outside.detections is not None
    assert outside.verdict.outcome is Outcome.PASS
    assert "dent" in {item.label for item in outside.detections.items}, "recorded all the same"
    inside = station.settings.recipes["half"].model_copy(update={"regions": ()})
    recipes = {**station.settings.recipes, "half": inside}
    everywhere = build_judge(station.settings.model_copy(update={"recipes": recipes}))
    verdict = everywhere.judge(outside.trigger, outside.detections, outside.measurements)
    assert verdict.outcome is Outcome.FAIL


def test_a_kept_picture_of_all_views_is_judged_as_the_part_was(station: Station) -> None:
    frame = station.camera.grab(Trigger("1", "cell-1", 1, NOW))
    kept = replace(frame, pixels=frame.pixels.copy(), views={})
    assert station.seen(kept).verdict == station.seen(frame).verdict


def test_a_view_that_runs_out_costs_the_part(station: Station, line: Path) -> None:
    station.inspected()
    with pytest.raises(CameraLost, match=r"view top.*view side"):
        station.inspected()


def test_a_calibration_of_one_view_that_does_not_hold_stops_the_line(line: Path) -> None:
    line.write_text(LINE.replace("calibration: { px_per_mm: 20 }", "calibration: { file: side.json }"))
    (line.parent / "side.json").write_text("{}")
    with pytest.raises(ConfigurationError, match=r"side\.json"):
        build_gauge(load_line(line, data=line.parent), {})


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        (", expect: { width: 80, height: 120 }", "", "camera.views.side.camera", "size of this view's images"),
        ("view: side, box_mm", "view: left, box_mm", "recipes.half.regions[0].view", "there is no view 'left'"),
        ("view: side, box_mm", "box_mm", "recipes.half.regions[0]", "in which view"),
        ("px_per_mm: 20 }", "px_per_mm: 20, file: x.json }", "camera.views.side.calibration.px_per_mm", "given twice"),
        ("level: 100 }\ncalibration", "level: 300 }\ncalibration", "camera.views.side.detector.level", "254"),
        ("[0, 0, 2, 10]", "[0, 0, 0, 10]", "camera.views.top.zones[0].box_mm", "no area"),
        ("zone: rim", "zone: edge", "recipes.default.rules[1].zone", "no zone 'edge'"),
    ],
)
def test_mistakes_are_named_in_their_view(old: str, new: str, key: str, said: str, line: Path) -> None:
    assert old in LINE
    line.write_text(LINE.replace(old, new), encoding="utf-8")
    findings = check_line(line)
    assert [finding.key for finding in findings] == [key], findings
    assert said in f"{findings[0].problem} {findings[0].remedy}"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (
            "{ kind: blob, label: spot, least_area_mm2: 0.05, level: 100 }",
            "{ kind: golden, image: none.png }",
            "detector",
        ),
        (
            "{ kind: blob, label: dent, least_area_mm2: 0.05, level: 100 }",
            "{ kind: presence, image: none.png, box_mm: [0, 0, 1, 1] }",
            "camera.views.side.detector",
        ),
    ],
)
def test_a_picture_that_is_not_there_is_named_with_its_key(old: str, new: str, key: str, line: Path) -> None:
    assert old in LINE
    line.write_text(LINE.replace(old, new), encoding="utf-8")
    [finding] = check_line(line)
    assert finding.key == f"{key}.image"
    assert finding.problem == f"there is no {line.parent / 'none.png'}"
    assert line.read_text(encoding="utf-8").splitlines()[finding.line - 1][finding.column - 1 :].startswith("none.png")
    (line.parent / "none.png").write_bytes(b"")
    assert check_line(line) == []


def test_pictures_of_all_views_teach_the_model_of_one_nothing(line: Path) -> None:
    settings = load_line(line, data=line.parent)
    with pytest.raises(ConfigurationError, match="several cameras"):
        export_reviewed(settings, line.parent / "set", classes=("dent",), since=NOW, until=NOW)
