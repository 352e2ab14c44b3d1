"""Whether a database is there with its whole schema is told on both kinds, and asking makes and changes nothing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from typer.testing import CliRunner

from monitor.cli.main import app
from storage import stories
from storage.database import Database
from storage.errors import DatabaseError, SchemaVersionError
from storage.keeping import backup, find_problems, restore
from storage.search import search_articles
from tests.support.stored import store_article, store_story

RESTORE = r"which no upgrade brings back: restore a backup with `storywatch restore FILE --overwrite`"
READING = (
    "db check", "db reindex", "verify", "backup copy", "prune", "search strike", "status", "stories list", "feeds list",
    "claims list", "articles list", "alerts list", "export evidence", "research first killed",
)  # fmt: skip


def spoil(database: Database, *statements: str) -> None:
    with database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


# --- what is missing --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "missing"),
    [
        ("DROP TABLE delivery_alerts", "table delivery_alerts"),
        ("ALTER TABLE feeds DROP COLUMN ttl_seconds", r"column feeds\.ttl_seconds"),
        ("ALTER TABLE silences RENAME TO silence", "table silences"),
    ],
)
def test_a_table_or_column_that_is_missing_is_named(database: Database, damage: str, missing: str) -> None:
    database.check()
    spoil(database, damage)
    with pytest.raises(SchemaVersionError, match=f"the schema lacks {missing}, {RESTORE}"):
        database.check()


def test_what_fails_for_want_of_a_table_says_the_same(database: Database) -> None:
    spoil(database, "DROP TABLE feed_stories")
    lost = pytest.raises(SchemaVersionError, match=f"the schema lacks table feed_stories, {RESTORE}")
    with lost, database.read() as session:
        session.execute(text("SELECT * FROM feed_stories"))
    spoil(database, "CREATE TABLE feed_stories (feed_id integer, story text)")
    with pytest.raises(SchemaVersionError, match="a table is not there"), database.read() as session:
        session.execute(text("SELECT * FROM what_never_was"))


def test_of_many_that_are_missing_some_are_named(database: Database) -> None:
    with database.engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
    cascade = "" if database.is_sqlite else " CASCADE"
    gone = sorted(name for name in names if name != "alembic_version" and not name.startswith("search_index"))
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN")
        for name in gone:
            connection.exec_driver_sql(f"DROP TABLE {name}{cascade}")
        connection.commit()
    more = len(gone) - 8 + (0 if database.is_sqlite else 1)  # the index of words, too
    with pytest.raises(SchemaVersionError, match=rf"lacks (table \w+, ){{7}}table \w+ and {more} more, "):
        database.check()


@pytest.mark.parametrize(
    ("damage", "missing"),
    [
        ("DROP FUNCTION search_pairs CASCADE", "function search_pairs, index ix_search_documents_content"),
        ("DROP INDEX ix_search_documents_content", "index ix_search_documents_content"),
    ],
)
def test_on_postgresql_the_function_and_the_index_of_words_belong_to_it(
    database: Database, damage: str, missing: str
) -> None:
    if database.is_sqlite:
        return
    spoil(database, damage)
    with pytest.raises(SchemaVersionError, match=f"the schema lacks {missing}, {RESTORE}"):
        database.check()


def test_on_sqlite_each_part_of_the_index_belongs_to_it(database: Database) -> None:
    if not database.is_sqlite:
        return
    with database.write() as session:
        store_story(session)
        store_article(session)
    database.check()
    spoil(database, "DROP TABLE search_index_1")
    with pytest.raises(SchemaVersionError, match=f"the schema lacks table search_index_1, {RESTORE}"):
        database.check()


def test_no_copy_of_half_a_schema_is_called_sound(database: Database, tmp_path: Path) -> None:
    if not database.is_sqlite:
        return
    with database.write() as session:
        store_story(session)
    backup(database, tmp_path / "whole")
    spoil(database, "DROP TABLE delivery_alerts")
    with pytest.raises(SchemaVersionError, match=f"the schema lacks table delivery_alerts, {RESTORE}"):
        backup(database, tmp_path / "half")
    assert not (tmp_path / "half").exists()
    restore(tmp_path / "whole", database, overwrite=True)
    database.check()
    with database.read() as session:
        assert list(find_problems(session)) == []
        assert len(stories.list_stories(session)) == 1


# --- nothing is there -------------------------------------------------------------------------


def test_asking_an_empty_database_makes_nothing(empty_url: str, tmp_path: Path) -> None:
    database = Database(empty_url)
    for ask in (database.check, database.require_begun, lambda: backup(database, tmp_path / "copy")):
        with pytest.raises(DatabaseError, match=r"there is no database yet; start the service with 'storywatch run'"):
            ask()
    if database.is_sqlite:
        assert list(tmp_path.iterdir()) == []
    else:
        assert inspect(database.engine).get_table_names() == []
    database.close()


def test_reading_commands_make_no_database(empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STORYWATCH_DATABASE_URL", empty_url)
    for command in READING:
        done = CliRunner().invoke(app, command.split())
        assert (command, done.exit_code, str(done.exception)[-500:].count("there is no database yet")) == (
            command,
            1,
            1,
        )
    assert list(tmp_path.iterdir()) == []
    database = Database(empty_url)
    if not database.is_sqlite:
        assert inspect(database.engine).get_table_names() == []
    database.close()


def test_a_mistyped_folder_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"nowhere/x\.db: there is no database yet"):
        Database(f"sqlite:///{tmp_path}/nowhere/x.db").check()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_archive_of_ours_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE places (name)")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name in before:
        database = Database(f"sqlite:///{tmp_path}/{name}")
        with pytest.raises(DatabaseError, match="there is no database yet"):
            database.check()
        with pytest.raises(DatabaseError, match="there is no database yet"):
            backup(database, tmp_path / "copy")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_that_is_no_database_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"something else " * 500)
    with pytest.raises(DatabaseError, match="no SQLite database"):
        Database(f"sqlite:///{tmp_path}/x.db").check()


def test_a_begun_database_is_read_as_before(database: Database) -> None:
    database.require_begun()
    with database.read() as session:
        assert search_articles(session, "ministry") == ()
