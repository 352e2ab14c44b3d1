"""Fixtures for tests that hold on both databases: `database` comes once on SQLite and once on a real PostgreSQL server."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.support.postgres import Postgres, running_postgres

_TEMPLATE = "storywatch_template"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for the whole session."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> Postgres:
    """The server with a database that holds the whole schema, to make others from in a blink."""
    database = Database(postgres.create(_TEMPLATE))
    database.upgrade()
    database.close()
    return postgres


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty, migrated database of each kind."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path}/storywatch.db")
        made.upgrade()
        yield made
        made.close()
        return
    server: Postgres = request.getfixturevalue("migrated_postgres")
    name = f"test_{next(_numbers)}"
    server.command(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    made = Database(server.url(name))
    yield made
    made.close()
    server.drop(name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of each kind that holds nothing at all."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"empty_{next(_numbers)}"
    yield server.create(name)
    server.drop(name)
