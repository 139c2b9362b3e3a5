"""Code reading: the part's identity, and findings where it is missing or another's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray

from inspector.detection import CodeReader, code_formats
from inspector.domain import ConfigurationError, DetectionError
from tests.support.frames import frame


def label(text: str = "SN-00417", kind: str = "DataMatrix", *, at: tuple[int, int] = (60, 40)) -> NDArray[np.uint8]:
    """Return a part of 700 x 300 px with a code on it."""
    barcode = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind))
    code = np.array(zxingcpp.write_barcode_to_image(barcode, scale=4))
    code = np.asarray(cv2.copyMakeBorder(code, 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=255), np.uint8)
    pixels = np.full((300, 700), 170, np.uint8)
    pixels[at[1] : at[1] + code.shape[0], at[0] : at[0] + code.shape[1]] = code
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.7), np.uint8)


@pytest.mark.parametrize("kind", ["DataMatrix", "QRCode", "Code128"])
def test_the_code_is_the_parts_identity(kind: str) -> None:
    found = CodeReader().detect(frame(label(kind=kind), part_id=""))
    assert found.part_id == "SN-00417"
    assert found.items == ()


def test_the_identity_may_be_a_part_of_the_text() -> None:
    found = CodeReader(pattern=r"P=\d+;S=(\d+)").detect(frame(label("P=771;S=00417"), part_id=""))
    assert found.part_id == "00417"


def test_the_part_that_the_plc_means_is_fine() -> None:
    assert CodeReader().detect(frame(label(), part_id="SN-00417")).items == ()


def test_another_part_than_the_plc_means_is_a_finding_on_the_code() -> None:
    (item,) = CodeReader().detect(frame(label(), part_id="SN-00418")).items
    assert item.label == "code_mismatch"
    assert 60 <= item.box.x0 < item.box.x1 <= 200
    assert 40 <= item.box.y0 < item.box.y1 <= 200


def test_a_text_of_another_form_is_a_finding() -> None:
    (item,) = CodeReader(pattern=r"LOT\d+").detect(frame(label(), part_id="")).items
    assert item.label == "code_mismatch"


def test_two_codes_that_contradict_each_other_are_findings() -> None:
    both = label("A1")
    both[:, 350:] = label("B2")[:, :350]
    found = CodeReader().detect(frame(both, part_id=""))
    assert [item.label for item in found.items] == ["code_mismatch"] * 2
    assert found.part_id == ""


@pytest.mark.parametrize(
    "reader", [CodeReader(window=(350, 0, 700, 300)), CodeReader(formats=["QRCode"])], ids=["elsewhere", "other kind"]
)
def test_no_code_is_a_finding_over_the_window(reader: CodeReader) -> None:
    (item,) = reader.detect(frame(label(), part_id="")).items
    assert item.label == "code_unreadable"
    assert item.box.x1 == 700


def test_a_code_may_be_only_checked() -> None:
    found = CodeReader(pattern=r"SN-\d+", identity=False).detect(frame(label(), part_id="other"))
    assert found.items == ()
    assert found.part_id == ""


def test_wrong_settings_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"no format Morse\. Choose of .*DataMatrix"):
        CodeReader(formats=["Morse"])
    with pytest.raises(ConfigurationError, match="not a regular expression"):
        CodeReader(pattern="(")
    assert {"QRCode", "DataMatrix", "Code128", "EAN13"} <= set(code_formats())


def test_a_closed_reader_reads_nothing() -> None:
    reader = CodeReader()
    reader.warm_up()
    reader.close()
    with pytest.raises(DetectionError, match="closed"):
        reader.detect(frame(label()))
