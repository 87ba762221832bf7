"""The store, on SQLite and on PostgreSQL: nothing is lost, nothing is done twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from ganmetrics.errors import RejectedError, ResourceError, UsageError
from ganmetrics.leaderboard import chain
from ganmetrics.leaderboard.database import _alembic
from ganmetrics.leaderboard.store import Store
from ganmetrics.leaderboard.tables import metadata


def added(store: Store, team: str = "a", quota: tuple[tuple[int, str], ...] = ()) -> str:
    return store.add(team, "m", "cli", "0" * 64, "f.zip", quota)


def test_migrations_make_the_tables_of_the_code(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert store.version() == store.newest
    store.migrate()  # again, to no effect


def test_migrations_go_down_and_up_again(store: Store) -> None:
    from alembic import command

    with store.writing() as connection:
        command.downgrade(_alembic(connection), "base")
    assert set(inspect(store.engine).get_table_names()) <= {"alembic_version"} and store.version() == ""
    store.migrate()
    added(store)
    store.append(None, "rules", {})
    assert len(store.submissions()) == 1 and store.head()[0] == 1


def test_records_can_be_neither_changed_nor_deleted(store: Store) -> None:
    store.append(None, "rules", {"a": 1})
    for statement in ("UPDATE records SET payload = '{}'", "DELETE FROM records"):
        with pytest.raises(DBAPIError, match="append-only"), store.engine.begin() as connection:
            connection.execute(text(statement))
    assert store.records()[0].facts == {"a": 1}


def test_ten_posts_at_once_cannot_pass_the_quota(store: Store) -> None:
    gate = threading.Barrier(10)

    def post(_: int) -> str:
        gate.wait()
        try:
            return added(store, "t", ((3, "day"),))
        except RejectedError:
            return ""

    with ThreadPoolExecutor(10) as pool:
        found = [entry for entry in pool.map(post, range(10)) if entry]
    assert len(found) == 3 == len(store.submissions())
    added(store, "other", ((3, "day"),))
    with pytest.raises(RejectedError, match="3 submissions within one day"):
        store.check_quota("t", ((3, "day"),))


def test_each_submission_is_claimed_once(store: Store) -> None:
    entries = {added(store) for _ in range(20)}
    gate = threading.Barrier(4)

    def work(number: int) -> list[str]:
        gate.wait()
        found = []
        while (submission := store.claim(f"w{number}")) is not None:
            found.append(submission.public_id)
            assert store.finish(submission, "score", {"entry": submission.public_id})
        return found

    with ThreadPoolExecutor(4) as pool:
        found = [entry for part in pool.map(work, range(4)) for entry in part]
    assert sorted(found) == sorted(entries)
    assert chain.fault(store.records()) == "" and len(store.records()) == 20


def test_the_oldest_comes_first_and_a_named_one_when_asked_for(store: Store) -> None:
    first, second = added(store), added(store)
    assert store.waiting_before(store.submission(second)) == 1  # type: ignore[arg-type]
    named = store.claim("w", public_id=second)
    assert named is not None and named.public_id == second
    oldest = store.claim("w")
    assert oldest is not None and oldest.public_id == first and store.claim("w") is None


def test_a_worker_that_is_gone_loses_its_submission(store: Store) -> None:
    added(store)
    gone = store.claim("gone", lease=600)
    assert gone is not None and store.claim("other") is None
    assert store.renew(gone, 0.2)
    time.sleep(0.3)
    taken = store.claim("other")
    assert taken is not None and taken.attempts == 2
    assert not store.renew(gone) and not store.finish(gone, "score", {}), "it comes back too late"
    store.release(gone)
    assert store.finish(taken, "score", {"x": 1}) and not store.finish(taken, "score", {"x": 1})
    assert [record.facts for record in store.records()] == [{"x": 1}]


def test_what_is_released_waits_again(store: Store) -> None:
    added(store)
    taken = store.claim("w")
    assert taken is not None
    store.release(taken)
    assert store.counts() == {"queued": 1}


def test_an_entry_leaves_the_board_once(store: Store) -> None:
    submission = store.submission(added(store))
    assert submission is not None
    before = store.stamp()
    store.append(submission, "withdraw", {})
    assert store.stamp() != before
    with pytest.raises(UsageError, match="off the board"):
        store.append(submission, "disqualify", {})
    assert store.counts() == {"withdrawn": 1} and store.claim("w") is None


def test_tokens_are_kept_as_hashes_and_expire(store: Store) -> None:
    token = store.issue("team", "a", 60)
    found = store.token(token, "team")
    assert found is not None and found.team == "a"
    assert store.token(token, "organiser") is None and store.token(token[:-1], "team") is None
    with store.engine.connect() as connection:
        assert token not in str(connection.execute(text("SELECT * FROM tokens")).all())
    assert store.token(store.issue("team", "a", -1), "team") is None
    assert store.revoke(found.id) and store.token(token, "team") is None and not store.revoke(10**6)
    assert store.tokens() == []


@pytest.mark.parametrize("name", ["'); DROP TABLE submissions;--", "%s {x} :y", "ж\"'`", "a" * 64])
def test_names_are_data(store: Store, name: str) -> None:
    entry = added(store, name)
    found = store.submission(entry)
    assert found is not None and found.team == name and store.submission("' OR 1=1 --") is None


@pytest.mark.parametrize(("url", "what"), [("mysql://x/y", "kind 'mysql'"), ("nonsense", "cannot be read")])
def test_other_stores_are_refused(url: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        Store(url)


def test_a_store_that_is_away_is_said_so(tmp_path: Any) -> None:
    away: list[Callable[[], Store]] = [
        lambda: Store(f"sqlite:///{tmp_path / 'missing' / 'x.db'}"),
        lambda: Store("postgresql+psycopg://nobody@127.0.0.1:1/none"),
    ]
    for make in away:
        with pytest.raises(ResourceError) as refused:
            make().counts()
        assert refused.value.code == "E-STORE" and "nobody" not in str(refused.value)
