"""The record of a line, its pictures and its outboxes out of its settings."""

from __future__ import annotations

from inspector.domain import ConfigurationError, Queue
from inspector.settings import LineSettings
from inspector.store import Database, ImageArchive, RecordStore, SqlOutbox

__all__ = ["build_record"]


def build_record(settings: LineSettings) -> tuple[Database, RecordStore, dict[Queue, SqlOutbox]]:
    """Return the record at its newest schema; raises ``StoreError``."""
    store, pictures = settings.store, settings.store.images
    if store.url is None or pictures.folder is None:
        raise ConfigurationError("store: the paths of the record are not settled", remedy="Load the line by load_line")
    images = ImageArchive(
        pictures.folder,
        keep=pictures.keep,
        keep_days=pictures.keep_days,
        min_free_mb=pictures.min_free_mb,
    )
    database = Database(store.url, username=store.username, password=store.password())
    line, station = settings.line, settings.station
    outboxes = {queue: SqlOutbox(database, line=line, station=station, queue=queue) for queue in Queue}
    return database, RecordStore(database, images, line=line, station=station), outboxes
