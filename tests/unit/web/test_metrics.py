"""GET /metrics: what Prometheus reads is what the API says, and nobody else reads it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from inspector.domain import (
    Decision,
    Disposition,
    FaultCode,
    Lamp,
    LampState,
    OutboxMessage,
    Person,
    Queue,
    RecordedPart,
    Role,
    SettingsError,
    Stage,
    StoreError,
    Timings,
    Waiting,
    Writing,
)
from inspector.language import ReportAuthor
from inspector.runtime.office import Office
from inspector.runtime.spool import Spool
from inspector.settings.links import Screen
from inspector.store import Database, RecordStore, SqlAccounts, SqlOutbox
from inspector.web import Gate, LineMetrics, LiveBoard, Sources
from inspector.web.api import create_api
from tests.support.reports import failed, faulted, held, passed
from tests.support.screen import START, Box, Record, part, status
from tests.support.shifts import LINE, STATION, fill

SPUR = ("spur", 0.97, Box(100, 100, 120, 110))
TOKEN = "a-token-of-nobody-in-particular"  # noqa: S105
SECRET = "correct horse"  # noqa: S105 - of nobody
NOTHING = Waiting(0, None)


class Line:
    """A line in memory whose parts and status a test sets, seen through its API."""

    def __init__(self, folder: Path, gate: Gate | None = None) -> None:
        self.metrics = LineMetrics("board-line-1", "cell-1", deadline_s=0.5, version="1.2.3", token=TOKEN)
        self.board, self.record = LiveBoard(line="board-line-1", seen=self.metrics.part_recorded), Record()
        self.held, self.queues = False, dict.fromkeys(Queue, NOTHING)
        self.journal: int | StoreError = 0
        outboxes = {queue: lambda queue=queue: self.queues[queue] for queue in Queue}
        folders = {"data": folder, "images": folder / "not there yet"}
        self.metrics.watch(Sources(self.board, lambda: self.held, self.waiting, outboxes, folders))
        self.app = create_api(self.board, self.record, gate=gate, metrics=self.metrics)

    def waiting(self) -> int:
        if isinstance(self.journal, StoreError):
            raise self.journal
        return self.journal

    async def get(self, path: str = "/metrics", **headers: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://line") as client:
            return await client.get(path, headers=headers)

    async def read(self) -> dict[str, Metric]:
        answer = await self.get()
        assert answer.status_code == 200
        return {family.name: family for family in parse(answer.text)}


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path)


def read(metrics: LineMetrics) -> dict[str, Metric]:
    return {family.name: family for family in parse(metrics.scrape()[0].decode())}


def value(families: dict[str, Metric], sample: str, **labels: str) -> float | None:
    """Return the sum of the samples that have these labels; None where there are none."""
    found = [
        item.value
        for family in families.values()
        for item in family.samples
        if item.name == sample and labels.items() <= item.labels.items()
    ]
    return sum(found) if found else None


async def test_the_counts_are_those_of_the_api(line: Line) -> None:
    for item in (
        part(1, None),
        part(2, None, boxes=[SPUR], limits={0: ("above_usl", 0.1)}),
        part(3, None, boxes=[SPUR], limits={0: ("guard_band", 0.4)}),
        part(4, None, fault=FaultCode.DEADLINE),
        part(5, None, boxes=[SPUR], limits={0: ("above_usl", 0.1)}, fault=FaultCode.PLC_LOST),
        part(6, None),
    ):
        line.board.part_recorded(item)
    told, counts = await line.read(), (await line.get("/api/v1/status")).json()["counts"]
    of = {"passed": "pass", "review": "review", "failed": "fail", "faults": "fault"}
    assert {key: value(told, "inspector_parts_total", outcome=name) for key, name in of.items()} == {
        key: counts[key] for key in of
    }
    assert value(told, "inspector_parts_total") == counts["total"] == 6
    assert value(told, "inspector_parts_total", fault="plc_lost") == 1
    assert value(told, "inspector_parts_total", fault="camera_lost") == 0
    assert all(
        {"line": "board-line-1", "station": "cell-1"}.items() <= sample.labels.items()
        for family in told.values()
        if family.name.startswith("inspector_")
        for sample in family.samples
    )


def test_the_verdict_path_is_timed_in_seconds_and_the_deadline_is_a_bucket() -> None:
    metrics = LineMetrics("l", "s", deadline_s=0.333, version="1")
    for total_ms in (37.4, 333.0, 340.0, 0.0):
        report = replace(part(1, None).report, timings=Timings({Stage.DETECT: total_ms / 2}, total_ms))
        metrics.part_recorded(RecordedPart(report, {}, None, START))
    told = read(metrics)
    assert value(told, "inspector_verdict_duration_seconds_count") == 3  # what was never timed is not a quick part
    assert value(told, "inspector_verdict_duration_seconds_sum") == pytest.approx(0.7104)
    assert value(told, "inspector_verdict_duration_seconds_bucket", le="0.333") == 2
    assert value(told, "inspector_deadline_seconds") == 0.333
    assert value(told, "inspector_stage_duration_seconds_sum", stage="detect") == pytest.approx(0.3552)
    assert value(told, "inspector_stage_duration_seconds_count", stage="grab") == 0


async def test_a_lamp_is_one_or_nought_or_not_known(line: Line) -> None:
    lamps = {**status(bad=Lamp.PLC).lamps, Lamp.MES: LampState(None, START), Lamp.VOICE: LampState(True, START)}
    line.board.status_changed(replace(status(ready=False), lamps=lamps))
    line.held = True
    told = await line.read()
    assert value(told, "inspector_lamp_good", lamp="plc") == 0
    assert value(told, "inspector_lamp_good", lamp="voice") == 1
    assert value(told, "inspector_lamp_good", lamp="mes") is None
    assert value(told, "inspector_lamp_since_timestamp_seconds", lamp="mes") == START.timestamp()
    assert (value(told, "inspector_ready"), value(told, "inspector_held")) == (0, 1)
    assert value(told, "inspector_line_info", recipe="default", model="bare-board 1", simulated="true") == 1


async def test_texts_are_counted_by_engine_and_by_why_the_template_wrote(line: Line) -> None:
    assert value(await line.read(), "inspector_report_texts_total") is None
    writing = Writing("report-writer 0.1.0", 40, {"late": 2, "engine error": 1})
    line.board.status_changed(replace(status(), writing=writing))
    told = await line.read()
    assert value(told, "inspector_report_texts_total", engine="report-writer 0.1.0", instead="") == 40
    assert value(told, "inspector_report_texts_total", engine="template", instead="late") == 2
    assert value(told, "inspector_report_texts_total") == 43


async def test_what_was_decided_and_by_whom(line: Line) -> None:
    item = part(1, None, boxes=[SPUR], limits={0: ("guard_band", 0.4)})
    for by, decision in (("rules", Decision.HOLD), ("adviser 2", Decision.ACCEPT), ("adviser 3", Decision.ACCEPT)):
        line.board.part_recorded(replace(item, disposition=Disposition(decision, "x", "", by)))
    told = await line.read()
    assert value(told, "inspector_dispositions_total", decision="hold", by="rules") == 1
    assert value(told, "inspector_dispositions_total", decision="accept", by="advice") == 2


async def test_model_and_build_are_named(line: Line) -> None:
    assert value(await line.read(), "inspector_model_info") is None
    line.board.part_recorded(part(1, None))
    line.board.part_recorded(part(2, None, fault=FaultCode.CAMERA_LOST))
    told = await line.read()
    assert value(told, "inspector_model_info", name="bare-board", version="1", sha256="0" * 64) == 1
    assert value(told, "inspector_build_info", version="1.2.3") == 1
    assert value(told, "inspector_last_part_timestamp_seconds") == START.timestamp() + 2
    assert value(told, "process_resident_memory_bytes") > 0


async def test_what_waits_is_told_with_its_age(line: Line) -> None:
    line.journal = 7
    line.queues[Queue.RESULTS] = Waiting(12, START)
    line.queues[Queue.EVENTS] = Waiting(1, datetime(2999, 1, 1, tzinfo=UTC))  # a clock that was set back
    told = await line.read()
    assert value(told, "inspector_journal_parts") == 7
    assert value(told, "inspector_outbox_messages", queue="results") == 12
    assert value(told, "inspector_outbox_oldest_age_seconds", queue="results") > 0
    assert value(told, "inspector_outbox_oldest_age_seconds", queue="events") == 0
    assert value(told, "inspector_outbox_oldest_age_seconds", queue="sparkplug") == 0
    assert value(told, "inspector_disk_free_bytes", folder="data") <= value(
        told, "inspector_disk_size_bytes", folder="data"
    )
    assert value(told, "inspector_disk_free_bytes", folder="images") is None


async def test_a_record_that_cannot_be_read_is_told_and_so_is_the_rest(line: Line) -> None:
    assert value(await line.read(), "inspector_record_up") == 1
    line.journal = StoreError("the journal cannot be used", remedy="")
    told = await line.read()
    assert value(told, "inspector_record_up") == 0
    assert value(told, "inspector_journal_parts") is None
    assert value(told, "inspector_outbox_messages") is None
    assert value(told, "inspector_ready") == 0


def test_an_outbox_says_what_waits_without_its_other_figures(tmp_path: Path) -> None:
    database, _ = fill(tmp_path, [])
    try:
        outbox = SqlOutbox(database, line=LINE, station=STATION)
        assert outbox.waiting() == NOTHING
        _record_three(database, tmp_path)
        first = outbox.waiting()
        assert first.messages == outbox.backlog().messages == 3
        assert first.oldest == outbox.backlog().oldest is not None
        outbox.acknowledge(2)
        assert outbox.waiting().messages == 1
        assert outbox.waiting().oldest > first.oldest
    finally:
        database.close()


def _record_three(database: Database, folder: Path) -> None:
    record = RecordStore(database, None, line=LINE, station=STATION)
    for number in range(3):
        record.record(
            passed(number), pixels=None, texts={}, messages=[OutboxMessage(f"m{number}", "t", "{}")], disposition=None
        )


async def test_who_asks_for_openmetrics_gets_it(line: Line) -> None:
    line.board.status_changed(replace(status(), writing=Writing("template", 3)))
    line.board.part_recorded(part(1, None))
    answer = await line.get(accept="application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert {"inspector_parts", "inspector_report_texts"} <= {family.name for family in openmetrics(answer.text)}
    plain = await line.get()
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_no_part_makes_a_new_series(line: Line) -> None:
    def series(told: dict[str, Metric]) -> set[tuple[str, frozenset[tuple[str, str]]]]:
        return {
            (sample.name, frozenset(sample.labels.items())) for family in told.values() for sample in family.samples
        }

    line.board.part_recorded(part(0, None))
    before = series(await line.read())
    for number in range(300):
        line.board.part_recorded(part(number, None, part_id=f'"{number}\\\n{{x="y"}} ü \x00'))
    assert series(await line.read()) == before


def test_what_the_office_records_is_what_is_counted(tmp_path: Path) -> None:
    database, images = fill(tmp_path, [])
    try:
        metrics, record = LineMetrics("l", "s", deadline_s=1, version="1"), RecordStore(database, images, line=LINE)
        board, spool, author = LiveBoard(seen=metrics.part_recorded), Spool(tmp_path / "journal"), ReportAuthor()
        metrics.watch(Sources(board, lambda: False, spool.backlog, {}, {}))
        office = Office(
            spool=spool,
            archive=record,
            board=board,
            author=author,
            languages=("en", "zh"),
            compose=lambda *_: (),
            written=lambda: None,
            status=status(),
            mes=lambda: LampState(True, START),
            writing=lambda: author.writing,
        )
        for report in (passed(1), failed(2), held(3), faulted(4), passed(5)):
            spool.opened(report)
            spool.answered(report, None)
        assert value(read(metrics), "inspector_journal_parts") == 5
        assert office.record_waiting() == 5
        office.heard(None)
        told, counts = read(metrics), record.counts()
        assert value(told, "inspector_journal_parts") == 0
        assert value(told, "inspector_parts_total", outcome="pass") == counts.passed == 2
        assert value(told, "inspector_parts_total", outcome="fail") == counts.failed == 1
        assert value(told, "inspector_parts_total", outcome="review") == counts.review == 1
        assert value(told, "inspector_parts_total", outcome="fault", fault="camera_lost") == counts.faults == 1
        assert value(told, "inspector_dispositions_total", decision="hold", by="rules") == 2
        assert value(told, "inspector_report_texts_total", engine="template", instead="") == 10
    finally:
        database.close()


async def test_a_scrape_while_parts_are_recorded_never_fails(line: Line) -> None:
    stop, parts = threading.Event(), [part(n, None, fault=fault) for n, fault in enumerate(FaultCode)]

    def record() -> None:
        while not stop.is_set():
            for item in parts:
                line.board.part_recorded(item)
            line.board.status_changed(status(bad=Lamp.PLC))

    recorders = [threading.Thread(target=record) for _ in range(2)]
    for recorder in recorders:
        recorder.start()
    try:
        seen = [value(await line.read(), "inspector_parts_total") for _ in range(20)]
    finally:
        stop.set()
        for recorder in recorders:
            recorder.join()
    assert seen == sorted(seen)
    assert value(await line.read(), "inspector_parts_total") == line.board.counts().total


def test_a_restart_begins_at_zero(tmp_path: Path) -> None:
    first, second = Line(tmp_path), Line(tmp_path)
    first.board.part_recorded(part(1, None))
    assert value(read(second.metrics), "inspector_parts_total") == 0


# --- who may ask ------------------------------------------------------------------------------------------


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[SqlAccounts]:
    database, _ = fill(tmp_path, [])
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    made = SqlAccounts(database, hasher=quick)
    made.add("jan", Role.OPERATOR, SECRET, by=Person("root", Role.ADMIN))
    yield made
    database.close()


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü"]
)
async def test_nobody_reads_without_a_token(tmp_path: Path, accounts: SqlAccounts, authorization: str) -> None:
    line = Line(tmp_path, Gate(accounts))
    transport = httpx.ASGITransport(line.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://line") as client:
        answer = await client.get("/metrics", headers=[(b"authorization", authorization.encode())])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "screen.metrics_token_env" in answer.json()["detail"]
    assert "inspector_" not in answer.text


async def test_a_line_without_log_in_shows_its_figures_to_everybody(line: Line) -> None:
    assert (await line.get()).status_code == 200
    assert (await line.get(authorization="Bearer wrong")).status_code == 200


async def test_the_lines_own_token_opens_this_page_and_no_other(tmp_path: Path, accounts: SqlAccounts) -> None:
    line = Line(tmp_path, Gate(accounts))
    assert (await line.get(authorization=f"Bearer {TOKEN}")).status_code == 200
    assert (await line.get("/api/v1/status", authorization=f"Bearer {TOKEN}")).status_code == 401


async def test_a_line_without_a_token_of_its_own_takes_no_empty_one(tmp_path: Path, accounts: SqlAccounts) -> None:
    app = create_api(
        LiveBoard(),
        Record(),
        gate=Gate(accounts),
        metrics=LineMetrics("l", "s", deadline_s=1, version="1"),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://line") as client:
        assert (await client.get("/metrics", headers={"authorization": "Bearer "})).status_code == 401


async def test_an_operators_session_may_look_and_is_not_kept_alive_by_it(tmp_path: Path, accounts: SqlAccounts) -> None:
    asked: list[bool] = []

    class Watched:
        def who(self, token: str, *, touch: bool = True) -> Person | None:
            asked.append(touch)
            return accounts.who(token, touch=touch)

    line = Line(tmp_path, Gate(Watched()))
    token = accounts.log_in("jan", SECRET)
    assert (await line.get(authorization=f"Bearer {token}")).status_code == 200
    assert asked == [False]


def test_the_token_comes_from_the_environment_and_is_not_short() -> None:
    screen = Screen(metrics_token_env="METRICS")  # noqa: S106 - a name
    assert screen.metrics_token({"METRICS": TOKEN}) == TOKEN
    assert Screen().metrics_token({"METRICS": TOKEN}) is None
    for environment in ({}, {"METRICS": ""}, {"METRICS": "short"}):
        with pytest.raises(SettingsError, match="METRICS") as refused:
            screen.metrics_token(environment)
        assert "openssl rand" in refused.value.remedy
