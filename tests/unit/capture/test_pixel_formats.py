"""Every pixel format gives back the picture it was made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inspector.capture.pixel_formats import bytes_needed, known, to_pixels
from inspector.domain import BadFrame

Words = NDArray[np.uint16]


def bit_stream(words: Words, bits: int) -> bytes:
    """Pixels one after the other, lowest bit first: the convention's ``p`` formats."""
    stream = (words[:, None] >> np.arange(bits, dtype=np.uint16)) & 1
    return np.packbits(stream.astype(np.uint8).ravel(), bitorder="little").tobytes()


def gige_packed(words: Words, bits: int) -> bytes:
    """Two pixels in three bytes: high bits, low bits of both, high bits."""
    pairs = np.pad(words, (0, len(words) % 2)).reshape(-1, 2)
    low, mask = bits - 8, (1 << (bits - 8)) - 1
    triples = np.column_stack(
        [pairs[:, 0] >> low, (pairs[:, 0] & mask) | ((pairs[:, 1] & mask) << 4), pairs[:, 1] >> low]
    )
    return triples.astype(np.uint8).tobytes()


@st.composite
def pictures(draw: st.DrawFn) -> tuple[Words, int, int]:
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 7))
    seed = draw(st.integers(0, 2**32 - 1))
    words = np.random.default_rng(seed).integers(0, 2**16, width * height).astype(np.uint16)
    return words, width, height


@pytest.mark.parametrize(
    ("name", "bits", "pack"),
    [
        ("Mono8", 8, lambda words, _bits: words.astype(np.uint8).tobytes()),
        ("Mono10", 10, lambda words, _bits: words.astype("<u2").tobytes()),
        ("Mono12", 12, lambda words, _bits: words.astype("<u2").tobytes()),
        ("Mono14", 14, lambda words, _bits: words.astype("<u2").tobytes()),
        ("Mono16", 16, lambda words, _bits: words.astype("<u2").tobytes()),
        ("Mono10p", 10, bit_stream),
        ("Mono12p", 12, bit_stream),
        ("Mono10Packed", 10, gige_packed),
        ("Mono12Packed", 12, gige_packed),
    ],
)
@settings(deadline=None, max_examples=25)
@given(picture=pictures())
def test_the_eight_highest_bits_arrive(name: str, bits: int, pack: object, picture: tuple[Words, int, int]) -> None:
    words, width, height = picture
    words = words >> np.uint16(16 - bits)
    data = pack(words, bits)  # type: ignore[operator]
    pixels = to_pixels(data, name, width, height)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, (words >> np.uint16(bits - 8)).reshape(height, width))
    assert len(data) >= bytes_needed(name, width, height)


def test_colours_come_as_blue_green_red() -> None:
    rgb = bytes([250, 100, 10] * 6)
    assert to_pixels(rgb, "RGB8", 3, 2)[0, 0].tolist() == [10, 100, 250]
    assert to_pixels(rgb, "BGR8", 3, 2)[0, 0].tolist() == [250, 100, 10]


@pytest.mark.parametrize(
    ("name", "tile"),
    [("BayerRG8", "rggb"), ("BayerGR8", "grbg"), ("BayerGB8", "gbrg"), ("BayerBG8", "bggr"), ("BayerRG12", "rggb")],
)
def test_a_mosaic_becomes_its_colour(name: str, tile: str) -> None:
    value = {"r": 200, "g": 120, "b": 40}
    cell = np.array([[value[tile[0]], value[tile[1]]], [value[tile[2]], value[tile[3]]]])
    mosaic = np.tile(cell, (8, 8))
    data = (mosaic * 16).astype("<u2").tobytes() if name.endswith("12") else mosaic.astype(np.uint8).tobytes()
    assert to_pixels(data, name, 16, 16)[8, 8].tolist() == [40, 120, 200]


def test_grey_of_luminance_and_chroma_is_grey() -> None:
    assert to_pixels(bytes([128, 90] * 4), "YUV422_8_UYVY", 2, 2)[0, 0].tolist() == pytest.approx([86, 86, 86], abs=1)
    assert to_pixels(bytes([90, 128] * 4), "YUV422_8", 2, 2)[0, 0].tolist() == pytest.approx([86, 86, 86], abs=1)


def test_a_partial_picture_is_refused_with_its_numbers() -> None:
    with pytest.raises(BadFrame, match="99 bytes of 100 for 10 x 10 Mono8"):
        to_pixels(bytes(99), "Mono8", 10, 10)


def test_an_unknown_format_is_refused_by_name() -> None:
    assert not known("Coord3D_ABC32f")
    with pytest.raises(BadFrame, match="Coord3D_ABC32f"):
        to_pixels(bytes(99), "Coord3D_ABC32f", 1, 1)


def test_the_pixels_are_no_view_of_the_cameras_memory() -> None:
    memory = bytearray(16)
    pixels = to_pixels(memory, "Mono8", 4, 4)  # type: ignore[arg-type]
    memory[:] = bytes([255]) * 16
    assert not pixels.any()
