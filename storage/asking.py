"""Reads that go to PostgreSQL's driver as they are: what SQLAlchemy does around each costs more than many a statement.

Statements are still made and compiled by it, once each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Select
from sqlmodel import Session

from storage.sending import run

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    fixed: dict[str, Any]  # parameters that the statement brings with it
    given: tuple[tuple[str, Convert], ...]  # those that the driver takes in another form, and how they come to it
    shown: tuple[tuple[int, Convert], ...]  # places of the columns that the driver gives in another form


class Asker:
    """Asks statements within a session's transaction on PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._connection = session.connection()
        self._cursor = self._connection.connection.cursor()

    def rows(self, statement: Select[Any], values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows of a statement with these parameters. Raises DBAPIError, as SQLAlchemy does."""
        made = _compiled(statement, self._connection.dialect)
        asked = {**made.fixed, **values}
        for name, convert in made.given:
            asked[name] = convert(asked[name])
        run(self._connection, self._cursor, "execute", made.sql, asked)
        rows: list[Any] = list(self._cursor.fetchall())
        if made.shown and rows:
            columns = list(zip(*rows, strict=True))
            for place, convert in made.shown:
                columns[place] = tuple(map(convert, columns[place]))
            return list(zip(*columns, strict=True))
        return rows


@lru_cache(maxsize=2_000)
def _compiled(statement: Select[Any], dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect)
    binds: Mapping[str, Any] = compiled.binds
    named = {name: binds[name] for name in compiled.params}
    takes = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in named.items()}
    gives = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in statement.selected_columns]
    return _Compiled(
        sql=compiled.string,
        fixed={name: compiled.params[name] for name, bind in named.items() if not bind.required},
        given=tuple((name, convert) for name, convert in takes.items() if convert),
        shown=tuple((place, convert) for place, convert in enumerate(gives) if convert),
    )
