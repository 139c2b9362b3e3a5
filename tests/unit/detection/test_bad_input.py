"""Images as cameras and people really deliver them, from the file through the detector of the line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.capture import FolderCamera
from inspector.detection import YoloDetector, load_model, open_backend
from inspector.domain import Detection
from tests.support.frames import frame
from tests.support.tiny_model import CELL, board, write_tiny_model

ALL = ("onnxruntime", "openvino-f32", "openvino-bf16")


@pytest.fixture(params=ALL)
def detector(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[YoloDetector]:
    model = load_model(write_tiny_model(tmp_path / "tiny"))
    made = YoloDetector(model, open_backend(model, request.param, threads=1))
    yield made
    made.close()


def seen(detector: YoloDetector, file: Path, pixels: NDArray[np.generic], bits: int | None = None) -> list[Detection]:
    assert cv2.imwrite(str(file), pixels)
    with closing(FolderCamera(file.parent, bits=bits)) as camera:
        return list(detector.detect(camera.grab(frame(board()).trigger)).items)


def lies_at(item: Detection, column: int, row: int) -> bool:
    box = item.box
    wanted = (column * CELL, row * CELL, (column + 1) * CELL, (row + 1) * CELL)
    return max(abs(a - b) for a, b in zip((box.x0, box.y0, box.x1, box.y1), wanted, strict=True)) <= 0.5


def deep(bits: int) -> Callable[[NDArray[np.uint8]], NDArray[np.generic]]:
    return lambda grey: (grey.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16)


@pytest.mark.parametrize(
    ("made", "bits"),
    [
        (lambda grey: grey, None),
        (deep(12), 12),
        (deep(16), 16),
        (lambda grey: cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), None),
        (lambda grey: cv2.cvtColor(grey, cv2.COLOR_GRAY2BGRA), None),
    ],
    ids=["mono8", "mono12", "mono16", "rgb", "rgba"],
)
def test_a_defect_is_found_where_it_is_at_every_depth_and_colour(
    detector: YoloDetector,
    tmp_path: Path,
    made: Callable[[NDArray[np.uint8]], NDArray[np.generic]],
    bits: int | None,
) -> None:
    (tmp_path / "in").mkdir()
    (item,) = seen(detector, tmp_path / "in" / "a.png", made(board((2, 1))), bits)
    assert lies_at(item, 2, 1)
    assert item.score == pytest.approx(1.0, abs=0.01)


def test_a_turned_picture_is_inspected_as_every_viewer_shows_it(detector: YoloDetector, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "a.jpg"
    upright = board((3, 0))
    content = cv2.imencode(".jpg", cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE))[1].tobytes()
    # EXIF: big-endian TIFF header, one entry, orientation 6 = turn by 90 degrees clockwise to view.
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    file.write_bytes(content[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + content[2:])
    with closing(FolderCamera(file.parent)) as camera:
        picture = camera.grab(frame(board()).trigger)
    assert (picture.width, picture.height) == (128, 96)
    (item,) = detector.detect(picture).items
    assert lies_at(item, 3, 0)


def test_a_frame_of_twenty_megapixels_is_shrunk_and_its_boxes_are_in_its_own_pixels(detector: YoloDetector) -> None:
    scale = 42
    pixels = np.zeros((96 * scale, 128 * scale), np.uint8)
    assert pixels.size > 20e6
    pixels[CELL * scale : 2 * CELL * scale, 0 : CELL * scale] = 255
    (item,) = detector.detect(frame(pixels)).items
    box = np.array([item.box.x0, item.box.y0, item.box.x1, item.box.y1]) / scale
    np.testing.assert_allclose(box, [0, 32, 32, 64], atol=0.5)


def test_frames_of_mixed_sizes_do_not_see_what_was_there_before(detector: YoloDetector) -> None:
    bright, small, large = (
        np.full((96, 128), 255, np.uint8),
        np.zeros((33, 41), np.uint8),
        np.zeros((960, 1280), np.uint8),
    )
    for empty in (small, large, small):
        assert detector.detect(frame(bright)).items
        assert detector.detect(frame(empty)).items == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1)])
def test_frames_that_are_hardly_there_have_no_finding_and_break_nothing(
    detector: YoloDetector, shape: tuple[int, int]
) -> None:
    assert detector.detect(frame(np.zeros(shape, np.uint8))).items == ()
    assert detector.detect(frame(board((1, 1)))).items
