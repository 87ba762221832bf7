"""The tables of a store; ``migrations`` makes them, one step for each version."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

STATES = ("queued", "scoring", "scored", "rejected", "withdrawn")
KINDS = ("rules", "score", "reject", "withdraw", "disqualify")

submissions = Table(
    "submissions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("public_id", String(16), nullable=False, unique=True),
    Column("team", String(64), nullable=False, index=True),
    Column("model", String(64), nullable=False),
    Column("via", String(8), nullable=False),
    # Seconds since 1970.
    Column("received", Float(53), nullable=False),
    # SHA-256 of the file.
    Column("digest", String(64), nullable=False),
    Column("file", String(80), nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("worker", String(64), nullable=False, server_default=""),
    # Until when the worker has the submission.
    Column("lease", Float(53), nullable=False, server_default="0"),
    CheckConstraint("state IN ('queued', 'scoring', 'scored', 'rejected', 'withdrawn')", name="state_known"),
)
Index("ix_submissions_state_id", submissions.c.state, submissions.c.id)

records = Table(
    "records",
    metadata,
    # 1, 2, 3 … without a gap.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("submission_id", Integer, ForeignKey("submissions.id"), nullable=True, index=True),
    Column("kind", String(10), nullable=False),
    Column("payload", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    CheckConstraint("kind IN ('rules', 'score', 'reject', 'withdraw', 'disqualify')", name="kind_known"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("purpose", String(10), nullable=False),
    Column("team", String(64), nullable=False),
    # SHA-256 of the token, which itself is never kept.
    Column("digest", String(64), nullable=False, unique=True),
    Column("created", Float(53), nullable=False),
    Column("expires", Float(53), nullable=False),
    CheckConstraint("purpose IN ('team', 'organiser', 'session')", name="purpose_known"),
)
