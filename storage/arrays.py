"""Columns of values as PostgreSQL's arrays, packed here in its binary form.

The driver dumps an array value by value in Python, which was a fourth of what it cost this process to store an article.
A value of a column that is missing is None.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import chain, repeat
from struct import Struct
from typing import Any

from sqlalchemy import Dialect


class _Column(list[Any]):
    """Values of one type; the driver knows by its class how to pack them."""


class Texts(_Column):
    """A column of text."""


class Numbers(_Column):
    """A column of whole numbers of 64 bits."""


class Reals(_Column):
    """A column of numbers with a fraction; one without is one of them, which the driver would not take among others."""


class Times(_Column):
    """A column of aware times."""


_KINDS: dict[str, type[_Column]] = {
    "VARCHAR": Texts,
    "TEXT": Texts,
    "BIGINT": Numbers,
    "FLOAT": Reals,
    "DOUBLE PRECISION": Reals,
    "TIMESTAMP WITH TIME ZONE": Times,
}
_HEAD = Struct("!iiIii").pack  # how many dimensions, whether a value is missing, the type's number, length, first place
_EMPTY_HEAD = Struct("!iiI").pack
_LENGTH = Struct("!i").pack
_MISSING = _LENGTH(-1)
_NUMBER = Struct("!iq").pack
_REAL = Struct("!id").pack
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def packed(values: Iterable[Any], kind: str) -> list[Any]:
    """The values as a list that the driver takes for an array of `kind`, the type's name in SQL.

    One of a type that is not packed here is left to the driver.
    """
    return _KINDS.get(kind, list)(values)


def teach_arrays(dialect: Dialect, connection: Any, _record: Any = None) -> None:
    """Have a connection of psycopg's know our columns."""
    driver: Any = dialect.loaded_dbapi
    for column, dumper in _dumpers(driver).items():
        connection.adapters.register_dumper(column, dumper)


@cache
def _dumpers(driver: Any) -> dict[type[_Column], Any]:
    """A dumper for each class of columns."""

    def made(number: int, array_number: int, pack: Callable[[Sequence[Any], str], bytes]) -> Any:
        class ColumnDumper(driver.adapt.Dumper):  # type: ignore[misc]  # the driver is an extra, found at run time
            format = driver.pq.Format.BINARY
            oid = array_number

            def __init__(self, kind: type, context: Any = None) -> None:
                super().__init__(kind, context)
                self.encoding = self.connection.info.encoding if self.connection else "utf-8"

            def dump(self, obj: Sequence[Any]) -> bytes:
                head = _HEAD(1, None in obj, number, len(obj), 1) if obj else _EMPTY_HEAD(0, 0, number)
                return head + pack(obj, self.encoding)

        return ColumnDumper

    return {
        Texts: made(25, 1009, _pack_texts),
        Numbers: made(20, 1016, _pack_numbers),
        Reals: made(701, 1022, _pack_reals),
        Times: made(1184, 1185, _pack_times),
    }


def _pack_texts(values: Sequence[str | None], encoding: str) -> bytes:
    if None in values:
        return b"".join(_MISSING if value is None else _pack_text(value.encode(encoding)) for value in values)
    octets = [value.encode(encoding) for value in values if value is not None]
    return b"".join(chain.from_iterable(zip(map(_LENGTH, map(len, octets)), octets, strict=True)))


def _pack_text(octets: bytes) -> bytes:
    return _LENGTH(len(octets)) + octets


def _pack_numbers(values: Sequence[int | None], _encoding: str) -> bytes:
    if None in values:
        return b"".join(_MISSING if value is None else _NUMBER(8, value) for value in values)
    return b"".join(map(_NUMBER, repeat(8), values))


def _pack_reals(values: Sequence[float | None], _encoding: str) -> bytes:
    return b"".join(_MISSING if value is None else _REAL(8, value) for value in values)


def _pack_times(values: Sequence[datetime | None], _encoding: str) -> bytes:
    return b"".join(map(_pack_time, values))


@lru_cache(maxsize=1_024)
def _pack_time(moment: datetime | None) -> bytes:
    """Remembered: the same few times stand in many columns of a batch."""
    return _MISSING if moment is None else _NUMBER(8, (moment - _EPOCH) // _MICROSECOND)
