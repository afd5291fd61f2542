"""Numbered steps from an empty database to today's tables.

A step is never changed once it was released: databases out there have taken it. A new one is
appended, and tables.py follows; a test compares the two on every kind of database.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import sqlalchemy as sa

from ..errors import StorageError
from .tables import MIGRATIONS

_ID = {
    "sqlite": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT",
    "postgresql": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
}
"""Ids that grow and are never given twice: they are the cursor of a page."""
_LOCK = 0x6D79_7370
"""Of PostgreSQL's advisory locks: servers that start together migrate one after the other."""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE myspinbot_history (
            id {id},
            server TEXT NOT NULL,
            prompt_id TEXT NOT NULL,
            workflow TEXT NOT NULL,
            outcome TEXT NOT NULL,
            error_class TEXT NOT NULL,
            error_kind TEXT NOT NULL,
            queued_at_s DOUBLE PRECISION,
            started_at_s DOUBLE PRECISION NOT NULL,
            ended_at_s DOUBLE PRECISION,
            stages JSON NOT NULL,
            figures JSON NOT NULL,
            seeds JSON NOT NULL,
            models JSON NOT NULL,
            quality JSON NOT NULL,
            artifacts JSON NOT NULL,
            prompt JSON
        )""",
        "CREATE INDEX myspinbot_history_prompt ON myspinbot_history (prompt_id)",
        "CREATE INDEX myspinbot_history_start ON myspinbot_history (started_at_s)",
    ),
)


def migrate(connection: sa.Connection, steps: Sequence[Sequence[str]] = STEPS) -> int:
    """Take the steps that the database has not taken, in the transaction of `connection`.

    Returns how many that were; raises StorageError if a newer version of the pack was there.
    """
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    MIGRATIONS.create(connection, checkfirst=True)
    taken = connection.scalar(sa.select(sa.func.max(MIGRATIONS.c.number))) or 0
    if taken > len(steps):
        raise StorageError(
            f"The job history was last used by a newer version of the pack (its tables are at "
            f"number {taken}, this version knows {len(steps)}): update the pack, or choose another "
            f"database with MYSPINBOT_DATABASE_URL."
        )
    for number, statements in enumerate(steps[taken:], taken + 1):
        for statement in statements:
            connection.exec_driver_sql(statement.format(id=_ID[dialect]))
        connection.execute(sa.insert(MIGRATIONS).values(number=number, applied_at_s=time.time()))
    return len(steps) - taken
