"""One database: opened, migrated, and its errors said in the domain's words."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from inspector.domain import DiskFull, StoreError

__all__ = ["Database"]

MIGRATIONS = Path(__file__).parent / "migrations"
NO_ROOM_BYTES = 1 << 20
MIGRATION_LOCK = 7_226_001  # any number that this program alone uses
SQLSTATE_DISK_FULL = "53100"


class Database:
    """The database of the record, at its newest schema from the constructor on.

    Safe to use from several threads: readers run side by side, writers one after the other.

    Parameters
    ----------
    url
        ``sqlite:///relative/path.db``, ``sqlite:////absolute/path.db`` (folders are made), or
        ``postgresql://user@host:port/database`` (needs the extra ``postgres``).
    username, password
        For a database server; the address carries none.
    synchronous
        SQLite's word on power cuts. ``FULL`` forgets no committed transaction; ``NORMAL`` never corrupts and
        commits at about three times the rate, but may forget the last ones.
    busy_timeout_s
        How long to wait for another process that is writing, or for a server to answer.
    revision
        The schema to bring it to; an older one is for tests of the migrations.

    Raises
    ------
    StoreError
        The file cannot be opened, is no database, or was written by a newer version.
    DiskFull
        There is no room for it.
    """

    def __init__(
        self,
        url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        synchronous: Literal["NORMAL", "FULL"] = "FULL",
        busy_timeout_s: float = 10.0,
        revision: str = "head",
    ) -> None:
        try:
            self.url = _with_login(make_url(url), username, password)
            self._engine = self._open(synchronous, busy_timeout_s)
        except (ArgumentError, NoSuchModuleError) as error:
            raise StoreError(
                f"{url!r} is not a database address",
                remedy="Write it as sqlite:///folder/record.db or postgresql://user@host/database",
            ) from error
        except ModuleNotFoundError as error:
            raise StoreError(
                f"{url!r} is a PostgreSQL database, and its driver is not installed",
                remedy="Install it: pip install 'line-inspector[postgres]'",
            ) from error
        shown = self.url.set(drivername="postgresql", password=None).render_as_string()
        self.name = (self.url.database or "") if _is_sqlite(self.url) else shown
        self._turn = threading.Lock()
        self._make_folder()
        self._writer = self._engine.execution_options(inspector_writes=True)
        same_state = {} if _is_sqlite(self.url) else {"isolation_level": "REPEATABLE READ"}
        self._reader = self._engine.execution_options(**same_state)
        try:
            self._migrate(revision)
        except StoreError:
            self._engine.dispose()
            raise

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for a database server."""
        return Path(self.url.database) if _is_sqlite(self.url) and self.url.database else None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that commits at the end of the block, or leaves nothing behind."""
        with self._turn, self._translated("write to"), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction for reading: everything in the block sees the same state."""
        with self._translated("read"), self._reader.begin() as connection:
            yield connection

    def close(self) -> None:
        """Release every connection; safe to call twice."""
        self._engine.dispose()

    # --- opening ------------------------------------------------------------------------------------------

    def _make_folder(self) -> None:
        if self.file is None:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            kind = DiskFull if error.errno == errno.ENOSPC else StoreError
            raise kind(
                f"the folder of the record {self.file} cannot be made: {error.strerror}",
                remedy="Check the path in store.url, its permissions and the free space",
            ) from error

    def _open(self, synchronous: str, busy_timeout_s: float) -> Engine:
        options: dict[str, Any] = {"json_serializer": lambda value: json.dumps(value, ensure_ascii=False)}
        if not _is_sqlite(self.url):
            connect = {"connect_timeout": max(2, round(busy_timeout_s)), "application_name": "inspector"}
            # A server may restart while a connection rests in the pool.
            return create_engine(self.url, connect_args=connect, pool_pre_ping=True, **options)
        engine = create_engine(self.url, connect_args={"timeout": busy_timeout_s}, **options)

        @event.listens_for(engine, "connect")
        def _settle(connection: sqlite3.Connection, _record: object) -> None:
            # The driver's own transaction handling does not cover SELECT and DDL: off, we say BEGIN ourselves.
            connection.isolation_level = None
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute(f"PRAGMA synchronous = {synchronous}")
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.close()

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            # A writer takes the lock at once: one that upgrades later fails at once when another was quicker.
            writes = connection.get_execution_options().get("inspector_writes", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

    def _migrate(self, revision: str) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        try:
            with self.write() as connection:
                if not _is_sqlite(self.url):  # several stations may start at once
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
                config.attributes["connection"] = connection
                command.upgrade(config, revision)
        except CommandError as error:
            raise StoreError(
                f"the record {self.name} was written by a newer version of this program ({error})",
                remedy="Install that version, or point store.url at another file",
            ) from error

    # --- errors -------------------------------------------------------------------------------------------

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._said(doing, error.orig or error) from error
        except SQLAlchemyError as error:
            raise self._said(doing, error) from error

    def _said(self, doing: str, cause: BaseException) -> StoreError:
        name = getattr(cause, "sqlite_errorname", "")
        said = f"cannot {doing} the record {self.name}: {' '.join(str(cause).split())}"
        if not _is_sqlite(self.url):
            if getattr(cause, "sqlstate", None) == SQLSTATE_DISK_FULL:
                return DiskFull(said, remedy="Free space on the database server's disk")
            return StoreError(said, remedy="Check store.url, the user's password and rights, and that the server runs")
        if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and self._no_room()):
            return DiskFull(said, remedy="Free space on that disk, or move store.url to a larger one")
        remedies = {
            "SQLITE_CANTOPEN": "Check that the path is a file in a folder this user may write to",
            "SQLITE_READONLY": "Give this user the right to write the file and its folder",
            "SQLITE_NOTADB": "The file is no SQLite database: move it away, or point store.url elsewhere",
            "SQLITE_CORRUPT": "The file is damaged: move it away and restore the last backup",
            "SQLITE_BUSY": "Another program keeps the file locked: close it",
        }
        family = "_".join(name.split("_")[:2])
        return StoreError(said, remedy=remedies.get(family, "Check the database and its disk"))

    def _no_room(self) -> bool:
        try:
            return self.file is not None and shutil.disk_usage(self.file.parent).free < NO_ROOM_BYTES
        except OSError:
            return False


def _with_login(url: URL, username: str | None, password: str | None) -> URL:
    """Return the address with the driver that this program brings, and with user and password."""
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    url = url if username is None else url.set(username=username)
    return url if password is None else url.set(password=password)


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"
