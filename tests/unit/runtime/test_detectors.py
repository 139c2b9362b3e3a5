"""The key ``detector`` of a line: one, or several, each made as it says, in millimetres."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from ruamel.yaml import YAML

from inspector.domain import ConfigurationError, ModelError
from inspector.runtime.wiring.detectors import classes_of, open_detector
from inspector.runtime.wiring.plc import defect_codes
from inspector.runtime.wiring.verdict import build_detector, build_gauge
from inspector.settings import LineSettings, check_line, load_line
from tests.support.frames import frame
from tests.support.tiny_heat import write_tiny_heat
from tests.support.tiny_model import board, write_tiny_model

ROOT = Path(__file__).resolve().parents[3]
EACH = {
    "golden": "{kind: golden, image: golden.png, tolerance_mm: 0.1, least_area_mm2: 0.04, search_mm: 0.2}",
    "presence": "{kind: presence, image: golden.png, box_mm: [6.2, 6.2, 9.8, 9.8], search_mm: 0.2}",
    "blob": "{kind: blob, shade: bright, level: 100, least_area_mm2: 1}",
    "caliper": "{kind: caliper, box_mm: [4, 7, 12, 9], label: pad_width}",
    "colour": "{kind: colour, box_mm: [7, 7, 9, 9], lab: [100, 0, 0]}",
    "code": "{kind: code, formats: [DataMatrix]}",
}


def line(tmp_path: Path, detector: str, *, defect: str = "open") -> LineSettings:
    """Return the shipped virtual line at 10 px/mm with this detector; models and images lie beside the file."""
    text = (ROOT / "line_configs" / "virtual-board.yaml").read_text(encoding="utf-8")
    keys = YAML(typ="safe").load(text)
    keys["detector"] = YAML(typ="safe").load(detector)
    keys["camera"]["px_per_mm"] = keys["calibration"]["px_per_mm"] = 10
    keys["camera"] |= {"min_defect_mm": 0.3, "max_defect_mm": 0.6}
    keys["recipes"] = {"default": {"id": 1, "rules": [{"defect": defect, "allowed": False}]}}
    keys.pop("zones", None)
    write_tiny_model(tmp_path / "models" / "tiny", width=160, height=160)
    write_tiny_heat(tmp_path / "models" / "heat", width=160, height=160, classes=["anomaly"])
    golden = board((2, 2), width=160, height=160)
    cv2.imwrite(str(tmp_path / "golden.png"), golden)
    file = tmp_path / "line.yaml"
    with file.open("w", encoding="utf-8") as out:
        YAML().dump(keys, out)
    assert check_line(file) == []
    return load_line(file, data=tmp_path)


@pytest.mark.parametrize("kind", EACH)
def test_each_kind_is_made_as_the_line_says(tmp_path: Path, kind: str) -> None:
    labels = {"caliper": "pad_width", "colour": "wrong_colour", "code": "code_unreadable", "presence": "missing",
              "golden": "difference", "blob": "blob"}  # fmt: skip
    settings = line(tmp_path, EACH[kind], defect=labels[kind])
    detector = open_detector(settings, 10.0)
    detector.warm_up()
    assert classes_of(settings) == detector.classes
    seen = np.dstack([board((2, 2), width=160, height=160)] * 3)
    good = [item.label for item in detector.detect(frame(seen)).items]
    assert good == {"blob": ["blob"], "caliper": ["pad_width"], "code": ["code_unreadable"]}.get(kind, [])
    detector.close()


def test_a_single_model_needs_no_kind_and_no_list(tmp_path: Path) -> None:
    detector = build_detector(line(tmp_path, "{model: ./models/tiny, backend: onnxruntime}"))
    assert detector.description == "tiny 1.0.0 (onnxruntime)"
    detector.close()


def test_several_look_together(tmp_path: Path) -> None:
    models = [f"{{model: ./models/{name}, backend: onnxruntime}}" for name in ("tiny", "heat")]
    several = f"[{models[0]}, {EACH['golden']}, {models[1]}]"
    settings = line(tmp_path, several)
    detector = build_detector(settings)
    assert detector.classes == ("open", "short", "difference", "anomaly")
    assert defect_codes(settings) == {"open": 1, "short": 2, "difference": 3, "anomaly": 4}
    found = detector.detect(frame(board((2, 2), (4, 4), width=160, height=160)))
    assert {item.label for item in found.items} == {"open", "difference", "anomaly"}
    measured = build_gauge(settings, detector.margins_px).measure(
        frame(board((2, 2), (4, 4), width=160, height=160)), found
    )
    assert any("less 2 px margin" in measurement.method for measurement in measured)
    detector.close()


def test_a_caliper_gives_the_length_that_rules_hold(tmp_path: Path) -> None:
    settings = line(tmp_path, EACH["caliper"], defect="pad_width")
    detector = build_detector(settings)
    seen = frame(board((2, 2), width=160, height=160))
    found = detector.detect(seen)
    lengths = [
        m for m in build_gauge(settings, detector.margins_px).measure(seen, found) if m.characteristic == "length"
    ]
    assert lengths[0].value == pytest.approx(3.2, abs=0.02)


def test_a_rule_about_a_label_that_nobody_gives_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"recipes\.default\.rules\[0\]\.defect: golden template has no class open"):
        build_detector(line(tmp_path, EACH["golden"]))


def test_a_golden_detector_without_an_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no golden image"):
        build_detector(line(tmp_path, "{kind: golden}", defect="difference"))


def test_the_feature_network_is_no_detector(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="a feature network is no detector by itself"):
        build_detector(line(tmp_path, "{model: efficientnet-lite0}"))
