"""Batched writes that say how many rows were new, on both databases."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import CursorResult, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

Rows = Sequence[Mapping[str, Any]]


def insert_rows(session: Session, table: Table, rows: Rows) -> None:
    """Insert rows of one shape, all of them new."""
    if rows:
        session.execute(table.insert(), list(rows))


def insert_new(session: Session, table: Table, rows: Rows, key: Sequence[str]) -> int:
    """Insert rows of one shape, leaving out those whose key is there already; returns how many were new."""
    if not rows:
        return 0
    statement = _insert_new(table, tuple(key), is_postgres(session))
    return changed_rows(session.execute(statement, list(rows), execution_options={"preserve_rowcount": True}))


def insert_or_update(session: Session, table: Table, rows: Rows, key: Sequence[str]) -> None:
    """Insert rows of one shape; where the key is there already, the other columns take the new values."""
    if not rows:
        return
    session.execute(_insert_or_update(table, tuple(rows[0]), tuple(key), is_postgres(session)), list(rows))


def returned_id(session: Session, table: Table, row: Mapping[str, Any], column: str) -> int:
    """Insert one row and return the number that the database gave it."""
    return int(session.execute(table.insert().values(**row).returning(table.c[column])).scalar_one())


def chunks(values: Iterable[Any], size: int = 500) -> Iterable[list[Any]]:
    """The values in lists of at most `size`, for conditions of the form IN (…)."""
    items = list(values)
    for start in range(0, len(items), size):
        yield items[start : start + size]


def is_postgres(session: Session) -> bool:
    """Whether this session speaks to PostgreSQL."""
    return session.get_bind().dialect.name == "postgresql"


def changed_rows(result: Any) -> int:
    """How many rows a statement wrote or took out."""
    return max(result.rowcount, 0) if isinstance(result, CursorResult) else 0


# Statements are kept: to build one costs more than to run it, and SQLAlchemy knows again what it compiled before.


@cache
def _insert_new(table: Table, key: tuple[str, ...], for_postgres: bool) -> Any:
    return _insert(table, for_postgres).on_conflict_do_nothing(index_elements=list(key))


@cache
def _insert_or_update(table: Table, names: tuple[str, ...], key: tuple[str, ...], for_postgres: bool) -> Any:
    insert = _insert(table, for_postgres)
    changed = {name: insert.excluded[name] for name in names if name not in key}
    return insert.on_conflict_do_update(index_elements=list(key), set_=changed)


def _insert(table: Table, for_postgres: bool) -> Any:
    return postgresql.insert(table) if for_postgres else sqlite.insert(table)
