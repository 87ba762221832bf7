"""The database of a board: connections that read, transactions of one writer at a time, the version of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from ganmetrics._files import shown
from ganmetrics.errors import ResourceError, UsageError

# Seconds to wait for another's transaction.
BUSY = 30.0
# PostgreSQL's advisory lock: one writer of the chain, and of a team's quota, at a time.
CHAIN_LOCK = 0x67616E6D


class Database:
    """A pool of connections to SQLite or PostgreSQL.

    Parameters
    ----------
    url : str
        ``sqlite:///FILE`` or ``postgresql+psycopg://…``.

    Raises
    ------
    UsageError
        Another kind of URL, or a driver that is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that only reads (ResourceError where the database cannot be reached)."""
        with _reachable(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a transaction beside which no other writer of the chain or the queue runs."""
        with _reachable(), self.engine.begin() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({CHAIN_LOCK})"))
            yield connection

    def migrate(self) -> None:
        """Bring the tables to the newest version; repeating it changes nothing."""
        from alembic import command

        with self.writing() as connection:
            command.upgrade(_alembic(connection), "head")

    @cached_property
    def newest(self) -> str:
        """The version of the tables that this version of ganmetrics works with."""
        from alembic.script import ScriptDirectory

        return str(ScriptDirectory.from_config(_alembic(None)).get_current_head())

    def version(self) -> str:
        """Return the version of the tables; empty where there are none."""
        from alembic.runtime.migration import MigrationContext

        with self.reading() as connection:
            return MigrationContext.configure(connection).get_current_revision() or ""


def _engine(url: str) -> Engine:
    # A null byte would only be noticed by the driver, with an error of its own.
    if not url.isprintable():
        raise UsageError("the store's URL holds characters that do not print", where="store", hint="Write it anew")
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            what = f"the store is of kind {parsed.get_backend_name()!r}; expected sqlite or postgresql"
            raise UsageError(what, where="store", hint="Such as postgresql+psycopg://user@host/name")
        engine = create_engine(parsed, pool_pre_ping=True, **_options(parsed.get_backend_name()))
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError("the store's URL cannot be read", where="store", hint=shown(str(error))) from None
    except ModuleNotFoundError as error:
        hint = "pip install 'ganmetrics[leaderboard]', and write postgresql+psycopg://…"
        raise UsageError(f"the store needs the package {error.name}", where="store", hint=hint) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepared)
    return engine


def _options(backend: str) -> dict[str, Any]:
    if backend == "sqlite":
        return {"connect_args": {"timeout": BUSY, "check_same_thread": False}}
    return {"connect_args": {"connect_timeout": 10}, "pool_size": 5, "pool_recycle": 1800}


def _prepared(connection: Any, _: object) -> None:
    # The driver must not begin transactions of its own: they begin where ``writing`` says so.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}").close()


def _alembic(connection: Connection | None) -> Any:
    from importlib import resources

    from alembic.config import Config

    config = Config()
    config.set_main_option(
        "script_location", str(resources.files("ganmetrics.leaderboard") / "migrations").replace("%", "%%")
    )
    config.attributes["connection"] = connection
    return config


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        reason = shown(str(error.orig).strip().splitlines()[0][:120]) if error.orig else "unknown"
        what = f"the board's store cannot be reached or written: {reason}"
        raise ResourceError(what, hint="Check that it runs and that its disk has room", code="E-STORE") from error
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise ResourceError("the connection to the board's store was lost", hint="Try again", code="E-STORE") from error
