"""What Alembic runs for each migration: always inside the transaction that the program has opened."""

from __future__ import annotations

from alembic import context

from inspector.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter a column in place
)
context.run_migrations()
