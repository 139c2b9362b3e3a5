"""Frames reach the network as the card wants them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inspector.detection.card import InputSpec, Normalisation
from inspector.detection.letterbox import Letterbox

RED, GREEN, BLUE = 200, 100, 50


def spec(**changes: object) -> InputSpec:
    return InputSpec.model_validate({"width": 64, "height": 48, "channels": 3, "colour": "grey", **changes})


def test_a_grey_frame_of_the_right_size_is_normalised_on_every_channel() -> None:
    pixels = np.arange(48 * 64, dtype=np.uint32).reshape(48, 64).astype(np.uint8)
    batch, place = Letterbox(spec())(pixels)
    assert batch.shape == (1, 3, 48, 64)
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    assert place.scale == (1.0, 1.0)
    for plane in batch[0]:
        np.testing.assert_allclose(plane, pixels / 255, atol=1e-6)


def test_mean_and_deviation_of_the_card_are_applied_to_frame_and_padding() -> None:
    wanted = spec(normalisation=Normalisation(mean=127, std=128), channels=1, pad_value=255)
    batch, _ = Letterbox(wanted)(np.zeros((48, 32), np.uint8))
    np.testing.assert_allclose(batch[0, 0, :, :32], -127 / 128, atol=1e-6)
    np.testing.assert_allclose(batch[0, 0, :, 32:], 1.0, atol=1e-6)


@pytest.mark.parametrize(("colour", "expected"), [("rgb", (RED, GREEN, BLUE)), ("bgr", (BLUE, GREEN, RED))])
def test_colour_planes_come_in_the_cards_order(colour: str, expected: tuple[int, int, int]) -> None:
    pixels = np.full((48, 64, 3), (BLUE, GREEN, RED), np.uint8)
    batch, _ = Letterbox(spec(colour=colour))(pixels)
    for plane, level in zip(batch[0], expected, strict=True):
        np.testing.assert_allclose(plane, level / 255, atol=1e-6)


def test_a_colour_frame_becomes_grey_for_a_grey_card() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    batch, _ = Letterbox(spec())(pixels)
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    for plane in batch[0]:
        np.testing.assert_allclose(plane, grey / 255, atol=1e-6)


def test_a_larger_frame_is_shrunk_as_a_whole() -> None:
    batch, place = Letterbox(spec(pad_value=0))(np.full((96, 96), 255, np.uint8))
    assert (place.width, place.height) == (48, 48)
    assert place.scale == (0.5, 0.5)
    assert batch[0, 0, :, :48].min() == pytest.approx(1.0)
    assert batch[0, 0, :, 48:].max() == 0.0


def test_a_smaller_frame_keeps_its_size_in_pixels() -> None:
    batch, place = Letterbox(spec(pad_value=0))(np.full((20, 30), 255, np.uint8))
    assert place.scale == (1.0, 1.0)
    assert batch[0, 0].sum() == pytest.approx(20 * 30)


def test_nothing_of_an_earlier_frame_shows_in_the_padding_of_a_later_one() -> None:
    letterbox = Letterbox(spec(pad_value=0))
    letterbox(np.full((48, 64), 255, np.uint8))
    batch, _ = letterbox(np.full((20, 30), 255, np.uint8))
    assert batch[0, 0].sum() == pytest.approx(20 * 30)


def test_an_extremely_long_frame_still_has_a_row() -> None:
    _, place = Letterbox(spec())(np.zeros((1, 5000), np.uint8))
    assert (place.width, place.height) == (64, 1)


def test_the_golden_part_is_the_second_plane() -> None:
    letterbox = Letterbox(spec(channels=2))
    seen, golden = np.full((48, 64), 255, np.uint8), np.full((48, 64), 51, np.uint8)

    batch, _ = letterbox(seen, golden)
    assert batch.shape == (1, 2, 48, 64)
    assert (batch[0, 0] == 1).all()
    np.testing.assert_allclose(batch[0, 1], 0.2, atol=1e-6)


def test_without_a_golden_part_the_second_plane_is_empty() -> None:
    letterbox = Letterbox(spec(channels=2, pad_value=114))
    letterbox(np.zeros((48, 64), np.uint8), np.zeros((48, 64), np.uint8))

    batch, _ = letterbox(np.zeros((48, 64), np.uint8))
    np.testing.assert_allclose(batch[0, 1], 114 / 255, atol=1e-6)


def test_a_golden_part_is_shrunk_as_its_frame_is() -> None:
    letterbox = Letterbox(spec(channels=2))
    pixels = np.random.default_rng(0).integers(0, 255, (96, 128), np.uint8)

    batch, place = letterbox(pixels, pixels)
    assert place.scale == (0.5, 0.5)
    np.testing.assert_array_equal(batch[0, 0], batch[0, 1])
