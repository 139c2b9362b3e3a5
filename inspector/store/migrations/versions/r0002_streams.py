"""Many stations in one database: numbered streams, messages set aside, orders and the audit of commands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
# Until now a database belonged to one station; one without inspections has no messages either.
OWNER = "COALESCE((SELECT line || '/' || station FROM inspection ORDER BY id LIMIT 1), '/') || '/results'"


def upgrade() -> None:
    """Give each stream its own numbers; add the tables of what the MES sends."""
    op.create_table(
        "outbox_counter",
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name="pk_outbox_counter"),
    )
    op.drop_index("ix_outbox_acknowledged_at_seq", "outbox")
    op.rename_table("outbox", "outbox_before")
    if op.get_bind().dialect.name == "postgresql":  # there, names of constraints belong to the schema
        op.execute("ALTER TABLE outbox_before RENAME CONSTRAINT pk_outbox TO pk_outbox_before")
        op.execute("ALTER TABLE outbox_before RENAME CONSTRAINT uq_outbox_msg_id TO uq_outbox_before_msg_id")
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("msg_id", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("acknowledged_at", MOMENT, nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("stream", "seq", name="uq_outbox_stream_seq"),
        sa.UniqueConstraint("stream", "msg_id", name="uq_outbox_stream_msg_id"),
    )
    op.execute(
        "INSERT INTO outbox (stream, seq, msg_id, topic, body, created_at, acknowledged_at) "  # noqa: S608
        f"SELECT {OWNER}, seq, msg_id, topic, body, created_at, acknowledged_at FROM outbox_before ORDER BY seq"
    )
    op.execute(
        "INSERT INTO outbox_counter (stream, last) "  # noqa: S608
        f"SELECT {OWNER}, MAX(seq) FROM outbox_before HAVING MAX(seq) IS NOT NULL"
    )
    op.drop_table("outbox_before")
    op.create_index("ix_outbox_stream_acknowledged_at_seq", "outbox", ["stream", "acknowledged_at", "seq"])
    op.create_table(
        "work_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_work_order"),
    )
    op.create_index("ix_work_order_station", "work_order", ["station"])
    op.create_table(
        "command",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_command"),
    )
    op.create_index("ix_command_station", "command", ["station"])


def downgrade() -> None:
    """Refuse: two streams cannot be one again."""
    raise NotImplementedError("numbers of several streams cannot be merged; restore the backup of before")
