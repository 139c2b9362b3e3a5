"""What people decided about similar parts: the adviser learns it from them, and from nothing else."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from inspector.domain import (
    RECURRENCE_WINDOW,
    Decision,
    Disposition,
    InspectionReport,
    Outcome,
    ReviewedPart,
    findings_by_zone,
    opinion_of,
    would,
)
from inspector.language import advice, doubts, precedents
from inspector.language.advice import DispositionAdvisor, Envelope, Release
from inspector.language.doubts import Doubt, Recurrences, doubts_of
from inspector.language.measure_reviews import measure_reviews, procedures, stream_of
from inspector.language.precedents import KEPT, Precedents
from tests.support.reports import failed, held, passed
from tests.unit.language.test_advice import doubtful

HELD = {Decision.HOLD: 1.0}
LENGTH = ("guard_band", "length")


def doubt(position: float, *, label: str = "spur", zone: str = "", seen: int = 1) -> Doubt:
    return Doubt(LENGTH, label, zone, position, seen)


def reviewed(report: InspectionReport, decision: Decision, number: int = 1) -> ReviewedPart:
    return ReviewedPart(number, report, decision, "within_limits", dict.fromkeys(findings_by_zone(report), 1))


def test_without_precedents_only_what_is_thought_alone_counts() -> None:
    vote = Precedents().vote(doubt(0.4), {Decision.ACCEPT: 0.7, Decision.HOLD: 0.3})
    assert (vote.decision, vote.weight) == (Decision.ACCEPT, 0.0)
    assert Precedents().vote(doubt(0.4), HELD).decision is Decision.HOLD


def test_equal_votes_go_to_the_more_severe() -> None:
    assert Precedents().vote(doubt(0), {Decision.ACCEPT: 0.5, Decision.HOLD: 0.5}).decision is Decision.HOLD


def test_a_threshold_that_nobody_wrote_down_is_learnt_by_class_and_position() -> None:
    rng, known = random.Random(5), Precedents()
    for _ in range(300):
        label, position = rng.choice(("spur", "open")), rng.uniform(-1, 1)
        limit = {"spur": -0.3, "open": 0.4}[label]
        known.add([doubt(position, label=label)], Decision.ACCEPT if position > limit else Decision.SCRAP)
    for label, position, decision in (
        ("spur", -0.1, Decision.ACCEPT),
        ("spur", -0.5, Decision.SCRAP),
        ("open", 0.2, Decision.SCRAP),
        ("open", 0.6, Decision.ACCEPT),
    ):
        vote = known.vote(doubt(position, label=label), HELD)
        assert vote.decision is decision
        assert vote.shares[decision] > 0.8
        assert sum(vote.shares.values()) == pytest.approx(1)


def test_recurrence_counts_where_people_look_at_it() -> None:
    rng, known = random.Random(6), Precedents()
    for _ in range(200):
        seen = rng.randrange(1, 9)
        known.add([doubt(rng.uniform(-1, 1), seen=seen)], Decision.REWORK if seen >= 5 else Decision.ACCEPT)
    assert known.vote(doubt(0.0, seen=8), HELD).decision is Decision.REWORK
    assert known.vote(doubt(0.0, seen=2), HELD).decision is Decision.ACCEPT


def test_a_line_that_changes_its_ways_is_followed() -> None:
    known = Precedents()
    for decision in (Decision.ACCEPT, Decision.SCRAP):
        for _ in range(KEPT):
            known.add([doubt(0.0)], decision)
    assert known.vote(doubt(0.0), HELD).decision is Decision.SCRAP


@pytest.mark.parametrize("decision", [Decision.NONE, Decision.HOLD, Decision.STOP_LINE])
def test_what_decides_nothing_teaches_nothing(decision: Decision) -> None:
    known = Precedents()
    known.add([doubt(0.5)], decision)
    known.add([], Decision.ACCEPT)
    assert len(known) == 0


def test_the_opinion_follows_people_and_says_so_while_the_line_still_holds() -> None:
    advisor = DispositionAdvisor(Envelope())
    report = doubtful(-0.01)
    assert advisor.opinion(report).decision is Decision.HOLD
    for number in range(5):
        advisor.learn(reviewed(report, Decision.REWORK, number))
    opinion = advisor.opinion(report)
    assert (opinion.decision, opinion.reason_code) == (Decision.REWORK, "similar_parts")
    said = advisor.advise(report)
    assert (said.decision, said.reason_code) == (Decision.HOLD, would(Decision.REWORK))
    assert "similar reviewed parts: rework 9" in said.text


def test_people_who_accept_everything_cannot_talk_it_beyond_the_band() -> None:
    advisor = DispositionAdvisor(Envelope([Release("length", 0.5)]))
    for number in range(50):
        advisor.learn(reviewed(doubtful(-0.01), Decision.ACCEPT, number))
    said = advisor.advise(doubtful(-0.01))
    assert (said.decision, opinion_of(said)) == (Decision.HOLD, Decision.ACCEPT)
    assert advisor.advise(doubtful(0.015)).decision is Decision.ACCEPT


def test_people_who_scrap_keep_it_from_releasing() -> None:
    advisor = DispositionAdvisor(Envelope([Release("length", 0.5)]))
    assert advisor.advise(doubtful(0.015)).decision is Decision.ACCEPT
    for number in range(5):
        advisor.learn(reviewed(doubtful(0.015), Decision.SCRAP, number))
    assert advisor.advise(doubtful(0.015)).decision is Decision.HOLD


@pytest.mark.parametrize("margin", [None, float("nan"), float("inf")])
def test_a_part_without_figures_is_held_and_teaches_nothing(margin: float | None) -> None:
    report = doubtful(0.01)
    reason = replace(report.verdict.reasons[0], margin=margin)
    report = replace(report, verdict=replace(report.verdict, reasons=(reason,)))
    advisor = DispositionAdvisor(Envelope())
    advisor.learn(reviewed(report, Decision.ACCEPT))
    assert advisor.opinion(report).decision is Decision.HOLD
    assert doubts_of(report, lambda _: 1) is None


def test_recurrences_forget_what_is_long_ago() -> None:
    seen = Recurrences()
    seen.remember(failed())
    assert (seen.seen(("open", "")), seen.seen(("spur", "connector")), seen.seen(("spur", ""))) == (1, 1, 0)
    for _ in range(RECURRENCE_WINDOW - 1):
        seen.remember(passed())
    assert seen.seen(("open", "")) == 1
    seen.remember(passed())
    assert seen.seen(("open", "")) == 0


def test_a_decision_with_and_without_an_envelope_reads_back() -> None:
    for decision in Decision:
        assert opinion_of(Disposition(Decision.HOLD, would(decision), "", "advisor")) is decision
    assert opinion_of(Disposition(Decision.HOLD, "policy", "", "advisor")) is Decision.HOLD


def test_a_doubtful_score_is_placed_below_its_gate() -> None:
    report = held()
    reason = replace(report.verdict.reasons[0], code="confidence", limit=0.9, margin=-0.3)
    (found,) = doubts_of(replace(report, verdict=replace(report.verdict, reasons=(reason,))), lambda _: 0) or ()
    assert found.position == pytest.approx(-1 / 3)
    assert found.seen == 1


# --- the measurement --------------------------------------------------------------------------------------


def test_the_procedures_are_read_by_the_measurement_alone() -> None:
    assert len(procedures()) == 3
    for module in (advice, doubts, precedents):
        assert "procedures" not in Path(module.__file__ or "").read_text(encoding="utf-8")


@pytest.mark.parametrize("procedure", procedures(), ids=lambda each: each.plant)
def test_reviewed_parts_teach_it_far_more_than_the_rules_know(procedure: object) -> None:
    figures = measure_reviews(procedure, histories=(0, 400), held_out=150)  # type: ignore[arg-type]
    assert figures.agreement[400] > max(figures.agreement[0], figures.commonest) + 0.2
    assert figures.released_alike[400] > figures.holding_all + 0.25
    assert figures.released_alike[400] > 0.85


def test_the_drawn_parts_are_open_or_pass_and_findings_recur_in_episodes() -> None:
    procedure, seen, most = procedures()[0], Recurrences(), 0
    stream = stream_of(procedure, random.Random(3))
    outcomes = []
    for _ in range(600):
        report = next(stream)
        seen.remember(report)
        outcomes.append(report.verdict.outcome)
        most = max([most, *(seen.seen(finding) for finding in findings_by_zone(report))])
    assert set(outcomes) == {Outcome.PASS, Outcome.REVIEW}
    assert most >= 6, "or no clause on repetition ever applies"
