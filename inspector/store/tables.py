"""The tables of the record; every change here needs a migration beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

__all__ = [
    "AccountRow",
    "AuditRow",
    "CommandRow",
    "CounterRow",
    "DefectRow",
    "DefectVectorRow",
    "DispositionRow",
    "GlossaryRow",
    "InspectionRow",
    "MeasurementRow",
    "OrderRow",
    "OutboxRow",
    "SessionRow",
    "TextCorrectionRow",
    "UtcDateTime",
    "metadata",
]

# Constraint names are part of the schema: without them a later migration cannot drop one by name on PostgreSQL.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, kept in UTC: SQLite has no time zones, and a naive time in a record is a wrong time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times, turn the rest into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time in the record needs a time zone, got {value.isoformat()}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say that it is UTC where the database cannot."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _moment(*, nullable: bool = False) -> Any:
    return Field(sa_column=Column(UtcDateTime(), nullable=nullable))


def _text() -> Any:
    return Field(sa_column=Column(Text(), nullable=False))


def _of_inspection() -> Any:
    return Field(sa_column=Column(Integer(), ForeignKey("inspection.id"), nullable=False, index=True))


class _Table(SQLModel):
    """What the tables share: one set of names."""

    metadata: ClassVar[MetaData] = metadata


class InspectionRow(_Table, table=True):
    """One trigger: the columns people search by, and the whole report as JSON."""

    __tablename__ = "inspection"
    # counts() reads the first index alone, shift reports the second one: without touching the rows.
    __table_args__ = (
        Index(None, "recorded_at", "outcome", "fault"),
        Index(None, "line", "station", "triggered_at", "outcome", "fault", "recipe"),
        Index(None, "line", "station", "kind", "triggered_at"),
        Index(None, "line", "station", "lot", "triggered_at"),
        Index(None, "line", "station", "part_number", "triggered_at"),
        Index(None, "line", "station", "part_id", "triggered_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    report_id: str = Field(unique=True, max_length=36)
    part_id: str = Field(index=True)
    part_number: int | None = Field(sa_column=Column(BigInteger(), nullable=True))  # the last number in the id
    lot: str
    station: str
    line: str
    sequence: int = Field(sa_column=Column(BigInteger(), nullable=False))  # up to 2³²-1
    triggered_at: datetime = _moment()
    recorded_at: datetime = _moment()
    kind: str  # outcome and fault in one word, for the search
    outcome: str
    fault: str
    verdict: str
    recipe: str
    model_name: str
    model_version: str
    model_sha256: str
    total_ms: float
    report: str = _text()
    image: str | None
    texts: dict[str, str] = Field(sa_column=Column(JSON(), nullable=False))


class DefectRow(_Table, table=True):
    """One finding; the box is in raw-image pixels.

    Line, station and time repeat those of the inspection: the search by class and size walks them in an index alone.
    """

    __tablename__ = "defect"
    __table_args__ = (
        Index("ix_defect_by_label", "line", "station", "label", "triggered_at", "inspection_id", "size_mm"),
        Index("ix_defect_by_time", "line", "station", "triggered_at", "inspection_id", "size_mm"),
        Index("ix_defect_by_size", "line", "station", "size_mm", "triggered_at", "inspection_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    inspection_id: int = _of_inspection()
    line: str
    station: str
    triggered_at: datetime = _moment()
    size_mm: float | None  # the longer side
    detection: int
    label: str = Field(index=True)
    score: float
    x0: float
    y0: float
    x1: float
    y1: float
    zone: str


class DefectVectorRow(_Table, table=True):
    """Where one finding lies in the space of a search model: little-endian float16, unit length."""

    __tablename__ = "defect_vector"
    __table_args__ = (
        UniqueConstraint("inspection_id", "detection", "model"),
        Index(None, "line", "station", "model", "inspection_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    inspection_id: int = Field(sa_column=Column(Integer(), ForeignKey("inspection.id"), nullable=False))
    detection: int
    model: str
    line: str
    station: str
    vector: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))


class MeasurementRow(_Table, table=True):
    """One characteristic of one finding or of the part."""

    __tablename__ = "measurement"

    id: int | None = Field(default=None, primary_key=True)
    inspection_id: int = _of_inspection()
    detection: int | None
    characteristic: str
    value: float
    uncertainty: float
    unit: str
    method: str
    zone: str


class DispositionRow(_Table, table=True):
    """One decision about a part; a later one is a further row, so that the earlier stays readable."""

    __tablename__ = "disposition"

    id: int | None = Field(default=None, primary_key=True)
    inspection_id: int = _of_inspection()
    decision: str
    reason_code: str
    text: str = _text()
    decided_by: str
    at: datetime = _moment()


class TextCorrectionRow(_Table, table=True):
    """What a person wrote in place of a report's text; a later one is a further row, and the text itself stays."""

    __tablename__ = "text_correction"

    id: int | None = Field(default=None, primary_key=True)
    inspection_id: int = _of_inspection()
    language: str
    text: str = _text()
    who: str
    at: datetime = _moment()


class CounterRow(_Table, table=True):
    """The last number given in one stream of messages.

    A writer takes its numbers under this row's lock and keeps it until it commits: numbers of a stream become
    visible in their order and without gaps, however many stations write.
    """

    __tablename__ = "outbox_counter"

    stream: str = Field(primary_key=True)
    last: int = Field(sa_column=Column(BigInteger(), nullable=False))


class OutboxRow(_Table, table=True):
    """One message on its way to the MES; ``refused`` says why it was set aside instead."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("stream", "seq"),
        UniqueConstraint("stream", "msg_id"),
        Index(None, "stream", "acknowledged_at", "seq"),
    )

    id: int | None = Field(default=None, primary_key=True)
    stream: str
    seq: int = Field(sa_column=Column(BigInteger(), nullable=False))
    msg_id: str
    topic: str
    body: str = _text()
    created_at: datetime = _moment()
    acknowledged_at: datetime | None = _moment(nullable=True)
    refused: str | None = Field(sa_column=Column(Text(), nullable=True))


class OrderRow(_Table, table=True):
    """One order from the MES; the newest of a station is what it makes now."""

    __tablename__ = "work_order"

    id: int | None = Field(default=None, primary_key=True)
    station: str = Field(index=True)
    received_at: datetime = _moment()
    body: str = _text()


class CommandRow(_Table, table=True):
    """The audit of one command from outside: who asked for what, and what was answered."""

    __tablename__ = "command"

    id: int | None = Field(default=None, primary_key=True)
    station: str = Field(index=True)
    received_at: datetime = _moment()
    name: str
    by: str
    body: str = _text()
    answer: str = _text()


class AccountRow(_Table, table=True):
    """One person; ``secret`` is the argon2 hash of a password or a PIN."""

    __tablename__ = "account"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    role: str
    secret: str
    disabled: bool
    failures: int
    failed_at: datetime | None = _moment(nullable=True)
    created_at: datetime = _moment()


class SessionRow(_Table, table=True):
    """One session of a person; the token itself is kept nowhere."""

    __tablename__ = "session"

    id: int | None = Field(default=None, primary_key=True)
    token_sha256: str = Field(unique=True)
    account_id: int = Field(sa_column=Column(Integer(), ForeignKey("account.id"), nullable=False, index=True))
    created_at: datetime = _moment()
    seen_at: datetime = _moment()


class GlossaryRow(_Table, table=True):
    """One change of a line's glossary; the newest of a term and language is what is said, an empty name nothing."""

    __tablename__ = "glossary"
    __table_args__ = (Index(None, "line", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    line: str
    term: str
    language: str
    name: str
    who: str
    at: datetime = _moment()


class AuditRow(_Table, table=True):
    """One act of a person; triggers of the database refuse to change or remove it."""

    __tablename__ = "audit"

    number: int = Field(
        sa_column=Column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False)
    )
    at: datetime = _moment()
    who: str
    role: str
    act: str
    subject: str = _text()
    detail: str = _text()
    previous: str
    hash: str
