"""Log-in, sessions and the trail they leave: wrong secrets, locks, time-outs, a trail that refuses to be changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from inspector.domain import AccountError, Accounts, AuditTrail, Person, Role, StoreError
from inspector.store import Database, SqlAccounts, SqlAuditTrail

ADMIN = Person("root", Role.ADMIN)
PASSWORD, PIN, ANOTHER = "correct horse", "482913", "another horse"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 6, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'record.db'}")
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(database: Database, clock: Clock) -> SqlAccounts:
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    made = SqlAccounts(database, idle=timedelta(minutes=15), clock=clock, hasher=quick)
    made.add("mei", Role.QUALITY, PASSWORD, by=ADMIN)
    made.add("jan", Role.OPERATOR, PIN, by=ADMIN)
    return made


def acts(database: Database) -> list[tuple[str, str, str]]:
    return [(entry.who, entry.act, entry.subject) for entry in reversed(SqlAuditTrail(database).latest(100))]


def test_the_ports_are_kept(accounts: SqlAccounts, database: Database) -> None:
    assert isinstance(accounts, Accounts)
    assert isinstance(SqlAuditTrail(database), AuditTrail)


@pytest.mark.parametrize(("name", "secret", "role"), [("mei", PASSWORD, Role.QUALITY), ("jan", PIN, Role.OPERATOR)])
def test_a_right_secret_opens_a_session(accounts: SqlAccounts, name: str, secret: str, role: Role) -> None:
    token = accounts.log_in(name, secret)
    assert token is not None
    assert accounts.who(token) == Person(name, role)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("mei", "wrong"),
        ("mei", ""),
        ("mei", PASSWORD + " "),
        ("MEI", PASSWORD),
        ("nobody", PASSWORD),
        ("", ""),
        ("mei", "x" * 9999),
    ],
)
def test_anything_else_opens_none(accounts: SqlAccounts, name: str, secret: str) -> None:
    assert accounts.log_in(name, secret) is None


def test_a_made_up_token_is_nobody(accounts: SqlAccounts) -> None:
    assert accounts.who("") is None
    assert accounts.who("made up") is None


def test_neither_secrets_nor_tokens_are_in_the_database(accounts: SqlAccounts, database: Database) -> None:
    token = accounts.log_in("mei", PASSWORD)
    assert token is not None
    with database.read() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]
    assert "$argon2id$" in dump
    assert not any(secret in dump for secret in (PASSWORD, PIN, token))


def test_five_wrong_secrets_lock_for_a_minute(accounts: SqlAccounts, clock: Clock) -> None:
    for _ in range(5):
        assert accounts.log_in("mei", "wrong secret") is None
    assert accounts.log_in("mei", PASSWORD) is None
    clock.passes(59)
    assert accounts.log_in("mei", PASSWORD) is None
    assert accounts.log_in("jan", PIN) is not None
    clock.passes(2)
    assert accounts.log_in("mei", PASSWORD) is not None


def test_a_session_ends_when_nobody_uses_it(accounts: SqlAccounts, clock: Clock) -> None:
    token = accounts.log_in("mei", PASSWORD) or ""
    for _ in range(4):
        clock.passes(14 * 60)
        assert accounts.who(token) is not None
    clock.passes(15 * 60 + 1)
    assert accounts.who(token) is None


def test_a_session_ends_after_twelve_hours_in_any_case(accounts: SqlAccounts, clock: Clock) -> None:
    token = accounts.log_in("mei", PASSWORD) or ""
    for _ in range(12 * 6):
        clock.passes(600)
        accounts.who(token)
    clock.passes(1)
    assert accounts.who(token) is None


def test_logging_out_ends_it(accounts: SqlAccounts) -> None:
    token = accounts.log_in("mei", PASSWORD) or ""
    accounts.log_out(token)
    accounts.log_out(token)
    assert accounts.who(token) is None


def test_a_shut_account_is_out_at_once(accounts: SqlAccounts) -> None:
    token = accounts.log_in("mei", PASSWORD) or ""
    accounts.change("mei", by=ADMIN, disabled=True)
    assert accounts.who(token) is None
    assert accounts.log_in("mei", PASSWORD) is None
    assert Person("mei", Role.QUALITY, disabled=True) in accounts.people()


def test_a_new_secret_replaces_the_old_one(accounts: SqlAccounts) -> None:
    accounts.change("mei", by=ADMIN, secret=ANOTHER)
    assert accounts.log_in("mei", PASSWORD) is None
    assert accounts.log_in("mei", ANOTHER) is not None


def test_a_pin_does_not_become_a_quality_manager(accounts: SqlAccounts) -> None:
    with pytest.raises(AccountError, match="new password"):
        accounts.change("jan", by=ADMIN, role=Role.QUALITY)
    accounts.change("jan", by=ADMIN, role=Role.QUALITY, secret=ANOTHER)
    assert accounts.people()[0] == Person("jan", Role.QUALITY)


@pytest.mark.parametrize(
    ("name", "role", "secret", "says"),
    [
        ("mei", Role.QUALITY, PASSWORD, "already"),
        ("", Role.QUALITY, PASSWORD, "not a name"),
        (" x", Role.QUALITY, PASSWORD, "not a name"),
        ("a\nb", Role.QUALITY, PASSWORD, "not a name"),
        ("x" * 65, Role.QUALITY, PASSWORD, "not a name"),
        ("x", Role.QUALITY, "short", "too short"),
        ("x", Role.QUALITY, "482913", "too short"),
        ("x", Role.OPERATOR, "48291", "too easy"),
        ("x", Role.OPERATOR, "111111", "too easy"),
        ("x", Role.OPERATOR, "121212", "too easy"),
        ("x", Role.OPERATOR, "short", "too short"),
        ("x", Role.ADMIN, "x" * 257, "too long"),
    ],
)
def test_a_bad_account_is_refused(accounts: SqlAccounts, name: str, role: Role, secret: str, says: str) -> None:
    before = accounts.people()
    with pytest.raises(AccountError, match=says):
        accounts.add(name, role, secret, by=ADMIN)
    assert accounts.people() == before


def test_an_unknown_account_cannot_be_changed(accounts: SqlAccounts) -> None:
    with pytest.raises(AccountError, match="no user 'eve'"):
        accounts.change("eve", by=ADMIN, disabled=True)


def test_everything_is_in_the_trail(accounts: SqlAccounts, database: Database) -> None:
    accounts.log_in("eve", "wrong secret")
    accounts.log_in("mei", "wrong secret")
    token = accounts.log_in("mei", PASSWORD) or ""
    accounts.log_out(token)
    accounts.change("jan", by=ADMIN, disabled=True)
    assert acts(database) == [
        ("root", "add_user", "mei"),
        ("root", "add_user", "jan"),
        ("unknown", "log_in_refused", "eve"),
        ("mei", "log_in_refused", "mei"),
        ("mei", "log_in", "mei"),
        ("mei", "log_out", "mei"),
        ("root", "change_user", "jan"),
    ]
    assert SqlAuditTrail(database).verify() is None


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'eve'", "DELETE FROM audit WHERE number = 2"])
def test_the_database_refuses_to_change_the_trail(accounts: SqlAccounts, database: Database, statement: str) -> None:
    with pytest.raises(StoreError, match="cannot be changed"), database.write() as connection:
        connection.execute(text(statement))
    assert SqlAuditTrail(database).verify() is None


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE audit SET detail = 'admin' WHERE number = 2", "entry 2 was changed: root, add_user jan"),
        ("DELETE FROM audit WHERE number = 1", "entry 1 is missing"),
        ("UPDATE audit SET number = 7 WHERE number = 2", "entry 2 is missing"),
    ],
)
def test_a_row_tampered_with_behind_its_back_is_named(
    accounts: SqlAccounts, database: Database, statement: str, says: str
) -> None:
    with database.write() as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("DROP TRIGGER audit_no_delete"))
        connection.execute(text(statement))
    flaw = SqlAuditTrail(database).verify()
    assert flaw is not None
    assert says in flaw.problem


def test_a_trail_longer_than_a_page_is_read_whole(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.store.audit.PAGE", 7)
    trail = SqlAuditTrail(database)
    head = [trail.add(ADMIN, "see", f"part {number}") for number in range(20)][-1].hash
    assert trail.verify(head) is None
    assert trail.verify("0" * 63 + "1") is not None


def test_nobody_has_the_role_of_whoever_is_not_logged_in(accounts: SqlAccounts) -> None:
    with pytest.raises(AccountError, match="nobody has the role guest"):
        accounts.add("gus", Role.GUEST, "482913", by=ADMIN)
    accounts.add("gus", Role.OPERATOR, "482913", by=ADMIN)
    with pytest.raises(AccountError, match="nobody has the role guest"):
        accounts.change("gus", role=Role.GUEST, by=ADMIN)
