"""The store of a board: submissions and their queue, the chain of records, tokens."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from ganmetrics.errors import RejectedError, UsageError
from ganmetrics.leaderboard import chain
from ganmetrics.leaderboard.chain import Record
from ganmetrics.leaderboard.database import Database
from ganmetrics.leaderboard.rules import PERIODS
from ganmetrics.leaderboard.tables import records, submissions, tokens

# Seconds that a worker has a submission before another may take it.
LEASE = 60.0
MOST_ATTEMPTS = 8


class Submission(NamedTuple):
    """One submission: a row of the table ``submissions``."""

    id: int
    public_id: str
    team: str
    model: str
    via: str
    received: float
    digest: str
    file: str
    state: str
    attempts: int
    worker: str
    lease: float


class Token(NamedTuple):
    """A token: its purpose, its team, and when it was issued and expires."""

    id: int
    purpose: str
    team: str
    created: float
    expires: float


class Store(Database):
    """What may be asked of a board's tables: submissions and their queue, the chain of records, tokens."""

    # submissions

    def add(self, team: str, model: str, via: str, digest: str, file: str, quota: Sequence[tuple[int, str]]) -> str:
        """Queue a submission and return its public id (RejectedError where the team's quota is used up)."""
        # Random, so that ids tell nothing of the queue.
        now, public_id = time.time(), secrets.token_hex(8)
        with self.writing() as connection:
            for most, period in quota:
                _check_quota(connection, team, most, period, now)
            names = {"public_id": public_id, "team": team, "model": model, "via": via}
            row = {**names, "received": now, "digest": digest, "file": file, "state": "queued"}
            connection.execute(insert(submissions).values(**row))
        return public_id

    def check_quota(self, team: str, quota: Sequence[tuple[int, str]]) -> None:
        """Refuse a team whose quota is used up by now (RejectedError)."""
        with self.reading() as connection:
            for most, period in quota:
                _check_quota(connection, team, most, period, time.time())

    def submission(self, public_id: str) -> Submission | None:
        """Return the submission with a public id; ``None`` where there is none."""
        with self.reading() as connection:
            row = connection.execute(select(submissions).where(submissions.c.public_id == public_id)).one_or_none()
        return None if row is None else Submission(*row)

    def submissions(self) -> list[Submission]:
        """Return all submissions, the oldest first."""
        with self.reading() as connection:
            return [Submission(*row) for row in connection.execute(select(submissions).order_by(submissions.c.id))]

    def counts(self) -> dict[str, int]:
        """Return how many submissions there are of each state."""
        query = select(submissions.c.state, func.count()).group_by(submissions.c.state)
        with self.reading() as connection:
            return {str(row[0]): int(row[1]) for row in connection.execute(query)}

    def waiting_before(self, submission: Submission) -> int:
        """Return how many submissions come before a queued one."""
        is_before = (submissions.c.id < submission.id) & submissions.c.state.in_(("queued", "scoring"))
        with self.reading() as connection:
            return connection.execute(select(func.count()).select_from(submissions).where(is_before)).scalar_one()

    # the queue

    def claim(self, worker: str, *, lease: float = LEASE, public_id: str = "") -> Submission | None:
        """Claim the oldest submission that waits or whose worker is gone; ``None`` without one."""
        now = time.time()
        # A submission whose lease has run out belongs to a worker that is gone.
        is_free = (submissions.c.state == "queued") | ((submissions.c.state == "scoring") & (submissions.c.lease < now))
        if public_id:
            is_free &= submissions.c.public_id == public_id
        query = select(submissions).where(is_free).order_by(submissions.c.id).limit(1).with_for_update(skip_locked=True)
        with self.writing() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            changes = {"state": "scoring", "worker": worker, "lease": now + lease, "attempts": row.attempts + 1}
            connection.execute(update(submissions).where(submissions.c.id == row.id).values(**changes))
        return Submission(*row)._replace(**changes)

    def renew(self, submission: Submission, lease: float = LEASE) -> bool:
        """Keep a submission that this worker has; return false where another worker has it."""
        with self.writing() as connection:
            done = connection.execute(update(submissions).where(_is_held(submission)).values(lease=time.time() + lease))
            return done.rowcount == 1

    def release(self, submission: Submission) -> None:
        """Put a submission that could not be scored for want of disk or memory back into the queue."""
        with self.writing() as connection:
            connection.execute(update(submissions).where(_is_held(submission)).values(state="queued", lease=0))

    def finish(self, submission: Submission, kind: str, facts: dict[str, Any]) -> bool:
        """Append the outcome of a submission once; return false where another worker has it."""
        state = "scored" if kind == "score" else "rejected"
        with self.writing() as connection:
            done = connection.execute(update(submissions).where(_is_held(submission)).values(state=state, lease=0))
            if done.rowcount != 1:
                return False
            _append(connection, submission.id, kind, facts)
        return True

    # the chain

    def append(self, submission: Submission | None, kind: str, facts: dict[str, Any]) -> None:
        """Append a record that no worker makes, of kind rules, withdraw or disqualify."""
        with self.writing() as connection:
            if submission is not None:
                state = "withdrawn" if kind == "withdraw" else "rejected"
                is_open = (submissions.c.id == submission.id) & submissions.c.state.in_(("queued", "scoring", "scored"))
                if connection.execute(update(submissions).where(is_open).values(state=state, lease=0)).rowcount != 1:
                    raise UsageError("the entry is off the board already", where=submission.public_id, code="E-ENTRY")
            _append(connection, None if submission is None else submission.id, kind, facts)

    def records(self) -> list[Record]:
        """Return all records in the order of the chain."""
        with self.reading() as connection:
            return [Record(*row) for row in connection.execute(select(records).order_by(records.c.id))]

    def record_of(self, submission: Submission, kind: str) -> Record | None:
        """Return the newest record of a kind about a submission."""
        query = select(records).where(records.c.submission_id == submission.id, records.c.kind == kind)
        with self.reading() as connection:
            row = connection.execute(query.order_by(records.c.id.desc()).limit(1)).one_or_none()
        return None if row is None else Record(*row)

    def head(self) -> tuple[int, str]:
        """Return the number and the digest of the last record."""
        query = select(records.c.id, records.c.digest).order_by(records.c.id.desc()).limit(1)
        with self.reading() as connection:
            row = connection.execute(query).one_or_none()
        return (0, chain.GENESIS) if row is None else (row.id, row.digest)

    def stamp(self) -> tuple[int, float]:
        """Return a value that differs whenever the table or the queue has changed."""
        states = select(func.count(), func.coalesce(func.sum(submissions.c.id * (submissions.c.attempts + 1)), 0))
        waiting = states.where(submissions.c.state.in_(("queued", "scoring")))
        with self.reading() as connection:
            # Attempts weigh in, so that a new attempt changes the value too.
            count, weight = connection.execute(waiting).one()
            last = connection.execute(select(func.coalesce(func.max(records.c.id), 0))).scalar_one()
        return int(last), float(count) + float(weight) / 1e3

    # tokens

    def issue(self, purpose: str, team: str, seconds: float) -> str:
        """Issue a token and return it; the store keeps its hash alone."""
        token, now = f"gmt_{secrets.token_urlsafe(32)}", time.time()
        # SHA-256 suffices: tokens are random, not chosen by people.
        row = {"purpose": purpose, "team": team, "digest": _hashed(token), "created": now, "expires": now + seconds}
        with self.writing() as connection:
            connection.execute(insert(tokens).values(**row))
        return token

    def token(self, token: str, *purposes: str) -> Token | None:
        """Look a token up; ``None`` for one that is unknown, has expired, or is for another purpose."""
        columns = (tokens.c.id, tokens.c.purpose, tokens.c.team, tokens.c.created, tokens.c.expires)
        query = select(*columns).where(tokens.c.digest == _hashed(token), tokens.c.expires > time.time())
        with self.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None or row.purpose not in purposes else Token(*row)

    def tokens(self) -> list[Token]:
        """Return the valid tokens of teams and organisers."""
        columns = (tokens.c.id, tokens.c.purpose, tokens.c.team, tokens.c.created, tokens.c.expires)
        query = select(*columns).where(tokens.c.purpose != "session", tokens.c.expires > time.time())
        with self.reading() as connection:
            return [Token(*row) for row in connection.execute(query.order_by(tokens.c.id))]

    def revoke(self, id: int) -> bool:
        """End a token at once; return false for one that does not exist."""
        with self.writing() as connection:
            return connection.execute(update(tokens).where(tokens.c.id == id).values(expires=0)).rowcount == 1


def _append(connection: Connection, submission_id: int | None, kind: str, facts: dict[str, Any]) -> None:
    last = connection.execute(
        select(records.c.id, records.c.digest).order_by(records.c.id.desc()).limit(1)
    ).one_or_none()
    place, previous = (1, chain.GENESIS) if last is None else (last.id + 1, last.digest)
    connection.execute(insert(records).values(**chain.linked(place, submission_id, kind, facts, previous)._asdict()))


def _check_quota(connection: Connection, team: str, most: int, period: str, now: float) -> None:
    is_recent = (submissions.c.team == team) & (submissions.c.received > now - PERIODS[period])
    count = connection.execute(select(func.count()).select_from(submissions).where(is_recent)).scalar_one()
    if count >= most:
        within = "in total" if period == "total" else f"within one {period}"
        what = f"the team has used up its quota of {most} {'submission' if most == 1 else 'submissions'} {within}"
        raise RejectedError(what, hint="" if period == "total" else "Try again later", code="E-QUOTA")


def _is_held(submission: Submission) -> Any:
    columns = submissions.c
    is_same = (columns.id == submission.id) & (columns.worker == submission.worker)
    return is_same & (columns.attempts == submission.attempts) & (columns.state == "scoring")


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
