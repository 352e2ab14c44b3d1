"""What a saved search found, as an event of the change log. Pure.

Its id depends on the search, its query and the article's address: an article is told once for each query, in whatever
version it is found, and a replayed commit tells nothing twice.
"""

from collections.abc import Sequence
from datetime import datetime

from storage.keys import stable_hash
from storage.query import Term, parse_query, wanted_terms
from storage.records import Article, ArticleVersion, Evidence, RecordKey, Revision, RevisionKind, SavedSearch
from storage.snippets import find_spans

# So much is quoted to either side of the words found, within their paragraph.
_AROUND = 200


def find_revision(
    search: SavedSearch, article: Article, version: ArticleVersion, *, now: datetime, is_silent: bool = False
) -> Revision:
    """Return the event that `search` found `article`, quoting the piece of `version` that shows why.

    Raises QueryError if the query cannot be understood.
    """
    terms = wanted_terms(parse_query(search.query).node)
    text, quote = _quote(version.text, terms)
    title, titled = _quote(version.title, terms)
    if titled and not quote:
        text, quote = title, titled
    proof = Evidence(
        sentence=text,
        quote=quote,
        url=article.url,
        title=version.title or article.title,
        source=article.source,
        published=article.published,
        lang=article.lang,
    )
    return Revision(
        revision_id=stable_hash("f1", search.name, search.query, article.url),
        story="",
        key=RecordKey(story="", metric="search", unit="search", place=search.name),
        kind=RevisionKind.FOUND,
        public_at=article.published,
        recorded_at=now,
        reason="search_found",
        rule="search_found",
        evidence=(proof,),
        article_id=article.article_id,
        is_silent=is_silent,
        detail=f"name={search.name}\nquery={' '.join(search.query.split())}",
    )


def _quote(text: str, terms: Sequence[Term]) -> tuple[str, str]:
    """A piece of the text, letter for letter, around the first words found, and those words; else its first line."""
    spans = find_spans(text, terms)
    start, end = spans[0] if spans else (0, 0)
    line = text.rfind("\n", 0, start) + 1
    first = line if start - line <= _AROUND else text.find(" ", start - _AROUND, start) + 1 or start
    stop = text.find("\n", end)
    last = len(text) if stop < 0 else stop
    if last - end > _AROUND:
        cut = text.rfind(" ", end, end + _AROUND)
        last = cut if cut > 0 else end
    return text[first:last], text[start:end]
