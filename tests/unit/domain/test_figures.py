from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain import distance_text, exact_text, measured_text, percent_texts, place_text, unit_text


@pytest.mark.parametrize(
    ("value", "uncertainty", "expected"),
    [
        (0.42137, 0.0331, ("0.421", "0.033")),
        (0.4, 0.0996, ("0.40", "0.10")),
        (12.3456, 1.24, ("12.3", "1.2")),
        (1234.5, 118.0, ("1230", "120")),
        (0.0, 0.02, ("0.000", "0.020")),
        (-0.0001, 0.033, ("0.000", "0.033")),
        (0.42137, 0.0, ("0.421", "")),
        (0.42137, None, ("0.421", "")),
        (1e300, 1e290, ("1.00e+300", "1.00e+290")),
        (0.5, 1e-300, ("0.500000000", "0.000000000")),
    ],
)
def test_value_ends_where_its_uncertainty_ends(
    value: float, uncertainty: float | None, expected: tuple[str, str]
) -> None:
    assert measured_text(value, uncertainty) == expected


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 99))
def test_rounding_moves_a_value_by_half_a_last_digit_at_most(value: float, uncertainty: float) -> None:
    text, spread = measured_text(value, uncertainty)
    half = Decimal(10) ** Decimal(spread).as_tuple().exponent / 2
    assert abs(Decimal(text) - Decimal(value)) <= half * (1 + Decimal("1e-6"))
    assert Decimal(text).as_tuple().exponent == Decimal(spread).as_tuple().exponent


@pytest.mark.parametrize(("limit", "text"), [(0.35, "0.35"), (2.0, "2"), (0.1 + 0.2, "0.3"), (0.0, "0"), (-0.0, "0")])
def test_a_limit_reads_as_it_was_set(limit: float, text: str) -> None:
    assert exact_text(limit) == text


@given(st.floats(-1e8, 1e8))
def test_a_limit_is_never_changed_by_more_than_its_ninth_decimal(limit: float) -> None:
    assert float(exact_text(limit)) == pytest.approx(limit, abs=1e-9)


def test_a_distance_is_never_rounded_to_nothing() -> None:
    assert distance_text(-0.0004, 0.033) == "0.000400"
    assert distance_text(-0.07137, 0.033) == "0.071"
    assert distance_text(0.0, 0.033) == "0.000"


@given(st.floats(0, 1), st.floats(0, 1))
def test_two_shares_that_differ_read_differently(share: float, gate: float) -> None:
    first, second = percent_texts(share, gate)
    assert (first != second) or abs(share - gate) < 1e-8


def test_units_are_printed_as_people_write_them() -> None:
    assert (unit_text("mm2"), unit_text("mm"), unit_text("furlong")) == ("mm²", "mm", "furlong")
    assert place_text(-0.01) == "0.0"
