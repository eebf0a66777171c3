"""Opens the label store's database and holds what keeps labels whole: transactions, waiting, migrations, plain errors.

    labels.db                            SQLite in WAL mode: readers and one writer do not hinder each other
    postgresql://user@host/name          PostgreSQL, with the package psycopg

A write holds the lock from its begin (BEGIN IMMEDIATE), so that it waits for another writer instead of failing at its
end. A migration is one transaction, with foreign keys off in SQLite, whose way to change a table is to copy it: with
them on, dropping the old copy would count as deleting its rows. They are checked before the transaction ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foretell.align.schema import metadata
from foretell.errors import BadUse, Failed, first_line

MIGRATIONS = Path(__file__).with_name("migrations")
VERSION_TABLE = "label_store_version"
WAIT = 10.0  # seconds that a write waits for another
SCHEMES = ("sqlite", "postgresql", "postgres")


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An open label store; `name` is its path, or its address without the password."""

    engine: Any
    name: str


def open_store(where: str | Path, create: bool = False, wait: float = WAIT) -> Store:
    """The label store of a file or of a database's address, brought to the newest version; labels stay as they are.

    Where there is none, it is made if `create`, else BadUse. A write waits at most `wait` seconds for another.
    """
    store = _opened(str(where), create, wait)
    try:
        with told(store):
            _bring_up(store, create)
    except BaseException:
        close(store)
        raise
    return store


def close(store: Store) -> None:
    """Let go of the database."""
    store.engine.dispose()


@contextmanager
def writing(store: Store) -> Iterator[Any]:
    """A connection in a transaction that holds the write lock; all of it is kept at the end, nothing after an error."""
    with told(store), store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(store: Store) -> Iterator[Any]:
    """A connection that sees the store as it is now, whatever is written meanwhile."""
    with told(store), store.engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def told(store: Store) -> Iterator[None]:
    """What the database refuses, as one line."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except DBAPIError as error:
        raise _one_line(store, first_line(error.orig or error)) from error
    except SQLAlchemyError as error:
        raise Failed(f"{store.name}: {first_line(error)}; nothing was changed") from error


def _one_line(store: Store, reason: str) -> BadUse | Failed:
    small = reason.lower()
    if "locked" in small or "busy" in small or "lock timeout" in small:
        return Failed(f"{store.name} is locked: another process is writing; nothing was changed, try again")
    if "not a database" in small or "malformed" in small or "corrupt" in small:
        return Failed(f"{store.name} is damaged or is no label store ({reason}); bring back a copy of it")
    if "unable to open" in small or "readonly" in small:
        return BadUse(f"{store.name} cannot be opened for writing ({reason}); give a file in a folder that can be")
    return Failed(f"{store.name}: {reason}; nothing was changed")


def _opened(where: str, create: bool, wait: float) -> Store:
    try:
        import sqlalchemy as sa
        from sqlalchemy.exc import ArgumentError
    except ImportError as error:
        raise BadUse("the label store needs the package sqlalchemy; pip install 'foretell[labels]'") from error
    if "://" not in where:
        url = sa.make_url("sqlite://").set(database=str(Path(where)))
    else:
        try:
            url = sa.make_url(where)
        except (ArgumentError, ValueError) as error:
            raise BadUse("that is no address of a database; it looks like postgresql://user@host/name") from error
    scheme = url.drivername.partition("+")[0]
    if scheme not in SCHEMES:
        raise BadUse(f"{scheme}:// is not supported; give a file for SQLite, or postgresql://user@host/name")
    return _sqlite(url, create, wait) if scheme == "sqlite" else _postgresql(url, wait)


def _sqlite(url: Any, create: bool, wait: float) -> Store:
    import sqlalchemy as sa

    path = Path(url.database or "")
    if not url.database or path.is_dir():
        raise BadUse(f"{path} is no file; give one, such as labels.db")
    if not path.exists() and not create:
        raise BadUse(f"{path} does not exist; foretell label init PROMPTS.jsonl --db {path} makes it")
    if not path.parent.is_dir():
        raise BadUse(f"{path.parent} is no folder; make it, or give another --db")
    engine = sa.create_engine(url.set(drivername="sqlite+pysqlite"), connect_args={"timeout": wait})
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _on_begin)
    return Store(engine=engine, name=str(path))


def _on_connect(connection: Any, _: object) -> None:
    connection.isolation_level = None  # else the driver begins transactions itself, and none for a change of tables
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):  # FULL: a label outlives a power cut
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Any) -> None:
    options = connection.get_execution_options()
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")


def _postgresql(url: Any, wait: float) -> Store:
    import sqlalchemy as sa

    name = url.render_as_string(hide_password=True)
    try:
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={"options": f"-c lock_timeout={round(wait * 1000)}", "connect_timeout": max(2, round(wait))},
            pool_pre_ping=True,
        )
    except ImportError as error:
        raise BadUse("postgresql:// needs the package psycopg; pip install 'psycopg[binary]'") from error
    return Store(engine=engine, name=name)


def _bring_up(store: Store, create: bool) -> None:
    """Run the migrations that the database has not seen, in one transaction that waits for another process's."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from sqlalchemy import inspect, text

    scripts = ScriptDirectory(str(MIGRATIONS))
    newest = scripts.get_current_head()
    with store.engine.connect() as connection, connection.begin():
        options = {"version_table": VERSION_TABLE}
        found = MigrationContext.configure(connection, opts=options).get_current_revision()
        if found == newest:
            return
        if found is None and not create:
            raise BadUse(f"{store.name} holds no label store; foretell label init PROMPTS.jsonl --db makes one")
        if found is None and store.engine.dialect.name == "sqlite" and inspect(connection).get_table_names():
            raise BadUse(f"{store.name} is a database of something else; give another --db")
    if found not in {None, *(one.revision for one in scripts.walk_revisions())}:
        raise BadUse(f"{store.name} was written by a newer foretell (its version is {found}); update foretell")
    with store.engine.connect().execution_options(writes=True) as connection:
        small = connection.dialect.name == "sqlite"
        if small:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                if not small:
                    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": VERSION_TABLE})
                _migrate(connection, scripts)
                if small and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise Failed(f"{store.name}: labels would lose their prompts; nothing was changed")
        finally:
            if small:
                connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")


def _migrate(connection: Any, scripts: Any, to: str = "head") -> None:
    """Run the migrations up to a version on a connection that is in a transaction."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    def steps(found: Any, _: object) -> Any:
        return scripts._upgrade_revs(to, found)

    with EnvironmentContext(Config(), scripts, fn=steps, destination_rev=to) as environment:
        environment.configure(connection=connection, version_table=VERSION_TABLE, target_metadata=metadata())
        environment.run_migrations()
