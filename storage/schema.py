"""The schema's version: migrations from one Alembic tree for both databases."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from storage.errors import SchemaVersionError

BEGIN = "storywatch_begin"  # the execution option that says how SQLite begins
_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 7_026_001  # the advisory lock that migrating processes wait for on PostgreSQL


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


def require_current(version: str | None, label: str) -> None:
    """Raise SchemaVersionError unless a database at `version` can be used as it is."""
    if version is None:
        raise SchemaVersionError(f"{label}: the schema is not there: run `storywatch db upgrade`")
    require_known(version, label)
    if version != newest_version():
        raise SchemaVersionError(
            f"{label}: the schema is at {version}, this Storywatch needs {newest_version()}: "
            "run `storywatch db upgrade`"
        )


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
