"""Which documents a query finds on PostgreSQL, newest first.

Its index of words has no order, so that it is asked for the newest days first (days and months are tags) and for ever
longer stretches before them, until enough is found. Where words must stand side by side it is asked for documents that
may hold such a pair, and their folded texts are looked at, newest first. A prefix costs as much as all words that begin
so, however few days are asked for; a common one is found sooner by looking at the newest texts themselves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select, text
from sqlmodel import Session

from storage.query import Node, Query, has_prefix, is_certain, to_tsquery
from storage.search_figures import Shape, carriers_ends, figures_shape, figures_values, meets_figures
from storage.search_index import day_tag, first_key, moment_of, month_tag
from storage.search_texts import holds, may_hold, parted_query
from storage.tables import DOCUMENTS, SEARCH_VECTOR

_FIRST_STRETCH = 500  # documents that the index is asked about first
_RARER = 8  # times as many, and as few finds expected, where of what the index gives few are finds: phrases and figures
_LOOKED_THROUGH = 60  # documents whose texts are looked at before the index is asked for a prefix
_MOST_GROWTH = 64
_FRUITLESS_GROWTH = 4  # where the stretch before found nothing
_FEW_FINDS = 1_000  # as many are expected at most where everything is asked about at once: each is read and sorted
_NEARLY_ALL = 4  # a stretch times so much that is all there is costs more, with its months, than all at once
_LONGEST_STRETCH = timedelta(days=5 * 366)
_MOST_DAYS = timedelta(days=15)  # beyond, a month or two cost less than so many days
# A plan that reads all documents would make the words of each anew; to compile one, or to start helpers for it, takes
# longer than to run it.
_SETTINGS = (("enable_seqscan", "off"), ("jit", "off"), ("max_parallel_workers_per_gather", "0"))
_KEY = DOCUMENTS.c.document_key
_WITHIN = _KEY.between(bindparam("low"), bindparam("high"))
_MATCHES = text(f"{SEARCH_VECTOR} @@ CAST(:query AS tsquery)")


def find_postgres(
    session: Session, asked: Query, node: Node, low: int, high: int, count: int, *, is_latest: bool
) -> list[int]:
    """The keys of the newest documents with a key in [low, high] that a query finds; `node`: its words."""
    keys: list[int] = []
    ends = _ends(session, low, high, is_latest=is_latest)
    if ends.newest is None:
        return keys
    connection = session.connection()
    shape, values = figures_shape(asked), figures_values(asked)
    form = None
    if not is_certain(node) or has_prefix(node):
        form, words = parted_query(node)
        values |= words
    if form is not None and ends.looked is not None and has_prefix(node):
        first, last = (ends.looked, high) if is_latest else (low, ends.looked)
        look = _look_through(form, shape, is_latest=is_latest)
        keys += connection.execute(look, values | {"low": first, "high": last, "count": count}).scalars()
        low, high = (low, ends.looked - 1) if is_latest else (ends.looked + 1, high)
    stretches = _Stretches(low, high, ends, is_latest=is_latest, rarer=_RARER if shape or not is_certain(node) else 1)
    lexemes = to_tsquery(node)
    query = _ask_index(None if is_certain(node) else form, shape, is_latest=is_latest)
    may_be_few = is_latest and bool(shape)
    while len(keys) < count and (stretch := stretches.next(len(keys), count)) is not None:
        first, last, days = stretch
        wanted = " & ".join(part for part in (lexemes, days) if part) or "'~a'"
        ask = values | {"query": wanted, "low": first, "high": last, "count": count - len(keys)}
        keys += connection.execute(query, ask).scalars().all()
        if may_be_few and not keys and (few := carriers_ends(session, asked.comparisons)) is not None:
            stretches.narrow(*few)
        may_be_few = False
    return keys


@dataclass(frozen=True, slots=True)
class Ends:
    """Keys of documents between two bounds: the newest, those some dozens and some hundreds before it, the oldest."""

    newest: int | None
    looked: int | None = None
    some: int | None = None
    oldest: int | None = None


def _ends(session: Session, low: int, high: int, *, is_latest: bool) -> Ends:
    """The ends of what lies in [low, high]. Settles for this transaction how its other statements are planned, too."""
    asked = {"low": low, "high": high, "looked": _LOOKED_THROUGH, "stretch": _FIRST_STRETCH}
    row = session.connection().execute(_ends_query(is_latest=is_latest), asked).one()
    return Ends(*row[:4])


# Statements are made once: to build one costs as much as to run it.


@cache
def _ends_query(*, is_latest: bool) -> Select[Any]:
    within = select(_KEY).where(_WITHIN)
    ordered = _newest_first(within, _KEY, is_latest=is_latest).limit(1)
    offsets: tuple[Any, ...] = (0, bindparam("looked"), bindparam("stretch"))
    places = [ordered.offset(offset).scalar_subquery() for offset in offsets]
    oldest = _newest_first(within, _KEY, is_latest=not is_latest).limit(1).scalar_subquery()
    settings = [func.set_config(name, value, True) for name, value in _SETTINGS]
    return select(*places, oldest, *settings)


@lru_cache(maxsize=1_000)
def _look_through(form: Node, shape: Shape, *, is_latest: bool) -> Select[Any]:
    """Look at the folded texts of the documents in [low, high] themselves."""
    meet = meets_figures(shape, DOCUMENTS.c.article_id, postgres=True)
    query = select(_KEY).where(_WITHIN, holds(form, DOCUMENTS.c.content), *meet)
    return _newest_first(query, _KEY, is_latest=is_latest).limit(bindparam("count"))


@lru_cache(maxsize=1_000)
def _ask_index(form: Node | None, shape: Shape, *, is_latest: bool) -> Select[Any]:
    """Ask the index for `count` that match `query` in [low, high]; with a form, look at the texts that it finds too.

    These four are parameters of the statement.
    """
    # Materialised, so that the planner uses the index of words and never walks all documents by time, nor those whose
    # claims have the figure: it would make the words of each anew.
    shown = (_KEY, DOCUMENTS.c.article_id) if form is None else (_KEY, DOCUMENTS.c.article_id, DOCUMENTS.c.content)
    pairs = [] if form is None else may_hold(form)
    found = select(*shown).where(_MATCHES, *pairs).cte("found").prefix_with("MATERIALIZED")
    meet = meets_figures(shape, found.c.article_id, postgres=True)
    inside = select(found).where(found.c.document_key.between(bindparam("low"), bindparam("high")), *meet)
    ordered = _newest_first(inside, found.c.document_key, is_latest=is_latest)
    if form is None:
        return ordered.with_only_columns(found.c.document_key).limit(bindparam("count"))
    # Sorted before it is looked at, so that no more texts are read than are needed for enough finds.
    document = ordered.offset(0).subquery("document")
    return select(document.c.document_key).where(holds(form, document.c.content)).limit(bindparam("count"))


def _newest_first(query: Select[Any], key: Any, *, is_latest: bool) -> Select[Any]:
    return query.order_by(key.desc() if is_latest else key)


class _Stretches:
    """Stretches of time that cover [low, high], the newest first, with the tags of their days or months as a query.

    The first is about as long as `rarer` times _FIRST_STRETCH documents, the next ones as long as the finds so far let
    expect to be enough; the last is all the rest and has no tags.
    """

    def __init__(self, low: int, high: int, ends: Ends, *, is_latest: bool, rarer: int = 1) -> None:
        # Counted without their sign: those of replaced versions are negative, the newest the lowest.
        self._low, self._high = (low, high) if is_latest else (-high, -low)
        self._is_latest = is_latest
        assert ends.newest is not None  # else nothing is asked
        self._begin = self._end = moment_of(ends.newest)
        self._oldest = self._begin if ends.oldest is None else moment_of(ends.oldest)
        self._length = _LONGEST_STRETCH * 2
        self._few_finds = _FEW_FINDS // rarer
        self._found: int | None = None
        if ends.some is not None:
            self._length = max((self._end - moment_of(ends.some)) * rarer, timedelta(days=1))

    def next(self, found: int, count: int) -> tuple[int, int, str] | None:
        """The next stretch as bounds of keys and a query of tags, or None; `found` of `count` were found so far."""
        if self._low > self._high:
            return None
        if self._found is not None:
            self._length = self._next_length(found, count)
        self._found = found
        low, high, days = self._low, self._high, ""
        if self._length <= _LONGEST_STRETCH:
            start, days = _stretch_days(self._end - self._length, self._end, is_latest=self._is_latest)
            low = max(low, first_key(start))
            self._end = start - timedelta(seconds=1)
        self._high = min(high, low - 1)
        return (low, high, days) if self._is_latest else (-high, -low, days)

    def narrow(self, low: int, high: int) -> None:
        """Leave out what lies beyond two keys of documents that were never replaced."""
        self._low, self._high = max(self._low, low), min(self._high, high)
        self._end = min(self._end, moment_of(high))

    def _next_length(self, found: int, count: int) -> timedelta:
        """As long as the finds so far let expect to be enough, and half as much more."""
        covered, left = self._begin - self._end, self._end - self._oldest
        least = self._length * (1 if found != self._found else _FRUITLESS_GROWTH)
        most = self._length * _MOST_GROWTH
        length = min(max(covered * ((count - found) / found * 1.5), least), most) if found else most
        expected = max(found, 1) * (left / covered)
        return _LONGEST_STRETCH * 2 if length * _NEARLY_ALL > left and expected < self._few_finds else length


def _stretch_days(start: datetime, end: datetime, *, is_latest: bool) -> tuple[datetime, str]:
    """The beginning of a stretch, moved back to that of its first day or month, and a query for the tags in it."""
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    tags, step = [], timedelta(days=1)
    is_short = end - first <= _MOST_DAYS
    if not is_short:
        first, step = first.replace(day=1), timedelta(days=31)
    moment = first
    while moment <= end:
        tags.append(f"'{(day_tag if is_short else month_tag)(moment, is_latest=is_latest)}'")
        moment = moment + step if is_short else (moment + step).replace(day=1)
    return first, f"({' | '.join(tags)})"
