"""A connection that the server ended is replaced before it is used, without asking the server each time."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from storage.database import Database
from storage.errors import DatabaseError, SchemaVersionError
from storage.search import search_articles
from tests.support.postgres import Postgres


def backend(database: Database) -> int:
    with database.read() as session:
        number: int = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return number


@pytest.fixture
def used(migrated_postgres: Postgres) -> Iterator[Database]:
    """A database with one connection in its pool."""
    migrated_postgres.command("CREATE DATABASE used TEMPLATE storywatch_template")
    database = Database(migrated_postgres.url("used"))
    backend(database)
    yield database
    database.close()
    migrated_postgres.drop("used")


@pytest.mark.postgres
def test_a_connection_is_kept(used: Database) -> None:
    assert backend(used) == backend(used)


@pytest.mark.postgres
@pytest.mark.parametrize("rests_long", [False, True])
def test_a_connection_that_the_server_ended_is_replaced(
    used: Database, migrated_postgres: Postgres, monkeypatch: pytest.MonkeyPatch, rests_long: bool
) -> None:
    if rests_long:
        monkeypatch.setattr("storage.database._LONG_REST", 0.0)
    number = backend(used)
    migrated_postgres.command("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = 'used'")
    assert backend(used) != number
    with used.write() as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1


@pytest.mark.postgres
def test_a_search_whose_connection_is_ended_says_so_and_the_next_has_another(
    used: Database, migrated_postgres: Postgres
) -> None:
    """Searches speak to the driver themselves: its errors are told as all others are."""
    number = backend(used)
    ended = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = 'used'"

    def search_twice() -> None:
        with used.read() as session:
            search_articles(session, "ministry")
            migrated_postgres.command(ended)
            search_articles(session, "ministry")

    with pytest.raises(DatabaseError) as caught:
        search_twice()
    assert caught.value.retryable
    with used.read() as session:
        assert search_articles(session, "ministry") == ()
    assert backend(used) != number


@pytest.mark.postgres
def test_a_search_without_a_schema_says_what_to_do(postgres: Postgres) -> None:
    database = Database(postgres.create("bare"))
    with pytest.raises(SchemaVersionError, match="db upgrade"), database.read() as session:
        search_articles(session, "ministry")
    database.close()
    postgres.drop("bare")
