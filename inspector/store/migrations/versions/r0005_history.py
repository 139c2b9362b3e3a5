"""Columns and indices for looking parts up: by number, lot and outcome, by class and size of a finding."""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BLOCK = 50_000
KIND = (
    "CASE WHEN fault <> 'NONE' THEN 'fault' WHEN outcome = 'PASS' THEN 'pass' "
    "WHEN outcome = 'REVIEW' THEN 'review' ELSE 'fail' END"
)
INDICES = {
    "inspection": (
        ("ix_inspection_line_station_kind_triggered_at", ["line", "station", "kind", "triggered_at"]),
        ("ix_inspection_line_station_lot_triggered_at", ["line", "station", "lot", "triggered_at"]),
        ("ix_inspection_line_station_part_number_triggered_at", ["line", "station", "part_number", "triggered_at"]),
        ("ix_inspection_line_station_part_id_triggered_at", ["line", "station", "part_id", "triggered_at"]),
    ),
    "defect": (
        ("ix_defect_by_label", ["line", "station", "label", "triggered_at", "inspection_id", "size_mm"]),
        ("ix_defect_by_time", ["line", "station", "triggered_at", "inspection_id", "size_mm"]),
        ("ix_defect_by_size", ["line", "station", "size_mm", "triggered_at", "inspection_id"]),
    ),
}


def upgrade() -> None:
    """Add the columns, fill them from what is there, then make the indices."""
    moment = sa.DateTime(timezone=True)
    op.add_column("inspection", sa.Column("part_number", sa.BigInteger(), nullable=True))
    op.add_column("inspection", sa.Column("lot", sa.String(), nullable=False, server_default=""))
    op.add_column("inspection", sa.Column("kind", sa.String(), nullable=False, server_default=""))
    for column in (
        sa.Column("line", sa.String(), nullable=False, server_default=""),
        sa.Column("station", sa.String(), nullable=False, server_default=""),
        sa.Column("triggered_at", moment, nullable=False, server_default="1970-01-01 00:00:00.000000"),
        sa.Column("size_mm", sa.Float(), nullable=True),
    ):
        op.add_column("defect", column)
    op.execute(f"UPDATE inspection SET kind = {KIND}")  # noqa: S608 - our own words
    op.execute(
        "UPDATE defect SET (line, station, triggered_at) = (SELECT i.line, i.station, i.triggered_at FROM inspection i "
        "WHERE i.id = defect.inspection_id), size_mm = (SELECT MAX(m.value) FROM measurement m WHERE "
        "m.inspection_id = defect.inspection_id AND m.detection = defect.detection "
        "AND m.characteristic = 'length' AND m.unit = 'mm')"
    )
    _number()
    for table, indices in INDICES.items():
        for name, columns in indices:
            op.create_index(name, table, columns)


def _number() -> None:
    connection, last = op.get_bind(), 0
    page = sa.text("SELECT id, part_id FROM inspection WHERE id > :last ORDER BY id LIMIT :block")
    while rows := connection.execute(page, {"last": last, "block": BLOCK}).all():
        last = rows[-1][0]
        found = [(key, re.findall(r"[0-9]+", part_id)) for key, part_id in rows]
        numbers = [{"key": key, "number": int(digits[-1])} for key, digits in found if digits and len(digits[-1]) <= 18]  # noqa: PLR2004
        if numbers:
            connection.execute(sa.text("UPDATE inspection SET part_number = :number WHERE id = :key"), numbers)


def downgrade() -> None:
    """Drop what was added."""
    for table, indices in INDICES.items():
        for name, _ in indices:
            op.drop_index(name, table)
    for name in ("part_number", "lot", "kind"):
        op.drop_column("inspection", name)
    for name in ("line", "station", "triggered_at", "size_mm"):
        op.drop_column("defect", name)
