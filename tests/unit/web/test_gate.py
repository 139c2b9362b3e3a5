"""The API behind a log-in: nobody sees anything without a session, and a role decides what it may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from argon2 import PasswordHasher

from inspector.domain import Decision, Desks, InspectionReport, OutboxMessage, Person, Role
from inspector.runtime.review import RecordReviewDesk
from inspector.store import RecordStore, SqlAccounts, SqlAuditTrail, SqlHistory
from inspector.web import Gate, LiveBoard
from inspector.web.api import create_api
from tests.support.shifts import LINE, NIGHT, STATION, fill, inspection

ADMIN = Person("root", Role.ADMIN)
PASSWORDS = {"mei": "correct horse", "jan": "482913", "root": "correct admin"}
DECISION = {"decision": "accept", "reason": "false_alarm", "text": "dust"}


class Line:
    """A line with two held parts and three people."""

    def __init__(self, folder: Path) -> None:
        self.held: list[InspectionReport] = [inspection(number, NIGHT, label="spur", length=0.3) for number in (1, 2)]
        self.database, images = fill(folder, [*self.held, inspection(3, NIGHT)])
        self.record = RecordStore(self.database, images, line=LINE)
        self.trail = SqlAuditTrail(self.database)
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        accounts = SqlAccounts(self.database, hasher=quick)
        for name, role in (("mei", Role.QUALITY), ("jan", Role.OPERATOR), ("root", Role.ADMIN)):
            accounts.add(name, role, PASSWORDS[name], by=ADMIN)
        self.told = 0
        desk = RecordReviewDesk(
            self.record,
            self.trail,
            compose=lambda report, disposition: [
                OutboxMessage(f"{report.id}-{disposition.decision.name}", "b/disposition", "{}")
            ],
            decided=self._count,
        )
        history = SqlHistory(self.database, self.record, line=LINE, station=STATION)
        desks = Desks(review=desk, history=history)
        self.app = create_api(LiveBoard(), self.record, gate=Gate(accounts), desks=desks)

    def _count(self) -> None:
        self.told += 1

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://line/api/v1")

    @asynccontextmanager
    async def logged_in(self, name: str) -> AsyncIterator[httpx.AsyncClient]:
        async with self.client() as client:
            answer = await client.post("/login", data={"name": name, "secret": PASSWORDS[name]})
            assert answer.status_code == 200
            yield client


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path)
    yield made
    made.database.close()


async def test_nobody_sees_anything_without_a_session(line: Line) -> None:
    async with line.client() as client:
        described = (await client.get("/openapi.json")).json()["paths"]
        asked = 0
        for path, methods in described.items():
            if path.removeprefix("/api/v1") in {"/login", "/logout"}:
                continue
            for method in methods:
                url = path.removeprefix("/api/v1").format(part_id="x", report_id=uuid4())
                answer = await client.request(method, url, json=DECISION)
                assert answer.status_code == 401, (method, path)
                asked += 1
        assert asked >= 6


async def test_a_session_is_a_cookie_that_scripts_cannot_read(line: Line) -> None:
    async with line.client() as client:
        answer = await client.post("/login", data={"name": "mei", "secret": PASSWORDS["mei"]})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert (await client.get("/me")).json() == {"name": "mei", "role": "quality", "login": True}
        await client.post("/logout")
        assert (await client.get("/me")).status_code == 401


async def test_a_program_uses_the_token(line: Line) -> None:
    async with line.client() as client:
        token = (await client.post("/login", data={"name": "mei", "secret": PASSWORDS["mei"]})).json()["token"]
        client.cookies.clear()
        assert (await client.get("/me")).status_code == 401
        assert (await client.get("/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200


@pytest.mark.parametrize("body", [b"", b"name=mei", b"name=mei&secret=wrong", b"\xff\xfe", b"name=mei&secret="])
async def test_a_wrong_log_in_is_refused(line: Line, body: bytes) -> None:
    async with line.client() as client:
        answer = await client.post("/login", content=body)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers


async def test_a_flood_is_not_read(line: Line) -> None:
    async with line.client() as client:
        assert (await client.post("/login", content=b"x" * 10_000)).status_code == 413


async def test_quality_releases_a_held_part(line: Line) -> None:
    first = line.held[0]
    async with line.logged_in("mei") as client:
        waiting = (await client.get("/review")).json()
        assert [part["part_id"] for part in waiting] == ["P-00001", "P-00002"]
        assert (await client.post(f"/review/{first.id}", json=DECISION)).status_code == 204
        assert [part["part_id"] for part in (await client.get("/review")).json()] == ["P-00002"]
    recorded = line.record.part("P-00001")[0]
    assert recorded.report.verdict.outcome is first.verdict.outcome  # the original verdict stays
    assert recorded.disposition is not None
    assert (recorded.disposition.decision, recorded.disposition.decided_by) == (Decision.ACCEPT, "mei")
    entry = line.trail.latest(1)[0]
    assert (entry.who, entry.act, entry.subject, entry.detail) == (
        "mei",
        "review",
        "P-00001",
        "accept: false_alarm dust",
    )
    assert line.trail.verify() is None
    assert line.told == 1


async def test_the_message_is_in_the_outbox_with_the_decision(line: Line) -> None:
    async with line.logged_in("mei") as client:
        await client.post(f"/review/{line.held[0].id}", json=DECISION)
    with line.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT msg_id, topic FROM outbox").all()
    assert rows == [(f"{line.held[0].id}-ACCEPT", "b/disposition")]


@pytest.mark.parametrize(
    ("name", "decision", "status"),
    [
        ("jan", "accept", 403),
        ("jan", "scrap", 204),
        ("jan", "rework", 204),
        ("root", "scrap", 403),
        ("mei", "accept", 204),
    ],
)
async def test_the_role_decides(line: Line, name: str, decision: str, status: int) -> None:
    async with line.logged_in(name) as client:
        answer = await client.post(f"/review/{line.held[0].id}", json={**DECISION, "decision": decision})
        assert answer.status_code == status
    entry = line.trail.latest(1)[0]
    assert (entry.who, entry.act) == (name, "review" if status == 204 else "review_refused")


async def test_the_second_decision_comes_too_late(line: Line) -> None:
    async with line.logged_in("mei") as client:
        assert (await client.post(f"/review/{line.held[0].id}", json=DECISION)).status_code == 204
        assert (await client.post(f"/review/{line.held[0].id}", json=DECISION)).status_code == 409
        assert (await client.post(f"/review/{uuid4()}", json=DECISION)).status_code == 409
    assert len(line.record.dispositions(line.held[0].id)) == 2


@pytest.mark.parametrize(
    "body",
    [{**DECISION, "decision": "hold"}, {**DECISION, "reason": "because"}, {**DECISION, "text": "x" * 501}, {}],
)
async def test_a_decision_that_is_none_is_refused(line: Line, body: dict[str, str]) -> None:
    async with line.logged_in("mei") as client:
        assert (await client.post(f"/review/{line.held[0].id}", json=body)).status_code == 422
    assert len(line.record.waiting(10)) == 2


async def test_without_log_in_everybody_is_the_same(line: Line) -> None:
    app = create_api(LiveBoard(), line.record, gate=Gate())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://line/api/v1") as client:
        assert (await client.get("/me")).json() == {"name": "anybody", "role": "quality", "login": False}
        assert (await client.get("/status")).status_code == 200
