"""The goals of measuring hold on marks whose size is known."""

from __future__ import annotations

import json

import pytest

from inspector.runtime.bench_measure import GOALS, Accuracy, MeasureFigures, measure_marks


@pytest.fixture(scope="module")
def figures() -> MeasureFigures:
    return measure_marks(240, seed=4)


def of(figures: MeasureFigures, method: str, characteristic: str) -> Accuracy:
    (row,) = (r for r in figures.accuracy if (r.method, r.characteristic, r.group) == (method, characteristic, "all"))
    return row


def test_lengths_and_widths_are_right_and_their_uncertainty_is_true(figures: MeasureFigures) -> None:
    length, width = of(figures, "subpixel", "length"), of(figures, "subpixel", "width")
    assert abs(length.bias_px) <= GOALS["bias_px"]
    assert abs(width.bias_px) <= GOALS["bias_px"]
    assert width.std_px <= GOALS["width_std_px"]
    assert length.std_px <= GOALS["length_std_px"]
    # Of 240 marks, the share that a true 95 % covers lies between 91 and 98 % in 99 of 100 cases.
    for row in (length, width, of(figures, "subpixel", "area")):
        assert 0.91 <= row.coverage <= 0.985, row.characteristic


def test_the_spread_is_about_the_least_that_the_pixels_allow(figures: MeasureFigures) -> None:
    for characteristic in ("length", "width"):
        row = of(figures, "subpixel", characteristic)
        assert row.least_std_px is not None
        # The spread of 240 marks is itself uncertain by some percent.
        assert row.std_px == pytest.approx(row.least_std_px, rel=0.2), characteristic
    assert of(figures, "box", "width").least_std_px is None


def test_nearly_every_scratch_is_measured_finely(figures: MeasureFigures) -> None:
    assert sum(figures.fallbacks.values()) <= 0.03 * figures.marks
    assert all(reason.startswith("detector box (") for reason in figures.fallbacks)


def test_the_box_is_told_apart(figures: MeasureFigures) -> None:
    assert abs(of(figures, "box", "length").bias_px) > 10 * abs(of(figures, "subpixel", "length").bias_px)


def test_the_station_is_good_enough_for_its_own_tolerance(figures: MeasureFigures) -> None:
    assert figures.station.percent_of_tolerance < 10


def test_the_figures_are_plain_json(figures: MeasureFigures) -> None:
    body = json.loads(json.dumps(figures.as_dict(), allow_nan=False))
    assert body["marks"] == 240
    assert {row["method"] for row in body["accuracy"]} == {"box", "subpixel"}
