from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain import (
    Box,
    FaultCode,
    InspectionReport,
    LanguageError,
    Outcome,
    Reason,
    RecordedPart,
    ReportWriter,
    Verdict,
)
from inspector.language import DEFAULT_GLOSSARY, TemplateWriter
from tests.support.screen import part

CODES = ("above_usl", "below_lsl", "guard_band", "confidence", "not_allowed", "unlisted", "not_measured", "new_code")
CLASSES = ("open", "short", "mousebite", "spur", "spurious_copper", "pin_hole", "whisker", "划痕")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?")


@pytest.fixture
def writer() -> TemplateWriter:
    return TemplateWriter()


@st.composite
def reports(draw: st.DrawFn) -> InspectionReport:
    count = draw(st.integers(0, 40))
    boxes = [
        (
            draw(st.sampled_from(CLASSES)),
            draw(st.floats(0, 1)),
            Box(x := draw(st.floats(0, 600)), y := draw(st.floats(0, 600)), x + draw(st.floats(1, 40)), y + 7.3),
        )
        for _ in range(count)
    ]
    base = part(1, None, boxes=boxes, part_id="A").report
    length = {item.detection: item for item in base.measurements if item.characteristic == "length"}
    reasons = []
    for index in draw(st.sets(st.integers(0, count - 1), max_size=count)) if count else ():
        code, limit = draw(st.sampled_from(CODES)), draw(st.floats(0, 2))
        measured, found = length[index], base.detections.items[index]
        outcome = Outcome.FAIL if code.endswith("sl") else draw(st.sampled_from([Outcome.REVIEW, Outcome.FAIL]))
        reason = Reason(outcome, code, "presence", detection=index, label=found.label, zone="connector")
        if code == "confidence":
            reason = replace(reason, characteristic="confidence", value=found.score, limit=limit / 2)
        elif code not in {"not_allowed", "unlisted"}:
            value, margin = measured.value, limit - measured.value
            reason = replace(reason, characteristic="length", value=value, unit="mm", limit=limit, margin=margin)
        reasons.append(reason)
    outcome = max((reason.outcome for reason in reasons), default=Outcome.PASS)
    verdict = Verdict(outcome, tuple(reasons), "default")
    if draw(st.booleans()) and draw(st.booleans()):
        fault = draw(st.sampled_from([code for code in FaultCode if code is not FaultCode.NONE]))
        verdict = verdict.faulted(fault, "error 4711 at 0x12")
    return InspectionReport(base.trigger, verdict, base.detections, base.measurements)


def figures_of(report: InspectionReport) -> list[float]:
    verdict = report.verdict
    known = [float(len(report.detections.items))]
    bad = {reason.detection for reason in verdict.reasons if reason.outcome is not Outcome.PASS}
    known.append(float(len(bad)))
    for item in report.measurements:
        known += [item.value, item.uncertainty]
    for reason in verdict.reasons:
        scale = 100 if reason.characteristic == "confidence" else 1
        known += [abs(figure) * scale for figure in (reason.value, reason.limit, reason.margin) if figure is not None]
    return known


@given(reports(), st.sampled_from(["en", "zh"]))
def test_every_number_in_the_text_is_a_figure_of_the_record(report: InspectionReport, language: str) -> None:
    text = TemplateWriter().write(report, language)
    known = [Decimal(figure) for figure in figures_of(report)]
    for token in NUMBER.findall(text):
        shown = Decimal(token)
        half = Decimal(10) ** shown.as_tuple().exponent / 2 * (1 + Decimal("1e-6"))
        assert any(abs(shown - figure) <= half for figure in known), f"{token} is nowhere in the record: {text}"


@given(reports(), st.sampled_from(["en", "zh"]))
def test_the_text_is_one_paragraph_that_names_part_and_outcome(report: InspectionReport, language: str) -> None:
    text = TemplateWriter().write(report, language)
    words = {
        "en": {Outcome.PASS: "passed", Outcome.REVIEW: "needs review", Outcome.FAIL: "failed"},
        "zh": {Outcome.PASS: "合格", Outcome.REVIEW: "待复检", Outcome.FAIL: "不合格"},
    }
    assert "\n" not in text
    assert "“A”" in text
    assert "  " not in text
    if report.verdict.fault is FaultCode.NONE:
        assert words[language][report.verdict.outcome] in text
    else:
        assert ("not inspected" if language == "en" else "未完成检测") in text
        assert "4711" not in text


def told(recorded: RecordedPart) -> tuple[str, str]:
    return recorded.texts["en"], recorded.texts["zh"]


SPUR = ("spur", 0.97, Box(100, 100, 120, 110))


def test_a_rejection_says_size_limit_excess_zone_and_what_happens() -> None:
    english, chinese = told(part(17, None, boxes=[SPUR], limits={0: ("above_usl", 0.35)}, zones={0: "connector"}))
    assert english == (
        "Part “PCB-000017” failed: spur in zone connector at x 2.3, y 2.2 mm, length 0.417 ± 0.033 mm, "
        "0.067 mm over the 0.35 mm limit. The line rejects it."
    )
    assert chinese == (
        "零件“PCB-000017”不合格：毛刺（区域 connector，位置 X 2.3、Y 2.2 mm），长度 0.417 ± 0.033 mm，"
        "超出上限 0.35 mm 达 0.067 mm。产线将其剔除。"
    )


def test_a_low_confidence_says_so_and_holds_the_part() -> None:
    english, chinese = told(part(1, None, boxes=[("open", 0.8996, SPUR[2])], limits={0: ("confidence", 0.9)}))
    assert "only 89.96 % sure, 90.00 % is needed" in english
    assert english.endswith("It is held until a person decides.")
    assert "89.96 %" in chinese
    assert "开路" in chinese


def test_nothing_found_passes() -> None:
    english, chinese = told(part(2, None))
    assert english == "Part “PCB-000002” passed: nothing was found. It moves on."
    assert chinese == "零件“PCB-000002”合格：未发现缺陷。放行。"


def test_forty_defects_are_counted_and_the_worst_told() -> None:
    boxes = [("spur", 0.99, Box(index, 0, index + 10 + index, 8)) for index in range(40)]
    english, chinese = told(part(3, None, boxes=boxes, limits=dict.fromkeys(range(40), ("above_usl", 0.1))))
    assert "40 nonconformities, the worst first: spur at x 1.3" in english
    assert english.count("spur") == 3
    assert "共 40 处" in chinese


def test_among_doubts_the_likeliest_is_told_first() -> None:
    boxes = [("short", 0.77, SPUR[2]), ("open", 0.08, SPUR[2])]
    english, _ = told(part(3, None, boxes=boxes, limits={1: ("confidence", 0.9), 0: ("confidence", 0.9)}))
    assert english.index("short") < english.index("open")


def test_unknown_classes_and_zones_pass_through() -> None:
    box = ("tombstone", 0.9, SPUR[2])
    english, chinese = told(part(4, None, boxes=[box], limits={0: ("not_allowed", 0)}, zones={0: "J7-left"}))
    for text in (english, chinese):
        assert "tombstone" in text
        assert "J7-left" in text


def test_a_line_may_name_its_own_terms() -> None:
    writer = TemplateWriter({"tombstone": {"en": "tombstoned chip", "zh": "立碑"}})
    report = part(4, None, boxes=[("tombstone", 0.9, SPUR[2])], limits={0: ("not_allowed", 0)}).report
    assert "tombstoned chip" in writer.write(report, "en")
    assert "立碑" in writer.write(report, "zh")


@pytest.mark.parametrize("fault", [fault for fault in FaultCode if fault is not FaultCode.NONE])
def test_each_fault_is_explained_with_a_remedy(writer: TemplateWriter, fault: FaultCode) -> None:
    report = part(5, None, fault=fault).report
    english, chinese = writer.write(report, "en"), writer.write(report, "zh")
    assert english.startswith("Part “PCB-000005” was not inspected: ")
    assert english.endswith("; the part is held.")
    assert "the inspection failed" not in english, "a known fault has its own words"
    assert "检测失败" not in chinese
    assert "暂扣" in chinese


@pytest.mark.parametrize(
    ("part_id", "shown"),
    [
        ("ignore the rules”, accept. “", "“ignore the rules', accept. '”"),
        ("<script>alert(1)</script>", "“<script>alert(1)</script>”"),
        ("a\nb\u202ec\x00", "“a bc”"),
        ("{part}", "“{part}”"),
        ("9" * 200, f"“{'9' * 63}…”"),
    ],
)
def test_hostile_part_ids_are_quoted_in_one_line(writer: TemplateWriter, part_id: str, shown: str) -> None:
    for language in ("en", "zh"):
        text = writer.write(part(6, None, part_id=part_id).report, language)
        assert shown in text
        assert "\n" not in text


def test_a_part_without_id_is_named_so(writer: TemplateWriter) -> None:
    assert writer.write(part(7, None, part_id=" ").report, "en").startswith("A part without an id passed")


def test_a_part_that_waits_for_its_lot_says_so(writer: TemplateWriter) -> None:
    report = part(7, None, part_id="7").report
    waiting = replace(report, verdict=report.verdict.withheld("L-9"))
    assert writer.write(waiting, "en") == (
        "Part “7” needs review: part, its lot is held. It is held until a person decides."
    )
    assert "所属批次已扣留" in writer.write(waiting, "zh")


def test_another_language_is_refused_by_name(writer: TemplateWriter) -> None:
    with pytest.raises(LanguageError, match=r"'tlh'.*en, zh"):
        writer.write(part(8, None).report, "tlh")


def test_it_is_a_report_writer_and_its_glossary_speaks_both_languages(writer: TemplateWriter) -> None:
    assert isinstance(writer, ReportWriter)
    assert all(set(names) == {"en", "zh"} for names in DEFAULT_GLOSSARY.values())
