"""ReportArchive and RecordReader: a fake in memory, SQLite and PostgreSQL keep the same promises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.domain import (
    Counts,
    Decision,
    Disposition,
    FaultCode,
    InspectionReport,
    Messages,
    OutboxMessage,
    Outcome,
    RecordedPart,
    RecordReader,
    ReportArchive,
    report_to_json,
)
from inspector.store import Database, RecordStore, SqlOutbox
from tests.support.reports import failed, faulted, held, passed

SCRAP = Disposition(Decision.SCRAP, "above_usl", "too long", "rules")


class MemoryRecord:
    """The least that keeps the promises."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._parts: list[RecordedPart] = []
        self._turn = threading.Lock()
        self._clock = clock
        self.messages: list[OutboxMessage] = []

    def record(
        self,
        report: InspectionReport,
        *,
        pixels: NDArray[np.uint8] | None,
        texts: Mapping[str, str],
        messages: Messages,
        disposition: Disposition | None = None,
        lot: str = "",
    ) -> bool:
        with self._turn:
            if any(part.report.id == report.id for part in self._parts):
                return False
            self._parts.append(RecordedPart(report, dict(texts), None, self._clock(), disposition))
            self.messages.extend(messages(None) if callable(messages) else messages)
            return True

    def latest(self, limit: int) -> Sequence[RecordedPart]:
        return self._parts[::-1][:limit]

    def part(self, part_id: str) -> Sequence[RecordedPart]:
        return [part for part in self._parts[::-1] if part.report.trigger.part_id == part_id]

    def counts(self, since: datetime | None = None) -> Counts:
        verdicts = [part.report.verdict for part in self._parts if since is None or part.recorded_at >= since]
        clean = [verdict.outcome for verdict in verdicts if verdict.fault is FaultCode.NONE]
        passed, review, failed = (clean.count(outcome) for outcome in Outcome)
        return Counts(passed, review, failed, faults=len(verdicts) - len(clean))


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 7, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Case:
    def __init__(self, record: Any, clock: Clock, waiting: Callable[[], Sequence[OutboxMessage]]) -> None:
        self.record, self.clock, self.waiting = record, clock, waiting

    def add(self, report: InspectionReport, **more: Any) -> bool:
        given = {"pixels": None, "texts": {}, "messages": [], **more}
        return bool(self.record.record(report, **given))


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    clock = Clock()
    if request.param == "memory":
        memory = MemoryRecord(clock)
        yield Case(memory, clock, lambda: memory.messages)
        return
    url = f"sqlite:///{tmp_path / 'record.db'}"
    database = Database(url if request.param == "sqlite" else request.getfixturevalue("postgres").empty())
    outbox = SqlOutbox(database)
    yield Case(RecordStore(database, clock=clock), clock, lambda: outbox.pending(0, 1000))
    database.close()


def message(report: InspectionReport) -> OutboxMessage:
    return OutboxMessage(str(report.id), "t/result", '{"a":1}')


def test_it_is_archive_and_reader(case: Case) -> None:
    assert isinstance(case.record, ReportArchive)
    assert isinstance(case.record, RecordReader)


@pytest.mark.parametrize("make", [passed, failed, held, faulted])
def test_what_is_recorded_is_read_back(case: Case, make: Callable[[], InspectionReport]) -> None:
    report = make()
    texts = {"en": "An open.", "zh": "开路，长 0.24 mm"}
    assert case.add(report, texts=texts, disposition=SCRAP)
    (part,) = case.record.latest(10)
    assert report_to_json(part.report) == report_to_json(report)
    assert part.texts == texts
    assert part.disposition == SCRAP
    assert part.recorded_at == case.clock.now


def test_the_same_report_is_recorded_once(case: Case) -> None:
    report = failed()
    assert case.add(report, messages=[message(report)], texts={"en": "first"})
    assert not case.add(report, messages=[message(report)], texts={"en": "second"})
    assert [part.texts["en"] for part in case.record.latest(10)] == ["first"]
    assert [waiting.msg_id for waiting in case.waiting()] == [str(report.id)]


def test_messages_wait_in_the_order_of_recording(case: Case) -> None:
    reports = [passed(number) for number in range(20)]
    for report in reports:
        case.add(report, messages=[message(report)])
    assert [waiting.msg_id for waiting in case.waiting()] == [str(report.id) for report in reports]


def test_latest_is_newest_first_and_no_more_than_asked_for(case: Case) -> None:
    for number in range(5):
        case.add(passed(number))
    assert [part.report.trigger.sequence for part in case.record.latest(3)] == [4, 3, 2]


def test_a_part_inspected_twice_is_found_twice(case: Case) -> None:
    case.add(failed(1, part_id="0042"))
    case.add(passed(2, part_id="42"))
    case.add(passed(3, part_id="0042"))
    assert [part.report.trigger.sequence for part in case.record.part("0042")] == [3, 1]
    assert case.record.part("043") == []


def test_counts_tell_outcomes_from_faults_since_a_moment(case: Case) -> None:
    for report in (passed(1), failed(2), held(3), faulted(4)):
        case.add(report)
    case.clock.now += timedelta(hours=1)
    case.add(passed(5))
    assert case.record.counts() == Counts(passed=2, review=1, failed=1, faults=1)
    assert case.record.counts(case.clock.now) == Counts(passed=1)
    assert case.record.counts(case.clock.now + timedelta(seconds=1)) == Counts()


def test_writers_side_by_side_record_each_report_once(case: Case) -> None:
    reports = [passed(number) for number in range(40)]
    wrote: list[bool] = []

    def work() -> None:
        wrote.extend([case.add(report, messages=[message(report)]) for report in reports])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrote.count(True) == len(reports) == len(case.waiting())
    assert case.record.counts().total == len(reports)
