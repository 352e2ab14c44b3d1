"""The database: one engine, sessions that read or write, errors in words, migrations at start.

SQLite runs in WAL with `synchronous=FULL`, so that a commit outlives a power cut; a writer begins immediate and waits
its turn, readers are never blocked. On PostgreSQL a writer that folds a story takes its advisory lock first.
"""

import select
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, NoSuchModuleError
from sqlalchemy.pool import StaticPool
from sqlmodel import Session

from storage import schema, search_index
from storage.arrays import teach_arrays
from storage.errors import DatabaseError, SchemaVersionError
from storage.meta import find_fact

BUSY_SECONDS = 30.0
# How often a file that others just opened is tried to be turned to write-ahead logging.
_TURNS = 20
_LONG_REST = 30.0  # seconds without use, after which who stands between may have forgotten a connection
_RESTS_SINCE = "storywatch_rests_since"


class Database:
    """One database: `sqlite:///file.db`, `sqlite://` (memory) or `postgresql+psycopg://…`. Safe between threads."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        """Nothing is opened yet. Raises DatabaseError for a wrong address or a driver that is not installed."""
        self.url = url
        self._turn = threading.RLock()
        try:
            parsed = make_url(url)
            self.is_sqlite = parsed.get_backend_name() == "sqlite"
            self._is_memory = self.is_sqlite and parsed.database in (None, "", ":memory:")
            self.path = Path(parsed.database) if self.is_sqlite and not self._is_memory and parsed.database else None
            self.label = parsed.render_as_string(hide_password=True)
            self.engine = self._make_engine(pool_size)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise DatabaseError(
                f"database_url {url.split('@')[-1]!r}: {error}; write sqlite:///path/to/file.db or "
                "postgresql+psycopg://user:password@host/name (which needs the `postgres` extra installed)"
            ) from error
        self._writer = self.engine.execution_options(**{schema.BEGIN: "BEGIN IMMEDIATE"})
        self._reader = (
            self.engine
            if self.is_sqlite
            else self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        )

    def _make_engine(self, pool_size: int) -> Engine:
        if not self.is_sqlite:
            engine = create_engine(self.url, pool_size=pool_size, max_overflow=pool_size)
            event.listen(engine, "connect", partial(teach_arrays, engine.dialect))
            event.listen(engine, "checkin", _rest)
            event.listen(engine, "checkout", partial(_prove_alive, engine.dialect))
            return engine
        options: dict[str, Any] = {"connect_args": {"check_same_thread": False, "timeout": BUSY_SECONDS}}
        if self._is_memory:
            options["poolclass"] = StaticPool
        else:
            options |= {"pool_size": pool_size, "max_overflow": pool_size}
        engine = create_engine(self.url, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database; what it writes is thrown away. Raises DatabaseError."""
        if self._is_memory:
            with self._turn, self._session(self._reader) as session:
                yield session
        else:
            with self._session(self._reader) as session:
                yield session
                if not self.is_sqlite:
                    # A transaction that only reads, so that nothing is kept; the driver would forget with a rollback
                    # which statements it has prepared, and each would be parsed and planned anew.
                    session.commit()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose work is committed whole at the end, or not at all when the block raises.

        One at a time in this process (the caller waits, so run it in a thread where waiting matters). Articles touched
        in it are indexed for search before the commit. Raises DatabaseError; a retryable one may be tried again whole.
        """
        with self._turn, self._session(self._writer) as session:
            session.connection()  # begins now: whoever reads before it writes reads what it will write upon
            yield session
            search_index.index_touched(session)
            session.commit()

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        try:
            with Session(engine, expire_on_commit=False) as session:
                yield session
        except DBAPIError as error:
            raise self._describe(error) from error

    def _describe(self, error: DBAPIError) -> DatabaseError:
        """A driver's error in words; where a table or a column is not there, what the whole schema tells of it."""
        described = describe_error(error, self.label)
        if isinstance(described, SchemaVersionError):
            try:
                self.check()
            except SchemaVersionError as told:
                return told
            except DatabaseError:
                return described
        return described

    def upgrade(self) -> None:
        """Bring the schema up to date, or make it; several processes may at once.

        Raises SchemaVersionError on a newer schema.
        """
        self._make_folder()
        try:
            with self._turn:
                schema.upgrade(self.engine)
                self._renew_index()
        except DBAPIError as error:
            raise describe_error(error, self.label) from error

    def _make_folder(self) -> None:
        """Only here, so that whoever reads at a mistyped path leaves nothing there."""
        if self.path is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise DatabaseError(
                    f"{self.path.parent}: the folder for the database cannot be made: {error}"
                ) from error

    def _renew_index(self) -> None:
        """Make the full-text index anew if words were folded otherwise when it was made."""
        with self.read() as session:
            recipe = find_fact(session, search_index.RECIPE_FACT)
        if recipe != search_index.RECIPE:
            with self.write() as session:
                search_index.rebuild_index(session)

    def schema_version(self) -> str | None:
        """The migration that the database stands at; None when it was never migrated."""
        try:
            with self.engine.connect() as connection:
                return schema.current_version(connection)
        except DBAPIError as error:
            raise describe_error(error, self.label) from error

    def require_begun(self) -> None:
        """Prove that an archive was begun here, and make none, nor a file. Raises SchemaVersionError, DatabaseError."""
        version = self.schema_version() if self.path is None else self._peek_version(self.path)
        schema.require_begun(version, self.label if self.path is None else str(self.path))

    def _peek_version(self, path: Path) -> str | None:
        """The migration that a file stands at. SQLite makes a file that it is to open, and a connection of ours turns
        it to write-ahead logging: neither here.
        """
        if not path.exists():
            return None
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.Error as error:
            # What else is wrong with it, the engine's connection says in words.
            return None if "no such table" in str(error) else self.schema_version()
        return None if found is None else str(found[0])

    def check(self) -> None:
        """Prove that the database answers and has our whole schema; else SchemaVersionError or DatabaseError.

        Nothing is made: neither a file nor what is missing.
        """
        self.require_begun()
        try:
            with self.engine.connect() as connection:
                schema.require_current(schema.current_version(connection), self.label)
                missing = schema.find_missing(connection.exec_driver_sql, is_sqlite=self.is_sqlite)
        except DBAPIError as error:
            raise describe_error(error, self.label) from error
        schema.require_whole(missing, self.label)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def server_parts(url: str) -> dict[str, Any] | None:
    """What a driver is told to reach the PostgreSQL of `database_url`, by libpq's names; None for another kind."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        return None
    parts: dict[str, Any] = {
        "host": parsed.host, "port": parsed.port, "user": parsed.username, "password": parsed.password,
        "dbname": parsed.database, **parsed.query,
    }  # fmt: skip
    return {name: value for name, value in parts.items() if value is not None}


def lock_story(session: Session, *slugs: str) -> None:
    """Hold these stories for this transaction, so that two processes never fold one record at once.

    Taken in the order of their names, so that no two wait for each other. On SQLite a writer is alone anyway.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    for slug in sorted(set(slugs)):
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7))"), {"name": f"story:{slug}"})


# What a savepoint took back is not indexed.
event.listen(Session, "after_soft_rollback", search_index.doubt_fresh)


def _rest(_connection: Any, record: Any) -> None:
    record.info[_RESTS_SINCE] = time.monotonic()


def _prove_alive(dialect: Dialect, connection: Any, record: Any, _proxy: Any) -> None:
    """Have a connection replaced that its server has ended: it has said so, or has rested so long that it is asked.

    To ask at each use costs a tenth of a search.
    """
    spoken = select.poll()
    try:
        spoken.register(connection.fileno(), select.POLLIN)
        has_rested = time.monotonic() - record.info.get(_RESTS_SINCE, -_LONG_REST) >= _LONG_REST
        if not has_rested and not spoken.poll(0):
            return
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise DisconnectionError from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Settings of one SQLite connection. The driver must not begin transactions by itself: we do."""
    connection.isolation_level = None
    _write_ahead(connection)
    for pragma in ("foreign_keys=ON", "synchronous=FULL", "temp_store=MEMORY", "cache_size=-16000"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Let the file log ahead of writing. The first to open a file turns it; whoever comes at that moment waits.

    SQLite answers "locked" at once to who would turn a file that others just opened; a transaction does wait for them.
    """
    for _ in range(_TURNS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    connection.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(schema.BEGIN, "BEGIN"))


# What a restore is the way out of.
_RESTORE = "restore a backup with `storywatch restore FILE --overwrite`"
_MESSAGES: tuple[tuple[str, type[DatabaseError], bool, str], ...] = (
    ("no such table", SchemaVersionError, False, f"a table is not there: {_RESTORE}"),
    ("no such column", SchemaVersionError, False, f"a column is not there: {_RESTORE}"),
    ("undefinedtable", SchemaVersionError, False, f"a table is not there: {_RESTORE}"),
    ("undefinedcolumn", SchemaVersionError, False, f"a column is not there: {_RESTORE}"),
    ("database or disk is full", DatabaseError, True, "the disk is full: free some space; nothing stored is lost"),
    ("diskfull", DatabaseError, True, "the server's disk is full: free some space; nothing stored is lost"),
    (
        "disk i/o error",
        DatabaseError,
        True,
        "the disk cannot be read or written: look at it; nothing committed is lost",
    ),
    (
        "is locked",
        DatabaseError,
        True,
        f"another process has held the database for over {BUSY_SECONDS:.0f} s: try again",
    ),
    ("readonly", DatabaseError, False, "the file or its folder is read-only: give this user the right to write there"),
    ("unable to open", DatabaseError, False, "the file cannot be opened: look at its path and rights"),
    ("not a database", DatabaseError, False, "the file is no SQLite database: look at database_url"),
    ("malformed", DatabaseError, False, f"the file is damaged: {_RESTORE}"),
    ("uniqueviolation", DatabaseError, True, "another writer stored the same at the same moment: try again"),
    ("deadlock", DatabaseError, True, "two writers waited for each other: try again"),
    ("serializ", DatabaseError, True, "another writer was faster: try again"),
    (
        "connection",
        DatabaseError,
        True,
        "the database server cannot be reached: look at database_url and at the server",
    ),
)


def describe_error(error: DBAPIError, label: str) -> DatabaseError:
    """A driver's error as ours: what happened in this database, and what to do."""
    words = " ".join(f"{type(error.orig).__name__}: {error.orig}".split())
    for sign, kind, retryable, advice in _MESSAGES:
        if sign in words.lower():
            return _described(kind(f"{label}: {advice} ({words})"), retryable)
    return _described(DatabaseError(f"{label}: {words}"), error.connection_invalidated)


def _described(error: DatabaseError, retryable: bool) -> DatabaseError:
    error.retryable = retryable
    return error
