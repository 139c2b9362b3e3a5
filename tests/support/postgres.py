"""A PostgreSQL server of our own for tests: a fresh cluster on a unix socket, run by an unprivileged user."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg

__all__ = ["POSTGRES_BIN", "Postgres"]

UNPRIVILEGED = "postgres"
SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "60"}


def _bin() -> Path | None:
    """Return the folder of the server's programs: Debian keeps them out of the PATH."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return candidates[-1].parent if candidates else None


POSTGRES_BIN = _bin()


class Postgres:
    """One cluster; every test gets an empty database in it."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path holds about 100 bytes
        # The server refuses to be root.
        self._as: dict[str, str] = {"user": UNPRIVILEGED, "group": UNPRIVILEGED} if os.geteuid() == 0 else {}
        if self._as:
            user = pwd.getpwnam(UNPRIVILEGED)
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        self._numbers = itertools.count(1)
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-U", "inspector", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
        options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        self._server = ("pg_ctl", "-D", str(data), "-w", "-t", "60", "-l", str(self._folder / "log"))
        self._options = f"-k {self._folder} -c listen_addresses='' {options}"
        self.start()

    def start(self) -> None:
        self._run(*self._server, "-o", self._options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server; ``immediate`` is its kill -9."""
        self._run(*self._server, "-m", mode, "stop")

    def empty(self, disk: Path | None = None) -> str:
        """Return the address of a new, empty database; its tables lie in the folder ``disk`` where one is named."""
        name = f"plant{next(self._numbers)}"
        with psycopg.connect(
            host=str(self._folder), user="inspector", dbname="postgres", autocommit=True
        ) as connection:
            place = ""
            if disk is not None:
                disk.mkdir(parents=True)
                if self._as:
                    shutil.chown(disk, UNPRIVILEGED, UNPRIVILEGED)
                connection.execute(f"CREATE TABLESPACE {name} LOCATION '{disk}'")  # type: ignore[arg-type]
                place = f"TABLESPACE {name}"
            connection.execute(f"CREATE DATABASE {name} {place}")  # type: ignore[arg-type]
        return f"postgresql://inspector@/{name}?host={quote(str(self._folder), safe='')}"

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        assert POSTGRES_BIN is not None
        subprocess.run(
            [str(POSTGRES_BIN / program), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            cwd=self._folder,
            **self._as,  # type: ignore[call-overload]
        )
