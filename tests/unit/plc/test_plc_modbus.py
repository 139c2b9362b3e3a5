"""How the handshake's registers lie in Modbus words."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from inspector.domain import ConfigurationError
from inspector.plc.handshake import HANDSHAKE, Name, Side
from inspector.plc.modbus import LAYOUT, ModbusHandshake, decode, encode


def test_every_register_has_its_place_and_none_lies_over_another() -> None:
    assert {name for places in LAYOUT.values() for name in places} == set(HANDSHAKE)
    for side, places in LAYOUT.items():
        words = [at for place in places.values() for at in range(place.offset, place.offset + place.words)]
        assert words == list(range(len(words)))
        assert all(HANDSHAKE[name].side is side for name in places)


@given(number=st.integers(0, 2**32 - 1))
def test_numbers_come_back(number: int) -> None:
    assert decode(Name.SEQ_NO, encode(Name.SEQ_NO, number, 2)) == number


def test_the_high_word_comes_first() -> None:
    assert encode(Name.SEQ_NO, 0x00012345, 2) == [0x0001, 0x2345]


@given(text=st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=32))
def test_texts_come_back(text: str) -> None:
    assert decode(Name.PART_ID, encode(Name.PART_ID, text, 16)) == text


def test_a_long_text_is_cut_and_a_broken_one_is_readable() -> None:
    assert decode(Name.PART_ID, encode(Name.PART_ID, "x" * 40, 16)) == "x" * 32
    assert decode(Name.PART_ID, [0xFFFE, 0]) == "\ufffd\ufffd"


def test_blocks_must_not_lie_over_each_other() -> None:
    with pytest.raises(ConfigurationError, match="reaches into"):
        ModbusHandshake("h", station="cell-1", plc_address=10, line_address=20)
    assert Side.PLC in LAYOUT
