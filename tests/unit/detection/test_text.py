"""Text reading: a lot number that is read, missing, of another form, or another part's."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.detection import TextReader
from inspector.domain import ConfigurationError, DetectionError
from tests.support.frames import frame

pytest.importorskip("rapidocr", reason="the extra `ocr` is not installed")


def printed(text: str) -> NDArray[np.uint8]:
    pixels = np.full((100, 400), 205, np.uint8)
    cv2.putText(pixels, text, (30, 65), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 25, 3, cv2.LINE_AA)
    return pixels


@pytest.fixture(scope="module")
def reader() -> Iterator[TextReader]:
    made = TextReader(pattern=r"LOT ?(\d\d-\d{4})", identity=True)
    made.warm_up()
    yield made
    made.close()


def test_the_lot_number_is_the_parts_identity(reader: TextReader) -> None:
    found = reader.detect(frame(printed("LOT 24-0117"), part_id=""))
    assert found.items == ()
    assert found.part_id == "24-0117"


def test_another_part_than_the_plc_means_is_a_finding(reader: TextReader) -> None:
    (item,) = reader.detect(frame(printed("LOT 24-0117"), part_id="24-0118")).items
    assert item.label == "text_mismatch"


def test_a_text_of_another_form_is_a_finding_on_the_text(reader: TextReader) -> None:
    (item,) = reader.detect(frame(printed("SCRAP"), part_id="")).items
    assert item.label == "text_mismatch"
    assert 10 < item.box.x0 < 60
    assert item.box.y1 < 90


def test_no_text_is_a_finding(reader: TextReader) -> None:
    (item,) = reader.detect(frame(np.full((100, 400), 205, np.uint8), part_id="")).items
    assert item.label == "text_unreadable"


def test_a_broken_pattern_is_named_and_a_closed_reader_reads_nothing() -> None:
    with pytest.raises(ConfigurationError, match="not a regular expression"):
        TextReader(pattern="(")
    made = TextReader()
    made.close()
    with pytest.raises(DetectionError, match="closed"):
        made.detect(frame(printed("1")))
