"""Batched writes that say how many rows were new, on both databases."""

from collections.abc import Iterable, Mapping, Sequence
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
    statement = _insert(session, table).on_conflict_do_nothing(index_elements=list(key))
    return changed_rows(session.execute(statement, list(rows), execution_options={"preserve_rowcount": True}))


def insert_or_update(session: Session, table: Table, rows: Rows, key: Sequence[str]) -> None:
    """Insert rows of one shape; where the key is there already, the other columns take the new values."""
    if not rows:
        return
    insert = _insert(session, table)
    changed = {name: insert.excluded[name] for name in rows[0] if name not in key}
    session.execute(insert.on_conflict_do_update(index_elements=list(key), set_=changed), list(rows))


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


def _insert(session: Session, table: Table) -> Any:
    return postgresql.insert(table) if is_postgres(session) else sqlite.insert(table)
