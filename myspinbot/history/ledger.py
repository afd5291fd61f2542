"""Keeps entries in a database: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ..errors import BadInputError, MissingDependencyError, StorageError
from .entry import KEEP_DAYS, KEEP_ENTRIES, LOST, RUNNING, Entry
from .migrations import migrate
from .tables import HISTORY

MAX_LIMIT = 500
"""Entries of one page."""
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
_WAIT_S = 10
"""For a lock, and for a server that does not answer."""


def sqlite_url(path: Path) -> sa.URL:
    """The address of a SQLite file."""
    return sa.URL.create("sqlite", database=str(path))


class Ledger:
    """The history of one `server`, in a database that others may share. Safe for threads.

    Opening it brings the tables up to date and gives up what ran when this server last ended.
    Of all entries the newest `keep_entries` are kept, and of these the last `keep_days`.

    Raises BadInputError for a `url` that names no database, MissingDependencyError without its
    driver, and StorageError, here and in each method, when the database does not do as it is told.
    """

    def __init__(
        self,
        url: str | sa.URL,
        server: str = "",
        keep_entries: int = KEEP_ENTRIES,
        keep_days: float = KEEP_DAYS,
    ):
        self._server = server
        self._keep_entries, self._keep_days = keep_entries, keep_days
        self.engine = _engine(url)
        self._writing = self.engine.execution_options(writes=True)
        with self._told(), self._writing.begin() as connection:
            migrate(connection)
            ours = (HISTORY.c.server == server) & (HISTORY.c.outcome == RUNNING)
            connection.execute(sa.update(HISTORY).where(ours).values(outcome=LOST))

    def close(self) -> None:
        self.engine.dispose()

    def reach(self) -> bool:
        """Whether the database answers: True, or StorageError."""
        with self._told(), self.engine.connect() as connection:
            connection.execute(sa.select(1))
        return True

    def save(self, entry: Entry) -> None:
        """Keep `entry`; one that is over takes the place of the one that told of its start."""
        row = asdict(entry) | {"server": self._server}
        del row["id"]
        begun = (
            (HISTORY.c.server == self._server)
            & (HISTORY.c.prompt_id == entry.prompt_id)
            & (HISTORY.c.outcome == RUNNING)
        )
        with self._told(), self._writing.begin() as connection:
            over = entry.outcome != RUNNING
            if over and connection.execute(sa.update(HISTORY).where(begun).values(row)).rowcount:
                return
            inserted = connection.execute(sa.insert(HISTORY).values(row)).inserted_primary_key
            old = HISTORY.c.started_at_s < time.time() - self._keep_days * 86400
            if inserted:
                old |= HISTORY.c.id <= inserted[0] - self._keep_entries
            connection.execute(sa.delete(HISTORY).where(old))

    def page(self, limit: int = 50, before: int | None = None) -> tuple[list[Entry], int | None]:
        """The newest `limit` entries with an id below `before`, and the next page's `before`.

        1 ≤ `limit` ≤ MAX_LIMIT, else BadInputError. The second is None on the last page.
        """
        if not 1 <= limit <= MAX_LIMIT:
            raise BadInputError(f"limit {limit} is not between 1 and {MAX_LIMIT}.")
        wanted = sa.select(HISTORY).order_by(HISTORY.c.id.desc()).limit(limit + 1)
        if before is not None:
            wanted = wanted.where(HISTORY.c.id < before)
        with self._told(), self.engine.connect() as connection:
            rows = connection.execute(wanted).mappings().all()
        entries = [Entry(**row) for row in rows[:limit]]  # type: ignore[arg-type]
        return entries, entries[-1].id if len(rows) > limit else None

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Database errors as ours, without statements and values."""
        try:
            yield
        except SQLAlchemyError as error:
            place = self.engine.url.render_as_string(hide_password=True)
            cause = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise StorageError(
                f"The job history in {place} cannot be used: {cause}. Mend the database, or choose "
                f"another with MYSPINBOT_DATABASE_URL."
            ) from error


def _engine(url: str | sa.URL) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise BadInputError(  # the address may hold a password: it is not quoted
            "MYSPINBOT_DATABASE_URL is not the address of a database: write "
            "sqlite:////folder/history.db or postgresql://user:password@host/database."
        ) from None
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    kind = parsed.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise BadInputError(
            f"The job history knows SQLite and PostgreSQL, not {kind}: change "
            f"MYSPINBOT_DATABASE_URL."
        )
    options: dict[str, Any] = {"timeout": _WAIT_S} if kind == "sqlite" else {}
    if parsed.drivername == "postgresql+psycopg":
        options["connect_timeout"] = _WAIT_S
    try:
        engine = sa.create_engine(
            parsed, connect_args=options, pool_pre_ping=True, hide_parameters=True
        )
    except (ImportError, ArgumentError) as error:
        raise MissingDependencyError(
            f"The driver of {parsed.drivername} is not there ({error}). Install it with: "
            f"{sys.executable} -m pip install 'psycopg[binary]'"
        ) from error
    if kind == "sqlite":
        _tame(engine)
    return engine


def _tame(engine: sa.Engine) -> None:
    """SQLite with a log that a killed process leaves whole, and with transactions we begin.

    Python's own begin would leave changes of tables out, and a transaction that first reads and
    then writes could not wait for another's.
    """

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        _keep_log(connection)
        connection.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _keep_log(connection: Any) -> None:
    """Turn the write-ahead log on, however many open an empty file at the same moment.

    Each of them has the file open for reading and wants to write; SQLite sees that none would ever
    give way, and refuses at once instead of waiting.
    """
    last_try_s = time.monotonic() + _WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > last_try_s:
                raise
        time.sleep(0.01)
