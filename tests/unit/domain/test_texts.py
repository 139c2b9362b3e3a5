from __future__ import annotations

from datetime import UTC, datetime

from inspector.domain import InspectionReport, Outcome, RecordedPart, ReportText, Trigger, Verdict, kept_texts

NOW = datetime(2026, 1, 2, tzinfo=UTC)
REPORT = InspectionReport(Trigger("A", "cell-1", 1, NOW), Verdict(Outcome.PASS, (), "default"))


def test_a_recorded_part_tells_texts_and_engines_apart_again() -> None:
    kept = kept_texts({"en": ReportText("passed", "report-writer 0.1.0"), "zh": ReportText("合格", "template", "late")})
    recorded = RecordedPart(REPORT, kept, None, NOW)
    assert recorded.texts == {"en": "passed", "zh": "合格"}
    assert recorded.engines == {"en": "report-writer 0.1.0", "zh": "template"}


def test_a_part_of_before_has_texts_only() -> None:
    recorded = RecordedPart(REPORT, {"en": "passed"}, None, NOW)
    assert (recorded.texts, recorded.engines) == ({"en": "passed"}, {})
