"""Vectors of findings for the search by words, and the changes of the glossary."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "defect_vector",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("inspection_id", sa.Integer(), nullable=False),
        sa.Column("detection", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspection.id"], name="fk_defect_vector_inspection_id"),
        sa.PrimaryKeyConstraint("id", name="pk_defect_vector"),
        sa.UniqueConstraint(
            "inspection_id", "detection", "model", name="uq_defect_vector_inspection_id_detection_model"
        ),
    )
    op.create_index(
        "ix_defect_vector_line_station_model_inspection_id",
        "defect_vector",
        ["line", "station", "model", "inspection_id"],
    )
    op.create_table(
        "glossary",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("term", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_glossary"),
    )
    op.create_index("ix_glossary_line_id", "glossary", ["line", "id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_glossary_line_id", "glossary")
    op.drop_table("glossary")
    op.drop_index("ix_defect_vector_line_station_model_inspection_id", "defect_vector")
    op.drop_table("defect_vector")
