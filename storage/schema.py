"""The schema: migrations from one Alembic tree for both databases, and whether all of it is there."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from storage.errors import SchemaVersionError
from storage.tables import METADATA

BEGIN = "storywatch_begin"  # the execution option that says how SQLite begins
_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 7_026_001  # the advisory lock that migrating processes wait for on PostgreSQL
_MOST_NAMED = 8  # of what is missing
_COLUMNS_SQLITE = """
SELECT held.name, told.name FROM sqlite_master AS held JOIN pragma_table_info(held.name) AS told
WHERE held.type = 'table'
"""
_COLUMNS_POSTGRES = """
SELECT held.relname, told.attname FROM pg_class AS held JOIN pg_attribute AS told ON told.attrelid = held.oid
WHERE held.relkind IN ('r', 'p') AND held.relnamespace <> 'pg_catalog'::regnamespace AND pg_table_is_visible(held.oid)
AND told.attnum > 0 AND NOT told.attisdropped
"""
# What PostgreSQL has beside tables, each with a question whether it is there.
_BESIDE = {
    "function search_pairs": "SELECT to_regprocedure('search_pairs(text)') IS NOT NULL",
    "index ix_search_documents_content": "SELECT EXISTS (SELECT 1 FROM pg_index WHERE indisvalid "
    "AND indexrelid = to_regclass('ix_search_documents_content'))",
}


def upgrade(engine: Engine) -> None:
    """Run the migrations that are missing, in one transaction and under a lock that other processes wait for."""
    with engine.connect() as connection:
        if current_version(connection) == newest_version():
            return
        connection.rollback()
        if engine.dialect.name == "sqlite":
            _upgrade_sqlite(connection)
        else:
            with connection.begin():
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                _upgrade(connection)


def current_version(connection: Connection) -> str | None:
    """The migration that a database stands at, or None."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_version() -> str:
    """The newest migration that this Storywatch knows."""
    head = ScriptDirectory(str(_FOLDER)).get_current_head()
    assert head is not None  # the tree is part of the package
    return head


def require_begun(version: str | None, label: str) -> None:
    """Raise SchemaVersionError for a database that was never migrated."""
    if version is None:
        raise SchemaVersionError(
            f"{label}: there is no database yet; start the service with 'storywatch run', or set database_url to the "
            "one that is meant ('storywatch db upgrade' makes an empty one)"
        )


def require_current(version: str | None, label: str) -> None:
    """Raise SchemaVersionError unless a database at `version` can be used as it is."""
    require_begun(version, label)
    require_known(version, label)
    if version != newest_version():
        raise SchemaVersionError(
            f"{label}: the schema is at {version}, this Storywatch needs {newest_version()}: "
            "run `storywatch db upgrade`"
        )


def require_whole(missing: Sequence[str], label: str) -> None:
    """Raise SchemaVersionError where something of the newest schema is missing (`find_missing`)."""
    if missing:
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        raise SchemaVersionError(
            f"{label}: the schema lacks {', '.join(missing[:_MOST_NAMED])}{more}, which no upgrade brings back: "
            "restore a backup with `storywatch restore FILE --overwrite`"
        )


def find_missing(ask: Callable[[str], Iterable[Any]], *, is_sqlite: bool) -> list[str]:
    """What a database at the newest version should have and has not: tables, columns, PostgreSQL's function and index.

    `ask` runs a statement there and returns its rows.
    """
    held: defaultdict[str, set[str]] = defaultdict(set)
    for table, column in ask(_COLUMNS_SQLITE if is_sqlite else _COLUMNS_POSTGRES):
        held[table].add(column)
    missing = _missing_columns(held)
    if not is_sqlite:
        return missing + [what for what, question in _BESIDE.items() for (is_there,) in ask(question) if not is_there]
    if "search_parts" in held:
        parts = [f"search_index_{number}" for (number,) in ask("SELECT number FROM search_parts ORDER BY number")]
        missing += [f"table {part}" for part in parts if part not in held]
    return missing


def _missing_columns(held: Mapping[str, Set[str]]) -> list[str]:
    """The tables that are not among those held, and of those that are the columns that are not."""
    missing = []
    for table in METADATA.tables.values():
        if table.name in held:
            missing += [f"column {table.name}.{one.name}" for one in table.columns if one.name not in held[table.name]]
        else:
            missing.append(f"table {table.name}")
    return missing


def require_known(version: str | None, label: str) -> None:
    """Raise SchemaVersionError for a version that only a newer Storywatch can have written."""
    known = {script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions()}
    if version is not None and version not in known:
        raise SchemaVersionError(
            f"{label}: written by a newer Storywatch (schema {version}; this one knows up to {newest_version()}): "
            "install that version or a newer one, or name another database"
        )


def _upgrade_sqlite(connection: Connection) -> None:
    """SQLite: nobody else inside, and foreign keys off while tables are rebuilt, said before it begins."""
    driver = connection.connection.driver_connection
    assert driver is not None  # a checked-out connection has one
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        with connection.execution_options(**{BEGIN: "BEGIN EXCLUSIVE"}).begin():
            _upgrade(connection)
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _upgrade(connection: Connection) -> None:
    version = current_version(connection)
    require_known(version, connection.engine.url.render_as_string(hide_password=True))
    if version == newest_version():
        return
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
