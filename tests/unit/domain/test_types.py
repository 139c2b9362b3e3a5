from __future__ import annotations

import dataclasses
import pickle
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import inspector.domain
from inspector.domain import (
    BadFrame,
    Box,
    Detection,
    Detections,
    FaultCode,
    Frame,
    InspectionReport,
    InspectorError,
    Measurement,
    ModelId,
    Outcome,
    Reason,
    SpecLimits,
    Trigger,
    Verdict,
    WireVerdict,
    report_from_json,
    report_to_json,
)
from tests.unit.domain.strategies import outcomes, reasons, reports, verdicts

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TRIGGER = Trigger("0007", "cell-1", 1, NOW)


@given(verdicts(), outcomes, reasons)
def test_raising_a_verdict_never_makes_it_milder_and_keeps_its_reasons(
    verdict: Verdict, outcome: Outcome, reason: Reason
) -> None:
    raised = verdict.raised_to(outcome, reason)
    assert raised.outcome >= max(verdict.outcome, outcome, reason.outcome)
    assert raised.reasons == (*verdict.reasons, reason)
    assert raised.fault is verdict.fault


@given(verdicts())
def test_only_a_clean_pass_is_ok_on_the_wire(verdict: Verdict) -> None:
    clean = verdict.outcome is Outcome.PASS and verdict.fault is FaultCode.NONE
    assert (verdict.wire is WireVerdict.OK) == clean
    assert verdict.wire is not WireVerdict.NONE


@given(st.sampled_from([code for code in FaultCode if code]))
def test_a_faulted_part_is_unknown_and_held(code: FaultCode) -> None:
    verdict = Verdict.unknown(code, "why")
    assert verdict.wire is WireVerdict.UNKNOWN
    assert verdict.outcome is Outcome.REVIEW
    assert verdict.reasons[0].note == "why"


@given(verdicts())
def test_no_part_of_a_held_lot_passes_and_every_other_verdict_stays(verdict: Verdict) -> None:
    withheld = verdict.withheld("L-9")
    assert withheld.wire is not WireVerdict.OK
    if verdict.outcome is Outcome.PASS:
        assert (withheld.outcome, withheld.wire, withheld.held_lot) == (Outcome.REVIEW, WireVerdict.UNKNOWN, "L-9")
        assert withheld.reasons[:-1] == verdict.reasons
    else:
        assert withheld == verdict


def test_a_fault_on_a_failed_part_keeps_the_failure() -> None:
    failed = Verdict(Outcome.PASS, (), "r").raised_to(Outcome.FAIL, Reason(Outcome.FAIL, "not_allowed", "open"))
    assert failed.faulted(FaultCode.PLC_LOST, "gone").outcome is Outcome.FAIL


@pytest.mark.parametrize(
    "build",
    [
        lambda: Verdict(Outcome.PASS, (), "r", FaultCode.CRASH),
        lambda: Verdict(Outcome.FAIL, (), "r"),
        lambda: Verdict(Outcome.PASS, (Reason(Outcome.FAIL, "x", "y"),), "r"),
        lambda: Trigger("1", "s", -1, NOW),
        lambda: Trigger("1", "s", 2**32, NOW),
        lambda: Trigger("1", "", 1, NOW),
        lambda: Trigger("1", "s", 1, NOW.replace(tzinfo=None)),
        lambda: Frame(TRIGGER, np.zeros((4, 4), np.uint16), "c", NOW),  # type: ignore[arg-type]
        lambda: Frame(TRIGGER, np.zeros((4, 4, 4), np.uint8), "c", NOW),
        lambda: Frame(TRIGGER, np.zeros((0, 4), np.uint8), "c", NOW),
        lambda: Frame(TRIGGER, np.zeros(4, np.uint8), "c", NOW),
        lambda: Frame(TRIGGER, np.zeros((4, 4), np.uint8), "c", NOW, depth=np.zeros((2, 2), np.float32)),
        lambda: Box(0, 0, 0, 5),
        lambda: Box(0, 0, float("nan"), 5),
        lambda: Detection("a", 1.2, Box(0, 0, 1, 1)),
        lambda: Detection("", 0.2, Box(0, 0, 1, 1)),
        lambda: Measurement("length", float("inf"), "mm", 0.1, "m"),
        lambda: Measurement("length", 1.0, "mm", -0.1, "m"),
        lambda: SpecLimits(lower=2, upper=1),
        lambda: InspectionReport(
            TRIGGER, Verdict(Outcome.PASS, (), ""), measurements=(Measurement("length", 1, "mm", 0, "m", detection=0),)
        ),
    ],
)
def test_what_makes_no_sense_cannot_be_built(build: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        build()  # type: ignore[operator]


def test_a_frame_cannot_be_painted_over() -> None:
    frame = Frame(TRIGGER, np.zeros((4, 6), np.uint8), "c", NOW)
    assert (frame.height, frame.width) == (4, 6)
    with pytest.raises(ValueError, match="read-only"):
        frame.pixels[0, 0] = 1


@given(st.lists(st.floats(0, 1), max_size=8))
def test_detections_come_best_first(scores: list[float]) -> None:
    items = tuple(Detection("a", score, Box(0, 0, 1, 1)) for score in scores)
    kept = [item.score for item in Detections(items, ModelId("m", "1", "0")).items]
    assert kept == sorted(scores, reverse=True)


@given(reports())
def test_a_report_survives_json(report: InspectionReport) -> None:
    text = report_to_json(report)
    again = report_from_json(text)
    assert report_to_json(again) == text
    assert (again.trigger, again.verdict, again.measurements) == (report.trigger, report.verdict, report.measurements)
    for before, after in zip(_masks(report), _masks(again), strict=True):
        assert (before is None) == (after is None)
        assert before is None or np.array_equal(before, after)  # type: ignore[arg-type]


def _masks(report: InspectionReport) -> list[object]:
    return [item.mask for item in report.detections.items] if report.detections else []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format":1}', '{"format":99}', "null"])
def test_text_that_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        report_from_json(text)


def test_errors_say_what_and_what_to_do_and_cross_processes() -> None:
    error = BadFrame("board.png is truncated", remedy="Copy it again")
    assert str(error) == "board.png is truncated. Copy it again"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert isinstance(again, BadFrame)
    assert (again.message, again.remedy) == (error.message, error.remedy)


def test_every_public_word_is_documented_and_every_value_frozen() -> None:
    for name, value in vars(inspector.domain).items():
        if isinstance(value, type) and value.__module__.startswith("inspector.domain"):
            assert value.__doc__, name
            if dataclasses.is_dataclass(value):
                assert value.__dataclass_params__.frozen, name  # type: ignore[attr-defined]
            if issubclass(value, Exception):
                assert issubclass(value, InspectorError), name
