"""Submissions, the chain of records, tokens; records can be neither changed nor deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQLITE = """
CREATE TRIGGER records_no_{verb} BEFORE {verb} ON records
BEGIN SELECT RAISE(ABORT, 'records are append-only'); END
"""
POSTGRESQL = (
    """
    CREATE FUNCTION records_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'records are append-only'; END $$
    """,
    "CREATE TRIGGER records_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON records "
    "FOR EACH STATEMENT EXECUTE FUNCTION records_append_only()",
)


def upgrade() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("public_id", sa.String(16), nullable=False),
        sa.Column("team", sa.String(64), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("via", sa.String(8), nullable=False),
        sa.Column("received", sa.Float(53), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("file", sa.String(80), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("worker", sa.String(64), nullable=False, server_default=""),
        sa.Column("lease", sa.Float(53), nullable=False, server_default="0"),
        sa.UniqueConstraint("public_id", name="uq_submissions_public_id"),
        sa.CheckConstraint("state IN ('queued', 'scoring', 'scored', 'rejected', 'withdrawn')", name="state_known"),
    )
    op.create_index("ix_submissions_team", "submissions", ["team"])
    op.create_index("ix_submissions_state_id", "submissions", ["state", "id"])
    op.create_table(
        "records",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("submission_id", sa.Integer, sa.ForeignKey("submissions.id"), nullable=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.UniqueConstraint("digest", name="uq_records_digest"),
        sa.CheckConstraint("kind IN ('rules', 'score', 'reject', 'withdraw', 'disqualify')", name="kind_known"),
    )
    op.create_index("ix_records_submission_id", "records", ["submission_id"])
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("purpose", sa.String(10), nullable=False),
        sa.Column("team", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("expires", sa.Float(53), nullable=False),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
        sa.CheckConstraint("purpose IN ('team', 'organiser', 'session')", name="purpose_known"),
    )
    guards = POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _sqlite_guards()
    for statement in guards:
        op.execute(statement)


def _sqlite_guards() -> tuple[str, ...]:
    return tuple(SQLITE.format(verb=verb) for verb in ("UPDATE", "DELETE"))


def downgrade() -> None:
    for table in ("tokens", "records", "submissions"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION records_append_only")
