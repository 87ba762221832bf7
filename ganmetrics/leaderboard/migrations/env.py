"""The script that Alembic runs: it migrates the connection that ``Store.migrate`` hands over."""

from __future__ import annotations

from alembic import context

from ganmetrics.leaderboard.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can alter a table only by copying it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
