"""Search for programs."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from monitor.web.api import models
from monitor.web.api.routes import FAILURES, READERS, Limit, Offset, page_of
from monitor.web.site import SiteDep
from storage.search import search_articles
from storage.searches import list_searches

router = APIRouter(prefix="/api/v1", dependencies=READERS, responses=FAILURES)


@router.get("/search", tags=["search"])
def search(
    request: Request,
    site: SiteDep,
    q: Annotated[
        str,
        Query(
            max_length=1000,
            description='words "a phrase" -not OR prefix* story: source: lang: before: after: metric: killed>100',
        ),
    ] = "",
    rank: bool = False,
    all_versions: bool = False,
    limit: Limit = 20,
    offset: Offset = 0,
) -> models.PageOf[models.FoundOut]:
    """The articles that a query finds, newest first, or best first with `rank`."""
    with site.database.read() as session:
        found = search_articles(session, q, limit=limit + 1, offset=offset, rank=rank, all_versions=all_versions)
    return page_of(request, models.FoundOut, found, limit, offset)


@router.get("/searches", tags=["search"])
def saved_searches(site: SiteDep) -> tuple[models.SavedSearchOut, ...]:
    """The searches kept under a name; `storywatch searches` keeps and removes them."""
    with site.database.read() as session:
        found = list_searches(session)
    return tuple(models.SavedSearchOut.model_validate(search) for search in found)
