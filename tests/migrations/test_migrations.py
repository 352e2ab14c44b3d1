import ast
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, text

from storage import feeds, schema
from storage.database import Database
from storage.errors import SchemaVersionError
from storage.records import FeedKind
from storage.tables import METADATA

MIGRATIONS = Path("storage/migrations/versions")


def described(engine: Engine) -> dict[str, Any]:
    """The whole schema as plain data, in an order of its own."""
    inspector = inspect(engine)
    found: dict[str, Any] = {}
    for table in sorted(set(inspector.get_table_names()) - {"alembic_version"}):
        if table.startswith("search_index"):
            continue
        columns = {c["name"]: (str(c["type"]), c["nullable"], str(c["default"])) for c in inspector.get_columns(table)}
        indices = sorted(
            (str(i["name"]), tuple(map(str, i["column_names"])), bool(i["unique"]))
            for i in inspector.get_indexes(table)
        )
        keys = sorted(
            (tuple(k["constrained_columns"]), k["referred_table"], str(k["options"]))
            for k in inspector.get_foreign_keys(table)
        )
        uniques = sorted(tuple(u["column_names"]) for u in inspector.get_unique_constraints(table))
        primary = inspector.get_pk_constraint(table)["constrained_columns"]
        found[table] = (columns, indices, keys, uniques, primary)
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            functions = connection.exec_driver_sql("SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'search_%%'")
            packed = connection.exec_driver_sql(
                "SELECT attrelid::regclass::text, attname, attcompression FROM pg_attribute WHERE attcompression > ''"
            )
            found |= {"functions": sorted(map(tuple, functions)), "packed": sorted(map(tuple, packed))}
    return found


def test_a_fresh_schema_equals_a_migrated_one(empty_url: str) -> None:
    database = Database(empty_url)
    METADATA.create_all(database.engine)
    fresh = described(database.engine)
    with database.engine.begin() as connection:
        METADATA.drop_all(connection)
    database.upgrade()
    assert described(database.engine) == fresh
    database.close()


def test_upgrading_twice_changes_nothing(empty_url: str) -> None:
    database = Database(empty_url)
    database.upgrade()
    database.upgrade()
    database.check()
    assert database.schema_version() == schema.newest_version()
    database.close()


def test_several_may_upgrade_at_once(empty_url: str) -> None:
    databases = [Database(empty_url) for _ in range(5)]
    errors: list[BaseException] = []
    gate = threading.Barrier(5)

    def start(database: Database) -> None:
        gate.wait()
        try:
            database.upgrade()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=start, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for database in databases:
        database.check()
        database.close()


def test_a_newer_schema_is_refused_and_left_alone(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for use in (database.upgrade, database.check):
        with pytest.raises(SchemaVersionError, match="newer Storywatch"):
            use()
    assert database.schema_version() == "9999"


def test_a_database_that_was_never_migrated_says_what_to_do(empty_url: str) -> None:
    database = Database(empty_url)
    with pytest.raises(SchemaVersionError, match="db upgrade"):
        database.check()
    with pytest.raises(SchemaVersionError, match="db upgrade"), database.read() as session:
        session.execute(text("SELECT * FROM stories"))
    database.close()


def test_a_migration_can_be_taken_back(empty_url: str) -> None:
    from alembic import command
    from alembic.config import Config

    database = Database(empty_url)
    database.upgrade()
    config = Config()
    config.set_main_option("script_location", "storage/migrations")
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    database.upgrade()
    database.check()
    database.close()


@pytest.mark.parametrize("path", sorted(MIGRATIONS.glob("v*.py")), ids=lambda path: path.name)
def test_a_migration_never_imports_live_code(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported <= {"sqlalchemy", "alembic"}


def test_feeds_of_the_first_schema_are_feeds_in_the_next(empty_url: str) -> None:
    from alembic import command
    from alembic.config import Config

    database = Database(empty_url)
    config = Config()
    config.set_main_option("script_location", "storage/migrations")
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                'INSERT INTO feeds (url, source, trust, "full", state, title, failures) '
                "VALUES ('https://n.example/feed', '', 'unknown', FALSE, 'active', '', 0)"
            )
        )
    database.upgrade()
    with database.read() as session:
        (feed,) = feeds.list_feeds(session)
    assert (feed.url, feed.kind) == ("https://n.example/feed", FeedKind.FEED)
    database.close()
