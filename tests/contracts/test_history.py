"""Looking parts up in SQLite and PostgreSQL: every filter against the plain truth, pages without gaps or doubles."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from inspector.domain import (
    Box,
    Decision,
    Detection,
    Detections,
    Disposition,
    FaultCode,
    HistoryQuery,
    HistoryReader,
    HistoryRow,
    InspectionReport,
    Measurement,
    MomentKind,
    OutboxMessage,
    PartKind,
    Person,
    Place,
    Role,
    kind_of_part,
    lot_subject,
    number_of_part,
)
from inspector.store import Database, RecordStore, SqlAuditTrail, SqlHistory, SqlOutbox
from tests.support.shifts import MODEL, NIGHT, inspection

LINE, STATION = "line-1", "cell-1"
MEI = Person("mei", Role.QUALITY)
LABELS = ("open", "spur", "pin_hole")


@dataclass(frozen=True)
class Known:
    """What the test knows of an inspection it has recorded."""

    report: InspectionReport
    lot: str
    sizes: tuple[tuple[str, float], ...]

    def meets(self, query: HistoryQuery) -> bool:
        trigger = self.report.trigger
        low, high = query.size_from or 0.0, query.size_to if query.size_to is not None else 1e9
        finding = any((not query.label or label == query.label) and low <= size <= high for label, size in self.sizes)
        return (
            (query.since is None or trigger.at >= query.since)
            and (query.until is None or trigger.at < query.until)
            and (not query.lot or self.lot == query.lot)
            and (query.kind is None or kind_of_part(self.report) == query.kind)
            and (
                not query.part
                or (number_of_part(trigger.part_id) == int(query.part) if query.part.isdigit() else False)
                or trigger.part_id == query.part
            )
            and (finding or not query.about_findings)
        )


def made(number: int, at: datetime, chance: random.Random) -> tuple[InspectionReport, tuple[tuple[str, float], ...]]:
    """Several findings of random classes and sizes, sometimes none, sometimes a fault."""
    if chance.random() < 0.1:
        return inspection(number, at, fault=FaultCode.DEADLINE), ()
    plain = inspection(number, at, label=chance.choice(["", "spur"]), length=chance.choice([0.3, 0.4]))
    if not plain.measurements:
        return plain, ()
    sizes = tuple((chance.choice(LABELS), round(chance.uniform(0.1, 0.6), 3)) for _ in range(chance.randint(1, 3)))
    items = tuple(Detection(label, 0.9 - n / 100, Box(1, 1, 9, 9)) for n, (label, _) in enumerate(sizes))
    lengths = tuple(Measurement("length", size, "mm", 0.01, "box", n) for n, (_, size) in enumerate(sizes))
    return replace(plain, detections=Detections(items, MODEL), measurements=lengths), sizes


def fill(database: Database, count: int = 160) -> tuple[RecordStore, list[Known]]:
    record, chance = RecordStore(database, line=LINE, station=STATION), random.Random(3)
    other = RecordStore(database, line="line-2", station=STATION)
    known = []
    for number in range(count):
        # Several at the same moment: the key decides then.
        report, sizes = made(number % 50, NIGHT + timedelta(seconds=number // 4), chance)
        lot = f"L{number // 40}"
        known.append(Known(report, lot, sizes))
        record.record(report, pixels=None, texts={}, messages=[], lot=lot)
        other.record(replace(report, id=uuid4()), pixels=None, texts={}, messages=[], lot=lot)
    return record, known


def all_pages(reader: HistoryReader, query: HistoryQuery, limit: int) -> list[HistoryRow]:
    rows: list[HistoryRow] = []
    place: Place | None = None
    while True:
        page = reader.search(query, older_than=place, limit=limit)
        assert len(page.rows) <= limit
        rows += page.rows
        if page.older is None:
            return rows
        place = Place.parse(str(page.older))


SOME_TIME = {"since": NIGHT + timedelta(seconds=5), "until": NIGHT + timedelta(seconds=25)}
QUERIES = [
    HistoryQuery(),
    HistoryQuery(**SOME_TIME),
    HistoryQuery(part="17"),
    HistoryQuery(part="P-00017", **SOME_TIME),
    HistoryQuery(part="P-0001"),
    HistoryQuery(lot="L2"),
    HistoryQuery(lot="L2", kind=PartKind.FAIL, label="spur"),
    *(HistoryQuery(kind=kind) for kind in PartKind),
    HistoryQuery(label="open"),
    HistoryQuery(label="open", size_from=0.3, size_to=0.4, **SOME_TIME),
    HistoryQuery(label="open", kind=PartKind.REVIEW),
    HistoryQuery(size_from=0.55),
    HistoryQuery(size_to=0.12),
    HistoryQuery(size_from=0.3, size_to=0.5, kind=PartKind.FAIL, **SOME_TIME),
    HistoryQuery(part="17", label="open"),
    HistoryQuery(label="no such class"),
]


def test_every_filter_finds_what_there_is_and_nothing_else(database: Database) -> None:
    record, known = fill(database)
    reader = SqlHistory(database, record, line=LINE, station=STATION)
    assert isinstance(reader, HistoryReader)
    for query in QUERIES:
        wanted = {item.report.id for item in known if item.meets(query)}
        for limit in (7, 500):
            rows = all_pages(reader, query, limit)
            assert len(rows) == len(wanted), query
            assert {row.report_id for row in rows} == wanted, query
            assert [row.at for row in rows] == sorted((row.at for row in rows), reverse=True)
        assert len(list(reader.every(query, most=5))) == min(5, len(wanted))
    assert reader.labels() == sorted(LABELS)


def test_sizes_are_found_the_same_way_when_there_are_many(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    record, known = fill(database)
    reader = SqlHistory(database, record, line=LINE, station=STATION)
    for few in (1, 10_000):
        monkeypatch.setattr("inspector.store.history.FEW", few)
        for query in (HistoryQuery(size_from=0.3), HistoryQuery(size_from=0.2, size_to=0.5, kind=PartKind.FAIL)):
            found = {row.report_id for row in all_pages(reader, query, 9)}
            assert found == {item.report.id for item in known if item.meets(query)}


def test_a_row_says_what_was_found_and_decided(database: Database) -> None:
    record = RecordStore(database, line=LINE, station=STATION)
    report = inspection(17, NIGHT, label="spur", length=0.3)
    record.record(
        report, pixels=None, texts={}, messages=[], disposition=Disposition(Decision.HOLD, "c", "", "rules"), lot="L9"
    )
    record.decide(MEI, report.id, Disposition(Decision.SCRAP, "defect_confirmed", "", "mei"))
    (row,) = SqlHistory(database, record, line=LINE, station=STATION).search(HistoryQuery()).rows
    assert (row.report_id, row.part_id, row.at, row.kind) == (report.id, "P-00017", NIGHT, PartKind.REVIEW)
    assert (row.labels, row.largest_mm, row.lot) == (("spur",), 0.3, "L9")
    assert (row.decision, row.decided_by, row.pictured) == (Decision.SCRAP, "mei", False)


def test_the_file_of_a_part_tells_its_whole_story_in_order(database: Database) -> None:
    clock = iter(NIGHT + timedelta(minutes=minute) for minute in range(1, 90))
    record = RecordStore(database, line=LINE, station=STATION, clock=lambda: next(clock))
    report = replace(
        inspection(17, NIGHT, label="spur", length=0.3), timings=replace(inspection(1, NIGHT).timings, total_ms=40.0)
    )
    before = inspection(17, NIGHT - timedelta(hours=1))
    record.record(before, pixels=None, texts={}, messages=[])
    record.record(
        report,
        pixels=None,
        texts={},
        messages=[OutboxMessage(str(report.id), "v1/result", "{}")],
        disposition=Disposition(Decision.HOLD, "confidence", "", "rules"),
        lot="L9",
    )
    SqlOutbox(database, line=LINE, station=STATION, clock=lambda: next(clock)).acknowledge(1)
    record.dispose(report.id, Disposition(Decision.HOLD, "repeats", "", "advisor 1"))
    SqlAuditTrail(database, clock=lambda: next(clock)).add(MEI, "review_refused", "P-00017", "accept")
    record.decide(MEI, report.id, Disposition(Decision.SCRAP, "defect_confirmed", "seen", "mei"))
    file = SqlHistory(database, record, line=LINE, station=STATION).file(report.id)
    assert file is not None
    assert file.lot == "L9"
    assert [other.report.id for other in file.others] == [before.id]
    assert [moment.kind for moment in file.moments] == [
        MomentKind.TRIGGERED,
        MomentKind.ANSWERED,
        MomentKind.RECORDED,
        MomentKind.HELD,
        MomentKind.QUEUED,
        MomentKind.DELIVERED,
        MomentKind.ADVISED,
        MomentKind.REFUSED,
        MomentKind.DECIDED,
    ]
    assert file.moments[1].at == NIGHT + timedelta(milliseconds=40)
    assert (file.moments[-1].who, file.moments[-1].what) == ("mei", "SCRAP")
    assert SqlHistory(database, record, line=LINE, station=STATION).file(uuid4()) is None


def test_what_was_done_to_a_lot_stands_once_and_in_the_story_of_each_of_its_parts(database: Database) -> None:
    record, trail = RecordStore(database, line=LINE, station=STATION), SqlAuditTrail(database)
    reports = [inspection(number, NIGHT) for number in range(1, 4)]
    for report, lot in zip(reports, ("L9", "L9", "L8"), strict=True):
        record.record(report, pixels=None, texts={}, messages=[], lot=lot)
    trail.add(MEI, "hold_lot", lot_subject(LINE, "L9"), "solder paste")
    trail.add(MEI, "hold_lot", lot_subject("line-2", "L9"), "another line's")
    trail.add(MEI, "release_lot_refused", lot_subject(LINE, "L9"))
    trail.add(MEI, "release_lot", lot_subject(LINE, "L9"))
    assert [record.lot_of(report.id) for report in reports] == ["L9", "L9", "L8"]
    assert record.lot_of(uuid4()) == ""
    reader = SqlHistory(database, record, line=LINE, station=STATION)
    stories = []
    for report in reports:
        file = reader.file(report.id)
        assert file is not None
        stories.append([(item.kind, item.who, item.what, item.detail) for item in file.moments if item.what == "L9"])
    held, released = (MomentKind.LOT_HELD, "mei", "L9", "solder paste"), (MomentKind.LOT_RELEASED, "mei", "L9", "")
    assert stories == [[held, released], [held, released], []]


@pytest.mark.parametrize("query", QUERIES)
def test_sqlite_walks_an_index_and_never_a_table(tmp_path: Path, query: HistoryQuery) -> None:
    database = Database(f"sqlite:///{tmp_path / 'r.db'}")
    record, _ = fill(database, 8)
    reader = SqlHistory(database, record, line=LINE, station=STATION)
    statement = reader._keys(query, Place(NIGHT + timedelta(days=1), 9), few=False).limit(51)
    with database.read() as connection:
        compiled = statement.compile(connection.engine, compile_kwargs={"literal_binds": False})
        values = tuple(
            value.astimezone(UTC).isoformat(" ") if isinstance(value, datetime) else value
            for value in (compiled.params[name] for name in compiled.positiontup or ())
        )
        steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)]
    database.close()
    assert not any(step.startswith("SCAN") for step in steps), steps
    # Of the same moment only: those few are sorted.
    assert not any("TEMP B-TREE" in step and "RIGHT PART" not in step for step in steps), steps


def test_a_record_of_before_is_filled_in(tmp_path: Path) -> None:
    file = f"sqlite:///{tmp_path / 'r.db'}"
    Database(file, revision="0004").close()
    with Database(file, revision="0004").write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO inspection (id, report_id, part_id, station, line, sequence, triggered_at, recorded_at,"  # noqa: S608
            " outcome, fault, verdict, recipe, model_name, model_version, model_sha256, total_ms, report, texts) VALUES"
            f" (1, '{uuid4()}', 'PCB-000017', 'cell-1', 'line-1', 17, '2026-11-22 06:00:00.000000',"
            " '2026-11-22 06:00:01.000000', 'REVIEW', 'NONE', 'UNKNOWN', 'default', '', '', '', 1.0, '{}', '{}')"
        )
        connection.exec_driver_sql(
            "INSERT INTO defect (id, inspection_id, detection, label, score, x0, y0, x1, y1, zone)"
            " VALUES (1, 1, 0, 'spur', 0.9, 1, 1, 2, 2, '')"
        )
        connection.exec_driver_sql(
            "INSERT INTO measurement (id, inspection_id, detection, characteristic, value, uncertainty, unit, method,"
            " zone) VALUES (1, 1, 0, 'length', 0.42, 0.01, 'mm', 'box', '')"
        )
    database = Database(file)
    reader = SqlHistory(database, RecordStore(database, line=LINE, station=STATION), line=LINE, station=STATION)
    query = HistoryQuery(part="17", kind=PartKind.REVIEW, label="spur", size_from=0.4, size_to=0.45)
    (row,) = reader.search(query).rows
    assert (row.part_id, row.largest_mm, row.at) == ("PCB-000017", 0.42, datetime(2026, 11, 22, 6, tzinfo=UTC))
    assert len(reader.search(HistoryQuery(label="spur")).rows) == 1
    database.close()


@pytest.mark.parametrize(
    ("part_id", "number"),
    [("17", 17), ("PCB-000017", 17), ("2026-11-17/B", 17), ("board", None), ("", None), ("x" + "9" * 30, None)],
)
def test_the_number_that_people_call_a_part_by(part_id: str, number: int | None) -> None:
    assert number_of_part(part_id) == number


@pytest.mark.parametrize(
    "text", ["", "_", "2026-11-22_5", "2026-11-22T00:00:00+00:00", "x_1", "2026-11-22T00:00:00+00:00_x"]
)
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Place.parse(text)
