from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmi import markup
from hmi.trend import trend
from hmi.view import findings_of, headline, kind_of, marks_of
from hmi.words import _TABLE, Words
from inspector.domain import Box, Counts, FaultCode, Lamp, Outcome, Reason
from inspector.language import DEFAULT_GLOSSARY
from tests.support.screen import part, status

ENGLISH = Words("en", DEFAULT_GLOSSARY)
CHINESE = Words("zh", DEFAULT_GLOSSARY)
SPUR = ("spur", 0.97, Box(100, 100, 120, 110))
OPEN = ("open", 0.95, Box(300, 300, 340, 320))
HOSTILE = "<img src=x onerror=alert(1)>\"'&"


@pytest.mark.parametrize(
    ("limits", "kind", "cause"),
    [
        ({}, "pass", "All findings within their limits"),
        ({0: ("above_usl", 0.35)}, "fail", "Spur 0.417 mm > 0.35 mm"),
        ({0: ("not_allowed", 0)}, "fail", "Spur · 0.417 mm · not allowed"),
        ({0: ("guard_band", 0.4)}, "review", "Spur 0.417 mm ≈ 0.4 mm"),
        ({0: ("guard_band", 0.43)}, "review", "Spur 0.417 mm ≈ 0.43 mm"),
        ({0: ("confidence", 0.98)}, "review", "Spur · Confidence 97 % < 98 %"),
        ({0: ("guard_band", 0.4), 1: ("not_allowed", 0)}, "fail", "Open · 0.833 mm · not allowed  +\u00a01\u00a0more"),
    ],
)
def test_the_cause_is_said_in_a_few_words(limits: dict[int, tuple[str, float]], kind: str, cause: str) -> None:
    report = part(1, None, boxes=[SPUR, OPEN], limits=limits).report
    assert kind_of(report) == kind
    assert headline(report, findings_of(report, ENGLISH), ENGLISH) == cause


@pytest.mark.parametrize("fault", [fault for fault in FaultCode if fault is not FaultCode.NONE])
def test_every_fault_has_its_own_words(fault: FaultCode) -> None:
    report = part(1, None, boxes=[SPUR], fault=fault).report
    assert kind_of(report) == "fault"
    for words in (ENGLISH, CHINESE):
        assert headline(report, (), words) != fault.name


def test_findings_are_numbered_from_the_worst_and_marks_agree() -> None:
    report = part(1, None, boxes=[SPUR, OPEN], limits={1: ("above_usl", 0.35)}, zones={1: "connector"}).report
    findings = findings_of(report, ENGLISH)
    assert [(one.number, one.name, one.kind, one.zone) for one in findings] == [
        (1, "Open", "fail", "connector"),
        (2, "Spur", "pass", ""),
    ]
    assert marks_of(findings, report) == [
        {"number": 1, "box": [300, 300, 340, 320], "kind": "fail", "name": "Open", "size": "0.833 mm"},
        {"number": 2, "box": [100, 100, 120, 110], "kind": "pass", "name": "Spur", "size": "0.417 mm"},
    ]


def test_a_value_and_its_limit_share_one_scale() -> None:
    report = part(1, None, boxes=[SPUR], limits={0: ("above_usl", 0.35)}).report
    (row,) = findings_of(report, ENGLISH)[0].held
    assert (row.value, row.spread, row.unit, row.limit, row.why) == (
        "0.417", "0.033", "mm", "0.35 mm", "over by 0.067 mm"
    )  # fmt: skip
    assert row.bar is not None
    assert row.bar.upper
    assert row.bar.value / row.bar.limit == pytest.approx(0.41667 / 0.35, rel=1e-4)
    assert 0 < row.bar.low < row.bar.value < row.bar.high < 1


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.sampled_from(["above_usl", "below_lsl", "guard_band"]))
def test_no_bar_leaves_its_track(value: float, limit: float, code: str) -> None:
    reason = Reason(Outcome.FAIL, code, "length", value, "mm", limit, limit - value)
    recorded = part(1, None)
    report = recorded.report
    object.__setattr__(report, "verdict", report.verdict.raised_to(Outcome.FAIL, reason))
    (finding,) = findings_of(report, ENGLISH)
    bar = finding.held[0].bar
    assert bar is not None
    assert all(0 <= share <= 1 for share in (bar.value, bar.low, bar.high, bar.limit))
    if code != "guard_band":
        assert bar.upper == (code == "above_usl")


def test_foreign_words_are_shown_not_run() -> None:
    recorded = part(1, None, boxes=[(HOSTILE, 0.9, SPUR[2])], limits={0: ("not_allowed", 0)}, part_id=HOSTILE,
                    zones={0: HOSTILE})  # fmt: skip
    shown = "".join(
        [
            markup.banner(recorded, ENGLISH, earlier=True),
            markup.measures(recorded, ENGLISH),
            markup.report_text(recorded, ENGLISH),
            markup.strip([recorded], [HOSTILE], "", ENGLISH),
            markup.caption(recorded, ENGLISH),
        ]
    )
    assert "<img src=x" not in shown
    assert "&lt;img" in shown


def test_counts_and_yield_are_the_records() -> None:
    tally = Counts(passed=7, review=1, failed=2, faults=0)
    assert "70.0<small> %" in markup.first_pass_yield(tally, ENGLISH)
    assert "10 parts" in markup.first_pass_yield(tally, ENGLISH)
    assert "<b>7</b>" in markup.counts(tally, ENGLISH)
    assert markup.first_pass_yield(Counts(), ENGLISH).count("–") == 1


def test_the_trend_begins_with_the_first_full_block() -> None:
    assert "Begins after 25 parts" in trend((), None, ENGLISH)
    assert "25 件后开始" in trend((), 0.5, CHINESE)


@given(st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=40), st.floats(0, 1, allow_nan=False))
def test_every_point_of_the_trend_lies_within_its_axis(points: list[float], whole: float) -> None:
    shown = trend(points, whole, ENGLISH)
    (line,) = re.findall(r'<polyline points="([^"]+)"', shown)
    places = [tuple(map(float, pair.split(","))) for pair in line.split()]
    assert len(places) == len(points)
    assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y in places)
    high, low = map(int, re.findall(r"<span>(\d+) %</span>", shown))
    assert 0 <= low < high <= 100
    assert low - 1 <= 100 * min(points)
    assert 100 * max(points) <= high + 1
    # A better block stands higher.
    best = points.index(max(points))
    assert places[best][1] == min(y for _, y in places)


def test_a_lost_connection_says_why() -> None:
    assert markup.alert(status(), ENGLISH) == ""
    assert "connection refused" in markup.alert(status(bad=Lamp.PLC), ENGLISH)


def test_each_word_is_there_in_both_languages() -> None:
    assert all(english and chinese for english, chinese in _TABLE.values())


def test_an_unknown_class_reads_as_it_is() -> None:
    assert CHINESE.title("cold_joint") == "Cold joint"
    assert CHINESE.title("spur") == "毛刺"


def test_the_report_says_who_wrote_it_and_a_record_of_before_does_not() -> None:
    recorded = part(1, None)
    assert "author" not in markup.report_text(recorded, ENGLISH)
    by_model = replace(recorded, engines={"en": "report-writer 0.1.0", "zh": "template"})
    assert "report-writer 0.1.0" in markup.report_text(by_model, ENGLISH)
    assert "模板" in markup.report_text(by_model, CHINESE)
