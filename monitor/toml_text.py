"""TOML as text: which line a key stands on, and how values are written back.

The standard library reads TOML without line numbers and does not write it. Errors that name a line
need the first, and seeds that are drafted need the second.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

KeyPath = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*(?P<name>[^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


def locate(text: str, path: KeyPath) -> int:
    """Return the line, counted from 1, where the key at `path` stands in a TOML text.

    `path` is as pydantic gives it: keys, and indexes into arrays of tables. A key that is not there
    (a missing one, or a part of an inline value) gives the line of the nearest thing around it.
    """
    best_line, best_depth = 1, 0
    for line, found in _index(text):
        depth = len(found)
        if depth > best_depth and depth <= len(path) and path[:depth] == found:
            best_line, best_depth = line, depth
    return best_line


def _index(text: str) -> list[tuple[int, KeyPath]]:
    """Return each header and key of a text with its line; a header also stands for the tables above it."""
    entries: list[tuple[int, KeyPath]] = []
    counts: dict[KeyPath, int] = {}
    prefix: KeyPath = ()
    scanner = _Scanner()
    for number, line in enumerate(text.split("\n"), start=1):
        if scanner.is_inside():
            scanner.feed(line)
            continue
        header = _HEADER.match(line)
        if header:
            prefix = _resolve(_keys(header["name"]), is_array=header[1] == "[[", counts=counts)
            entries.extend((number, prefix[:depth]) for depth in range(1, len(prefix) + 1))
            continue
        name, separator, value = _split_assignment(line)
        if separator:
            keys = _keys(name)
            entries.extend((number, (*prefix, *keys[: depth + 1])) for depth in range(len(keys)))
            scanner.feed(value)
    return entries


def _resolve(keys: tuple[str, ...], *, is_array: bool, counts: dict[KeyPath, int]) -> KeyPath:
    """Return the path of a header, with the index of every array of tables that it passes through."""
    path: KeyPath = ()
    for position, key in enumerate(keys):
        path = (*path, key)
        is_last = position == len(keys) - 1
        if is_last and is_array:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _split_assignment(line: str) -> tuple[str, str, str]:
    """Split `key = value`; the separator is empty when the line is no assignment."""
    position, parts = 0, 0
    while (part := _KEY_PART.match(line, position)) is not None:
        parts += 1
        position = part.end()
        if line[position : position + 1] == "=":
            return line[:position], "=", line[position + 1 :]
        if line[position : position + 1] != ".":
            break
        position += 1
    return "", "", ""


def _keys(name: str) -> tuple[str, ...]:
    """Split a dotted key into its parts, quotes taken off."""
    keys, position = [], 0
    while (part := _KEY_PART.match(name, position)) is not None:
        keys.append(next(group for group in part.groups() if group is not None))
        position = part.end() + 1
    return tuple(keys)


class _Scanner:
    """Follows a value over lines: knows whether the next line still belongs to it."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""

    def is_inside(self) -> bool:
        """Tell whether a bracket or a multi-line string is still open."""
        return bool(self._depth > 0 or self._quote)

    def feed(self, line: str) -> None:
        """Read one line of a value."""
        position = 0
        while position < len(line):
            if self._quote:
                position = self._skip_string(line, position)
                continue
            char = line[position]
            if char == "#":
                break
            if char in "\"'":
                triple = char * 3
                self._quote = triple if line.startswith(triple, position) else char
                position += len(self._quote)
                continue
            self._depth += (char in "[{") - (char in "]}")
            position += 1
        if len(self._quote) == 1:  # a plain string ends with its line: the parser reports the rest
            self._quote = ""

    def _skip_string(self, line: str, position: int) -> int:
        if self._quote[0] == '"' and line[position] == "\\":
            return position + 2
        if line.startswith(self._quote, position):
            position += len(self._quote)
            self._quote = ""
            return position
        return position + 1


def syntax_error_line(error: tomllib.TOMLDecodeError) -> int | None:
    """Return the line that the parser names in its message, if it names one."""
    found = re.search(r"at line (\d+)", str(error))
    return int(found[1]) if found else None


def write_key(key: str) -> str:
    """Return a key as TOML writes it: bare if it may be, quoted else."""
    return key if _BARE_KEY.match(key) else write_value(key)


def write_value(value: Any) -> str:
    """Return a plain value, list or mapping as TOML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{write_key(str(key))} = {write_value(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(write_value(part) for part in value) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)
