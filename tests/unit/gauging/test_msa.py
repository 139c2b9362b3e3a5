"""The worked examples of the AIAG manual come out as printed there; a faulty study is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from inspector.gauging.msa_attribute import Rating, agreement, kappa
from inspector.gauging.msa_charts import components_chart, linearity_chart, page, parts_chart, stability_chart
from inspector.gauging.msa_variable import Acceptance, Reading, bias, gauge_study, linearity, stability
from tests.unit.gauging.aiag import CROSS_TABS, LINEARITY, STUDY


def test_the_anova_table_is_the_printed_one() -> None:
    rows = {row.source: row for row in gauge_study(STUDY).anova}
    printed = {
        "appraiser": (2, 3.1673),
        "part": (9, 88.3619),
        "part x appraiser": (18, 0.3590),
        "repeatability": (60, 2.7589),
        "total": (89, 94.6471),
    }
    for source, (degrees, squares) in printed.items():
        assert rows[source].degrees == degrees
        assert rows[source].squares == pytest.approx(squares, abs=5e-5)
    assert rows["part x appraiser"].f == pytest.approx(0.434, abs=5e-4)
    assert rows["appraiser"].f == pytest.approx(79.406, abs=5e-3)


def test_the_components_are_the_printed_ones() -> None:
    study = gauge_study(STUDY)
    assert study.pooled
    assert study.repeatability == pytest.approx(0.199933, abs=1e-6)
    assert study.reproducibility == pytest.approx(0.226838, abs=1e-6)
    assert study.grr == pytest.approx(0.302373, abs=2e-6)
    assert study.part_variation == pytest.approx(1.042327, abs=1e-5)
    assert study.total == pytest.approx(1.0853, abs=1e-4)
    assert study.percent_of_total == pytest.approx(27.9, abs=0.05)
    assert study.categories == 4
    assert study.acceptance is Acceptance.CONDITIONAL


def test_the_tolerance_decides_where_there_is_one() -> None:
    wide, narrow = gauge_study(STUDY, tolerance=30), gauge_study(STUDY, tolerance=3)
    assert wide.percent_of_tolerance == pytest.approx(100 * 6 * wide.grr / 30)
    assert (wide.acceptance, narrow.acceptance) == (Acceptance.ACCEPTABLE, Acceptance.UNACCEPTABLE)


def test_a_strong_interaction_is_not_pooled() -> None:
    rng = np.random.default_rng(1)
    twist = {("1", "A"): 5.0, ("2", "B"): 5.0}
    readings = [
        Reading(str(part), who, part + twist.get((str(part), who), 0.0) + rng.normal(0, 0.1))
        for part in range(5)
        for who in "AB"
        for _ in range(3)
    ]
    study = gauge_study(readings)
    assert not study.pooled
    assert study.interaction > study.repeatability


@given(st.integers(0, 10_000))
def test_the_squares_of_every_study_add_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    readings = [Reading(str(p), str(a), rng.normal(p, 1)) for p in range(4) for a in range(3) for _ in range(2)]
    *parts, total = gauge_study(readings).anova
    assert sum(row.squares for row in parts) == pytest.approx(total.squares)
    assert sum(row.degrees for row in parts) == total.degrees


def test_identical_readings_have_no_spread() -> None:
    study = gauge_study([Reading(str(p), a, float(p)) for p in range(3) for a in "AB" for _ in range(2)])
    assert (study.grr, study.percent_of_total) == (0, 0)


@pytest.mark.parametrize(
    ("readings", "says"),
    [
        (STUDY[1:], "appraiser A measured part 1 2 times, others 3 times"),
        ([r for r in STUDY if r.appraiser == "A"], "2 appraisers"),
        (list({(r.part, r.appraiser): r for r in STUDY}.values()), "at least twice"),
    ],
)
def test_an_unbalanced_study_is_refused(readings: list[Reading], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        gauge_study(readings)
    with pytest.raises(ValueError, match="tolerance"):
        gauge_study(STUDY, tolerance=0)


def test_the_linearity_example_is_the_printed_one() -> None:
    result = linearity([(reference, value) for reference, values in LINEARITY.items() for value in values])
    assert result.slope == pytest.approx(-0.1317, abs=5e-5)
    assert result.intercept == pytest.approx(0.7367, abs=5e-5)
    assert result.r_squared == pytest.approx(0.714, abs=5e-4)
    assert result.spread == pytest.approx(0.2395, abs=5e-5)
    assert result.slope_p < 1e-10
    assert {at: round(value, 3) for at, value in result.mean_bias.items()} == {
        2.0: 0.492,
        4.0: 0.125,
        6.0: 0.025,
        8.0: -0.292,
        10.0: -0.617,
    }
    assert not result.acceptable


def test_linearity_agrees_with_an_independent_regression() -> None:
    rng = np.random.default_rng(3)
    pairs = [(float(x), float(x + 0.01 + rng.normal(0, 0.1))) for x in (1, 2, 4, 8) for _ in range(6)]
    result = linearity(pairs)
    x, y = np.array(pairs).T
    other = stats.linregress(x, y - x)
    assert (result.slope, result.intercept) == pytest.approx((other.slope, other.intercept))
    assert result.slope_p == pytest.approx(other.pvalue)
    assert result.acceptable
    with pytest.raises(ValueError, match="references"):
        linearity([(1.0, 1.0)] * 5)


def test_bias_agrees_with_an_independent_t_test() -> None:
    # The readings of the manual's example of the independent sample method; it takes the spread from the range,
    # this from the standard deviation: the same verdict, limits a little narrower.
    values = [5.8, 5.7, 5.9, 5.9, 6.0, 6.1, 6.0, 6.1, 6.4, 6.3, 6.0, 6.1, 6.2, 5.6, 6.0]
    result, other = bias(values, 6.0), stats.ttest_1samp(values, 6.0)
    assert result.bias == pytest.approx(0.0067, abs=5e-5)
    assert (result.t, result.p) == pytest.approx((other.statistic, other.pvalue))
    interval = other.confidence_interval(0.95)
    assert (result.low, result.high) == pytest.approx((interval.low - 6, interval.high - 6))
    assert result.acceptable
    assert not bias(values, 6.2).acceptable
    with pytest.raises(ValueError, match="2 readings"):
        bias([1.0], 1.0)


def test_a_gauge_that_drifts_is_not_stable() -> None:
    rng = np.random.default_rng(5)
    steady = {str(day): rng.normal(10, 0.1, 5).tolist() for day in range(20)}
    assert stability(steady).stable
    drifting = {day: [value + 0.02 * int(day) for value in values] for day, values in steady.items()}
    assert any("average" in alarm for alarm in stability(drifting).alarms)
    noisy = {**steady, "7": [9.0, 11.0, 9.2, 10.9, 10.0]}
    assert any(alarm.startswith("7: spread") for alarm in stability(noisy).alarms)


def test_control_limits_are_those_of_the_tables() -> None:
    # A3 = 1.427, B3 = 0, B4 = 2.089 for subgroups of five (AIAG SPC, 2nd edition, appendix E).
    result = stability({str(k): [1.0, 2.0, 3.0, 4.0, 5.0 + k] for k in range(4)})
    usual = float(np.mean(result.spreads))
    assert (result.mean_limits[1] - result.centre) / usual == pytest.approx(1.427, abs=5e-4)
    assert result.spread_limits[1] / usual == pytest.approx(2.089, abs=5e-4)
    assert result.spread_limits[0] == 0
    with pytest.raises(ValueError, match="same size"):
        stability({"1": [1.0, 2.0], "2": [1.0]})


@pytest.mark.parametrize("name", CROSS_TABS)
def test_kappa_is_the_printed_one(name: str) -> None:
    (both_bad, second_good, first_good, both_good), printed = CROSS_TABS[name]
    first = [False] * (both_bad + second_good) + [True] * (first_good + both_good)
    second = [False] * both_bad + [True] * second_good + [False] * first_good + [True] * both_good
    assert kappa(first, second) == pytest.approx(printed, abs=0.005)


def test_agreement_counts_escapes_and_false_rejects_apart() -> None:
    truth = {"1": True, "2": True, "3": False, "4": False}
    said = {"Ann": truth, "Bo": {**truth, "3": True}, "Cy": {**truth, "1": False}}
    ratings = [
        Rating(part, who, good, truth[part])
        for who, parts in said.items()
        for part, good in parts.items()
        for _ in "12"
    ]
    result = agreement(ratings)
    ann, bo, cy = result.appraisers
    assert (ann.kappa, ann.effectiveness, ann.acceptance) == (1, 1, Acceptance.ACCEPTABLE)
    assert (bo.miss_rate, bo.false_alarm_rate) == (0.5, 0)
    assert (cy.miss_rate, cy.false_alarm_rate) == (0, 0.5)
    assert bo.acceptance is Acceptance.UNACCEPTABLE
    assert result.between["Ann", "Bo"] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="balanced"):
        agreement(ratings[1:])
    with pytest.raises(ValueError, match="two references"):
        agreement([*ratings, Rating("1", "Ann", True, False)])
    with pytest.raises(ValueError, match="same length"):
        kappa([True], [])
    assert kappa([True, True], [True, True]) == 1


def test_charts_and_page_are_drawn_from_the_study() -> None:
    study = gauge_study(STUDY)
    pairs = [(reference, value) for reference, values in LINEARITY.items() for value in values]
    charts = [
        components_chart(study),
        parts_chart(STUDY),
        linearity_chart(pairs, linearity(pairs)),
        stability_chart(stability({str(k): [1.0, 2.0 + k] for k in range(5)})),
    ]
    assert charts[1].count("<circle") == 90 + 3
    assert charts[2].count("<circle") == 60
    text = page("R&R <A>", "may be acceptable", {"a<b": "1"}, charts)
    assert "R&amp;R &lt;A&gt;" in text
    assert text.count("<svg") == 5
    assert "nan" not in text
    assert not math.isnan(study.total)
