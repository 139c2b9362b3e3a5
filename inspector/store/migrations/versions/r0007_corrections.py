"""What people wrote in place of reports' texts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "text_correction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("inspection_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name="fk_text_correction_inspection_id"),
        sa.PrimaryKeyConstraint("id", name="pk_text_correction"),
    )
    op.create_index("ix_text_correction_inspection_id", "text_correction", ["inspection_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_text_correction_inspection_id", "text_correction")
    op.drop_table("text_correction")
