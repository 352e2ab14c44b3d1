"""Search for programs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request

from monitor.web.api import models
from monitor.web.api.routes import FAILURES, Limit, Offset, page_of
from monitor.web.site import SiteDep, get_reader
from storage.search import search_articles

router = APIRouter(prefix="/api/v1", dependencies=[Depends(get_reader)], responses=FAILURES)


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
