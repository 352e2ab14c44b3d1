"""SQLite's full-text index, in parts: each holds the documents of one stretch of keys, which is one of time.

The cost of a prefix, of merging and of a word that few documents hold grows with the index that is asked; newest first,
most queries end within the newest part. A part that is full is closed and made compact, and what comes after it (or
before it, when an old archive is taken in from its end) opens another one. What comes into the midst of a full part has
its smaller end moved to another part first: one article dated in the future must not let the newest part grow for ever.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import TextualSelect, column, delete, func, insert, select, text, update
from sqlmodel import Session

from storage.sending import send, send_all
from storage.tables import DOCUMENTS, PARTS

PART_SIZE = 16_000  # documents
# An end of a full part is moved if it holds no more than one of so many of its documents: to move many takes seconds,
# and feeds bring old articles, a few to each of many parts. So a part may grow to twice its size before.
_SMALL_END = 16
_KEY = DOCUMENTS.c.document_key
_LOWEST = -(1 << 62)
_HIGHEST = (1 << 62) - 1
_MAKE = (
    "CREATE VIRTUAL TABLE search_index_{0} USING fts5"
    "(body, title, tags, content='', columnsize=0, tokenize=\"ascii tokenchars '~_'\")"
)
# Merging is left until sixteen pieces lie side by side: half the work of merging four, and a part never has many.
_SETTINGS = (("automerge", 0), ("hashsize", 8_000_000))
_SET = "INSERT INTO search_index_{0} (search_index_{0}, rank) VALUES (?, ?)"
_ADD = "INSERT INTO search_index_{0} (rowid, title, body, tags) VALUES (?, ?, ?, ?)"
_REMOVE = "INSERT INTO search_index_{0} (search_index_{0}, rowid, title, body, tags) VALUES ('delete', ?, ?, ?, ?)"
_COMMAND = "INSERT INTO search_index_{0} (search_index_{0}) VALUES ('{1}')"
_FIND = (
    "SELECT key FROM (SELECT rowid AS key FROM search_index_{0} WHERE search_index_{0} MATCH :query "
    "AND rowid BETWEEN :low AND :high ORDER BY rowid {1} LIMIT :most)"
)

Entry = tuple[int, str, str, str]  # a document's key, then the words of its title and of its text, and its tags


@dataclass(slots=True)
class Part:
    """A part: the keys from `first_key` to before the next part's are its own."""

    number: int
    first_key: int
    documents: int


def list_parts(session: Session, low: int = _LOWEST, high: int = _HIGHEST) -> list[Part]:
    """The parts that may hold a document with a key in [low, high], in the order of their keys."""
    rows = send(session, _ALL_PARTS).fetchall()
    parts = [Part(*row) for row in rows]
    firsts = [part.first_key for part in parts]
    return parts[max(0, bisect_right(firsts, low) - 1) : bisect_right(firsts, high)]


@lru_cache(maxsize=1_000)
def find_entries(numbers: tuple[int, ...], *, is_latest: bool) -> TextualSelect:
    """A statement for the keys that `query` finds in these parts within [low, high], `most` of each, newest first."""
    order = "DESC" if is_latest else "ASC"
    return text(" UNION ALL ".join(_FIND.format(number, order) for number in numbers)).columns(column("key"))


def add_entries(session: Session, entries: Iterable[Entry], indexed: Callable[[list[int]], list[Entry]]) -> None:
    """Put documents into the index. Ask before their rows are stored: those tell how far each part reaches.

    `indexed` gives the entries of stored documents by their keys, as they were put in.
    """
    parts = list_parts(session)
    chosen: dict[int, list[Entry]] = defaultdict(list)
    reach: dict[int, tuple[int, int]] = {}
    ordered = sorted(entries)
    _make_room(session, parts, [entry[0] for entry in ordered], indexed)
    part, end = None, _LOWEST
    for entry in ordered:
        if part is None or part.documents >= PART_SIZE or entry[0] >= end:
            part = _place(session, parts, reach, chosen, entry[0])
            end = _end_of(parts, parts.index(part))
        chosen[part.number].append(entry)
        part.documents += 1
    for number, added in chosen.items():
        send_all(session, _ADD.format(number), added)
    _count(session, parts, chosen)


def remove_entries(session: Session, entries: Iterable[Entry]) -> None:
    """Take documents out of the index, given as they were put into it."""
    parts = list_parts(session)
    firsts = [part.first_key for part in parts]
    chosen: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        part = parts[bisect_right(firsts, entry[0]) - 1]
        chosen[part.number].append(entry)
        part.documents -= 1
    for number, removed in chosen.items():
        send_all(session, _REMOVE.format(number), removed)
    _count(session, parts, chosen)


def drop_parts(session: Session) -> None:
    """Take the whole index away."""
    for part in list_parts(session):
        send(session, f"DROP TABLE search_index_{part.number}")
    session.execute(delete(PARTS))


def compact_parts(session: Session) -> None:
    """Merge what was written to each part at different times, so that a query has the least to read."""
    for part in list_parts(session):
        send(session, _COMMAND.format(part.number, "optimize"))


def prove_parts(session: Session) -> None:
    """Have SQLite look through each part. Raises sqlalchemy.exc.DatabaseError for a damaged one."""
    for part in list_parts(session):
        send(session, _COMMAND.format(part.number, "integrity-check"))


_ALL_PARTS = "SELECT number, first_key, documents FROM search_parts ORDER BY first_key"


def _make_room(
    session: Session, parts: list[Part], keys: Sequence[int], indexed: Callable[[list[int]], list[Entry]]
) -> None:
    """Move an end of each full part that one of `keys` (in order) falls into, so that the key lies at its edge."""
    for part in [part for part in parts if part.documents >= PART_SIZE]:
        place = parts.index(part)
        end = _end_of(parts, place)
        first = bisect_left(keys, part.first_key)
        if first == len(keys) or keys[first] >= end:
            continue
        lowest, highest = _reach(session, part.first_key, end)
        cut = keys[max(first, bisect_left(keys, lowest))] if keys[-1] >= lowest else end
        if not lowest < cut < highest:
            continue
        above = session.execute(select(func.count()).where(_KEY.between(cut, end - 1))).scalar_one()
        below = part.documents - above
        if part.documents < PART_SIZE * 2 and min(above, below) * _SMALL_END > part.documents:
            continue
        if above <= below:
            moved = indexed(_stored(session, cut, end))
            _move(session, part, _after(session, parts, place, cut, len(moved)), moved)
        else:
            moved = indexed(_stored(session, part.first_key, cut))
            _move(session, part, _before(session, parts, place, cut, len(moved)), moved)


def _end_of(parts: Sequence[Part], place: int) -> int:
    """Where the keys end that a part can hold: at the next part, and those of replaced versions below 0."""
    end = parts[place + 1].first_key if place + 1 < len(parts) else _HIGHEST
    return min(end, 0) if parts[place].first_key < 0 else end


def _stored(session: Session, first: int, end: int) -> list[int]:
    """The keys of the stored documents in [first, end)."""
    return list(session.execute(select(_KEY).where(_KEY.between(first, end - 1))).scalars())


def _after(session: Session, parts: list[Part], place: int, first: int, documents: int) -> Part:
    """The part after that at `place`, if it has room for so many more, else a new one; it begins at `first`."""
    after = parts[place + 1] if place + 1 < len(parts) else None
    if after is None or after.documents + documents > PART_SIZE or after.first_key >= 0 > first:
        return _open(session, parts, place + 1, first)
    _begin(session, after, first)
    return after


def _before(session: Session, parts: list[Part], place: int, end: int, documents: int) -> Part:
    """The part before that at `place`, if it has room, else a new one; it takes all up to `end`."""
    first = parts[place].first_key
    _begin(session, parts[place], end)
    before = parts[place - 1] if place else None
    if before is None or before.documents + documents > PART_SIZE or before.first_key < 0 <= end:
        return _open(session, parts, place, first)
    return before


def _move(session: Session, source: Part, target: Part, entries: Sequence[Entry]) -> None:
    send_all(session, _REMOVE.format(source.number), entries)
    send_all(session, _ADD.format(target.number), entries)
    source.documents -= len(entries)
    target.documents += len(entries)
    _count(session, (source, target), (source.number, target.number))


def _place(
    session: Session,
    parts: list[Part],
    reach: dict[int, tuple[int, int]],
    chosen: Mapping[int, Sequence[Entry]],
    key: int,
) -> Part:
    """The part for a new document; another one is opened where the key lies beyond what a full one holds.

    `reach` is what was found out of full parts; `chosen` what each part was given before, in the order of keys.
    """
    place = bisect_right(parts, key, key=lambda part: part.first_key) - 1
    if place < 0 or parts[place].first_key < 0 <= key:
        return _open(session, parts, place + 1, _LOWEST if key < 0 else 0)
    part = parts[place]
    if part.documents < PART_SIZE:
        return part
    if part.number not in reach:
        reach[part.number] = _reach(session, part.first_key, _end_of(parts, place))
    lowest, highest = reach[part.number]
    if given := chosen.get(part.number):
        lowest, highest = min(lowest, given[0][0]), max(highest, given[-1][0])
    if lowest <= key <= highest:
        return part
    send(session, _COMMAND.format(part.number, "optimize"))
    if key > highest:
        after = parts[place + 1] if place + 1 < len(parts) else None
        if after is None or after.documents >= PART_SIZE or after.first_key >= 0 > key:
            return _open(session, parts, place + 1, key)
        _begin(session, after, key)
        return after
    first = part.first_key
    _begin(session, part, lowest)
    before = parts[place - 1] if place else None
    if before is None or before.documents >= PART_SIZE or before.first_key < 0 <= key:
        return _open(session, parts, place, first)
    return before


def _begin(session: Session, part: Part, first_key: int) -> None:
    """Have a part begin at another key."""
    part.first_key = first_key
    session.execute(update(PARTS).where(PARTS.c.number == part.number).values(first_key=first_key))


def _reach(session: Session, first: int, end: int) -> tuple[int, int]:
    """The lowest and highest key of the stored documents in [first, end); the wrong way round if there is none."""
    key = DOCUMENTS.c.document_key
    inside = select(func.min(key)).where(key >= first, key < end)
    outside = select(func.max(key)).where(key >= first, key < end)
    lowest, highest = session.execute(select(inside.scalar_subquery(), outside.scalar_subquery())).one()
    return (end, first) if lowest is None else (lowest, highest)


def _open(session: Session, parts: list[Part], place: int, first_key: int) -> Part:
    part = Part(max((one.number for one in parts), default=0) + 1, first_key, 0)
    parts.insert(place, part)
    send(session, _MAKE.format(part.number))
    for setting in _SETTINGS:
        send(session, _SET.format(part.number), setting)
    session.execute(insert(PARTS).values(number=part.number, first_key=first_key, documents=0))
    return part


def _count(session: Session, parts: Sequence[Part], changed: Iterable[int]) -> None:
    held = {part.number: part.documents for part in parts}
    for number in changed:
        send(session, _NOTE_COUNT, (held[number], number))


_NOTE_COUNT = "UPDATE search_parts SET documents = ? WHERE number = ?"
