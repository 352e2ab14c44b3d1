"""What a database was asked, word for word."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import event

from storage.database import Database


@contextmanager
def noted(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements that a database is asked in the block, each with its parameters."""
    asked: list[tuple[str, Any]] = []
    listen = _listen_to_engine if database.is_sqlite else _listen_to_driver
    with listen(database, asked):
        yield asked


@contextmanager
def _listen_to_engine(database: Database, asked: list[tuple[str, Any]]) -> Iterator[None]:
    def note(_c: object, _cursor: object, statement: str, parameters: Any, _x: object, _many: bool) -> None:
        asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


@contextmanager
def _listen_to_driver(database: Database, asked: list[tuple[str, Any]]) -> Iterator[None]:
    """PostgreSQL's driver is asked by searches without the engine between."""

    class Noting(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            asked.append((query, params))
            return super().execute(query, params, **options)

    def take(connection: Any, _record: object, _proxy: object) -> None:
        connection.cursor_factory = Noting

    def give_back(connection: Any, _record: object) -> None:
        connection.cursor_factory = psycopg.Cursor

    event.listen(database.engine, "checkout", take)
    event.listen(database.engine, "checkin", give_back)
    try:
        yield
    finally:
        event.remove(database.engine, "checkout", take)
        event.remove(database.engine, "checkin", give_back)
