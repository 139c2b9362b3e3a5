"""Role by act over HTTP, for every act that there is: what the table forbids is refused, and the trail says so."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher

from inspector.domain import (
    RIGHTS,
    AcknowledgeAlarm,
    Act,
    Decision,
    Desks,
    HoldLine,
    HoldLot,
    Lamp,
    LampState,
    Person,
    Role,
)
from inspector.language import DEFAULT_GLOSSARY
from inspector.runtime.control import Control
from inspector.runtime.corrections import RecordCorrectionDesk
from inspector.runtime.glossary import LineGlossary, LiveTerms
from inspector.runtime.linedesk import RunningLineDesk
from inspector.runtime.review import RecordReviewDesk
from inspector.runtime.trials import TrialStore
from inspector.store import RecordStore, SqlAccounts, SqlAuditTrail, SqlCorrections, SqlGlossary, SqlHistory
from inspector.web import Gate, LiveBoard
from inspector.web.api import create_api
from tests.support.screen import status
from tests.support.shifts import LINE, NIGHT, STATION, fill, inspection

SECRET = "correct horse"  # noqa: S105 - of nobody
ADMIN = Person("root", Role.ADMIN)
# One letter per role: operator, quality, engineer, admin. Said here once more, on purpose.
WANTED = {
    Act.SEE: ("GET", "/status", None, "OQEA"),
    Act.EXPORT: ("GET", "/history/export", None, "-QEA"),
    Act.HOLD_LINE: ("POST", "/line/hold", {"reason": "bad_parts"}, "OQEA"),
    Act.RELEASE_LINE: ("POST", "/line/release", None, "-QE-"),
    Act.HOLD_LOT: ("POST", "/line/lots/hold", {"lot": "L-9", "reason": "material"}, "OQEA"),
    Act.RELEASE_LOT: ("POST", "/line/lots/release", {"lot": "L-8"}, "-QE-"),
    Act.ACKNOWLEDGE_ALARM: ("POST", "/line/acknowledge", None, "OQE-"),
    Act.TRIGGER_ONCE: ("POST", "/line/trial", None, "--E-"),
    Act.REVIEW_TIGHTEN: ("POST", "/review/{held}", {"decision": "scrap", "reason": "unclear"}, "OQE-"),
    Act.REVIEW_ACCEPT: ("POST", "/review/{held}", {"decision": "accept", "reason": "unclear"}, "-QE-"),
    Act.SELECT_RECIPE: ("POST", "/line/recipe", {"recipe": "fine"}, "--E-"),
    Act.START_CHALLENGE_TEST: ("POST", "/line/challenge", None, "-QE-"),
    Act.CHANGE_TERM: ("POST", "/glossary", {"term": "spur", "language": "en", "name": "burr"}, "-QEA"),
    Act.CORRECT_TEXT: ("POST", "/inspections/{held}/text", {"language": "en", "text": "A burr."}, "OQEA"),
    Act.SEE_AUDIT: ("GET", "/audit", None, "-Q-A"),
    Act.MANAGE_USERS: ("GET", "/users", None, "---A"),
}
# Acts of the voice: no key and no route has them.
SPOKEN = {Act.HOLD_PART, Act.REMARK, Act.ASK}
STAFF = [role for role in Role if role is not Role.GUEST]  # a guest has no account, so no session
SILENT = {Act.SEE, Act.EXPORT, Act.SEE_AUDIT, Act.MANAGE_USERS}  # looking is refused without an entry


class Line:
    """A held line with a lost PLC, a held part and a held lot; one user of each role."""

    def __init__(self, folder: Path) -> None:
        self.held = inspection(1, NIGHT, label="spur", length=0.3)
        self.database, images = fill(folder, [self.held], texts={"en": "A spur.", "zh": "毛刺"})
        self.record = RecordStore(self.database, images, line=LINE)
        self.trail = SqlAuditTrail(self.database)
        self.control = Control(folder)
        self.control.apply(HoldLine("test"))
        self.control.apply(HoldLot("L-8", "test"))
        self.accounts = SqlAccounts(self.database, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        for role in STAFF:
            self.accounts.add(role.value, role, SECRET, by=ADMIN)
        board = LiveBoard()
        board.status_changed(status(bad=Lamp.PLC))
        changes = SqlGlossary(self.database, line=LINE)
        desks = Desks(
            review=RecordReviewDesk(self.record, self.trail, compose=lambda *_: [], decided=lambda: None),
            history=SqlHistory(self.database, self.record, line=LINE, station=STATION),
            line=RunningLineDesk(
                control=self.control,
                trail=self.trail,
                status=board.status,
                recipes=("default", "fine"),
                connections=(),
                trials=TrialStore(folder / "trial"),
                challenged=True,
            ),
            trail=self.trail,
            people=self.accounts,
            corrections=RecordCorrectionDesk(SqlCorrections(self.database, line=LINE, station=STATION), self.trail),
            glossary=LineGlossary(LiveTerms(DEFAULT_GLOSSARY, changes), changes, self.trail),
        )
        self.app = create_api(board, self.record, gate=Gate(self.accounts), desks=desks)

    async def ask(self, name: str, method: str, path: str, body: object) -> int:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://line/api/v1") as client:
            assert (await client.post("/login", data={"name": name, "secret": SECRET})).status_code == 200
            answer = await client.request(method, path.format(held=self.held.id), json=body)
        return answer.status_code


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path)
    yield made
    made.database.close()


def test_every_act_has_a_way_here() -> None:
    assert set(WANTED) | SPOKEN == set(Act) == set(RIGHTS)
    assert not set(WANTED) & SPOKEN


@pytest.mark.parametrize(("role", "act"), list(product(STAFF, WANTED)))
async def test_a_role_does_what_the_table_says_and_nothing_else(line: Line, role: Role, act: Act) -> None:
    method, path, body, letters = WANTED[act]
    allowed = letters[STAFF.index(role)] != "-"
    before = line.control.held(), line.control.held_lots()
    answer = await line.ask(role.value, method, path, body)
    entry = line.trail.latest(1)[0]
    if allowed:
        assert answer in {200, 204}
        if act not in SILENT:
            assert (entry.who, entry.act) == (role.value, "review" if act.value.startswith("review") else act.value)
    else:
        assert answer == 403
        if act not in SILENT:
            assert entry.who == role.value
            assert entry.act in {f"{act.value}_refused", "review_refused"}
        assert (line.control.held(), line.control.held_lots()) == before
        part = line.record.of_report(line.held.id)
        assert part is not None
        assert part.disposition is not None
        assert part.disposition.decision is Decision.HOLD
    assert line.trail.verify() is None


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("/line/recipe", {"recipe": "none such"}, 409),
        ("/line/recipe", {}, 422),
        ("/line/hold", {"reason": "x" * 201}, 422),
        ("/line/lots/hold", {"lot": ""}, 422),
        ("/line/lots/hold", {"lot": " "}, 409),
        ("/line/lots/hold", {"lot": "x" * 129}, 422),
        ("/line/lots/hold", {"reason": "material"}, 422),
        ("/line/lots/release", {"lot": "L-7"}, 409),
        ("/line/lots/release", {}, 422),
    ],
)
async def test_what_the_line_cannot_do_is_refused_with_a_reason(line: Line, path: str, body: object, why: int) -> None:
    assert await line.ask("engineer", "POST", path, body) == why
    assert line.trail.latest(1)[0].act == "log_in"


async def test_a_running_line_takes_no_picture_by_hand_and_is_not_released_twice(line: Line) -> None:
    assert await line.ask("engineer", "POST", "/line/release", None) == 204
    assert await line.ask("engineer", "POST", "/line/release", None) == 409
    assert await line.ask("engineer", "POST", "/line/trial", None) == 409


async def test_an_alarm_is_acknowledged_until_it_comes_back(line: Line) -> None:
    desk_status = status(bad=Lamp.PLC)
    seen = {"lamps": dict(desk_status.lamps)}
    desk = RunningLineDesk(
        control=line.control,
        trail=line.trail,
        status=lambda: type(desk_status)("l", True, "default", seen["lamps"]),
        recipes=(),
        connections=(),
        trials=TrialStore(Path("/nowhere")),
    )
    desk.act(Person("jan", Role.OPERATOR), AcknowledgeAlarm("jan"))
    assert [(alarm.lamp, alarm.acknowledged_by) for alarm in desk.alarms()] == [(Lamp.PLC, "jan")]
    lost_again = LampState(False, NIGHT, "gone")
    seen["lamps"] = {**desk_status.lamps, Lamp.PLC: lost_again}
    assert [(alarm.lamp, alarm.acknowledged_by) for alarm in desk.alarms()] == [(Lamp.PLC, "")]
