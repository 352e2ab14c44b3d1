"""A connection that the server ended is replaced before it is used, without asking the server each time."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from storage.database import Database
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
