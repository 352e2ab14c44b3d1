"""Full-text search over the stored articles, the same on both databases.

Newest first needs no sort: a document's key is its time. SQLite asks the newest part of its index first, PostgreSQL the
newest days. By rank, the texts of the newest that match are weighed here, so that both give one order.
"""

from collections import Counter
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlmodel import Session

from storage.articles import belongs
from storage.query import Node, Query, name_tag, parse_query, to_fts5, wanted_terms
from storage.ranking import count_terms, score_counts
from storage.records import Facets, SearchHit
from storage.search_figures import Shape, carriers_ends, figures_shape, figures_values, meets_figures
from storage.search_hits import make_hits, show_documents
from storage.search_index import first_key, moment_of, text_of
from storage.search_parts import find_entries, list_parts
from storage.search_postgres import find_postgres
from storage.tables import ARTICLES, DOCUMENTS, MATCHES, VERSIONS
from storage.writing import among, chunks, is_postgres, listed

MOST_RANKED = 2_000  # of the newest that match, this many are ranked: beyond, rank means little and costs much
MOST_COUNTED = 10_000  # of the newest that match, this many are counted for facets
_HIGHEST = (1 << 62) - 1
_KEY = DOCUMENTS.c.document_key


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
    terms = wanted_terms(asked.node)
    if rank and asked.node is not None:
        keys = _ranked_keys(session, asked, limit, offset, all_versions)
    elif offset or asked.node is None or not is_postgres(session):
        keys = _newest_keys(session, asked, limit + offset, all_versions)[offset:]
    else:  # found and shown by one statement
        return make_hits(_shown(session, asked, asked.node, limit, all_versions), terms)
    return show_documents(session, keys, terms)


def find_urls(session: Session, query: str, *, limit: int) -> frozenset[str]:
    """The addresses of the newest articles that a query finds, without their texts. Raises QueryError."""
    keys = _newest_keys(
        session, _narrowed(query, story=None, source=None, since=None, until=None, lang=None), limit, False
    )
    found: set[str] = set()
    for part in chunks(keys, 5_000):
        ids = select(DOCUMENTS.c.article_id).where(DOCUMENTS.c.document_key.in_(part))
        found.update(session.execute(select(ARTICLES.c.url).where(ARTICLES.c.article_id.in_(ids))).scalars())
    return frozenset(found)


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
    all_versions: bool = False,
) -> Facets:
    """How what a query finds (the newest MOST_COUNTED of it) spreads over sources, stories, languages and months.

    `all_versions`: texts since replaced count too in the total and the months, their articles once elsewhere.
    """
    asked = _narrowed(query, story=story, source=source, since=since, until=until, lang=lang)
    keys = _newest_keys(session, asked, most + 1, all_versions)
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
    if count <= 0:
        return []
    keys = _find(session, asked, count, is_latest=True)
    if all_versions:
        keys = sorted([*keys, *_find(session, asked, count, is_latest=False)], key=abs, reverse=True)
    return keys[:count]


def _find(session: Session, asked: Query, count: int, *, is_latest: bool) -> list[int]:
    low, high = _bounds(asked)
    if not is_latest:
        low, high = -high, -low
    if asked.node is None:
        return _find_by_time(session, asked, low, high, count, is_latest=is_latest)
    if is_postgres(session):
        return [row[0] for row in find_postgres(session, asked, asked.node, low, high, count, is_latest=is_latest)]
    return _find_sqlite(session, asked, asked.node, low, high, count, is_latest=is_latest)


def _shown(session: Session, asked: Query, node: Node, count: int, all_versions: bool) -> list[Any]:
    """The newest documents that a query finds on PostgreSQL, newest first, each with what is shown of it."""
    if count <= 0:
        return []
    low, high = _bounds(asked)
    rows = find_postgres(session, asked, node, low, high, count, is_latest=True, is_shown=True)
    if all_versions:
        rows += find_postgres(session, asked, node, -high, -low, count, is_latest=False, is_shown=True)
        rows.sort(key=lambda row: abs(row[0]), reverse=True)
    return rows[:count]


def _find_by_time(session: Session, asked: Query, low: int, high: int, count: int, *, is_latest: bool) -> list[int]:
    figures = meets_figures(figures_shape(asked), DOCUMENTS.c.article_id, postgres=is_postgres(session))
    query = select(_KEY).where(_KEY.between(low, high), *figures).limit(count)
    return list(session.execute(query.order_by(_KEY.desc() if is_latest else _KEY), figures_values(asked)).scalars())


def _find_sqlite(
    session: Session, asked: Query, node: Node, low: int, high: int, count: int, *, is_latest: bool
) -> list[int]:
    """The newest part alone first, which answers most; then as many more at once as there are."""
    if is_latest and (ends := carriers_ends(session, asked.comparisons)) is not None:
        low, high = max(low, ends[0]), min(high, ends[1])
        if low > high:
            return []
    parts = [part.number for part in list_parts(session, low, high)]
    if is_latest:
        parts.reverse()
    shape, figures = figures_shape(asked), figures_values(asked)
    keys: list[int] = []
    for asked_parts in (tuple(parts[:1]), tuple(parts[1:3]), tuple(parts[3:])):
        if len(keys) == count or not asked_parts:
            break
        most = count - len(keys)
        values = {"query": to_fts5(node), "low": low, "high": high, "count": most, "most": -1 if figures else most}
        query = _from_parts(asked_parts, shape, is_latest=is_latest)
        keys += session.connection().execute(query, values | figures).scalars().all()
    return keys


@lru_cache(maxsize=1_000)
def _from_parts(numbers: tuple[int, ...], shape: Shape, *, is_latest: bool) -> Select[Any]:
    """Made once for the same parts and shape of figures: to build a statement costs as much as to run it."""
    found = find_entries(numbers, is_latest=is_latest).subquery("found")
    query = select(found.c.key).limit(bindparam("count"))
    if not shape:
        return query
    figures = meets_figures(shape, DOCUMENTS.c.article_id, postgres=False)
    document = select(_KEY).where(found.c.key == _KEY, *figures)
    return query.where(document.correlate(found).exists())


def _ranked_keys(session: Session, asked: Query, limit: int, offset: int, all_versions: bool) -> list[int]:
    """The keys of the best of the newest MOST_RANKED documents that a query finds, best first."""
    newest = _newest_keys(session, asked, MOST_RANKED, all_versions)
    terms = wanted_terms(asked.node)
    if not newest or not terms:
        return newest[offset : offset + limit]
    counted = []
    postgres = is_postgres(session)
    for part in chunks(newest):
        asked_keys = {"keys": listed(part, postgres=postgres)}
        rows = session.connection().execute(_texts_query(postgres=postgres), asked_keys)
        counted += [count_terms(key, title, text_of(text, packed), terms) for key, title, text, packed in rows]
    scores = score_counts(counted)
    best = sorted(range(len(counted)), key=lambda place: (-scores[place], -abs(counted[place].key)))
    return [counted[place].key for place in best[offset : offset + limit]]


@cache
def _texts_query(*, postgres: bool) -> Select[Any]:
    return (
        select(DOCUMENTS.c.document_key, VERSIONS.c.title, VERSIONS.c.text, VERSIONS.c.packed)
        .join(VERSIONS, VERSIONS.c.version_id == DOCUMENTS.c.version_id)
        .where(among(DOCUMENTS.c.document_key, "keys", postgres=postgres))
    )


def _bounds(asked: Query) -> tuple[int, int]:
    """The lowest and highest key that the asked time of publication allows."""
    low = 1 if asked.since is None else max(1, first_key(asked.since))
    return low, _HIGHEST if asked.until is None else first_key(asked.until) - 1


def _by_count(counted: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))
