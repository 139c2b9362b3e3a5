"""The record: tables, image archive, outbox."""

from inspector.store.accounts import SqlAccounts
from inspector.store.audit import SqlAuditTrail
from inspector.store.copying import RecordCopy, check_schema, copy_record, let_go, take_up_record
from inspector.store.corrections import SqlCorrections
from inspector.store.database import Database
from inspector.store.glossary import SqlGlossary
from inspector.store.history import SqlHistory, who_decided
from inspector.store.images import ImageArchive, Room
from inspector.store.ledger import Ledger
from inspector.store.outbox import Backlog, Numbers, SqlOutbox
from inspector.store.record import RecordStore
from inspector.store.reviews import SqlReviews
from inspector.store.shifts import ShiftRecord
from inspector.store.vectors import SqlDefectVectors

__all__ = [
    "Backlog",
    "Database",
    "ImageArchive",
    "Ledger",
    "Numbers",
    "RecordCopy",
    "RecordStore",
    "Room",
    "ShiftRecord",
    "SqlAccounts",
    "SqlAuditTrail",
    "SqlCorrections",
    "SqlDefectVectors",
    "SqlGlossary",
    "SqlHistory",
    "SqlOutbox",
    "SqlReviews",
    "check_schema",
    "copy_record",
    "let_go",
    "take_up_record",
    "who_decided",
]
