"""The rules decide: what is proven good passes, what is proven bad fails, and doubt goes to review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain import (
    Box,
    Detection,
    Detections,
    FaultCode,
    Judge,
    Measurement,
    ModelId,
    Outcome,
    SpecLimits,
    Trigger,
    Verdict,
    WireVerdict,
)
from inspector.judgement import Recipe, Rule, RuleJudge, judge_value

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PASS, REVIEW, FAIL = Outcome.PASS, Outcome.REVIEW, Outcome.FAIL


def recipe(*rules: Rule, gate: float = 0.9, unlisted: Outcome = FAIL, guard_band: float = 1.0) -> Recipe:
    return Recipe("default", 1, gate, unlisted, rules, guard_band)


def limit(defect: str = "spur", characteristic: str = "length", *, zone: str | None = None, **limits: float) -> Rule:
    return Rule(defect, zone, characteristic=characteristic, limits=SpecLimits(**limits))


class Part:
    """Collects findings and their measurements."""

    def __init__(self, trigger_recipe: str = "") -> None:
        self.trigger = Trigger("0001", "cell-1", 1, NOW, recipe=trigger_recipe)
        self.findings: list[tuple[Detection, list[Measurement]]] = []

    def with_finding(
        self, label: str = "spur", score: float = 0.95, *, zone: str = "", uncertainty: float = 0.02, **values: float
    ) -> Part:
        measurements = [Measurement(name, value, "mm", uncertainty, "test", 0, zone) for name, value in values.items()]
        if zone:
            measurements.append(Measurement("position_x", 1, "mm", 0, "test", 0, zone))
        self.findings.append((Detection(label, score, Box(0, 0, 9, 9)), measurements))
        return self

    def judged_by(self, *recipes: Recipe, default: str = "default") -> Verdict:
        best_first = sorted(self.findings, key=lambda finding: -finding[0].score)
        found = Detections(tuple(detection for detection, _ in best_first), ModelId("fake", "1", "0" * 64))
        measurements = [
            replace(measurement, detection=index)
            for index, (_, measured) in enumerate(best_first)
            for measurement in measured
        ]
        return RuleJudge(recipes, default=default).judge(self.trigger, found, measurements)


def codes(verdict: Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


def test_a_part_without_findings_passes() -> None:
    verdict = Part().judged_by(recipe())
    assert isinstance(RuleJudge([recipe()], default="default"), Judge)
    assert verdict == Verdict(PASS, (), "default")
    assert verdict.wire is WireVerdict.OK


@pytest.mark.parametrize(
    ("value", "outcome", "code"),
    [
        (0.32, PASS, []),
        (0.3300001, REVIEW, ["guard_band"]),
        (0.35, REVIEW, ["guard_band"]),
        (0.3699999, REVIEW, ["guard_band"]),
        (0.3700001, FAIL, ["above_usl"]),
    ],
)
def test_the_upper_limit_has_a_guard_band_on_both_sides(value: float, outcome: Outcome, code: list[str]) -> None:
    verdict = Part().with_finding(length=value).judged_by(recipe(limit(upper=0.35)))
    assert verdict.outcome is outcome
    assert codes(verdict) == code


@pytest.mark.parametrize(
    ("value", "outcome", "code"),
    [
        (0.38, PASS, []),
        (0.3699999, REVIEW, ["guard_band"]),
        (0.3300001, REVIEW, ["guard_band"]),
        (0.32, FAIL, ["below_lsl"]),
    ],
)
def test_the_lower_limit_is_its_mirror(value: float, outcome: Outcome, code: list[str]) -> None:
    verdict = Part().with_finding(length=value).judged_by(recipe(limit(lower=0.35)))
    assert verdict.outcome is outcome
    assert codes(verdict) == code


def test_a_value_without_doubt_on_the_limit_conforms() -> None:
    measurement = Measurement("length", 0.35, "mm", 0.0, "test")
    assert judge_value(measurement, SpecLimits(lower=0.35, upper=0.35)) == ()


def test_a_guard_band_of_zero_is_plain_acceptance() -> None:
    rule = limit(upper=0.35)
    assert Part().with_finding(length=0.35).judged_by(recipe(rule, guard_band=0)).outcome is PASS
    assert Part().with_finding(length=0.3501).judged_by(recipe(rule, guard_band=0)).outcome is FAIL


def test_a_reason_names_value_limit_margin_and_finding() -> None:
    verdict = (
        Part()
        .with_finding("open", length=1)
        .with_finding(length=0.5, zone="connector")
        .judged_by(recipe(Rule("open"), limit(upper=0.35)))
    )
    (reason,) = verdict.reasons
    assert (reason.outcome, reason.code, reason.characteristic) == (FAIL, "above_usl", "length")
    assert (reason.value, reason.unit, reason.limit) == (0.5, "mm", 0.35)
    assert reason.margin == pytest.approx(-0.15)
    assert (reason.detection, reason.zone, reason.label) == (1, "connector", "spur")


@pytest.mark.parametrize("rules", [(Rule("open", allowed=False),), (Rule("open"),), (), (limit("open", upper=1),)])
def test_a_finding_below_the_gate_is_review_whatever_it_is(rules: tuple[Rule, ...]) -> None:
    verdict = Part().with_finding("open", 0.89, length=99).judged_by(recipe(*rules))
    assert verdict.outcome is REVIEW
    (reason,) = verdict.reasons
    assert (reason.code, reason.value, reason.limit) == ("confidence", 0.89, 0.9)
    assert verdict.wire is WireVerdict.UNKNOWN


def test_a_finding_on_the_gate_decides() -> None:
    assert codes(Part().with_finding("open", 0.9).judged_by(recipe(Rule("open", allowed=False)))) == ["not_allowed"]


def test_a_sure_finding_that_is_not_allowed_fails_the_part() -> None:
    verdict = Part().with_finding("open").judged_by(recipe(Rule("open", allowed=False)))
    assert verdict.outcome is FAIL
    assert verdict.wire is WireVerdict.NOK


@pytest.mark.parametrize("unlisted", [FAIL, REVIEW])
def test_a_class_without_a_rule_is_what_the_recipe_says(unlisted: Outcome) -> None:
    verdict = Part().with_finding("open").judged_by(recipe(limit("spur", upper=1), unlisted=unlisted))
    assert verdict.outcome is unlisted
    assert codes(verdict) == ["unlisted"]


def test_a_class_with_rules_in_other_zones_only_is_unlisted_here() -> None:
    assert codes(Part().with_finding().judged_by(recipe(limit(zone="connector", upper=1)))) == ["unlisted"]


def test_a_size_that_a_rule_needs_and_nobody_measured_is_review() -> None:
    verdict = Part().with_finding(width=0.1).judged_by(recipe(limit(upper=1)))
    assert verdict.outcome is REVIEW
    assert codes(verdict) == ["not_measured"]


def test_measurements_of_another_finding_do_not_count() -> None:
    verdict = (
        Part().with_finding("open", length=0.1).with_finding("spur").judged_by(recipe(Rule("open"), limit(upper=1)))
    )
    assert codes(verdict) == ["not_measured"]


class TestZones:
    """A rule that names the zone wins over the general one."""

    general = limit(upper=0.35)

    @pytest.mark.parametrize(("zone", "outcome"), [("", PASS), ("edge", PASS), ("connector", FAIL)])
    def test_a_stricter_limit_holds_in_its_zone_only(self, zone: str, outcome: Outcome) -> None:
        rules = recipe(self.general, limit(zone="connector", upper=0.2))
        assert Part().with_finding(length=0.3, zone=zone).judged_by(rules).outcome is outcome

    def test_a_looser_limit_replaces_the_general_one(self) -> None:
        rules = recipe(self.general, limit(zone="edge", upper=2))
        assert Part().with_finding(length=1, zone="edge").judged_by(rules).outcome is PASS

    def test_general_limits_of_other_characteristics_stay(self) -> None:
        rules = recipe(self.general, limit(characteristic="area", zone="edge", upper=2))
        assert codes(Part().with_finding(length=1, area=1, zone="edge").judged_by(rules)) == ["above_usl"]

    def test_a_limit_in_the_zone_lifts_the_general_ban(self) -> None:
        rules = recipe(Rule("spur", allowed=False), limit(zone="edge", upper=2))
        assert Part().with_finding(length=1, zone="edge").judged_by(rules).outcome is PASS
        assert Part().with_finding(length=1).judged_by(rules).outcome is FAIL

    def test_a_ban_in_the_zone_stands_beside_general_limits(self) -> None:
        rules = recipe(self.general, Rule("spur", "connector", allowed=False))
        assert codes(Part().with_finding(length=0.1, zone="connector").judged_by(rules)) == ["not_allowed"]

    def test_a_blanket_permission_in_the_zone_lifts_general_limits(self) -> None:
        rules = recipe(self.general, Rule("spur", "edge"))
        assert Part().with_finding(length=9, zone="edge").judged_by(rules).outcome is PASS


class TestRecipes:
    """The trigger may name a recipe."""

    strict = Recipe("strict", 2, rules=(Rule("spur", allowed=False),))
    lenient = Recipe("lenient", 3, rules=(Rule("spur"),))

    @pytest.mark.parametrize(
        ("asked", "outcome", "name"),
        [("", PASS, "lenient"), ("strict", FAIL, "strict"), ("2", FAIL, "strict"), ("3", PASS, "lenient")],
    )
    def test_by_name_or_id_else_the_default(self, asked: str, outcome: Outcome, name: str) -> None:
        verdict = Part(asked).with_finding().judged_by(self.strict, self.lenient, default="lenient")
        assert (verdict.outcome, verdict.recipe) == (outcome, name)

    @pytest.mark.parametrize("asked", ["4", "Strict", "lenient "])
    def test_an_unknown_one_is_a_fault_and_never_the_default(self, asked: str) -> None:
        verdict = Part(asked).judged_by(self.strict, self.lenient, default="lenient")
        assert verdict.fault is FaultCode.RECIPE
        assert verdict.wire is WireVerdict.UNKNOWN
        assert asked in verdict.reasons[-1].note

    def test_two_recipes_with_one_id_or_name_are_refused(self) -> None:
        with pytest.raises(ValueError, match="two recipes answer to 2"):
            RuleJudge([self.strict, Recipe("other", 2)], default="strict")
        with pytest.raises(ValueError, match="two recipes answer to 3"):
            RuleJudge([self.lenient, Recipe("3", 7)], default="lenient")

    def test_a_default_that_is_not_there_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no recipe default"):
            RuleJudge([self.strict], default="default")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rule("spur", characteristic="length"),
        lambda: Rule("spur", limits=SpecLimits(upper=1)),
        lambda: Rule("spur", allowed=False, characteristic="length", limits=SpecLimits(upper=1)),
        lambda: Recipe("", 1),
        lambda: Recipe("r", 1, confidence_gate=1.1),
        lambda: Recipe("r", 1, unlisted=PASS),
        lambda: Recipe("r", 1, guard_band=-1),
        lambda: Recipe("r", 1, guard_band=float("nan")),
    ],
)
def test_senseless_rules_and_recipes_are_refused(make: object) -> None:
    with pytest.raises(ValueError, match=r"needs|cannot|must"):
        make()  # type: ignore[operator]


# --- what holds for all parts -----------------------------------------------------------------------------

LABELS = ("open", "short", "spur")
ZONES = ("", "connector", "edge")
sizes = st.floats(0, 2, allow_nan=False)
limits = st.one_of(
    st.builds(lambda usl: SpecLimits(upper=usl), sizes),
    st.builds(lambda lsl: SpecLimits(lower=lsl), sizes),
    st.builds(lambda a, b: SpecLimits(lower=min(a, b), upper=max(a, b)), sizes, sizes),
)
zones = st.sampled_from([None, *ZONES[1:]])
rules = st.one_of(
    st.builds(Rule, st.sampled_from(LABELS), zones, st.booleans()),
    st.builds(
        lambda label, zone, name, lim: Rule(label, zone, characteristic=name, limits=lim),
        st.sampled_from(LABELS),
        zones,
        st.sampled_from(["length", "area"]),
        limits,
    ),
)
recipes = st.builds(
    lambda many, gate, unlisted: recipe(*many, gate=gate, unlisted=unlisted),
    st.lists(rules, max_size=6),
    st.floats(0, 1),
    st.sampled_from([FAIL, REVIEW]),
)
Finding = tuple[str, float, str, dict[str, float], float]
findings = st.tuples(
    st.sampled_from(LABELS),
    st.floats(0.1, 1),
    st.sampled_from(ZONES),
    st.dictionaries(st.sampled_from(["length", "area"]), sizes),
    st.floats(0, 0.5),
)


def outcome_of(judged_by: Recipe, parts: Sequence[Finding]) -> Outcome:
    part = Part()
    for label, score, zone, values, uncertainty in parts:
        part.with_finding(label, score, zone=zone, uncertainty=uncertainty, **values)
    return part.judged_by(judged_by).outcome


@given(recipes, st.lists(findings, max_size=4), findings)
def test_one_more_finding_is_never_milder(by: Recipe, parts: list[Finding], extra: Finding) -> None:
    assert outcome_of(by, [*parts, extra]) >= outcome_of(by, parts)


@given(recipes, st.lists(findings, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_rules_and_measurements_does_not_matter(by: Recipe, parts: list[Finding], rng: object) -> None:
    mixed_rules = list(by.rules)
    rng.shuffle(mixed_rules)  # type: ignore[attr-defined]
    other = recipe(*mixed_rules, gate=by.confidence_gate, unlisted=by.unlisted)
    turned = [(a, b, c, dict(reversed(list(d.items()))), e) for a, b, c, d, e in parts]
    assert outcome_of(other, turned) == outcome_of(by, parts)


@given(sizes, sizes, sizes, st.floats(0, 0.5), st.floats(0, 3))
def test_against_an_upper_limit_more_is_never_milder(
    a: float, b: float, usl: float, uncertainty: float, guard_band: float
) -> None:
    by = recipe(limit(upper=usl), guard_band=guard_band)
    less, more = (outcome_of(by, [("spur", 1.0, "", {"length": value}, uncertainty)]) for value in sorted((a, b)))
    assert more >= less


@given(sizes, sizes, sizes, st.floats(0, 0.5))
def test_against_a_lower_limit_less_is_never_milder(a: float, b: float, lsl: float, uncertainty: float) -> None:
    by = recipe(limit(lower=lsl))
    less, more = (outcome_of(by, [("spur", 1.0, "", {"length": value}, uncertainty)]) for value in sorted((a, b)))
    assert less >= more


@given(recipes, findings, st.floats(0, 1))
def test_more_doubt_never_turns_a_held_part_into_a_pass(by: Recipe, finding: Finding, doubt: float) -> None:
    label, score, zone, values, uncertainty = finding
    before = outcome_of(by, [finding])
    after = outcome_of(by, [(label, score, zone, values, uncertainty + doubt)])
    assert before is PASS or after is not PASS


@given(recipes, findings)
def test_an_unsure_finding_is_always_review(by: Recipe, finding: Finding) -> None:
    label, score, *rest = finding
    if score < by.confidence_gate:
        assert outcome_of(by, [(label, score, *rest)]) is REVIEW  # type: ignore[arg-type]


@given(recipes, st.lists(findings, max_size=4))
def test_the_outcome_is_the_worst_of_the_reasons(by: Recipe, parts: list[Finding]) -> None:
    part = Part()
    for label, score, zone, values, uncertainty in parts:
        part.with_finding(label, score, zone=zone, uncertainty=uncertainty, **values)
    verdict = part.judged_by(by)
    assert verdict.outcome == max((reason.outcome for reason in verdict.reasons), default=PASS)
    assert verdict == part.judged_by(by)
