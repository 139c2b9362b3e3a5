"""Models that compare a frame with its golden part: which golden part, where it lies, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.detection import GoldenFolder, GoldenParts, Model, YoloDetector, load_model
from inspector.domain import ConfigurationError, DetectionError, Frame, Trigger
from tests.support.tiny_model import write_tiny_model

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WIDTH, HEIGHT = 128, 96


class Seeing:
    """A backend that finds nothing and keeps what it was shown."""

    name = "seeing"

    def __init__(self) -> None:
        self.batch = np.zeros(0, np.float32)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.batch = batch.copy()
        return np.zeros((1, 6, 12), np.float32)

    def close(self) -> None: ...


@pytest.fixture
def paired(tmp_path: Path) -> Model:
    return model(tmp_path, floor_without_golden=0.1)


def model(folder: Path, **card: object) -> Model:
    shape = {"width": WIDTH, "height": HEIGHT, "channels": 2, "colour": "grey", "pad_value": 114}
    return load_model(write_tiny_model(folder, planes=2, input=shape, **card))


def part(seed: int = 1) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    pixels = np.full((HEIGHT, WIDTH), 40, np.uint8)
    for _ in range(8):
        x, y = int(rng.integers(4, 100)), int(rng.integers(4, 70))
        cv2.rectangle(pixels, (x, y), (x + 16, y + 12), 210, -1)
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.8), np.uint8)


def frame(pixels: NDArray[np.uint8], recipe: str = "", name: str = "test") -> Frame:
    return Frame(Trigger("0001", "cell-1", 1, NOW, recipe), pixels, f"folder:{name}", NOW)


def test_the_golden_part_lies_where_the_part_lies(paired: Model) -> None:
    backend = Seeing()
    detector = YoloDetector(paired, backend, golden=GoldenParts({"": part()}))
    seen = np.asarray(np.roll(part(), (2, -3), axis=(0, 1)), np.uint8)
    detector.detect(frame(seen))
    differs = np.abs(backend.batch[0, 0] - backend.batch[0, 1])[6:-6, 6:-6]
    assert float(differs.max()) < 0.05
    still = np.abs(seen.astype(float) - part())[6:-6, 6:-6]
    assert float(still.max()) > 100


def test_every_recipe_has_its_golden_part_and_no_other(paired: Model) -> None:
    backend = Seeing()
    detector = YoloDetector(paired, backend, golden=GoldenParts({"a": part(1), "b": part(2)}))
    detector.detect(frame(part(2), "b"))
    assert float(np.abs(backend.batch[0, 0] - backend.batch[0, 1]).max()) < 0.02
    with pytest.raises(DetectionError, match="no golden image for recipe 'c'"):
        detector.detect(frame(part(2), "c"))


def test_recorded_images_have_a_golden_one_of_their_name(paired: Model, tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    cv2.imwrite(str(folder / "0007.png"), part(7))
    backend = Seeing()
    detector = YoloDetector(paired, backend, golden=GoldenFolder(folder))
    detector.detect(frame(part(7), name="0007.jpg"))
    assert float(np.abs(backend.batch[0, 0] - backend.batch[0, 1]).max()) < 0.02
    with pytest.raises(DetectionError, match="no readable image named 0008"):
        detector.detect(frame(part(7), name="0008.jpg"))


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no folder"):
        GoldenFolder(tmp_path / "nowhere")


def test_a_golden_part_of_another_size_is_refused(paired: Model) -> None:
    detector = YoloDetector(paired, Seeing(), golden=GoldenParts({"": part()[:64]}))
    with pytest.raises(DetectionError, match="the frame has 128 x 96 pixels, the golden image 128 x 64"):
        detector.detect(frame(part()))


def test_the_record_says_which_golden_part_was_shown(paired: Model) -> None:
    first, other = (YoloDetector(paired, Seeing(), golden=GoldenParts({"": part(seed)})) for seed in (1, 2))
    assert first.identity.version.startswith("1.0.0+golden.")
    assert first.identity.version != other.identity.version
    assert first.detect(frame(part(1))).model == first.identity
    assert YoloDetector(paired, Seeing()).identity.version == "1.0.0"


def test_without_golden_part_the_floor_for_that_holds(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="compares with a golden part and has none"):
        YoloDetector(model(tmp_path), Seeing())


def test_a_model_that_sees_the_part_alone_takes_no_golden_one(tmp_path: Path) -> None:
    alone = load_model(write_tiny_model(tmp_path))
    with pytest.raises(ConfigurationError, match="cannot use a golden image"):
        YoloDetector(alone, Seeing(), golden=GoldenParts({"": part()}))
