"""A line's people and the trail of their acts, in the database of its record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

from inspector.domain import ConfigurationError
from inspector.settings import LineSettings
from inspector.store import Database, SqlAccounts, SqlAuditTrail

__all__ = ["accounts_of", "people_of"]


def accounts_of(settings: LineSettings, database: Database) -> SqlAccounts:
    """Return the line's accounts, whose sessions end as ``screen.idle_min`` says."""
    return SqlAccounts(database, idle=timedelta(minutes=settings.screen.idle_min))


@contextmanager
def people_of(settings: LineSettings) -> Iterator[tuple[SqlAccounts, SqlAuditTrail]]:
    """Open the line's accounts and its trail; raises ``StoreError``."""
    if settings.store.url is None:
        raise ConfigurationError("store: the paths of the record are not settled", remedy="Load the line by load_line")
    with closing(Database(settings.store.url)) as database:
        yield accounts_of(settings, database), SqlAuditTrail(database)
