"""The shipped metal model finds what is drawn on virtual metal that it never saw."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from inspector.capture.metal import HELD_OUT_METAL, render_metal
from inspector.detection import YoloDetector, find_model, load_model, open_backend
from inspector.domain import Frame, Trigger

SEED, PARTS = 977, 40
LEAST_FOUND, MOST_FALSE, GATE = 0.9, 0.1, 0.6


@pytest.fixture(scope="module")
def detector() -> Iterator[YoloDetector]:
    model = load_model(find_model("metal-surface"))
    opened = YoloDetector(model, open_backend(model, "onnxruntime"))
    yield opened
    opened.close()


def test_defects_are_found_and_good_parts_are_quiet(detector: YoloDetector) -> None:
    found, defective, false, good = 0, 0, 0, 0
    for part in range(PARTS):
        pixels, defects = render_metal(SEED, part, HELD_OUT_METAL)
        now = datetime.now(UTC)
        seen = detector.detect(Frame(Trigger(str(part), "test", part + 1, now), pixels, "test", now)).items
        if defects:
            defective += 1
            found += bool({item.label for item in seen} & {defect.label for defect in defects})
        else:
            good += 1
            false += any(item.score >= GATE for item in seen)
    assert found >= LEAST_FOUND * defective
    assert false <= MOST_FALSE * good
