"""Which documents a query finds on PostgreSQL, newest first.

Its index of words has no order, so that it is asked for the newest days first (days and months are tags) and for ever
longer stretches before them, until enough is found. Where words must stand side by side it is asked for documents that
may hold such a pair, and their folded texts are looked at, newest first. A prefix costs as much as all words that begin
so, however few days are asked for; a common one is found sooner by looking at the newest texts themselves. Where few
articles carry an asked figure, their texts are looked at.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, func, select, text
from sqlmodel import Session

from storage.asking import Asker
from storage.query import Node, Query, finds_without_words, has_prefix, is_certain, leaves_out, to_tsquery
from storage.search_figures import Shape, figures_shape, figures_values, find_carriers, meets_figures
from storage.search_hits import with_shown
from storage.search_index import day_tag, first_key, moment_of, month_tag
from storage.search_texts import holds, may_hold, parted_query
from storage.tables import DOCUMENTS, SEARCH_VECTOR
from storage.writing import among, listed

_FIRST_STRETCH = 500  # documents that the index is asked about first
_LOOKED_THROUGH = 60  # documents whose texts are looked at before the index is asked for a prefix
_MOST_LOOKED_THROUGH = 150  # as many more where those texts held it so often that it should stand in no more
_FRUITLESS_GROWTH = 4  # where the stretch before found nothing
_FEW_FINDS = 1_000  # as many are expected at most where everything is asked about at once: each is read and sorted
_FEW_TIMES = 9  # tags of days or months
_MOST_CARRIERS = 400  # claims with a figure whose articles are looked at themselves
_FEW_FOUND = 5  # that is done where the first stretch found less than one of so many that are asked for
_LONGEST_STRETCH = timedelta(days=5 * 366)
_MANY_MONTHS = timedelta(days=270)  # where nothing was found yet, so many cost as much as all that there is
_MOST_DAYS = timedelta(days=15)  # beyond, a month or two cost less than so many days


class _Times(Enum):
    """Where the tags of days or months stand among the conditions that the index is asked for."""

    NONE = auto()
    FIRST = auto()
    LAST = auto()


def _place_of(times: str) -> _Times:
    if not times:
        return _Times.NONE
    return _Times.FIRST if times.count("|") < _FEW_TIMES else _Times.LAST


@dataclass(frozen=True, slots=True)
class Pace:
    """How stretches grow: each costs some 0.2 ms, and 65 ns for each of its documents that has the query's words."""

    rarer: int = 1  # times _FIRST_STRETCH in the first, where of what the index gives few are finds
    growth: int = 64  # the next at most so many times as long
    margin: float = 1.5  # times as long as the finds so far let expect to be enough
    nearly_all: float = 4.0  # a stretch times so much that is all there is costs no less than all at once


_PLAIN = Pace()  # its words stand in many documents and it finds many, or they do not and all are soon asked about
_UNCERTAIN = Pace(rarer=2, margin=1.25)  # phrases
_FIGURED = Pace(rarer=8, margin=1.25)
_BARRING = Pace(growth=8, margin=1.25, nearly_all=1.25)  # `common -commoner`: long lists of the index, and few finds
# A plan that reads all documents would make the words of each anew; to compile one, or to start helpers for it, or to
# plan for these very words what is planned alike for all, takes longer than to run it.
_SETTINGS = (
    ("enable_seqscan", "off"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("plan_cache_mode", "force_generic_plan"),
)
_KEY = DOCUMENTS.c.document_key
_WITHIN = _KEY.between(bindparam("low"), bindparam("high"))
_MATCHES = text(f"{SEARCH_VECTOR} @@ CAST(:query AS tsquery)")
_IN_TIMES = text(f"{SEARCH_VECTOR} @@ CAST(:times AS tsquery)")
_ENDS_ASKED = ("low", "high", "looked", "some")
_NAMED = (_KEY, DOCUMENTS.c.article_id, DOCUMENTS.c.version_id)


def find_postgres(
    session: Session,
    asked: Query,
    node: Node,
    low: int,
    high: int,
    count: int,
    *,
    is_latest: bool,
    is_shown: bool = False,
) -> list[tuple[Any, ...]]:
    """The newest documents with a key in [low, high] that a query finds, newest first; `node`: its words.

    Each is a row that begins with the document's key; `is_shown`: what is shown of it follows, for `make_hits`.
    """
    asker = Asker(session)
    ends = _ends(asker, low, high, is_latest=is_latest)
    if ends.newest is None:
        return []
    rows: list[tuple[Any, ...]] = []
    shape, values = figures_shape(asked), figures_values(asked)
    form, texts = parted_query(node)
    values |= texts
    if has_prefix(node):
        look = _look_through(form, shape, is_latest=is_latest, is_shown=is_shown)
        for edge, most in ((ends.looked, None), (ends.some, _MOST_LOOKED_THROUGH)):
            is_worth = most is None or (count - len(rows)) * _LOOKED_THROUGH <= len(rows) * most
            if edge is None or not low <= edge <= high or len(rows) == count or not is_worth:
                break
            first, last = (edge, high) if is_latest else (low, edge)
            rows += asker.rows(look, values | {"low": first, "high": last, "count": count - len(rows)})
            low, high = (low, edge - 1) if is_latest else (edge + 1, high)
    stretches = _Stretches(low, high, ends, is_latest=is_latest, pace=_pace_of(node, shape))
    values["query"] = _lexemes(node)
    checked = None if is_certain(node) else form
    may_be_few = bool(shape) and is_latest
    while len(rows) < count and (stretch := stretches.next(len(rows), count)) is not None:
        first, last, values["times"] = stretch
        times = _place_of(values["times"])
        ask = _ask_index(checked, shape, is_latest=is_latest, is_shown=is_shown, times=times)
        rows += asker.rows(ask, values | {"low": first, "high": last, "count": count - len(rows)})
        if may_be_few and len(rows) * _FEW_FOUND < count and first > low:
            few = find_carriers(asker.rows, asked.comparisons, _MOST_CARRIERS)
            if few is not None:
                left = {"low": low, "high": first - 1, "count": count - len(rows)}
                left["articles"] = listed(few, postgres=True)
                rows += asker.rows(_look_among(form, shape, is_shown=is_shown), values | left)
                break
        may_be_few = False
    return sorted(rows, key=lambda row: abs(row[0]), reverse=True) if is_shown else rows


def _pace_of(node: Node, shape: Shape) -> Pace:
    if shape:
        return _FIGURED
    if not is_certain(node):
        return _UNCERTAIN
    return _BARRING if leaves_out(node) else _PLAIN


def _lexemes(node: Node) -> str:
    """What the index is asked for, never only what a document must not have: it would be walked from end to end."""
    lexemes = to_tsquery(node)
    if lexemes is None:
        return "'~a'"
    return f"'~a' & {lexemes}" if finds_without_words(node) else lexemes


@dataclass(frozen=True, slots=True)
class Ends:
    """Keys of documents between two bounds: the newest, those some dozens and some hundreds before it, the oldest."""

    newest: int | None
    looked: int | None = None
    some: int | None = None
    oldest: int | None = None


def _ends(asker: Asker, low: int, high: int, *, is_latest: bool) -> Ends:
    """The ends of what lies in [low, high]. Settles for this transaction how its other statements are planned, too."""
    asked = dict(zip(_ENDS_ASKED, (low, high, _LOOKED_THROUGH, _FIRST_STRETCH), strict=True))
    (row,) = asker.rows(_ends_query(is_latest=is_latest), asked)
    return Ends(*row[:4])


# Statements are made once: to build one costs as much as to run it.


@cache
def _ends_query(*, is_latest: bool) -> Select[Any]:
    # Each parameter within a query of its own, which no plan looks into: else one is made for these very values at each
    # run, twice as long as it takes to run.
    low, high, looked, some = (select(bindparam(name, type_=BigInteger)).scalar_subquery() for name in _ENDS_ASKED)
    within = select(_KEY).where(_KEY.between(low, high))
    ordered = _newest_first(within, _KEY, is_latest=is_latest).limit(1)
    places = [ordered.scalar_subquery(), *(ordered.offset(far).scalar_subquery() for far in (looked, some))]
    oldest = _newest_first(within, _KEY, is_latest=not is_latest).limit(1).scalar_subquery()
    settings = [func.set_config(name, value, True) for name, value in _SETTINGS]
    return select(*places, oldest, *settings)


@lru_cache(maxsize=1_000)
def _look_through(form: Node, shape: Shape, *, is_latest: bool, is_shown: bool) -> Select[Any]:
    """Look at the folded texts of the documents in [low, high] themselves."""
    meet = meets_figures(shape, DOCUMENTS.c.article_id, postgres=True)
    query = select(*_NAMED).where(_WITHIN, holds(form, DOCUMENTS.c.content), *meet)
    return _page(_newest_first(query, _KEY, is_latest=is_latest), is_shown=is_shown)


@lru_cache(maxsize=1_000)
def _ask_index(form: Node | None, shape: Shape, *, is_latest: bool, is_shown: bool, times: _Times) -> Select[Any]:
    """Ask the index for `count` that match `query` in [low, high]; with a form, look at the texts that it finds too.

    These four are parameters of the statement, and so is `times`, the tags of the days or months.
    """
    # Materialised, so that the planner uses the index of words and never walks all documents by time, nor those whose
    # claims have the figure: it would make the words of each anew.
    # The times are a condition of their own. The index takes conditions one after the other and goes on with each where
    # the one before it stands: few times come first, so that no document before them is looked at (of words that never
    # stand together all would be), many behind the words, since each document is held against all of them.
    words = [_MATCHES, *([] if form is None else may_hold(form))]
    asked: list[Any] = {_Times.NONE: words, _Times.FIRST: [_IN_TIMES, *words], _Times.LAST: [*words, _IN_TIMES]}[times]
    named = _NAMED if form is None else (*_NAMED, DOCUMENTS.c.content)
    found = select(*named).where(*asked).cte("found").prefix_with("MATERIALIZED")
    meet = meets_figures(shape, found.c.article_id, postgres=True)
    inside = select(found).where(found.c.document_key.between(bindparam("low"), bindparam("high")), *meet)
    ordered = _newest_first(inside, found.c.document_key, is_latest=is_latest)
    return _page(ordered if form is None else _looked_at(ordered, form), is_shown=is_shown)


@lru_cache(maxsize=1_000)
def _look_among(form: Node, shape: Shape, *, is_shown: bool) -> Select[Any]:
    """Look at the folded texts of the documents of `articles`, which carry a figure, in [low, high]."""
    # Materialised, so that the planner does not walk the keys of all documents in between beside it.
    chosen = select(*_NAMED, DOCUMENTS.c.content).where(among(DOCUMENTS.c.article_id, "articles", postgres=True))
    theirs = chosen.cte("theirs").prefix_with("MATERIALIZED")
    meet = meets_figures(shape, theirs.c.article_id, postgres=True, are_carriers=True)
    inside = select(theirs).where(theirs.c.document_key.between(bindparam("low"), bindparam("high")), *meet)
    return _page(_looked_at(_newest_first(inside, theirs.c.document_key, is_latest=True), form), is_shown=is_shown)


def _looked_at(ordered: Select[Any], form: Node) -> Select[Any]:
    """Those of some documents whose folded texts hold what is asked for, in their order."""
    # Sorted before it is looked at, so that no more texts are read than are needed for enough finds.
    document = ordered.offset(0).subquery("document")
    looked_at = select(document.c.document_key, document.c.article_id, document.c.version_id)
    return looked_at.where(holds(form, document.c.content))


def _page(documents: Select[Any], *, is_shown: bool) -> Select[Any]:
    """The first `count` of these: their keys, or those and what is shown of them, in no order then."""
    page = documents.limit(bindparam("count")).subquery("page")
    return with_shown(page, page.c.document_key, postgres=True) if is_shown else select(page.c.document_key)


def _newest_first(query: Select[Any], key: Any, *, is_latest: bool) -> Select[Any]:
    return query.order_by(key.desc() if is_latest else key)


class _Stretches:
    """Stretches of time that cover [low, high], the newest first, with the tags of their days or months as a query.

    The first is about as long as _FIRST_STRETCH documents, or some times that; the next ones are as long as the finds
    so far let expect to be enough; the last is all the rest and has no tags.
    """

    def __init__(self, low: int, high: int, ends: Ends, *, is_latest: bool, pace: Pace = _PLAIN) -> None:
        # Counted without their sign: those of replaced versions are negative, the newest the lowest.
        self._low, self._high = (low, high) if is_latest else (-high, -low)
        self._is_latest = is_latest
        assert ends.newest is not None  # else nothing is asked
        self._begin = self._end = moment_of(ends.newest)
        self._oldest = self._begin if ends.oldest is None else moment_of(ends.oldest)
        self._length = _LONGEST_STRETCH * 2
        self._pace = pace
        self._few_finds = _FEW_FINDS // pace.rarer
        self._found: int | None = None
        if ends.some is not None:
            self._length = max((self._end - moment_of(ends.some)) * pace.rarer, timedelta(days=1))

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

    def _next_length(self, found: int, count: int) -> timedelta:
        """As long as the finds so far let expect to be enough, and somewhat more."""
        covered, left = self._begin - self._end, self._end - self._oldest
        least = self._length * (1 if found != self._found else _FRUITLESS_GROWTH)
        most = self._length * self._pace.growth
        length = min(max(covered * ((count - found) / found * self._pace.margin), least), most) if found else most
        expected = max(found, 1) * (left / covered)
        is_most = length * self._pace.nearly_all > left or (not found and length > _MANY_MONTHS)
        return _LONGEST_STRETCH * 2 if is_most and expected < self._few_finds else length


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
