"""Records to JSON and back, and records to flat rows and back, from their type hints alone.

A record class is read once; the functions made for it are kept. Nothing is guessed from the data:
a tuple comes back as a tuple, an enum as its enum, a time as an aware one in UTC. Unknown keys are
ignored and missing ones take the record's default, so that a payload written by an older version is
still read.
"""

import dataclasses
import hashlib
import json
import types
import zlib
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from threading import Lock
from typing import Any, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from storage.records import Span

R = TypeVar("R")
Convert = Callable[[Any], Any]
_PLAIN = (str, int, float, bool)
# What reading raises for what is stored and is not what a record was written as; a database that fails raises others.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def to_json(record: object) -> str:
    """A record (or a tuple of records) as compact JSON text; fields at their default are left out."""
    if record == ():  # which most are
        return "[]"
    return json.dumps(encode(record), ensure_ascii=False, separators=(",", ":"))


def from_json(kind: type[R], text: str) -> R:
    """The record of class `kind` that `to_json` wrote as `text`."""
    return cast(R, _decoder(kind)(json.loads(text)))


def encode(value: object) -> Any:
    """A record as plain JSON values: dicts, lists, strings, numbers, None."""
    if value is None or (isinstance(value, _PLAIN) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return as_utc(value).isoformat()
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            name: encode(item) for name, default in _defaults(type(value)) if (item := getattr(value, name)) != default
        }
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def decode(kind: type[R], data: Any) -> R:
    """The record of class `kind` from what `encode` made of it."""
    return cast(R, _decoder(kind)(data))


def as_utc(moment: datetime) -> datetime:
    """The same moment in UTC; a naive time is refused with ValueError, since nobody can say what it means."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: give an aware time")
    return moment.astimezone(UTC)


def pack_text(text: str) -> bytes:
    """A text, compressed for keeping."""
    return zlib.compress(text.encode(), 6)


def unpack_text(packed: bytes) -> str:
    """The text that `pack_text` compressed."""
    return zlib.decompress(packed).decode()


# --- rows -------------------------------------------------------------------------------------


def to_row(record: object, *, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """A record as column values: a Span becomes two columns (`…_from`, `…_to`), anything nested becomes JSON text."""
    row: dict[str, Any] = {}
    for name, shape, _ in _columns(type(record)):
        if name in leave_out:
            continue
        value = getattr(record, name)
        if shape == "span":
            row[f"{name}_from"] = value.not_before if value else None
            row[f"{name}_to"] = value.not_after if value else None
        elif shape == "enum":
            row[name] = value.value
        elif shape == "json":
            row[name] = to_json(value)
        else:
            row[name] = value
    return row


def from_row(kind: type[R], row: Any) -> R:
    """The record of class `kind` from a mapping of column values; columns that it has no field for are ignored."""
    values: dict[str, Any] = {}
    for name, shape, convert in _columns(kind):
        if shape == "span":
            start, end = row[f"{name}_from"], row[f"{name}_to"]
            values[name] = None if start is None else Span(not_before=start, not_after=end)
        elif shape == "enum":
            values[name] = convert(row[name])
        elif shape == "json":
            values[name] = convert(json.loads(row[name]))
        else:
            values[name] = row[name]
    return kind(**values)


def column_names(kind: type) -> tuple[str, ...]:
    """The columns that `to_row` fills for a record class, in the order of its fields."""
    names: list[str] = []
    for name, shape, _ in _columns(kind):
        names.extend((f"{name}_from", f"{name}_to") if shape == "span" else (name,))
    return tuple(names)


def _make_columns(kind: Any) -> tuple[tuple[str, str, Convert], ...]:
    """For each field of a record class: its name, how it lies in a row, and how to bring it back."""
    hints = get_type_hints(kind)
    fields = dataclasses.fields(kind)
    return tuple((field.name, *_shape(hints[field.name])) for field in fields)


_columns: Callable[[Any], tuple[tuple[str, str, Convert], ...]] = cache(_make_columns)


def _shape(hint: Any) -> tuple[str, Convert]:
    inner = _without_none(hint)
    if inner is Span:
        return "span", _same
    if isinstance(inner, type) and issubclass(inner, Enum):
        return "enum", inner
    if inner in (*_PLAIN, datetime, bytes):
        return "plain", _same
    return "json", _decoder(hint)


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        rest = [part for part in get_args(hint) if part is not type(None)]
        if len(rest) == 1:
            return rest[0]
    return hint


def _same(value: Any) -> Any:
    return value


# --- JSON -------------------------------------------------------------------------------------


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    """The fields of a record class with their defaults; a field without one has a value that equals nothing."""
    return tuple(
        (field.name, object() if field.default is dataclasses.MISSING else field.default)
        for field in dataclasses.fields(kind)
    )


def _make_decoder(hint: Any) -> Convert:
    """The function that brings a value of this type back from JSON."""
    inner = _without_none(hint)
    if inner is not hint:
        decode_inner = _decoder(inner)
        return lambda value: None if value is None else decode_inner(value)
    if hint is float:
        return float
    if hint in _PLAIN or hint is Any:
        return _same
    if hint is datetime:
        return datetime.fromisoformat
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if get_origin(hint) is tuple:
        return _tuple_decoder(get_args(hint))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _record_decoder(hint)
    raise TypeError(f"{hint!r} has no JSON form here")


_decoder: Callable[[Any], Convert] = cache(_make_decoder)


def _tuple_decoder(parts: tuple[Any, ...]) -> Convert:
    if len(parts) == 2 and parts[1] is Ellipsis:
        item = _decoder(parts[0])
        return lambda values: tuple(map(item, values))
    items = tuple(map(_decoder, parts))
    return lambda values: tuple(convert(value) for convert, value in zip(items, values, strict=True))


def _record_decoder(kind: type) -> Convert:
    converters: dict[str, Convert] = {}

    def decode_record(data: dict[str, Any]) -> Any:
        if not converters:
            hints = get_type_hints(kind)
            converters.update({field.name: _decoder(hints[field.name]) for field in dataclasses.fields(kind)})
        return kind(**{name: converters[name](value) for name, value in data.items() if name in converters})

    return decode_record


class Kept(Generic[R]):
    """Values of one frozen class, decoded from JSON text and kept by its hash: pages read the same ones again.

    What is kept is bounded by the length of the texts, not by their number: a long record's history is a thousand times
    as long as a short one's. The texts themselves are not kept. Used from any thread.
    """

    def __init__(self, kind: type[R], *, most: int) -> None:
        """The values of `most` characters of text are kept in all; that of the newest is, however long it is."""
        self._kind = kind
        self._most = most
        self._length = 0
        self._values: OrderedDict[bytes, tuple[int, R]] = OrderedDict()
        self._turn = Lock()

    def read(self, text: str) -> R:
        """The value of a text, as `from_json` has it."""
        key = hashlib.blake2b(text.encode(), digest_size=20).digest()
        with self._turn:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][1]
        value = from_json(self._kind, text)
        with self._turn:
            if key not in self._values:
                self._length += len(text)
                self._values[key] = (len(text), value)
            while self._length > self._most and len(self._values) > 1:
                self._length -= self._values.popitem(last=False)[1][0]
        return value
