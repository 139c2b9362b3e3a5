"""The record by spans of time: every aggregate is what one counts by hand, and no query reads outside its span."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text

from inspector.domain import Decision, Disposition, InspectionReport, Outcome, ShiftReader
from inspector.store import Database, RecordStore, ShiftRecord
from tests.support.shifts import LINE, MODEL, NIGHT, STATION, fill, inspection, shift_of

START, END = NIGHT, NIGHT + timedelta(hours=2)


@pytest.fixture(scope="module")
def reports() -> list[InspectionReport]:
    return list(shift_of(180))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory, reports: list[InspectionReport]) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("record")
    opened, _ = fill(folder, reports)
    other = RecordStore(opened, line="another-line")
    other.record(inspection(1, START), pixels=None, texts={}, messages=[])
    yield opened
    opened.close()


@pytest.fixture
def reader(database: Database) -> ShiftRecord:
    return ShiftRecord(database, line=LINE, station=STATION)


@pytest.fixture
def within(reports: list[InspectionReport]) -> list[InspectionReport]:
    return [report for report in reports if START <= report.trigger.at < END]


def test_it_is_a_shift_reader(reader: ShiftRecord) -> None:
    assert isinstance(reader, ShiftReader)


def test_tallies_count_each_part_once(reader: ShiftRecord, within: list[InspectionReport]) -> None:
    counted = Counter((report.verdict.outcome, report.verdict.fault) for report in within)
    assert {(row.outcome, row.fault): row.parts for row in reader.tallies(START, END)} == counted


def test_triggers_come_in_order(reader: ShiftRecord, within: list[InspectionReport]) -> None:
    seen = reader.triggers(START, END)
    assert [trigger.sequence for trigger in seen] == [report.trigger.sequence for report in within]
    assert [trigger.at for trigger in seen] == [report.trigger.at for report in within]


def test_defects_are_counted_by_class(reader: ShiftRecord, within: list[InspectionReport]) -> None:
    labels = Counter(item.label for report in within if report.detections for item in report.detections.items)
    found = reader.defects(START, END)
    assert {row.label: row.findings for row in found} == labels
    assert [row.findings for row in found] == sorted(labels.values(), reverse=True)


def test_values_are_those_measured(reader: ShiftRecord, within: list[InspectionReport]) -> None:
    spurs = [
        (report.trigger.part_id, report.measurements[0].value)
        for report in within
        if report.detections and report.detections.items and report.detections.items[0].label == "spur"
    ]
    found = {row.key.label: row for row in reader.characteristics(START, END, {"length"})}
    assert list(zip(found["spur"].part_ids, found["spur"].values.tolist(), strict=True)) == spurs
    assert found["spur"].key.unit == "mm"
    assert found["spur"].uncertainty == pytest.approx(0.02)


def test_models_are_named_once(reader: ShiftRecord) -> None:
    assert reader.models(START, END) == [MODEL]


def test_an_empty_span_is_empty(reader: ShiftRecord) -> None:
    before = START - timedelta(days=9)
    assert reader.tallies(before, START) == []
    assert reader.triggers(before, START) == []
    assert reader.characteristics(before, START, {"length"}) == []
    assert reader.defects(before, START) == []


def test_the_latest_decision_is_known(tmp_path: Path) -> None:
    held = inspection(1, START, label="spur", length=0.3)
    opened, images = fill(tmp_path, [held])
    RecordStore(opened, images, line=LINE).dispose(held.id, Disposition(Decision.SCRAP, "burnt", "seen", "mei"))
    decided = ShiftRecord(opened, line=LINE, station=STATION).decisions(START, END)
    assert [(item.decision, item.decided_by, item.latest) for item in decided] == [
        (Decision.HOLD, "rules", False),
        (Decision.SCRAP, "mei", True),
    ]
    opened.close()


def test_examples_have_their_picture(tmp_path: Path) -> None:
    failed = inspection(1, START, label="spur", length=0.5)
    gone = inspection(2, START, label="open", length=0.5)
    opened, images = fill(tmp_path, [failed, gone])
    (images.folder / images.name(gone)).unlink()
    examples = ShiftRecord(opened, images, line=LINE, station=STATION).examples(START, END)
    assert [(example.label, example.part_id) for example in examples] == [("spur", "P-00001")]
    assert examples[0].image.is_file()
    opened.close()


def test_no_query_reads_a_whole_table(database: Database, reader: ShiftRecord) -> None:
    asked: list[tuple[str, object]] = []

    def remember(_connection: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        asked.append((statement, values))

    with database.read() as connection:
        event.listen(connection.engine, "before_cursor_execute", remember)
        engine = connection.engine
    try:
        for name in ("tallies", "triggers", "models", "defects", "decisions"):
            getattr(reader, name)(START, END)
        reader.characteristics(START, END, {"length"})
    finally:
        event.remove(engine, "before_cursor_execute", remember)
    queries = [(statement, values) for statement, values in asked if statement.startswith("SELECT")]
    assert len(queries) == 6
    with database.read() as connection:
        for statement, values in queries:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()  # type: ignore[arg-type]
            steps = [row[3] for row in plan]
            assert any("triggered_at>? AND triggered_at<?" in step for step in steps), steps
            assert not any(step.startswith("SCAN") and "TEMP" not in step for step in steps), steps
        assert connection.execute(text("SELECT COUNT(*) FROM inspection")).scalar() == 180


def test_an_outcome_is_not_lost(reader: ShiftRecord) -> None:
    assert {row.outcome for row in reader.tallies(START, END)} == set(Outcome)
