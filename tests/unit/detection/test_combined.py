"""Several detectors in one line: all findings, one identity, no silence of a broken one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inspector.detection import (
    AnomalyDetector,
    BlobDetector,
    CodeReader,
    CombinedDetector,
    LineDetector,
    YoloDetector,
    load_model,
    open_backend,
)
from inspector.domain import ConfigurationError, DetectionError
from tests.support.frames import frame
from tests.support.tiny_heat import write_tiny_heat
from tests.support.tiny_model import board, write_tiny_model
from tests.unit.detection.test_code import label


@pytest.fixture
def yolo(tmp_path: Path) -> YoloDetector:
    model = load_model(write_tiny_model(tmp_path / "yolo"))
    return YoloDetector(model, open_backend(model, "onnxruntime", threads=1))


@pytest.fixture
def heat(tmp_path: Path) -> AnomalyDetector:
    model = load_model(write_tiny_heat(tmp_path / "heat", classes=["anomaly"]))
    return AnomalyDetector(model, open_backend(model, "onnxruntime", threads=1))


def test_the_findings_of_all_stand_best_score_first(yolo: YoloDetector, heat: AnomalyDetector) -> None:
    combined = CombinedDetector([yolo, heat])
    assert isinstance(combined, LineDetector)
    combined.warm_up()
    found = combined.detect(frame(board((1, 1), level=200)))
    assert {item.label for item in found.items} == {"open", "anomaly"}
    assert [item.score for item in found.items] == sorted((item.score for item in found.items), reverse=True)
    assert combined.detect(frame(board())).items == ()
    combined.close()


def test_one_identity_stands_for_all(yolo: YoloDetector, heat: AnomalyDetector) -> None:
    combined = CombinedDetector([yolo, heat])
    assert combined.identity.name == "tiny+tiny-heat"
    assert combined.identity.sha256 not in {yolo.identity.sha256, heat.identity.sha256}
    assert combined.identity != CombinedDetector([heat, yolo]).identity
    assert combined.classes == ("open", "short", "anomaly")
    assert combined.margins_px == {"open": 2.0, "short": 2.0, "anomaly": 0.0}
    assert combined.description == "tiny 1.0.0 (onnxruntime), tiny-heat 1.0.0 (onnxruntime)"


def test_where_one_fails_the_frame_fails(yolo: YoloDetector, heat: AnomalyDetector) -> None:
    heat.close()
    with pytest.raises(DetectionError):
        CombinedDetector([yolo, heat]).detect(frame(np.zeros((96, 128), np.uint8)))


def test_two_may_not_share_a_label(yolo: YoloDetector) -> None:
    with pytest.raises(ConfigurationError, match="detectors tiny and blob both give findings the label open"):
        CombinedDetector([yolo, BlobDetector(label="open")])
    with pytest.raises(ConfigurationError, match="needs at least one detector"):
        CombinedDetector([])


def test_the_identity_read_by_one_is_the_parts() -> None:
    found = CombinedDetector([BlobDetector(count=(0, 1000)), CodeReader()]).detect(frame(label(), part_id=""))
    assert found.part_id == "SN-00417"
    assert found.items == ()
