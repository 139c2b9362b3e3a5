"""A line's people and the trail of their acts, in the database of its record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

from inspector.domain import ConfigurationError
from inspector.runtime.control import Control
from inspector.runtime.review import RecordReviewDesk
from inspector.runtime.wiring.mes import build_disposer
from inspector.settings import LineSettings
from inspector.store import Database, RecordStore, SqlAccounts, SqlAuditTrail

__all__ = ["accounts_of", "desk_of", "login_of", "people_of"]


def login_of(settings: LineSettings, database: Database) -> SqlAccounts | None:
    """Return who may log in at the line's screen; None where it asks nobody.

    Raises ``ConfigurationError`` where log-in is required and there is nobody who could.
    """
    if settings.screen.login == "none":
        return None
    accounts = accounts_of(settings, database)
    if all(person.disabled for person in accounts.people()):
        raise ConfigurationError(
            "screen.login: log-in is required, but there is no user",
            remedy="Add one: inspector users add NAME --role admin --line LINE.yaml",
        )
    return accounts


def desk_of(
    settings: LineSettings, database: Database, record: RecordStore, control: Control, *, decided: Callable[[], None]
) -> RecordReviewDesk:
    """Return the line's review queue; ``decided`` is called after each decision."""
    compose, trail = build_disposer(settings), SqlAuditTrail(database)
    return RecordReviewDesk(record, trail, compose=compose, decided=decided, held_lots=control.held_lots)


def accounts_of(settings: LineSettings, database: Database) -> SqlAccounts:
    """Return the line's accounts, whose sessions end as ``screen.idle_min`` says."""
    return SqlAccounts(database, idle=timedelta(minutes=settings.screen.idle_min))


@contextmanager
def people_of(settings: LineSettings) -> Iterator[tuple[SqlAccounts, SqlAuditTrail]]:
    """Open the line's accounts and its trail; raises ``StoreError``."""
    store = settings.store
    if store.url is None:
        raise ConfigurationError("store: the paths of the record are not settled", remedy="Load the line by load_line")
    with closing(Database(store.url, username=store.username, password=store.password())) as database:
        yield accounts_of(settings, database), SqlAuditTrail(database)
