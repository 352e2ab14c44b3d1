"""Search: the query language of storage.query, hits highlighted, and where what was found comes from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from monitor.web.presenter import Presenter, mark_spans
from monitor.web.site import ReaderDep, SiteDep, with_query
from storage.covering import cover_login
from storage.errors import QueryError
from storage.records import Facets, SearchHit, Span
from storage.search import count_facets, search_articles
from storage.searches import list_searches
from storage.suggestions import suggest_query

router = APIRouter(include_in_schema=False)
PER_PAGE = 20
FACET_ROWS = 8
# Counting more than the newest thousand would cost more than finding them.
MOST_COUNTED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One found text, ready to be shown."""

    path: str
    title: Markup
    snippet: Markup
    source: str
    lang: str | None
    published: Span | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetRow:
    """One value of a facet with the query that narrows to it."""

    words: str
    query: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """One way to narrow what was found."""

    name: str
    rows: tuple[FacetRow, ...]


@router.get("/search")
def search(
    request: Request,
    site: SiteDep,
    caller: ReaderDep,
    q: Annotated[str, Query(max_length=1000)] = "",
    rank: bool = False,
    all_versions: bool = False,
    start: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> Response:
    """What a query finds; the latest articles for an empty one. A query that cannot be understood is explained."""
    error: QueryError | None = None
    hits: tuple[SearchHit, ...] = ()
    facets: Facets | None = None
    better: str | None = None
    with site.database.read() as session:
        known = site.stories(session)
        try:
            hits = search_articles(session, q, limit=PER_PAGE + 1, offset=start, rank=rank, all_versions=all_versions)
            if q.strip():
                facets = count_facets(session, q, most=MOST_COUNTED, all_versions=all_versions)
            better = None if hits else suggest_query(session, q)
        except QueryError as problem:
            error = problem
        saved = list_searches(session)
        page = site.page(request, "search", session, caller=caller)
    ui = site.presenter(request, known)
    kept = {"rank": "1" if rank else "", "all_versions": "1" if all_versions else ""}
    return site.render(
        request,
        "search.html",
        page,
        ui,
        status=400 if error else 200,
        query=q,
        kept=kept,
        rank=rank,
        all_versions=all_versions,
        error=ui.problem(error) if error else "",
        # The query with a mark under the place that is meant.
        place=str(error).partition("\n")[2] if error else "",
        better=better,
        saved=saved,
        total=facets.total if facets else None,
        is_capped=facets.is_capped if facets else False,
        results=[as_found(hit) for hit in hits[:PER_PAGE]],
        facets=as_facets(ui, q, facets, {story.slug: story.title for story in known}) if facets else [],
        newer=with_query("/search", q=q, **kept, start=max(start - PER_PAGE, 0)) if start else "",
        older=with_query("/search", q=q, **kept, start=start + PER_PAGE) if len(hits) > PER_PAGE else "",
    )


def as_found(hit: SearchHit) -> Found:
    """A hit with its words marked."""
    return Found(
        path=f"/articles/{hit.article_id}?version={hit.number}",
        title=mark_spans(hit.title or cover_login(hit.url), hit.title_spans if hit.title else ()),
        snippet=mark_spans(hit.snippet, hit.spans),
        source=hit.source,
        lang=hit.lang,
        published=hit.published,
        version=hit.number if hit.number > 1 else 0,
    )


def as_facets(ui: Presenter, query: str, facets: Facets, titles: Mapping[str, str]) -> list[Facet]:
    """Stories, outlets and languages of what was found; a facet of one value narrows nothing and is left out."""

    narrowed = f"({query})" if " OR " in query else query

    def rows(field: str, counted: Iterable[tuple[str, int]], words: Mapping[str, str]) -> tuple[FacetRow, ...]:
        return tuple(
            FacetRow(words=words.get(name, name), query=f'{narrowed} {field}:"{name}"', count=count)
            for name, count in list(counted)[:FACET_ROWS]
            if name and '"' not in name
        )

    languages = {code: ui.texts.find(f"language.{code}") or code for code, _ in facets.languages}
    made = (
        Facet(name="story", rows=rows("story", facets.stories, titles)),
        Facet(name="source", rows=rows("source", facets.sources, {})),
        Facet(name="lang", rows=rows("lang", facets.languages, languages)),
    )
    return [facet for facet in made if len(facet.rows) > 1]
