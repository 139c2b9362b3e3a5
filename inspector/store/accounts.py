"""People with passwords or PINs, and their sessions."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from inspector.domain import AccountError, Person, Role, StoreError
from inspector.store.audit import append_act
from inspector.store.database import Database
from inspector.store.tables import AccountRow, SessionRow

__all__ = ["SqlAccounts"]

LEAST_PASSWORD = 10
LEAST_PIN = 6
LONGEST_SECRET = 256
LONGEST_NAME = 64
FAILURES_BEFORE_LOCK = 5
LOCKED_S = 60.0
LONGEST_SESSION = timedelta(hours=12)
SEEN_EVERY = timedelta(seconds=20)  # being seen is written this often, not with every request
UNKNOWN = Person("unknown", Role.OPERATOR)


def _now() -> datetime:
    return datetime.now(UTC)


class SqlAccounts:
    """Accounts in the database of the record; every change and every log-in is in its audit trail.

    Secrets are kept as argon2id hashes. Five wrong ones in a row lock an account for a minute, then one more try
    is free at a time. Sessions end after ``idle`` without a request, and after twelve hours in any case.
    """

    def __init__(
        self,
        database: Database,
        *,
        idle: timedelta = timedelta(minutes=15),
        clock: Callable[[], datetime] = _now,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._database = database
        self._idle = idle
        self._clock = clock
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    # --- people -------------------------------------------------------------------------------------------

    def add(self, name: str, role: Role, secret: str, *, by: Person) -> Person:
        """Add a person; raises ``AccountError`` where the name is taken or not one, or the secret is too weak."""
        if not name.strip() or name != name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            raise AccountError(f"{name!r} is not a name", remedy="Write up to 64 printable characters")
        _check_role(role)
        _check_secret(secret, role)
        row = {
            "name": name,
            "role": role.value,
            "secret": self._hasher.hash(secret),
            "disabled": False,
            "failures": 0,
            "created_at": self._clock(),
        }
        try:
            with self._database.write() as connection:
                connection.execute(insert(AccountRow), row)
                append_act(connection, by, "add_user", name, role.value, at=self._clock())
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise AccountError(f"there is a user {name!r} already", remedy="Choose another name") from error
            raise
        return Person(name, role)

    def people(self) -> Sequence[Person]:
        """Return everybody, by name; raises ``StoreError``."""
        columns = (col(AccountRow.name), col(AccountRow.role), col(AccountRow.disabled))
        with self._database.read() as connection:
            rows = connection.execute(select(*columns).order_by(columns[0])).all()
        return [Person(name, Role(role), disabled) for name, role, disabled in rows]

    def change(
        self,
        name: str,
        *,
        by: Person,
        role: Role | None = None,
        secret: str | None = None,
        disabled: bool | None = None,
    ) -> Person:
        """Change a person's role, secret or both, or shut the account; its sessions end.

        Raises ``AccountError`` for an unknown name or a weak secret.
        """
        row = self._row(name)
        if row is None:
            raise AccountError(f"there is no user {name!r}", remedy="'inspector users list' shows them")
        if role is not None:
            _check_role(role)
        person = Person(name, role or Role(row.role), row.disabled if disabled is None else disabled)
        if secret is None and row.role != person.role and person.role is not Role.OPERATOR:
            raise AccountError(
                f"{name} becomes {person.role} with a new password only", remedy="Give it together with the role"
            )
        values: dict[str, Any] = {"role": person.role.value, "disabled": person.disabled}
        if secret is not None:
            _check_secret(secret, person.role)
            values |= {"secret": self._hasher.hash(secret), "failures": 0, "failed_at": None}
        said = [f"role {person.role}"] * (role is not None) + ["secret"] * (secret is not None)
        said += [] if disabled is None else ["disabled" if disabled else "enabled"]
        with self._database.write() as connection:
            connection.execute(update(AccountRow).where(col(AccountRow.id) == row.id).values(**values))
            connection.execute(delete(SessionRow).where(col(SessionRow.account_id) == row.id))
            append_act(connection, by, "change_user", name, ", ".join(said), at=self._clock())
        return person

    # --- sessions -----------------------------------------------------------------------------------------

    def log_in(self, name: str, secret: str) -> str | None:
        """Return a new session's token; None where name or secret are wrong or the account is locked."""
        row, now = self._row(name), self._clock()
        locked = row is not None and self._locked(row, now)
        # The same work whether or not there is such a person: the time an answer takes names nobody.
        right = self._right(row.secret if row is not None else self._nobody, secret[:LONGEST_SECRET])
        person = UNKNOWN if row is None else Person(row.name, Role(row.role), row.disabled)
        if row is None or row.disabled or locked or not right:
            with self._database.write() as connection:
                if row is not None and not locked:
                    failed = {"failures": col(AccountRow.failures) + 1, "failed_at": now}
                    connection.execute(update(AccountRow).where(col(AccountRow.id) == row.id).values(failed))
                why = "locked" if locked else "refused"
                append_act(connection, person, "log_in_refused", name[:LONGEST_NAME], why, at=now)
            return None
        token = secrets.token_urlsafe(32)
        session = {"token_sha256": _digest(token), "account_id": row.id, "created_at": now, "seen_at": now}
        with self._database.write() as connection:
            cleared = {"failures": 0, "failed_at": None}
            connection.execute(update(AccountRow).where(col(AccountRow.id) == row.id).values(cleared))
            connection.execute(delete(SessionRow).where(col(SessionRow.seen_at) < now - LONGEST_SESSION))
            connection.execute(insert(SessionRow), session)
            append_act(connection, person, "log_in", row.name, at=now)
        return token

    def who(self, token: str, *, touch: bool = True) -> Person | None:
        """Return whose session this is, and keep it alive by ``touch``; None where it has ended.

        Raises ``StoreError``.
        """
        query = (
            select(
                col(SessionRow.id),
                col(SessionRow.created_at),
                col(SessionRow.seen_at),
                col(AccountRow.name),
                col(AccountRow.role),
                col(AccountRow.disabled),
            )
            .join(AccountRow, col(AccountRow.id) == col(SessionRow.account_id))
            .where(col(SessionRow.token_sha256) == _digest(token))
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        now = self._clock()
        if row is None or row.disabled or now - row.seen_at > self._idle or now - row.created_at > LONGEST_SESSION:
            return None
        if touch and now - row.seen_at > SEEN_EVERY:
            with self._database.write() as connection:
                connection.execute(update(SessionRow).where(col(SessionRow.id) == row.id).values(seen_at=now))
        return Person(row.name, Role(row.role))

    def present(self) -> Person | None:
        """Return who was seen last among those whose session has not ended; None where nobody is logged in.

        Raises ``StoreError``.
        """
        now = self._clock()
        query = (
            select(col(AccountRow.name), col(AccountRow.role))
            .join(SessionRow, col(SessionRow.account_id) == col(AccountRow.id))
            .where(
                ~col(AccountRow.disabled),
                col(SessionRow.seen_at) >= now - self._idle,
                col(SessionRow.created_at) >= now - LONGEST_SESSION,
            )
            .order_by(col(SessionRow.seen_at).desc(), col(SessionRow.id).desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return Person(row.name, Role(row.role)) if row is not None else None

    def log_out(self, token: str) -> None:
        """End this session; nothing happens where it has ended already. Raises ``StoreError``."""
        person = self.who(token)
        if person is None:
            return
        with self._database.write() as connection:
            connection.execute(delete(SessionRow).where(col(SessionRow.token_sha256) == _digest(token)))
            append_act(connection, person, "log_out", person.name, at=self._clock())

    # --- inside -------------------------------------------------------------------------------------------

    def _row(self, name: str) -> Any:
        query = select(AccountRow.__table__).where(col(AccountRow.name) == name)  # type: ignore[attr-defined]
        with self._database.read() as connection:
            return connection.execute(query).first()

    def _right(self, kept: str, secret: str) -> bool:
        try:
            return self._hasher.verify(kept, secret)
        except (VerificationError, InvalidHashError):
            return False

    @staticmethod
    def _locked(row: Any, now: datetime) -> bool:
        if row.failures < FAILURES_BEFORE_LOCK or row.failed_at is None:
            return False
        return bool((now - row.failed_at).total_seconds() < LOCKED_S)


def _check_role(role: Role) -> None:
    if role is Role.GUEST:
        raise AccountError("nobody has the role guest: it is whoever is not logged in", remedy="Give another role")


def _check_secret(secret: str, role: Role) -> None:
    """Operators wear gloves: a PIN of six digits is enough for what they may do; everybody else has a password."""
    if len(secret) > LONGEST_SECRET:
        raise AccountError("the password is too long", remedy=f"Write at most {LONGEST_SECRET} characters")
    pin = re.fullmatch(r"[0-9]+", secret) is not None
    if role is Role.OPERATOR and pin:
        if len(secret) < LEAST_PIN or len(set(secret)) < 3:  # noqa: PLR2004 - 111111 and 121212 are no secrets
            raise AccountError(
                "the PIN is too easy", remedy=f"Write at least {LEAST_PIN} digits, three different ones among them"
            )
    elif len(secret) < LEAST_PASSWORD:
        remedy = f"Write at least {LEAST_PASSWORD} characters" + ", or a PIN of digits" * (role is Role.OPERATOR)
        raise AccountError("the password is too short", remedy=remedy)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
