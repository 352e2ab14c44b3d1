"""Statements that go to the driver as they are: what SQLAlchemy does around each costs more than many a statement.

A writing transaction of one article is a dozen of them.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

_HELD = "storywatch_connection"


def send(session: Session, sql: str, values: Sequence[Any] = ()) -> Any:
    """Run a statement, in the driver's own writing, within the session's transaction; returns the driver's cursor.

    Raises DBAPIError, as SQLAlchemy does.
    """
    return _send(_connection(session), "execute", sql, values)


def send_all(session: Session, sql: str, rows: Sequence[Sequence[Any]]) -> Any:
    """Run a statement once for each of `rows`; returns the driver's cursor. Raises DBAPIError."""
    return _send(_connection(session), "executemany", sql, rows)


def run(connection: Connection, cursor: Any, way: str, sql: str, values: Any) -> None:
    """Have a cursor of the driver's `execute` or `executemany` a statement. Raises DBAPIError, as SQLAlchemy does."""
    try:
        getattr(cursor, way)(sql, values)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _told(connection, sql, values, error) from error


def _connection(session: Session) -> Connection:
    """The connection of the session's transaction, kept while that lasts: to ask for it costs as much as to use it.

    A savepoint is another transaction, which begins when its connection is asked for.
    """
    transaction = session.get_nested_transaction() or session.get_transaction()
    held: tuple[Any, Connection] | None = session.info.get(_HELD)
    if transaction is None or held is None or held[0] is not transaction:
        connection = session.connection()
        transaction = session.get_nested_transaction() or session.get_transaction()
        held = session.info[_HELD] = (transaction, connection)
    return held[1]


def _send(connection: Connection, way: str, sql: str, values: Sequence[Any]) -> Any:
    cursor = connection.connection.cursor()
    run(connection, cursor, way, sql, values)
    return cursor


def _told(connection: Connection, sql: str, values: Any, error: Any) -> Exception:
    """A driver's error as SQLAlchemy raises it; a connection that is lost is not used again."""
    dialect = connection.dialect
    is_lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
    if is_lost:
        connection.invalidate(error)
    base = dialect.loaded_dbapi.Error
    found: Exception = DBAPIError.instance(sql, values, error, base, connection_invalidated=is_lost, dialect=dialect)
    return found
