"""What is shown of found documents, on both databases."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlmodel import Session

from storage.articles import belongs
from storage.query import Term
from storage.records import SearchHit, Span
from storage.search_index import text_of
from storage.snippets import Spans, find_spans_of_each, make_snippet
from storage.tables import ARTICLES, DOCUMENTS, MATCHES, VERSIONS
from storage.writing import among, chunks, is_postgres, listed

_SHOWN = (
    VERSIONS.c.text, VERSIONS.c.packed, ARTICLES.c.published_from, ARTICLES.c.published_to, ARTICLES.c.article_id,
    ARTICLES.c.url, VERSIONS.c.title, ARTICLES.c.source, ARTICLES.c.lang, VERSIONS.c.number,
)  # fmt: skip


def with_shown(documents: Any, key: ColumnElement[int], *, postgres: bool) -> Select[Any]:
    """The key of each document of a subquery that has its article's and its version's number, and what is shown of it.

    All in one statement, whose rows `make_hits` takes: each costs more to send than to run.
    """
    joined = func.string_agg if postgres else func.group_concat
    stories = select(joined(MATCHES.c.story, "\n")).where(MATCHES.c.article_id == ARTICLES.c.article_id, belongs())
    return (
        select(key, *_SHOWN, stories.correlate(ARTICLES).scalar_subquery().label("stories"))
        .join_from(documents, VERSIONS, VERSIONS.c.version_id == documents.c.version_id)
        .join(ARTICLES, ARTICLES.c.article_id == documents.c.article_id)
    )


def show_documents(session: Session, keys: Sequence[int], terms: Sequence[Term]) -> tuple[SearchHit, ...]:
    """The documents of these keys, in their order; what has gone meanwhile is left out."""
    rows: dict[int, Any] = {}
    postgres = is_postgres(session)
    for part in chunks(keys):
        asked = {"keys": listed(part, postgres=postgres)}
        found = session.connection().execute(_hits_query(postgres=postgres), asked)
        rows |= {row[0]: row for row in found.all()}
    return make_hits([rows[key] for key in keys if key in rows], terms)


@cache
def _hits_query(*, postgres: bool) -> Select[Any]:
    key = DOCUMENTS.c.document_key
    return with_shown(DOCUMENTS, key, postgres=postgres).where(among(key, "keys", postgres=postgres))


def make_hits(rows: Sequence[Any], terms: Sequence[Term]) -> tuple[SearchHit, ...]:
    """Rows of `with_shown`, each with the part of its text that shows why it was found."""
    titles = find_spans_of_each([row[7] for row in rows], terms)
    return tuple(_hit(row, spans, terms) for row, spans in zip(rows, titles, strict=True))


def _hit(row: Any, title_spans: Spans, terms: Sequence[Term]) -> SearchHit:
    # Taken apart at once: each look-up by name takes half a microsecond.
    _, text, packed, not_before, not_after, article_id, url, title, source, lang, number, stories = row
    snippet, spans = make_snippet(text_of(text, packed), terms)
    return SearchHit(
        article_id=article_id,
        url=url,
        title=title,
        source=source,
        lang=lang,
        published=None if not_before is None else Span(not_before=not_before, not_after=not_after),
        stories=tuple(sorted(stories.split("\n"))) if stories else (),
        snippet=snippet,
        spans=spans,
        title_spans=title_spans,
        number=number,
    )
