"""Which documents a query finds on PostgreSQL, newest first.

Its index of words has no order, so that it is asked for the newest days first (days and months are tags) and for ever
longer stretches before them, until enough is found. It knows no places of words: where words must stand side by side,
the folded texts are looked at, newest first. A prefix costs as much as all words that begin so, however few days are
asked for; a common one is found sooner by looking at the newest texts themselves.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, not_, or_, select, text
from sqlmodel import Session

from storage.query import Both, Either, Neither, Node, Query, Tag, Term, has_prefix, is_certain, to_tsquery
from storage.search_figures import Shape, figures_shape, figures_values, meets_figures
from storage.search_index import day_tag, first_key, moment_of, month_tag
from storage.tables import DOCUMENTS, SEARCH_VECTOR

_FIRST_STRETCH = 500  # documents that the index is asked about first
_LOOKED_THROUGH = 60  # documents whose texts are looked at before the index is asked for a prefix
_LEAST_GROWTH = 4
_MOST_GROWTH = 64
_LONGEST_STRETCH = timedelta(days=5 * 366)
_MOST_DAYS = timedelta(days=15)  # beyond, a month or two cost less than so many days
_KEY = DOCUMENTS.c.document_key
_WITHIN = _KEY.between(bindparam("low"), bindparam("high"))
_MATCHES = text(f"{SEARCH_VECTOR} @@ CAST(:query AS tsquery)")


def find_postgres(
    session: Session, asked: Query, node: Node, low: int, high: int, count: int, *, is_latest: bool
) -> list[int]:
    """The keys of the newest documents with a key in [low, high] that a query finds; `node`: its words."""
    keys: list[int] = []
    newest, looked, oldest = _ends(session, low, high, is_latest=is_latest)
    if newest is None:
        return keys
    connection = session.connection()
    shape, figures = figures_shape(asked), figures_values(asked)
    if looked is not None and has_prefix(node):
        bounds = (looked, high) if is_latest else (low, looked)
        keys += connection.execute(_look_through(node, shape, *bounds, count, is_latest=is_latest), figures).scalars()
        low, high = (low, looked - 1) if is_latest else (looked + 1, high)
    stretches = _Stretches(low, high, newest, oldest, is_latest=is_latest)
    words = to_tsquery(node)
    query = _ask_plainly(shape, is_latest=is_latest)
    if not is_certain(node):
        query = _ask_index(node, shape, is_latest=is_latest)
    while len(keys) < count and (stretch := stretches.next(len(keys), count)) is not None:
        first, last, days = stretch
        wanted = " & ".join(part for part in (words, days) if part) or "'~a'"
        values = {"query": wanted, "low": first, "high": last, "count": count - len(keys)}
        keys += connection.execute(query, values | figures).scalars().all()
    return keys


def _ends(session: Session, low: int, high: int, *, is_latest: bool) -> tuple[int | None, int | None, int | None]:
    """The keys of the newest document in [low, high], and of those some hundreds and some thousands before it.

    A plan that reads all documents would make the words of each anew: it is ruled out for this transaction.
    """
    asked = {"low": low, "high": high, "looked": _LOOKED_THROUGH, "stretch": _FIRST_STRETCH}
    row = session.connection().execute(_ends_query(is_latest=is_latest), asked).one()
    return row[0], row[1], row[2]


# Statements are made once: to build one costs as much as to run it.


@cache
def _ends_query(*, is_latest: bool) -> Select[Any]:
    ordered = _newest_first(select(_KEY).where(_WITHIN), _KEY, is_latest=is_latest).limit(1)
    offsets: tuple[Any, ...] = (0, bindparam("looked"), bindparam("stretch"))
    places = [ordered.offset(offset).scalar_subquery() for offset in offsets]
    return select(*places, func.set_config("enable_seqscan", "off", True))


@cache
def _ask_plainly(shape: Shape, *, is_latest: bool) -> Select[Any]:
    return _ask_index(None, shape, is_latest=is_latest)


def _look_through(node: Node, shape: Shape, low: int, high: int, count: int, *, is_latest: bool) -> Select[Any]:
    """Look at the folded texts of the documents in [low, high] themselves."""
    meet = meets_figures(shape, DOCUMENTS.c.article_id, postgres=True)
    query = select(_KEY).where(_KEY.between(low, high), _holds(node, DOCUMENTS.c.content), *meet)
    return _newest_first(query, _KEY, is_latest=is_latest).limit(count)


def _ask_index(node: Node | None, shape: Shape, *, is_latest: bool) -> Select[Any]:
    """Ask the index for `count` that match `query` in [low, high]; with a node, look at the texts that it finds too.

    These four are parameters of the statement.
    """
    # Materialised, so that the planner uses the index of words and never walks all documents by time, nor those whose
    # claims have the figure: it would make the words of each anew.
    shown = (_KEY, DOCUMENTS.c.article_id) if node is None else (_KEY, DOCUMENTS.c.article_id, DOCUMENTS.c.content)
    found = select(*shown).where(_MATCHES).cte("found").prefix_with("MATERIALIZED")
    meet = meets_figures(shape, found.c.article_id, postgres=True)
    inside = select(found).where(found.c.document_key.between(bindparam("low"), bindparam("high")), *meet)
    ordered = _newest_first(inside, found.c.document_key, is_latest=is_latest)
    if node is None:
        return ordered.with_only_columns(found.c.document_key).limit(bindparam("count"))
    # Sorted before it is looked at, so that no more texts are read than are needed for enough finds.
    document = ordered.offset(0).subquery("document")
    return select(document.c.document_key).where(_holds(node, document.c.content)).limit(bindparam("count"))


def _holds(node: Node, content: Any) -> ColumnElement[bool]:
    """A condition on a document's folded words, as they lie in the row: one space before and after each."""
    match node:
        case Both(parts):
            return and_(*(_holds(part, content) for part in parts))
        case Either(parts):
            return or_(*(_holds(part, content) for part in parts))
        case Neither(part):
            return not_(_holds(part, content))
        case Tag(name, is_prefix):
            words = name
        case Term(several, is_prefix):
            words = " ".join(several)
    return func.strpos(content, f" {words}{'' if is_prefix else ' '}") > 0


def _newest_first(query: Select[Any], key: Any, *, is_latest: bool) -> Select[Any]:
    return query.order_by(key.desc() if is_latest else key)


class _Stretches:
    """Stretches of time that cover [low, high], the newest first, with the tags of their days or months as a query.

    The first is about as long as _FIRST_STRETCH documents, the next ones as long as the finds so far let expect to be
    enough; the last is all the rest and has no tags.
    """

    def __init__(self, low: int, high: int, newest: int, oldest: int | None, *, is_latest: bool) -> None:
        # Counted without their sign: those of replaced versions are negative, the newest the lowest.
        self._low, self._high = (low, high) if is_latest else (-high, -low)
        self._is_latest = is_latest
        self._end = moment_of(newest)
        self._length = _LONGEST_STRETCH * 2
        self._is_begun = False
        if oldest is not None:
            self._length = max(self._end - moment_of(oldest), timedelta(days=1))

    def next(self, found: int, count: int) -> tuple[int, int, str] | None:
        """The next stretch as bounds of keys and a query of tags, or None; `found` of `count` were found so far."""
        if self._low > self._high:
            return None
        if self._is_begun:
            growth = (count - found) / found * 1.5 if found else _MOST_GROWTH
            self._length *= min(max(growth, _LEAST_GROWTH), _MOST_GROWTH)
        self._is_begun = True
        low, high, days = self._low, self._high, ""
        if self._length <= _LONGEST_STRETCH:
            start, days = _stretch_days(self._end - self._length, self._end, is_latest=self._is_latest)
            low = max(low, first_key(start))
            self._end = start - timedelta(seconds=1)
        self._high = min(high, low - 1)
        return (low, high, days) if self._is_latest else (-high, -low, days)


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
