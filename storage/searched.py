"""Whether one article is what a query finds, without the index: it is asked of an article before that is in it.

A contract test holds this to the answers of both databases' indices.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session

from storage.folding import words
from storage.query import Both, Comparison, Either, Neither, Node, Query, Tag, Term, group_comparisons
from storage.search_index import publication_moment, seconds, tags_of
from storage.tables import ARTICLES, CLAIMS

_COMPARE = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedArticle:
    """One article as search sees it: folded words, tags, when it counts as published, and the figures of its claims."""

    title: tuple[str, ...]
    body: tuple[str, ...]
    tags: frozenset[str]
    moment: datetime
    figures: tuple[tuple[str, float], ...] = ()


def load_searched(session: Session, article_id: int, *, title: str, text: str) -> SearchedArticle:
    """An article that is stored, with its claims, and with this title and text of its newest version."""
    chosen = ARTICLES.c.article_id == article_id
    columns = (ARTICLES.c.article_id, ARTICLES.c.published_from, ARTICLES.c.published_to, ARTICLES.c.first_seen_at)
    row = session.execute(select(*columns).where(chosen)).one()
    figures = select(CLAIMS.c.metric, CLAIMS.c.value).where(
        CLAIMS.c.article_id == article_id, CLAIMS.c.value.is_not(None)
    )
    return SearchedArticle(
        title=tuple(words(title)),
        body=tuple(words(text)),
        tags=frozenset(tags_of(session, [article_id])[article_id]),
        moment=publication_moment(row),
        figures=tuple((metric, value) for metric, value in session.execute(figures)),
    )


def is_found(asked: Query, article: SearchedArticle) -> bool:
    """Whether the query finds the article."""
    at = seconds(article.moment)
    if asked.since is not None and at < seconds(asked.since):
        return False
    if asked.until is not None and at >= seconds(asked.until):
        return False
    for group in group_comparisons(asked.comparisons):
        if any(_meets(group, *figure) for figure in article.figures) is group[0].is_absent:
            return False
    return asked.node is None or _holds(asked.node, article)


def _meets(group: Sequence[Comparison], metric: str, value: float) -> bool:
    """Whether one figure meets all of these."""
    return all(metric == wanted.metric and _COMPARE[wanted.operator](value, wanted.number) for wanted in group)


def _holds(node: Node, article: SearchedArticle) -> bool:
    match node:
        case Both(parts):
            return all(_holds(part, article) for part in parts)
        case Either(parts):
            return any(_holds(part, article) for part in parts)
        case Neither(part):
            return not _holds(part, article)
        case Tag(name, is_prefix):
            return any(tag.startswith(name) for tag in article.tags) if is_prefix else name in article.tags
    return _stands_in(node, article.title) or _stands_in(node, article.body)


def _stands_in(term: Term, found: Sequence[str]) -> bool:
    """Whether a term's words stand side by side among others; the last may go on where the term is a prefix."""
    *first, last = term.words
    for place in range(len(first), len(found)):
        word = found[place]
        if (word.startswith(last) if term.is_prefix else word == last) and (
            not first or list(found[place - len(first) : place]) == first
        ):
            return True
    return False
