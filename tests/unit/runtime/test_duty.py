"""Who was there and which shift it was; the shift report told once, after the shift."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspector.domain import OutboxMessage, Person, Queue, Role, StoreError
from inspector.mes import EventMessages, Source
from inspector.mes.messages import Duty
from inspector.reports import Identity, Shift, ShiftCalendar, ShiftPattern, ShiftReport, compile_shift
from inspector.runtime.duty import DutyRoster, ShiftTeller
from inspector.store import Database, RecordStore, ShiftRecord, SqlAccounts, SqlOutbox
from tests.support.reports import START, failed, passed

CALENDAR = ShiftCalendar([ShiftPattern("A", time(6), time(14)), ShiftPattern("B", time(14), time(22))], "UTC")
EVENTS = EventMessages(Source(enterprise="acme", site="north", area="boards", line="line-1", cell="cell-1"))
ROOT = Person("root", Role.ADMIN)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'record.db'}")
    yield database
    database.close()


def test_the_person_at_the_screen_and_the_shift_of_the_trigger_are_on_duty(database: Database) -> None:
    now = START
    accounts = SqlAccounts(database, idle=timedelta(minutes=10), clock=lambda: now)
    accounts.add("jan", Role.OPERATOR, "482913", by=ROOT)
    accounts.add("mei", Role.QUALITY, "a long password", by=ROOT)
    second = 0.0
    roster = DutyRoster(CALENDAR, accounts, clock=lambda: second)
    assert roster(START) == Duty(None, "2026-03-01/A")
    accounts.log_in("jan", "482913")
    assert roster(START) == Duty(None, "2026-03-01/A")  # looked up a moment ago
    second = 3.0
    assert roster(START + timedelta(hours=9)) == Duty("jan", "2026-03-01/B")
    now += timedelta(minutes=1)
    token = accounts.log_in("mei", "a long password")
    second = 6.0
    assert roster(START + timedelta(hours=17)) == Duty("mei", None)
    assert token is not None
    accounts.log_out(token)
    second = 9.0
    assert roster(START).operator == "jan"
    now += timedelta(minutes=11)
    second = 12.0
    assert roster(START).operator is None


def test_a_line_without_log_in_or_calendar_names_nobody() -> None:
    assert DutyRoster(None, None)(START) == Duty(None, None)


class Desk:
    """A record with a shift's parts, and a teller whose clock is set by hand."""

    def __init__(self, database: Database) -> None:
        self.database, self.record, self.outbox = (
            database,
            RecordStore(database, line="line-1", station="aoi-1"),
            SqlOutbox(database, line="line-1", station="aoi-1", queue=Queue.EVENTS),
        )
        for number in range(5):
            report = failed(number) if number == 0 else passed(number)
            self.record.record(report, pixels=None, texts={}, messages=[])
        self.now = datetime(2026, 3, 1, 13, 59, tzinfo=UTC)
        self.compiled = 0

    def teller(self) -> ShiftTeller:
        return ShiftTeller(
            CALENDAR,
            compile_=self._compile,
            message=self._message,
            told=self.outbox.holds,
            tell=lambda message: self.record.tell([message]),
            look_every_s=0.01,
            clock=lambda: self.now,
        )

    def _compile(self, shift: Shift, now: datetime) -> ShiftReport:
        self.compiled += 1
        return compile_shift(
            ShiftRecord(self.database, line="line-1", station="aoi-1"),
            CALENDAR,
            shift,
            line="line-1",
            now=now,
            identity=Identity({}, ""),
            limits_for=lambda _key: None,
        )

    @staticmethod
    def _message(name: str, begins: datetime, ends: datetime, body: Mapping[str, Any]) -> OutboxMessage:
        return EVENTS.shift(name, begins, ends, body)


def test_a_shift_is_told_once_and_only_after_it_has_ended(database: Database) -> None:
    desk = Desk(database)
    desk.now = datetime(2026, 3, 1, 22, 0, 30, tzinfo=UTC)
    teller = desk.teller()
    yesterday = timedelta(days=1)
    for key, begins, ends in (
        ("2026-02-28/A", *(at - yesterday for at in span(6, 14))),
        ("2026-02-28/B", *(at - yesterday for at in span(14, 22))),
        ("2026-03-01/A", *span(6, 14)),
    ):
        desk.record.tell([EVENTS.shift(key, begins, ends, {})])  # told before the restart
    assert teller.look() == []
    assert desk.compiled == 0
    desk.now += timedelta(minutes=1)
    assert teller.look() == ["2026-03-01/B"]
    assert teller.look() == []
    assert desk.teller().look() == []  # another start of the line
    body = json.loads(desk.outbox.pending(0, 100)[-1].body)
    assert (body["schema"], body["shift"]) == ("shift-report/1", "2026-03-01/B")
    assert body["begins"] == "2026-03-01T14:00:00Z"


def test_what_an_outage_has_left_untold_is_told_in_order(database: Database) -> None:
    desk = Desk(database)
    desk.now = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    assert desk.teller().look() == ["2026-02-28/B", "2026-03-01/A", "2026-03-01/B", "2026-03-02/A"]


def test_the_report_counts_the_parts_of_the_shift(database: Database) -> None:
    desk = Desk(database)
    desk.now = datetime(2026, 3, 1, 14, 2, tzinfo=UTC)
    assert desk.teller().look()[-1] == "2026-03-01/A"
    body = json.loads(desk.outbox.pending(0, 10)[-1].body)["body"]
    assert body["format"]
    assert (body["counts"]["passed"], body["counts"]["failed"]) == (4, 1)
    assert body["derived"]["shift"]["key"] == "2026-03-01/A"
    assert body["pareto"][0]["label"] in {"open", "spur"}
    assert "characteristics" not in body  # a value for each part: too much for a message


def test_a_shift_of_long_ago_is_not_told(database: Database) -> None:
    only_sunday = ShiftCalendar([ShiftPattern("A", time(6), time(14), frozenset({6}))], "UTC")
    desk = Desk(database)
    desk.now = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
    teller = desk.teller()
    teller._calendar = only_sunday
    assert teller.look() == []


def test_a_record_that_refuses_is_asked_again(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(database)
    desk.now = datetime(2026, 3, 1, 14, 2, tzinfo=UTC)
    teller = desk.teller()
    tell, teller._tell = teller._tell, refuse
    with pytest.raises(StoreError):
        teller.look()
    teller._tell = tell
    assert teller.look()[-1] == "2026-03-01/A"


def refuse(_message: OutboxMessage) -> None:
    raise StoreError("no")


def span(start: int, end: int) -> tuple[datetime, datetime]:
    return datetime(2026, 3, 1, start, tzinfo=UTC), datetime(2026, 3, 1, end, tzinfo=UTC)
