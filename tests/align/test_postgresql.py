"""The label store on PostgreSQL: the same labels, the same rules. Skipped where psycopg or a server is missing."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from foretell.align.assignments import tasks_of
from foretell.align.database import VERSION_TABLE, reading, writing
from foretell.align.records import record_id
from foretell.align.schema import metadata, table
from foretell.align.store import Added, add_candidates, add_ranking, add_rankings, close, counts, open_store, rankings
from foretell.errors import BadUse, Failed
from tests.align.test_assignments import ASKING, candidates
from tests.align.test_store import WRITER, by_prompt, ranking

pytestmark = pytest.mark.slow


def binary(name):
    found = [*Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), shutil.which(name)]
    return str(found[-2] if found[:-1] else found[-1]) if any(found) else None


@pytest.fixture(scope="module")
def server():
    """The address of a server of this test's own, without the name of a database."""
    pytest.importorskip("psycopg")
    if not binary("initdb"):
        pytest.skip("no PostgreSQL server is here")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))  # not pytest's, which others than its owner may not enter
    nobody = {"user": "nobody"} if os.name == "posix" and os.geteuid() == 0 else {}  # it refuses to run as root
    if nobody:
        shutil.chown(folder, "nobody")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, log = str(folder / "data"), str(folder / "log")
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder, **nobody}
    subprocess.run([binary("initdb"), "-D", data, "-U", "me", "-A", "trust"], **quiet)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    subprocess.run([binary("pg_ctl"), "-D", data, "-o", options, "-l", log, "-w", "start"], **quiet)
    yield f"postgresql://me@127.0.0.1:{port}"
    subprocess.run([binary("pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop"], **quiet)
    shutil.rmtree(folder)


@pytest.fixture
def address(server, request):
    """The address of an empty database."""
    import psycopg

    name = request.node.name[:60]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"


@pytest.fixture
def store(address):
    opened = open_store(address, create=True)
    yield opened
    close(opened)


def test_labels_come_out_as_they_went_in(store):
    given = [ranking(number) for number in range(20)]
    assert add_rankings(store, [*given, given[0]]) == Added(added=21)
    assert add_rankings(store, [*given, given[0]]) == Added(added=0, already=21)
    assert rankings(store) == by_prompt([*given, given[0]])
    assert rankings(store, split="train") == by_prompt(given[1::2])


def test_the_database_refuses_what_would_lose_a_label(store):
    add_ranking(store, ranking())
    with pytest.raises(Failed, match="violates foreign key constraint"), writing(store) as connection:
        connection.execute(table("prompts").delete())
    assert rankings(store) == [ranking()]


def test_the_migrations_make_the_tables_that_the_code_knows(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with reading(store) as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata()) == []


def at_once(words, *each):
    some = [subprocess.Popen([*words, one], stderr=subprocess.PIPE, text=True) for one in each]
    said = [one.communicate()[1] for one in some]
    assert [one.returncode for one in some] == [0] * len(some), said


def test_two_processes_that_make_a_store_and_write_at_once_lose_nothing(address, request):
    at_once([sys.executable, "-c", WRITER, str(request.config.rootpath), address], "0", "1")
    store = open_store(address)
    assert sorted(map(record_id, rankings(store))) == sorted(record_id(ranking(number)) for number in range(60))
    close(store)


def test_labellers_who_ask_at_once_get_no_place_twice(address, store, request):
    add_candidates(store, [candidates(number) for number in range(25)])
    at_once([sys.executable, "-c", ASKING, str(request.config.rootpath), address], "a", "b", "c")
    given = Counter(row["prompt_id"] for name in "abc" for row in tasks_of(store, name))
    assert (len(given), set(given.values())) == (25, {2})


def test_a_lock_that_another_holds_is_told_and_nothing_is_lost(address, store):
    add_ranking(store, ranking())
    impatient = open_store(address, wait=0.2)
    with writing(store) as connection:
        connection.exec_driver_sql("LOCK TABLE rankings")
        with pytest.raises(Failed, match="is locked: another process is writing; nothing was changed"):
            add_ranking(impatient, ranking(1))
    assert add_ranking(impatient, ranking(1)) == Added(added=1)
    close(impatient)


def test_where_no_store_is_none_is_made_unasked(server, address):
    with pytest.raises(BadUse, match="holds no label store"):
        open_store(address)
    with pytest.raises(Failed, match="does not exist"):
        open_store(f"{server}/nothing", create=True)
    with pytest.raises(Failed, match=r"postgresql://me:\*\*\*@127.0.0.1:1/x") as error:
        open_store("postgresql://me:secret@127.0.0.1:1/x", create=True, wait=2)
    assert "secret" not in str(error.value)


def test_text_that_postgresql_cannot_hold_is_one_line(store):
    with pytest.raises(Failed, match="NUL"):
        add_ranking(store, ranking(instructions="a\0b"))
    assert counts(store)["prompts"] == 0
