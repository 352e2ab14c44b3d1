"""Batched writes that say how many rows were new, on both databases.

What SQLAlchemy would find out for each row anew (its values by name, how each is written) is found out once for a shape
of rows and kept; then the driver takes them all at once. On PostgreSQL they go as one statement over arrays.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache, partial
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    CursorResult,
    Dialect,
    Table,
    bindparam,
    func,
    text,
)
from sqlalchemy.types import UserDefinedType
from sqlmodel import AutoString, Session

from storage.arrays import packed
from storage.sending import send, send_all
from storage.tables import UtcTime

Rows = Sequence[Mapping[str, Any]]
_MANY = 20  # rows, from which on a column of one value is told apart


class _Listed(UserDefinedType[list[Any]]):
    """A list of values as the parameter of a condition on PostgreSQL; `kind` is their type's name in SQL."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in SQL."""
        return f"{self.kind}[]"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], list[Any]]:
        """The function that brings a list to the driver."""
        return partial(packed, kind=self.kind)


def insert_rows(session: Session, table: Table, rows: Rows) -> None:
    """Insert rows of one shape, all of them new."""
    if rows:
        _insert_all(session, table, rows)


def insert_new(session: Session, table: Table, rows: Rows, key: Sequence[str]) -> int:
    """Insert rows of one shape, leaving out those whose key is there already; returns how many were new."""
    if not rows:
        return 0
    cursor = _insert_all(session, table, rows, f" ON CONFLICT ({', '.join(key)}) DO NOTHING")
    return max(int(cursor.rowcount), 0)


def insert_numbered(session: Session, table: Table, rows: Rows, number: str, key: Sequence[str]) -> dict[Any, int]:
    """Insert rows whose `key` is not there; returns the `number` of each by the first column of its key.

    What another process was faster with is left out. On SQLite a writer is alone and says the numbers itself.
    """
    if not rows:
        return {}
    if is_postgres(session):
        end = f" ON CONFLICT ({', '.join(key)}) DO NOTHING RETURNING {key[0]}, {number}"
        return dict(_insert_all(session, table, rows, end).fetchall())
    (highest,) = send(session, f"SELECT max({number}) FROM {table.name}").fetchone()  # noqa: S608  # our own names
    first = (highest or 0) + 1
    given = range(first, first + len(rows))
    names, columns = _in_columns(rows)
    _insert_named(session, table, (number, *names), [given, *columns])
    return dict(zip(columns[names.index(key[0])], given, strict=True))


def insert_or_update(
    session: Session, table: Table, rows: Rows, key: Sequence[str], *, keep: Collection[str] = (), only: str = ""
) -> None:
    """Insert rows of one shape; where the key is there already, the other columns take the new values.

    But for those of `keep`; and only in rows that hold `only`, a condition in SQL of our own words.
    """
    if not rows:
        return
    if is_postgres(session):  # one statement, which takes no row twice: of several with one key the last counts
        rows = list({tuple(row[name] for name in key): row for row in rows}.values())
    quote = session.get_bind().dialect.identifier_preparer.quote
    changed = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in rows[0] if name not in (*key, *keep))
    where = f" WHERE {only}" if only else ""
    _insert_all(session, table, rows, f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}{where}")


def returned_id(session: Session, table: Table, row: Mapping[str, Any], column: str) -> int:
    """Insert one row and return the number that the database gave it."""
    return int(session.execute(table.insert().values(**row).returning(table.c[column])).scalar_one())


def chunks(values: Iterable[Any], size: int = 500) -> Iterable[list[Any]]:
    """The values in lists of at most `size`, for conditions of the form IN (…)."""
    items = list(values)
    for start in range(0, len(items), size):
        yield items[start : start + size]


def among(column: ColumnElement[Any], name: str, *, postgres: bool) -> ColumnElement[bool]:
    """A condition: the column is one of the values that `listed` gives for the parameter `name`.

    One parameter however many there are, so that the statement stays the same; IN (…) is spelt out anew at each run.
    """
    if postgres:
        kind = "TEXT" if isinstance(column.type, AutoString) else "BIGINT"
        return column == func.any(bindparam(name, type_=_Listed(kind)))
    values = text(f"SELECT value FROM json_each(:{name})")  # noqa: S608  # our own names
    return column.in_(values)


def listed(values: Iterable[int] | Iterable[str], *, postgres: bool) -> Any:
    """Numbers or texts as the parameter of a condition of `among`."""
    return list(values) if postgres else json.dumps(list(values))


def find_among(session: Session, columns: Sequence[Column[Any]], values: Iterable[Any]) -> list[tuple[Any, ...]]:
    """These columns of one table, of all rows whose last one of them is among the values; numbers and texts alone."""
    postgres = is_postgres(session)
    sql, kind = _among(tuple(columns), postgres)
    asked = packed(values, kind) if postgres else json.dumps(list(values))
    rows: list[tuple[Any, ...]] = send(session, sql, (asked,)).fetchall()
    return rows


@cache
def _among(columns: tuple[Column[Any], ...], postgres: bool) -> tuple[str, str]:
    last = columns[-1]
    condition = "= ANY(%b)" if postgres else "IN (SELECT value FROM json_each(?))"
    shown = ", ".join(column.name for column in columns)
    sql = f"SELECT {shown} FROM {last.table} WHERE {last.name} {condition}"  # noqa: S608  # our own names
    return sql, "TEXT" if isinstance(last.type, AutoString) else "BIGINT"


def is_postgres(session: Session) -> bool:
    """Whether this session speaks to PostgreSQL."""
    return session.get_bind().dialect.name == "postgresql"


def changed_rows(result: Any) -> int:
    """How many rows a statement wrote or took out."""
    return max(result.rowcount, 0) if isinstance(result, CursorResult) else 0


def _insert_all(session: Session, table: Table, rows: Rows, end: str = "") -> Any:
    """The driver's cursor."""
    return _insert_named(session, table, *_in_columns(rows), end)


def _in_columns(rows: Rows) -> tuple[tuple[str, ...], list[Sequence[Any]]]:
    """The names of rows of one shape, and the values of each: a function for a whole column is called from C."""
    names = tuple(rows[0])
    take = itemgetter(*names) if len(names) > 1 else (lambda row: (row[names[0]],))
    return names, list(zip(*map(take, rows), strict=True))


def _insert_named(
    session: Session, table: Table, names: tuple[str, ...], columns: Sequence[Sequence[Any]], end: str = ""
) -> Any:
    dialect = session.get_bind().dialect
    converts = _converts(table, names, dialect)
    values = [
        list(map(convert, column)) if convert else column for convert, column in zip(converts, columns, strict=True)
    ]
    if is_postgres(session):
        return send(session, *_in_arrays(table, names, values, end, dialect))
    return send_all(session, _insertion(table, names, end, dialect), list(zip(*values, strict=True)))


@lru_cache(maxsize=1_000)
def _insertion(table: Table, names: tuple[str, ...], end: str, dialect: Dialect) -> str:
    gaps = ", ".join("?" * len(names))
    return f"INSERT INTO {table.name} ({_listed(names, dialect)}) VALUES ({gaps}){end}"  # noqa: S608  # our own names


def _in_arrays(
    table: Table, names: tuple[str, ...], columns: Sequence[Sequence[Any]], end: str, dialect: Dialect
) -> tuple[str, tuple[Any, ...]]:
    """What inserts columns into PostgreSQL: arrays, and a column of one value throughout as that value."""
    count = len(columns[0])
    # Of few rows many columns would be so by chance, and each set of them is another statement.
    alike = tuple(count == 1 or _MANY <= count == column.count(column[0]) for column in columns)
    if all(alike) and count > 1:
        alike = (False,) * len(names)
    sql, kinds = _statement(table, names, alike, end, dialect)
    single = [column[0] for column, is_alike in zip(columns, alike, strict=True) if is_alike]
    many = [packed(column, kind) for column, kind, is_alike in zip(columns, kinds, alike, strict=True) if not is_alike]
    return sql, (*single, *many)


@lru_cache(maxsize=1_000)
def _statement(
    table: Table, names: tuple[str, ...], alike: tuple[bool, ...], end: str, dialect: Dialect
) -> tuple[str, tuple[str, ...]]:
    """PostgreSQL's statement for columns of which some are `alike`, and the types of them all."""
    kinds = tuple(table.c[name].type.compile(dialect) for name in names)
    shown, arrays = [], []
    for place, (kind, is_alike) in enumerate(zip(kinds, alike, strict=True)):
        shown.append(f"%b::{kind}" if is_alike else f"given.c{place}")
        if not is_alike:
            arrays.append((f"%b::{kind}[]", f"c{place}"))
    given = f"unnest({', '.join(array for array, _ in arrays)}) AS given ({', '.join(name for _, name in arrays)})"
    source = f"SELECT {', '.join(shown)} FROM {given}" if arrays else f"VALUES ({', '.join(shown)})"  # noqa: S608  # our own names
    return f"INSERT INTO {table.name} ({_listed(names, dialect)}) {source}{end}", kinds


def _listed(names: Sequence[str], dialect: Dialect) -> str:
    return ", ".join(dialect.identifier_preparer.quote(name) for name in names)


@cache
def _converts(table: Table, names: tuple[str, ...], dialect: Dialect) -> list[Callable[[Any], Any] | None]:
    """How the driver takes the values of each column; None: as they are."""
    converts = [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]
    # The same few times stand in many columns and rows of a batch; those of an earlier batch do not come again.
    return [
        _kept(convert) if convert and isinstance(table.c[name].type, UtcTime) else convert
        for name, convert in zip(names, converts, strict=True)
    ]


@cache
def _kept(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Remembers what it converted; one for all columns that are converted alike."""
    return lru_cache(maxsize=1_024)(convert)
