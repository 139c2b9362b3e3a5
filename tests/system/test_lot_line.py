"""A lot held on a whole line: no part of it passes, through kills of line and office, until quality releases it."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from inspector.domain import Person, RecordedPart, Role, WireVerdict
from inspector.mes.orders import Order
from inspector.runtime.demo import demo_settings
from inspector.runtime.plant import Plant
from inspector.runtime.wiring.record import build_record
from inspector.settings import LineSettings, NoMes
from inspector.store import Database, Ledger, RecordStore, SqlAccounts

pytestmark = pytest.mark.timeout(900)

LOT, SECRET = "L-9", "correct horse"
PEOPLE = {"jan": Role.OPERATOR, "mei": Role.QUALITY}


def a_line(data: Path) -> LineSettings:
    """Return a line that makes good parts only, of one lot, with an operator and somebody of quality."""
    settings = demo_settings(data, cycle_ms=300)
    settings = settings.model_copy(
        update={
            "camera": settings.camera.model_copy(update={"defect_rate": 0.0}),
            "screen": settings.screen.model_copy(update={"login": "required"}),
            "mes": NoMes(kind="none"),
            "deadline_ms": 30_000,
        }
    )
    assert settings.store.url is not None
    database = Database(settings.store.url)
    accounts = SqlAccounts(database, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    for name, role in PEOPLE.items():
        accounts.add(name, role, SECRET, by=Person("root", Role.ADMIN))
    order = Order(workorder="4711", lot=LOT)
    Ledger(database, line=settings.line, station=settings.station).take_order(order.model_dump_json(by_alias=True))
    database.close()
    return settings


def answered(
    web: httpx.Client, name: str, method: str, path: str, body: Any = None
) -> Generator[None, None, httpx.Response]:
    """Yield while the office is away; return what it answers this person."""
    while True:
        try:
            web.post("/login", data={"name": name, "secret": SECRET})
            return web.request(method, path, json=body)
        except httpx.TransportError:
            yield


def newest(record: RecordStore, after: int) -> list[RecordedPart]:
    """Return the parts that were triggered after this one, oldest first."""
    return [part for part in reversed(record.latest(500)) if part.report.trigger.sequence > after]


def last(record: RecordStore) -> int:
    return max((part.report.trigger.sequence for part in record.latest(1)), default=0)


def told(plant: Plant, record: RecordStore, web: httpx.Client) -> Iterator[None]:
    """Do it step by step; the line goes on between the steps."""

    def recorded(count: int, after: int) -> Iterator[None]:
        while len(newest(record, after)) < count:
            yield

    yield from recorded(2, 0)
    good = newest(record, 0)[0]
    assert good.report.verdict.wire is WireVerdict.OK

    answer = yield from answered(web, "jan", "POST", "/line/lots/hold", {"lot": LOT, "reason": "material"})
    assert answer.status_code == 204
    while not record.latest(1)[0].report.verdict.held_lot:
        yield
    first = last(record)
    yield from recorded(2, first)
    answer = yield from answered(web, "jan", "POST", "/line/lots/release", {"lot": LOT})
    assert answer.status_code == 403

    for name in ("line", "office"):
        pid = plant.supervisor.pid(name)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    killed = last(record)
    yield from recorded(5, killed)
    waiting = newest(record, first)
    assert {part.report.verdict.wire for part in waiting} == {WireVerdict.UNKNOWN}
    # What was in work when its process died is a fault; everything else waits for the lot and has no own decision.
    assert [part for part in waiting if part.report.verdict.held_lot and part.disposition is not None] == []
    assert sum(bool(part.report.verdict.held_lot) for part in waiting if part.report.trigger.sequence > killed) >= 3

    answer = yield from answered(web, "mei", "GET", "/line")
    line = answer.json()
    assert (line["held_by"], line["lot"]) == (None, LOT)
    assert line["held_lots"] == [{"lot": LOT, "by": "jan", "reason": "material"}]
    answer = yield from answered(web, "mei", "POST", "/line/lots/release", {"lot": LOT})
    assert answer.status_code == 204
    while record.latest(1)[0].report.verdict.wire is not WireVerdict.OK:
        yield
    yield from recorded(2, last(record))
    assert record.latest(1)[0].report.verdict.wire is WireVerdict.OK

    # The good part of before the hold tells of both, out of one entry of the trail each.
    answer = yield from answered(web, "mei", "GET", f"/inspections/{good.report.id}")
    story = [(moment["kind"], moment["who"]) for moment in answer.json()["moments"]]
    assert ("lot_held", "jan") in story
    assert ("lot_released", "mei") in story


def test_no_part_of_a_held_lot_passes_until_quality_releases_it(tmp_path: Path) -> None:
    with Plant(a_line(tmp_path / "data"), data=tmp_path / "data") as plant:
        database, record, _ = build_record(plant.settings)
        with httpx.Client(base_url=f"{plant.screen_url}api/v1", timeout=30) as web:
            steps, through = told(plant, record, web), object()
            plant.run(lambda: next(steps, through) is through)
        assert plant.supervisor.restarts == {"line": 1, "office": 1}
        database.close()
