"""Control charts and capability against published worked examples, and the criteria for special causes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from inspector.domain import SpecLimits
from inspector.reports.capability import capability, spread_index, worst_side_index
from inspector.reports.spc import D2, D3, SignalKind, individuals, p_chart, xbar_r

# NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2: flow rate of ten batches.
FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
# The same, 6.3.3.2: defective chips of 50 on each of thirty wafers.
WAFERS = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]


def test_individuals_of_the_nist_handbook() -> None:
    chart = individuals(FLOW)
    assert chart.centre == pytest.approx(50.81)
    assert chart.spread == pytest.approx(1.8778, abs=5e-5)
    assert chart.limits[0].upper == pytest.approx(55.8041, abs=5e-5)
    assert chart.limits[0].lower == pytest.approx(45.8159, abs=5e-5)
    assert chart.signals == ()


def test_shares_of_the_nist_handbook() -> None:
    chart = p_chart(WAFERS, [50] * 30)
    assert chart.centre == pytest.approx(0.2313, abs=5e-5)
    assert chart.limits[0].upper == pytest.approx(0.4102, abs=5e-5)
    assert chart.limits[0].lower == pytest.approx(0.0524, abs=5e-5)
    assert [signal.point for signal in chart.signals if signal.kind is SignalKind.BEYOND] == [14, 22]


@pytest.mark.parametrize("size", sorted(D2))
def test_d2_is_the_mean_range_of_normal_values(size: int) -> None:
    # Tippett (1925): E[range] = integral of 1 - F^n - (1 - F)^n.
    mean, _ = integrate.quad(lambda x: 1 - stats.norm.cdf(x) ** size - stats.norm.sf(x) ** size, -8, 8)
    assert D2[size] == pytest.approx(mean, abs=6e-4)


# AIAG SPC, appendix E: D4 by subgroup size.
@pytest.mark.parametrize(("size", "upper"), [(2, 3.267), (3, 2.574), (4, 2.282), (5, 2.114), (7, 1.924), (10, 1.777)])
def test_d3_gives_the_manuals_limits_of_ranges(size: int, upper: float) -> None:
    assert 1 + 3 * D3[size] / D2[size] == pytest.approx(upper, abs=3e-3)


def test_means_and_ranges_follow_the_manuals_constants() -> None:
    # AIAG SPC, appendix E, n = 5: A2 = 0.577, D3 = 0, D4 = 2.114.
    values = np.random.default_rng(3).normal(10, 1, 125)
    chart = xbar_r(values, 5)
    assert chart.second is not None
    assert chart.limits[0].upper - chart.centre == pytest.approx(0.577 * chart.spread, rel=1e-3)
    assert chart.second.limits[0].upper == pytest.approx(2.114 * chart.spread, rel=1e-3)
    assert chart.second.limits[0].lower == 0
    assert len(chart.points) == 25


def test_a_shifted_level_is_a_run() -> None:
    alternating = [10.0, 11.0] * 10
    chart = individuals([*alternating, *[10.9, 11.0] * 4])
    assert {signal.kind for signal in chart.signals} == {SignalKind.RUN}
    assert chart.signals[0].point == 26 - 1


def test_six_rising_points_are_a_trend() -> None:
    chart = individuals([5, 9, 5, 9, 5, 5.5, 6, 6.5, 7, 7.5, 5, 9])
    assert [(signal.kind, signal.point) for signal in chart.signals] == [(SignalKind.TREND, 9)]


def test_one_far_point_is_beyond() -> None:
    values = [10.0, 10.2] * 15
    values[20] = 14.0
    kinds = {(signal.kind, signal.point) for signal in individuals(values).signals}
    assert (SignalKind.BEYOND, 20) in kinds


def test_two_of_three_far_points_on_one_side_count() -> None:
    values = [10.0, 10.4] * 12
    values[11] = values[12] = 11.15
    found = individuals(values).signals
    assert (SignalKind.TWO_OF_THREE, 12) in {(signal.kind, signal.point) for signal in found}


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40))
def test_a_share_never_leaves_its_range(bad: list[int]) -> None:
    chart = p_chart(bad, [50] * len(bad))
    assert all(0 <= limit.lower <= chart.centre <= limit.upper <= 1 for limit in chart.limits)


@pytest.mark.parametrize(("bad", "sizes"), [([], []), ([1], [0]), ([3], [2]), ([1], [1, 2])])
def test_a_share_of_nothing_is_refused(bad: list[int], sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="p chart"):
        p_chart(bad, sizes)


def test_indices_of_the_nist_handbook() -> None:
    # NIST/SEMATECH e-Handbook, 6.1.6: USL 20, LSL 8, mean 16, s 2.
    limits = SpecLimits(lower=8, upper=20)
    cp, cpk = spread_index(limits, 2.0, 49), worst_side_index(limits, 16.0, 2.0, 50, 49)
    assert cp is not None
    assert cp.value == pytest.approx(1.0)
    assert cpk.value == pytest.approx(0.6667, abs=5e-5)


def test_interval_of_montgomerys_example() -> None:
    # D. C. Montgomery, Introduction to Statistical Quality Control, 6th ed., example 8.4: n 20, s 1.75, 38 … 62.
    index = spread_index(SpecLimits(lower=38, upper=62), 1.75, 19)
    assert index is not None
    assert (index.value, index.low, index.high) == (
        pytest.approx(2.29, abs=5e-3),
        pytest.approx(1.57, abs=6e-3),  # the book goes on from the rounded 2.29
        pytest.approx(3.01, abs=5e-3),
    )


def test_the_interval_of_the_worst_side_holds_what_it_promises() -> None:
    # 95 % of the intervals of normal samples contain the true index: the check that needs no source.
    generator, limits, hits = np.random.default_rng(11), SpecLimits(lower=-4.0, upper=5.0), 0
    for _ in range(2000):
        sample = generator.normal(0, 1, 50)
        index = worst_side_index(limits, float(sample.mean()), float(sample.std(ddof=1)), 50, 49)
        hits += index.low <= 4 / 3 <= index.high
    assert 0.93 < hits / 2000 < 0.97


def test_one_limit_gives_one_sided_indices() -> None:
    values = np.random.default_rng(5).normal(0.2, 0.02, 60)
    found = capability(values, individuals(values), SpecLimits(upper=0.35))
    assert found is not None
    assert found.cp is None
    assert found.pp is None
    assert found.ppk.low < found.ppk.value < found.ppk.high
    assert found.looks_normal


@pytest.mark.parametrize("values", [[0.2] * 60, [0.1, 0.2] * 12])
def test_no_variation_or_too_few_values_give_no_index(values: list[float]) -> None:
    array = np.array(values)
    assert capability(array, individuals(array), SpecLimits(upper=0.35)) is None


def test_no_limit_gives_no_index() -> None:
    values = np.arange(60.0)
    assert capability(values, individuals(values), SpecLimits()) is None
