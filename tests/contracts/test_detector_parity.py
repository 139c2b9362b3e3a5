"""The same boxes within half a pixel on every backend that runs here, a real Triton server included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.capture import read_image
from inspector.capture.board import BoardSpec, golden_board, render_board
from inspector.detection import Backend, Model, YoloDetector, candidates, find_model, load_model, open_backend
from inspector.domain import Detection, Frame
from tests.support.frames import frame
from tests.support.triton import TritonServer

SHIFT_PX = 0.5
SURE = 0.3
UNSURE = 0.2  # a finding near the first score may lie on either side of it


class GoldenOfEach:
    """The golden board of each picture, already in place: where a part lies is no matter of the backend."""

    facts = ("of each picture",)

    def __init__(self) -> None:
        self.pictures: dict[str, NDArray[np.uint8]] = {}

    def laid_on(self, picture: Frame) -> NDArray[np.uint8]:
        return self.pictures[picture.trigger.part_id]


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(find_model("bare-board"))


@pytest.fixture(scope="module")
def golden() -> GoldenOfEach:
    return GoldenOfEach()


def opened(model: Model, backend: Backend, golden: GoldenOfEach) -> YoloDetector:
    return YoloDetector(model, backend, floor=UNSURE, golden=golden if model.card.input.sees_golden else None)


@pytest.fixture(scope="module")
def reference(model: Model, golden: GoldenOfEach) -> Iterator[YoloDetector]:
    detector = opened(model, open_backend(model, "onnxruntime", threads=2), golden)
    yield detector
    detector.close()


@pytest.fixture(scope="module", params=["openvino-f32", "openvino-bf16", "triton"])
def other(request: pytest.FixtureRequest, model: Model, golden: GoldenOfEach) -> Iterator[YoloDetector]:
    address = request.getfixturevalue("triton").url if request.param == "triton" else ""
    backend = open_backend(model, request.param, threads=2, triton=address)
    assert backend.name == request.param
    detector = opened(model, backend, golden)
    yield detector
    assert backend.name == request.param, "it fell back in between: that backend was not compared"
    detector.close()


def same_boxes(reference: YoloDetector, other: YoloDetector, pictures: Sequence[Frame]) -> int:
    """Compare both ways and return how many findings there were."""
    sure = 0
    for picture in pictures:
        expected, found = reference.detect(picture).items, other.detect(picture).items
        for one, many in ((expected, found), (found, expected)):
            for item in one:
                if item.score >= SURE:
                    shift = min((_shift(item, each) for each in many if each.label == item.label), default=np.inf)
                    assert shift <= SHIFT_PX, f"{other.backend}: {item} has no twin within {SHIFT_PX} px: {shift:.2f}"
                    sure += 1
    return sure


def _shift(one: Detection, other: Detection) -> float:
    a, b = one.box, other.box
    return max(abs(a.x0 - b.x0), abs(a.y0 - b.y0), abs(a.x1 - b.x1), abs(a.y1 - b.y1))


def test_the_boxes_on_drawn_boards_are_the_same(
    reference: YoloDetector, other: YoloDetector, golden: GoldenOfEach
) -> None:
    spec = BoardSpec(size_px=640, px_per_mm=48, layouts=4, defect_rate=1.0, most_defects=3, defect_mm=(0.2, 0.6))
    golden.pictures |= {f"drawn {part}": golden_board(3, part, spec) for part in range(4)}
    pictures = [frame(render_board(3, part, spec)[0], part_id=f"drawn {part}") for part in range(4)]
    assert same_boxes(reference, other, pictures) >= 8


def test_the_boxes_on_real_boards_are_the_same(
    reference: YoloDetector, other: YoloDetector, golden: GoldenOfEach, shared_data: Path
) -> None:
    images = sorted((shared_data / "deeppcb" / "images").glob("*.jpg"))
    images = images[:: len(images) // 6]
    golden.pictures |= {path.stem: read_image(shared_data / "deeppcb" / "templates" / path.name) for path in images}
    pictures = [frame(read_image(path), part_id=path.stem) for path in images]
    assert same_boxes(reference, other, pictures) >= 20


def test_auto_knows_every_backend_that_is_compared_here(model: Model, triton: TritonServer) -> None:
    compared = {"onnxruntime", "openvino-f32", "openvino-bf16", "triton"}
    assert set(candidates(model, triton=triton.url)) <= compared, "compare the new one above as well"
