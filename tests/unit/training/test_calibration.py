"""Scores that lie are found out, and one temperature makes them honest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.detection.temperature import with_temperature
from inspector.training.calibration import Scored, fit_temperature, match, reliability, scaled
from inspector.training.dataset import Example
from inspector.training.evaluate import Findings
from inspector.training.heat_figures import auroc, per_region_overlap


def drawn(temperature: float, count: int = 20_000) -> Scored:
    """Return findings whose true chance is their score after this temperature."""
    rng = np.random.default_rng(3)
    scores = rng.uniform(0.02, 0.98, count)
    chance = 1 / (1 + np.exp(-np.log(scores / (1 - scores)) / temperature))
    return Scored(scores, rng.random(count) < chance, np.zeros(count, np.int64))


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_the_temperature_that_was_drawn_is_found(temperature: float) -> None:
    scored = drawn(temperature)
    fitted = fit_temperature(scored)
    assert fitted == pytest.approx(temperature, rel=0.05)
    assert reliability(scaled(scored, fitted)).error < 0.015


def test_scores_that_say_too_much_are_found_out() -> None:
    honest, boasting = reliability(drawn(1.0)), reliability(drawn(4.0))
    assert honest.error < 0.02
    assert boasting.error > 0.1
    assert sum(boasting.count) == 20_000
    assert len(boasting.mean_score) == 10


def test_nothing_to_learn_from_changes_nothing() -> None:
    right = Scored(np.array([0.2, 0.9]), np.array([True, True]), np.zeros(2, np.int64))
    assert fit_temperature(right) == 1.0


@given(st.floats(0, 1), st.floats(0.1, 10))
def test_a_temperature_keeps_the_range_and_can_be_undone(score: float, temperature: float) -> None:
    there = with_temperature(score, temperature)
    assert 0 <= there <= 1
    if 1e-3 < there < 1 - 1e-3:
        assert with_temperature(there, 1 / temperature) == pytest.approx(score, abs=1e-9)


@given(st.lists(st.floats(0.001, 0.999), min_size=2, max_size=9), st.floats(0.1, 10))
def test_a_temperature_keeps_the_order(scores: list[float], temperature: float) -> None:
    ordered = [with_temperature(score, temperature) for score in sorted(scores)]
    assert ordered == sorted(ordered)


def test_a_true_box_is_found_once_by_its_best_finding_of_its_class() -> None:
    truth = Example(Path("a"), np.array([[0, 0, 10, 10]], np.float32), np.array([1]), "a")
    found = Findings(
        np.array([[0, 0, 10, 9], [0, 0, 10, 10], [0, 0, 10, 10], [50, 50, 60, 60]], np.float32),
        np.array([0.9, 0.8, 0.95, 0.01], np.float32),
        np.array([1, 1, 0, 1]),
    )
    scored = match([truth], [found], lowest=0.05)
    assert dict(zip(scored.scores.round(2).tolist(), scored.right.tolist(), strict=True)) == {
        0.95: False,  # another class
        0.9: True,
        0.8: False,  # the box is taken
    }


def test_the_chance_that_bad_is_hotter_than_good() -> None:
    assert auroc(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 1.0
    assert auroc(np.array([1.0, 3.0]), np.array([2.0, 3.0])) == pytest.approx(0.625)  # 2.5 of 4 pairs
    assert auroc(np.array([]), np.array([1.0])) is None


def test_every_region_counts_the_same_whatever_its_size() -> None:
    truth = np.zeros((40, 40), np.bool_)
    truth[2:4, 2:4] = truth[20:36, 20:36] = True
    perfect = truth.astype(np.float32)
    small_missed = perfect.copy()
    small_missed[2:4, 2:4] = -1
    assert per_region_overlap([perfect], [truth]) == pytest.approx(1.0)
    assert per_region_overlap([small_missed], [truth]) == pytest.approx(0.5)
    assert per_region_overlap([perfect], [np.zeros_like(truth)]) is None
