"""Full-text search over the stored articles, the same on both databases.

Newest first needs no sort: SQLite walks its index by key, which is the time. PostgreSQL's index has no order, so that
it is asked for the newest days first and for ever longer stretches before them until enough is found.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, cast, column, func, literal_column, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlmodel import Session

from storage.articles import belongs
from storage.query import Query, Term, name_tag, parse_query, to_fts5, to_tsquery, wanted_terms
from storage.records import Facets, SearchHit, Span
from storage.search_index import day_tag, first_key, moment_of, month_tag, text_of
from storage.snippets import find_spans, make_snippet
from storage.tables import ARTICLES, CLAIMS, DOCUMENTS, MATCHES, VERSIONS
from storage.writing import chunks, is_postgres

MOST_RANKED = 4_000  # of the newest that match, this many are ranked: beyond, rank means little and costs much
MOST_COUNTED = 10_000  # of the newest that match, this many are counted for facets
_HIGHEST = (1 << 63) - 1
_FIRST_STRETCH = 2_000  # documents that PostgreSQL is asked about first
_GROWTH = 8
_LONGEST_STRETCH = timedelta(days=5 * 366)
_MOST_DAYS = timedelta(days=45)
_INDEX = table("search_index", column("rowid"))
# Statements that every search runs are made once: to build one costs as much as to run it.
_MATCHING = select(_INDEX.c.rowid).where(
    text("search_index MATCH :query"), _INDEX.c.rowid.between(bindparam("low"), bindparam("high"))
)
_NEWEST = _MATCHING.order_by(_INDEX.c.rowid.desc()).limit(bindparam("count"))
_NEWEST_REPLACED = _MATCHING.order_by(_INDEX.c.rowid).limit(bindparam("count"))
_TSQUERY = cast(bindparam("query"), TSQUERY)


def search_articles(
    session: Session,
    query: str,
    *,
    story: str | None = None,
    source: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    lang: str | None = None,
    limit: int = 20,
    offset: int = 0,
    rank: bool = False,
    all_versions: bool = False,
) -> tuple[SearchHit, ...]:
    """The articles that a query finds (language: storage.query), newest first, or best first with `rank`.

    `since` is inclusive, `until` is not; both are times of publication, or of first sight where that is unknown. An
    empty query finds everything. `all_versions`: texts since replaced are found too, on their own. Raises QueryError.
    """
    asked = _narrowed(query, story=story, source=source, since=since, until=until, lang=lang)
    if rank and asked.node is not None:
        keys = _ranked_keys(session, asked, limit, offset, all_versions)
    else:
        keys = _newest_keys(session, asked, limit + offset, all_versions)[offset:]
    return _hits(session, keys, wanted_terms(asked.node))


def count_facets(
    session: Session,
    query: str,
    *,
    story: str | None = None,
    source: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    lang: str | None = None,
    most: int = MOST_COUNTED,
) -> Facets:
    """How what a query finds (the newest MOST_COUNTED of it) spreads over sources, stories, languages and months."""
    asked = _narrowed(query, story=story, source=source, since=since, until=until, lang=lang)
    keys = _newest_keys(session, asked, most + 1, all_versions=False)
    counted = keys[:most]
    sources: Counter[str] = Counter()
    stories: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    for part in chunks(counted, 5_000):
        ids = select(DOCUMENTS.c.article_id).where(DOCUMENTS.c.document_key.in_(part))
        for name, lang_code, count in session.execute(
            select(ARTICLES.c.source, ARTICLES.c.lang, func.count())
            .where(ARTICLES.c.article_id.in_(ids))
            .group_by(ARTICLES.c.source, ARTICLES.c.lang)
        ):
            sources[name] += count
            languages[lang_code or ""] += count
        matched = select(MATCHES.c.story, func.count()).where(MATCHES.c.article_id.in_(ids), belongs())
        for slug, count in session.execute(matched.group_by(MATCHES.c.story)):
            stories[slug] += count
    months = Counter(f"{moment_of(key):%Y-%m}" for key in counted)
    return Facets(
        total=len(counted),
        is_capped=len(keys) > most,
        sources=_by_count(sources),
        stories=_by_count(stories),
        languages=_by_count(languages),
        months=tuple(sorted(months.items(), reverse=True)),
    )


# --- which documents --------------------------------------------------------------------------


def _narrowed(
    query: str,
    *,
    story: str | None,
    source: str | None,
    since: datetime | None,
    until: datetime | None,
    lang: str | None,
) -> Query:
    asked = parse_query(query)
    asked.narrow(since=since, until=until)
    for kind, name in (("story", story), ("source", source), ("lang", lang)):
        if name:
            asked.require(name_tag(kind, name))
    for comparison in asked.comparisons:
        if not comparison.is_absent:
            asked.require(name_tag("metric", comparison.metric))
    return asked


def _newest_keys(session: Session, asked: Query, count: int, all_versions: bool) -> list[int]:
    """The keys of the newest documents that a query finds, newest first."""
    find = _find_postgres if is_postgres(session) else _find_sqlite
    if count <= 0:
        return []
    keys = find(session, asked, count, is_latest=True)
    if all_versions:
        keys = sorted([*keys, *find(session, asked, count, is_latest=False)], key=abs, reverse=True)
    return keys[:count]


def _find_sqlite(session: Session, asked: Query, count: int, *, is_latest: bool) -> list[int]:
    low, high = _signed(_bounds(asked), is_latest=is_latest)
    if asked.node is None:
        return _find_by_time(session, asked, low, high, count, is_latest=is_latest)
    query = _with_figures(_NEWEST if is_latest else _NEWEST_REPLACED, asked)
    values = {"query": to_fts5(asked.node), "low": low, "high": high, "count": count}
    return list(session.connection().execute(query, values).scalars())


def _with_figures(query: Select[Any], asked: Query) -> Select[Any]:
    if not asked.comparisons:
        return query
    document = select(DOCUMENTS.c.document_key).where(
        DOCUMENTS.c.document_key == _INDEX.c.rowid, *_figures(asked, postgres=False)
    )
    return query.where(document.correlate(_INDEX).exists())


def _find_by_time(session: Session, asked: Query, low: int, high: int, count: int, *, is_latest: bool) -> list[int]:
    key = DOCUMENTS.c.document_key
    query = select(key).where(key.between(low, high), *_figures(asked, postgres=is_postgres(session))).limit(count)
    return list(session.execute(query.order_by(key.desc() if is_latest else key)).scalars())


def _find_postgres(session: Session, asked: Query, count: int, *, is_latest: bool) -> list[int]:
    bounds = _bounds(asked)
    if asked.node is None:
        return _find_by_time(session, asked, *_signed(bounds, is_latest=is_latest), count, is_latest=is_latest)
    words = to_tsquery(asked.node)
    keys: list[int] = []
    for low, high, tags in _stretches(session, *bounds, is_latest=is_latest):
        stretch = f"{words} & ({' | '.join(tags)})" if tags else words
        # Materialised, so that the planner uses the index of words and never walks all documents by time.
        matches = DOCUMENTS.c.content.op("@@")(_TSQUERY)
        found = (
            select(DOCUMENTS.c.document_key)
            .where(matches, *_figures(asked, postgres=True))
            .cte("found")
            .prefix_with("MATERIALIZED")
        )
        key = found.c.document_key
        query = select(key).where(key.between(*_signed((low, high), is_latest=is_latest)))
        query = query.order_by(key.desc() if is_latest else key).limit(count - len(keys))
        keys += session.execute(query, {"query": stretch}).scalars()
        if len(keys) == count:
            break
    return keys


def _stretches(session: Session, low: int, high: int, *, is_latest: bool) -> Iterator[tuple[int, int, list[str]]]:
    """Stretches of time that cover [low, high], the newest first, each longer, with the tags of their days or months.

    The first is about as long as _FIRST_STRETCH documents; the last is all the rest and has no tags.
    """
    key = DOCUMENTS.c.document_key
    inside = select(key).where(key.between(*_signed((low, high), is_latest=is_latest)))
    ordered = inside.order_by(key.desc() if is_latest else key)
    ends = select(ordered.limit(1).scalar_subquery(), ordered.offset(_FIRST_STRETCH).limit(1).scalar_subquery())
    newest, oldest = session.execute(ends).one()
    if newest is None:
        return
    if oldest is not None:
        end = moment_of(newest)
        length = max(end - moment_of(oldest), timedelta(days=1))
        while length <= _LONGEST_STRETCH:
            start, tags = _stretch_tags(end - length, end, is_latest=is_latest)
            begin = max(low, first_key(start))
            yield begin, high, tags
            if begin == low:
                return
            high, end, length = begin - 1, start - timedelta(seconds=1), length * _GROWTH
    yield low, high, []


def _stretch_tags(start: datetime, end: datetime, *, is_latest: bool) -> tuple[datetime, list[str]]:
    """The beginning of a stretch, moved back to that of its first day or month, and the tags that cover it."""
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if end - day <= _MOST_DAYS:
        days = [day + timedelta(days=number) for number in range((end - day).days + 1)]
        return day, [f"'{day_tag(moment, is_latest=is_latest)}'" for moment in days]
    first = month = day.replace(day=1)
    tags = []
    while month <= end:
        tags.append(f"'{month_tag(month, is_latest=is_latest)}'")
        month = (month + timedelta(days=31)).replace(day=1)
    return first, tags


def _ranked_keys(session: Session, asked: Query, limit: int, offset: int, all_versions: bool) -> list[int]:
    """The keys of the best of the newest MOST_RANKED documents that a query finds, best first."""
    newest = _newest_keys(session, asked, MOST_RANKED, all_versions)
    if not newest or asked.node is None:
        return []
    scores: list[tuple[float, int]] = []
    if is_postgres(session):
        score = func.ts_rank(literal_column("'{0.25, 0, 0, 1}'::real[]"), DOCUMENTS.c.content, _TSQUERY, 1)
        query = select(score, DOCUMENTS.c.document_key).where(DOCUMENTS.c.document_key == func.any(bindparam("keys")))
        values = {"query": to_tsquery(asked.node), "keys": newest}
        scores = [(-rank, key) for rank, key in session.execute(query, values)]
    else:
        oldest = min(map(abs, newest))
        ranges = [(oldest, _HIGHEST)] + ([(-_HIGHEST, -oldest)] if all_versions else [])
        relevance: ColumnElement[float] = literal_column("bm25(search_index, 4.0, 1.0, 0.0)")
        for low, high in ranges:
            query = _with_figures(_MATCHING, asked).add_columns(relevance)
            bounds = {"query": to_fts5(asked.node), "low": low, "high": high}
            scores += [(rank, key) for key, rank in session.execute(query, bounds)]
        wanted = set(newest)
        scores = [pair for pair in scores if pair[1] in wanted]
    scores.sort(key=lambda pair: (pair[0], -abs(pair[1])))
    return [key for _, key in scores[offset : offset + limit]]


def _bounds(asked: Query) -> tuple[int, int]:
    """The lowest and highest key that the asked time of publication allows."""
    low = 1 if asked.since is None else max(1, first_key(asked.since))
    return low, _HIGHEST if asked.until is None else first_key(asked.until) - 1


def _signed(bounds: tuple[int, int], *, is_latest: bool) -> tuple[int, int]:
    """Bounds as they are for newest versions; turned round and negative for those since replaced."""
    return bounds if is_latest else (-bounds[1], -bounds[0])


def _figures(asked: Query, *, postgres: bool) -> list[ColumnElement[bool]]:
    """Conditions on a document: its article carries (or does not) a claim with the asked figure."""
    conditions: list[ColumnElement[bool]] = []
    for wanted in asked.comparisons:
        carried = select(CLAIMS.c.claim_id).where(
            CLAIMS.c.article_id == DOCUMENTS.c.article_id,
            # Hidden from SQLite in a function, so that it prefers no index of figures to the few claims of one article.
            (CLAIMS.c.metric if postgres else func.coalesce(CLAIMS.c.metric, "")) == wanted.metric,
            CLAIMS.c.value.op(wanted.operator)(wanted.number),
        )
        exists = carried.correlate(DOCUMENTS).exists()
        conditions.append(~exists if wanted.is_absent else exists)
    return conditions


# --- what is shown ----------------------------------------------------------------------------


_SHOWN = (
    DOCUMENTS.c.document_key, ARTICLES.c.article_id, ARTICLES.c.url, ARTICLES.c.source, ARTICLES.c.lang,
    ARTICLES.c.published_from, ARTICLES.c.published_to,
    VERSIONS.c.title, VERSIONS.c.text, VERSIONS.c.packed, VERSIONS.c.number,
)  # fmt: skip

_HITS = (
    select(*_SHOWN)
    .join(VERSIONS, VERSIONS.c.version_id == DOCUMENTS.c.version_id)
    .join(ARTICLES, ARTICLES.c.article_id == DOCUMENTS.c.article_id)
    .where(DOCUMENTS.c.document_key.in_(bindparam("keys", expanding=True)))
)
_STORIES = (
    select(MATCHES.c.article_id, MATCHES.c.story)
    .where(MATCHES.c.article_id.in_(bindparam("ids", expanding=True)), belongs())
    .order_by(MATCHES.c.story)
)


def _hits(session: Session, keys: Sequence[int], terms: Sequence[Term]) -> tuple[SearchHit, ...]:
    rows: dict[int, Any] = {}
    for part in chunks(keys):
        rows |= {row.document_key: row for row in session.connection().execute(_HITS, {"keys": part})}
    found = [rows[key] for key in keys if key in rows]
    stories = _stories_of(session, {row.article_id for row in found})
    return tuple(_hit(row, stories.get(row.article_id, ()), terms) for row in found)


def _hit(row: Any, stories: Sequence[str], terms: Sequence[Term]) -> SearchHit:
    snippet, spans = make_snippet(text_of(row.text, row.packed), terms)
    published = None
    if row.published_from is not None:
        published = Span(not_before=row.published_from, not_after=row.published_to)
    return SearchHit(
        article_id=row.article_id,
        url=row.url,
        title=row.title,
        source=row.source,
        lang=row.lang,
        published=published,
        stories=tuple(stories),
        snippet=snippet,
        spans=spans,
        title_spans=find_spans(row.title, terms),
        number=row.number,
    )


def _stories_of(session: Session, article_ids: set[int]) -> dict[int, list[str]]:
    stories: dict[int, list[str]] = defaultdict(list)
    for part in chunks(sorted(article_ids)):
        for article_id, story in session.connection().execute(_STORIES, {"ids": part}):
            stories[article_id].append(story)
    return stories


def _by_count(counted: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))
