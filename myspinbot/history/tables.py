"""The tables as they are today; migrations.py says how a database gets there."""

import sqlalchemy as sa

_METADATA = sa.MetaData()

HISTORY = sa.Table(
    "myspinbot_history",
    _METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("server", sa.Text, nullable=False),
    sa.Column("prompt_id", sa.Text, nullable=False),
    sa.Column("workflow", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("error_class", sa.Text, nullable=False),
    sa.Column("error_kind", sa.Text, nullable=False),
    sa.Column("queued_at_s", sa.Double),
    sa.Column("started_at_s", sa.Double, nullable=False),
    sa.Column("ended_at_s", sa.Double),
    sa.Column("stages", sa.JSON, nullable=False),
    sa.Column("figures", sa.JSON, nullable=False),
    sa.Column("seeds", sa.JSON, nullable=False),
    sa.Column("models", sa.JSON, nullable=False),
    sa.Column("quality", sa.JSON, nullable=False),
    sa.Column("artifacts", sa.JSON, nullable=False),
    sa.Column("prompt", sa.JSON(none_as_null=True)),
)
MIGRATIONS = sa.Table(
    "myspinbot_migrations",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("applied_at_s", sa.Double, nullable=False),
)
