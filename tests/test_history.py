"""The job history on SQLite and on a real PostgreSQL."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa
from postgresql import INSTALLED, Cluster
from sqlalchemy.exc import SQLAlchemyError

from myspinbot.errors import BadInputError, MissingDependencyError, StorageError
from myspinbot.history import migrations
from myspinbot.history.entry import LOST, RUNNING, Entry
from myspinbot.history.ledger import Ledger, sqlite_url
from myspinbot.history.tables import HISTORY, MIGRATIONS
from scripts.environment import ROOT

NOW_S = time.time()


@pytest.fixture(scope="module")
def server():
    if not INSTALLED:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    with Cluster() as cluster:
        yield cluster.address


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "history ?#%.db")  # a folder may be called anything
        return
    url = request.getfixturevalue("server")
    yield url
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        HISTORY.drop(connection)
        MIGRATIONS.drop(connection)
    engine.dispose()


@pytest.fixture
def open_ledger(address):
    opened = []

    def open_one(**options):
        opened.append(Ledger(address, **options))
        return opened[-1]

    yield open_one
    for ledger in opened:
        ledger.close()


def entry(number, outcome="success", **facts):
    return Entry(f"prompt {number}", NOW_S + number, outcome=outcome, **facts)


FULL = Entry(
    "an id",
    NOW_S,
    workflow="talking_bot",
    outcome="error",
    error_class="Speak",
    error_kind="oom",
    queued_at_s=NOW_S - 1.25,
    ended_at_s=NOW_S + 7.5,
    stages={"Speak": {"runs": 1, "cached": 0, "own_s": 2.5, "peak_ram_bytes": 2**33}},
    figures={"speech_s": 10.5},
    seeds={"3.seed": 2**64 - 1},
    models=("größe.safetensors",),
    quality={"speaker_similarity": 0.81},
    artifacts=("bots/é_00001.mp4",),
    prompt={"1": {"class_type": "Speak", "inputs": {"text": "Grüße\0"}}},
)


def test_an_entry_comes_back_as_it_was(open_ledger):
    ledger = open_ledger(server="here:8188")
    ledger.save(FULL)
    ((found,), after) = ledger.page()
    lists = {"models": list(FULL.models), "artifacts": list(FULL.artifacts)}
    assert found == replace(FULL, id=found.id, server="here:8188", **lists)
    assert after is None


def test_the_end_takes_the_place_of_the_start(open_ledger):
    ledger = open_ledger()
    for number in range(2):
        ledger.save(entry(number, RUNNING))
    ledger.save(entry(0, ended_at_s=NOW_S))
    outcomes = [(e.prompt_id, e.outcome) for e in ledger.page()[0]]
    assert outcomes == [("prompt 1", RUNNING), ("prompt 0", "success")]
    ledger.save(entry(0))  # a client may give the same id again
    assert len(ledger.page()[0]) == 3


def test_pages_hold_each_entry_once_while_others_come(open_ledger):
    ledger = open_ledger()
    for number in range(7):
        ledger.save(entry(number))
    seen, before = [], None
    while True:
        entries, before = ledger.page(3, before)
        seen += [found.prompt_id for found in entries]
        ledger.save(entry(100 + len(seen)))
        if before is None:
            break
    assert seen == [f"prompt {number}" for number in range(6, -1, -1)]
    assert ledger.page(3, 1) == ([], None)


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_page_has_a_size(open_ledger, limit):
    with pytest.raises(BadInputError, match="between 1 and 500"):
        open_ledger().page(limit)


def test_only_the_newest_are_kept(open_ledger):
    ledger = open_ledger(keep_entries=5)
    for number in range(12):
        ledger.save(entry(number))
    assert [e.prompt_id for e in ledger.page()[0]] == [f"prompt {n}" for n in range(11, 6, -1)]


def test_only_the_last_days_are_kept(open_ledger):
    ledger = open_ledger(keep_days=2)
    ledger.save(Entry("old", NOW_S - 3 * 86400))
    ledger.save(Entry("of yesterday", NOW_S - 86400))
    assert [e.prompt_id for e in ledger.page()[0]] == ["of yesterday"]


def test_what_ran_when_its_server_ended_is_lost(open_ledger):
    open_ledger(server="a").save(entry(0, RUNNING))
    other = open_ledger(server="b")
    other.save(entry(1, RUNNING))
    again = open_ledger(server="a")
    assert [(e.server, e.outcome) for e in again.page()[0]] == [("b", RUNNING), ("a", LOST)]


def test_servers_share_a_database(open_ledger):
    """They open it at the same moment, empty, and all write at once."""
    names = [f"s{n}" for n in range(8)]
    together = threading.Barrier(len(names))

    def serve(name):
        together.wait()
        ledger = open_ledger(server=name)
        for number in range(20):
            ledger.save(entry(number))

    with ThreadPoolExecutor(len(names)) as servers:
        list(servers.map(serve, names))
    found = open_ledger().page(500)[0]
    assert sorted((e.server, e.prompt_id) for e in found) == sorted(
        (name, f"prompt {number}") for name in names for number in range(20)
    )


def test_migrations_lead_to_the_tables_of_today(open_ledger):
    engine = open_ledger().engine
    for table in (HISTORY, MIGRATIONS):
        there = {c["name"]: c for c in sa.inspect(engine).get_columns(table.name)}
        assert list(there) == [column.name for column in table.columns]
        for column in table.columns:
            found = there[column.name]
            assert found["nullable"] == column.nullable, column.name
            assert found["type"]._type_affinity is column.type._type_affinity, column.name
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.max(MIGRATIONS.c.number))) == len(
            migrations.STEPS
        )


def test_a_newer_version_takes_only_its_new_steps(open_ledger, monkeypatch):
    open_ledger().save(FULL)
    newer = (*migrations.STEPS, ("ALTER TABLE myspinbot_history ADD COLUMN mood TEXT",))
    engine = open_ledger().engine
    with engine.begin() as connection:
        assert migrations.migrate(connection, newer) == 1
        assert migrations.migrate(connection, newer) == 0
    with pytest.raises(StorageError, match="newer version"):
        open_ledger()


def test_a_migration_that_fails_leaves_all_as_it_was(open_ledger):
    open_ledger().save(FULL)
    engine = open_ledger().engine
    broken = (
        *migrations.STEPS,
        ("ALTER TABLE myspinbot_history ADD COLUMN mood TEXT", "ALTER TABLE nowhere ADD x TEXT"),
    )
    with pytest.raises(SQLAlchemyError), engine.begin() as connection:
        migrations.migrate(connection, broken)
    assert "mood" not in {c["name"] for c in sa.inspect(engine).get_columns(HISTORY.name)}
    assert len(open_ledger().page()[0]) == 1


WRITER = """
import sys
from myspinbot.history.entry import Entry
from myspinbot.history.ledger import Ledger
ledger = Ledger(sys.argv[1])
for number in range(10**9):
    ledger.save(Entry(str(number), number + 1e12, outcome="success"))
    print(number, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_kill_9_loses_nothing_that_was_written(open_ledger, address):
    command = [sys.executable, "-c", WRITER, str(address)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        for _ in range(50):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        told = 49 + len(writer.stdout.readlines())
    ledger = open_ledger()
    found = [int(e.prompt_id) for e in ledger.page(500)[0]]
    assert found == list(range(len(found) - 1, -1, -1))
    assert found[0] in (told, told + 1)
    ledger.save(FULL)
    if ledger.engine.dialect.name == "sqlite":
        with ledger.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_a_reader_does_not_wait_for_a_writer(tmp_path):
    ledger = Ledger(sqlite_url(tmp_path / "history.db"))
    ledger.save(FULL)
    with sqlite3.connect(tmp_path / "history.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        started_s = time.monotonic()
        assert len(ledger.page()[0]) == 1
        assert time.monotonic() - started_s < 5  # a lock is waited for 10 s
    ledger.close()
    other.close()


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "history.db").write_text("a shopping list\n" * 100)
    with pytest.raises(StorageError, match=r"history\.db cannot be used: .*not a database"):
        Ledger(sqlite_url(tmp_path / "history.db"))


def test_a_server_that_is_not_there_is_named_without_its_password():
    with pytest.raises(StorageError, match=r"spinbot:\*\*\*@127\.0\.0\.1:9/bots") as caught:
        Ledger("postgres://spinbot:geheim@127.0.0.1:9/bots")
    assert "geheim" not in str(caught.value)


def test_values_are_not_in_errors(tmp_path):
    ledger = Ledger(sqlite_url(tmp_path / "history.db"))
    with ledger.engine.begin() as connection:
        HISTORY.drop(connection)
    with pytest.raises(StorageError) as caught:
        ledger.save(FULL)
    assert "Grüße" not in f"{caught.value} {caught.value.__cause__}"
    ledger.close()


@pytest.mark.parametrize(
    ("url", "error", "text"),
    [
        ("no address", BadInputError, "is not the address of a database"),
        ("mysql://host/db", BadInputError, "SQLite and PostgreSQL, not mysql"),
        ("postgresql+nodriver://host/db", MissingDependencyError, r"psycopg\[binary\]"),
        ("postgresql+pg8000://host/db", MissingDependencyError, r"psycopg\[binary\]"),
    ],
)
def test_addresses_that_lead_nowhere(url, error, text):
    with pytest.raises(error, match=text):
        Ledger(url)
