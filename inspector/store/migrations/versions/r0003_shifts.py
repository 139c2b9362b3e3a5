"""An index for the shift reports and the search by time."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEX = "ix_inspection_line_station_triggered_at_outcome_fault_recipe"


def upgrade() -> None:
    """Make the index."""
    op.create_index(INDEX, "inspection", ["line", "station", "triggered_at", "outcome", "fault", "recipe"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index(INDEX, "inspection")
