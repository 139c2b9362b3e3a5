"""How a measured figure is written: every text, screen and report rounds by the same rule."""

from __future__ import annotations

import math

__all__ = ["distance_text", "exact_text", "measured_text", "percent_texts", "place_text", "unit_text"]

_LARGEST_PLAIN = 1e9
_MOST_DECIMALS = 9
_SIGNIFICANT_WITHOUT_UNCERTAINTY = 3
_UNITS = {"mm2": "mm²", "mm3": "mm³", "um": "µm", "um2": "µm²", "deg": "°", "1": "", "Cel": "°C"}


def measured_text(value: float, uncertainty: float | None = None) -> tuple[str, str]:
    """Return value and uncertainty as text, rounded together.

    The uncertainty keeps two significant digits and the value ends at the same decimal place (JCGM 100:2008
    (GUM), 7.2.6). Without an uncertainty, or with zero, the value keeps three significant digits and the second
    text is empty.

    Parameters
    ----------
    value, uncertainty
        In the same unit; the uncertainty is not negative.
    """
    if not uncertainty:
        return _plain(value, _decimals(value, _SIGNIFICANT_WITHOUT_UNCERTAINTY)), ""
    decimals = _decimals(uncertainty, 2)
    return _plain(value, decimals), _plain(uncertainty, decimals)


def distance_text(margin: float, uncertainty: float | None = None) -> str:
    """Return how far a value lies from its limit, unsigned, rounded like the value but never to nothing."""
    rounded, _ = measured_text(abs(margin), uncertainty)
    return rounded if float(rounded) or not margin else measured_text(abs(margin))[0]


def place_text(coordinate: float) -> str:
    """Return a coordinate in mm with one decimal: it says where to look and is held against no limit."""
    return _plain(coordinate, 1)


def percent_texts(share: float, gate: float) -> tuple[str, str]:
    """Return two shares (0 … 1) as percentages with just enough decimals to tell them apart."""
    first, second = (f"{item * 100:.0f} %" for item in (share, gate))
    for decimals in range(1, _MOST_DECIMALS):
        if first != second or share == gate:
            break
        first, second = (f"{item * 100:.{decimals}f} %" for item in (share, gate))
    return first, second


def exact_text(value: float) -> str:
    """Return a figure that a person set, such as a limit, as it was set: no digit added or dropped."""
    if abs(value) >= _LARGEST_PLAIN or (value and abs(value) < 10.0**-_MOST_DECIMALS):
        return repr(value)
    text = f"{value:.{_MOST_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def unit_text(unit: str) -> str:
    """Return a UCUM unit as people print it (``mm2`` -> ``mm²``); an unknown unit stays as it is."""
    return _UNITS.get(unit, unit)


def _decimals(value: float, significant: int) -> int:
    """Decimal place of the last significant digit; negative left of the point."""
    if not value or not math.isfinite(value):
        return significant - 1
    exponent = int(f"{value:.{significant - 1}e}".partition("e")[2])
    return min(significant - 1 - exponent, _MOST_DECIMALS)


def _plain(value: float, decimals: int) -> str:
    if abs(value) >= _LARGEST_PLAIN:
        return f"{value:.{_SIGNIFICANT_WITHOUT_UNCERTAINTY - 1}e}"
    text = f"{round(value, decimals):.{max(decimals, 0)}f}"
    return text.removeprefix("-") if not float(text) else text
