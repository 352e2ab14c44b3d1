"""The JSON interface under /api/v1: it reads and changes nothing. Lists come in pages with the path of the next."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from pydantic import AfterValidator
from starlette.requests import Request

from monitor.web.access import SESSION_COOKIE
from monitor.web.api import models
from monitor.web.pages.records import as_utc, read_history
from monitor.web.site import Number, SiteDep, get_reader
from storage import articles, claims, deliveries, feeds, stories
from storage.records import (
    AlertState,
    DeliveryState,
    FeedState,
    RecordKey,
    RevisionKind,
    StampedClaim,
    StoryState,
)

FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": models.Problem, "description": words}
    for status, words in (
        (400, "not understood"),
        (401, "sign in first"),
        (404, "no such thing"),
        (422, "a parameter is not what it should be"),
        (503, "not available"),
    )
}
# Where a login is asked for, either opens the door; who holds it is looked up by `get_reader`.
TOKEN = HTTPBearer(scheme_name="token", description="a token of [[web.tokens]]", auto_error=False)
SESSION = APIKeyCookie(name=SESSION_COOKIE, scheme_name="session", description="set by /login", auto_error=False)
READERS = [Depends(get_reader), Security(TOKEN), Security(SESSION)]
router = APIRouter(prefix="/api/v1", dependencies=READERS, responses=FAILURES)
Limit = Annotated[int, Query(ge=1, le=500, description="rows of a page")]
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="rows to leave out")]
Moment = Annotated[datetime, AfterValidator(as_utc), Query(description="without a zone UTC: as it was known then")]
Answered = TypeVar("Answered", bound=models.Answer)


def page_of(
    request: Request, kind: type[Answered], found: Sequence[object], limit: int, offset: int
) -> models.PageOf[Answered]:
    """A page from one row more than it holds, which tells whether there is another."""
    # A filter may be given more than once: ?kind=raised&kind=lowered.
    asked = [(name, value) for name, value in request.query_params.multi_items() if name not in ("limit", "offset")]
    query = urlencode([*asked, ("limit", str(limit)), ("offset", str(offset + limit))])
    items = [kind.model_validate(one) for one in found[:limit]]
    return models.PageOf[Answered](items=items, next=f"{request.url.path}?{query}" if len(found) > limit else None)


@router.get("/stories", tags=["stories"])
def list_stories(
    request: Request, site: SiteDep, state: StoryState | None = None, limit: Limit = 50, offset: Offset = 0
) -> models.PageOf[models.StoryOut]:
    """Stories in the order of their names."""
    with site.database.read() as session:
        found = stories.list_stories(session, states=(state,) if state else ())
    return page_of(request, models.StoryOut, found[offset : offset + limit + 1], limit, offset)


@router.get("/stories/{slug}", tags=["stories"])
def get_story(site: SiteDep, slug: str) -> models.StoryOut:
    """One story."""
    with site.database.read() as session:
        return models.StoryOut.model_validate(stories.get_story(session, slug))


@router.get("/stories/{slug}/records", tags=["records"])
def list_records(
    request: Request, site: SiteDep, slug: str, metric: str | None = None, limit: Limit = 50, offset: Offset = 0
) -> models.PageOf[models.RecordOut]:
    """What is reported now for each record of a story."""
    with site.database.read() as session:
        stories.get_story(session, slug)
        found = claims.list_histories(session, slug, metric=metric, limit=limit + 1, offset=offset)
    return page_of(request, models.RecordOut, found, limit, offset)


@router.get("/stories/{slug}/history", tags=["records"])
def get_history(
    site: SiteDep,
    slug: str,
    metric: str,
    unit: str = "people",
    population: str = "",
    place: str = "",
    period: str = "",
    as_known_at: Moment | None = None,
) -> models.HistoryOut:
    """The whole history of one record, now or as it was known at a time."""
    key = RecordKey(story=slug, metric=metric, unit=unit, population=population, place=place, period=period)
    with site.database.read() as session:
        stories.get_story(session, slug)
        return models.HistoryOut.model_validate(read_history(session, key, as_known_at))


@router.get("/revisions", tags=["revisions"])
def list_revisions(
    request: Request,
    site: SiteDep,
    story: str | None = None,
    kind: Annotated[list[RevisionKind] | None, Query()] = None,
    metric: str | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> models.PageOf[models.RevisionOut]:
    """The change log, newest first."""
    with site.database.read() as session:
        found = claims.list_revisions(
            session, story, kinds=kind or (), metric=metric, newest_first=True, limit=limit + 1, offset=offset
        )
    return page_of(request, models.RevisionOut, found, limit, offset)


@router.get("/revisions/{revision_id}", tags=["revisions"])
def get_revision(site: SiteDep, revision_id: str) -> models.RevisionOut:
    """One revision with its evidence."""
    with site.database.read() as session:
        return models.RevisionOut.model_validate(claims.get_revision(session, revision_id))


@router.get("/claims", tags=["claims"])
def list_claims(
    request: Request,
    site: SiteDep,
    story: str | None = None,
    metric: str | None = None,
    article_id: Number | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> models.PageOf[models.ClaimOut]:
    """Claims in the order in which they were learned."""
    with site.database.read() as session:
        found = claims.list_claims(session, story, metric=metric, article_id=article_id, limit=limit + 1, offset=offset)
    return page_of(request, models.ClaimOut, as_rows(found), limit, offset)


def as_rows(found: Iterable[StampedClaim]) -> list[dict[str, object]]:
    """Stamped claims as flat rows: the claim's own fields beside those of its stamp."""
    return [{**asdict(one.claim), **{name: getattr(one, name) for name in STAMP}} for one in found]


STAMP = ("claim_id", "story", "article_id", "sentence", "asserted_at", "ended_at", "recorded_at", "url", "source")


@router.get("/articles", tags=["articles"])
def list_articles(
    request: Request,
    site: SiteDep,
    story: str | None = None,
    source: str | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> models.PageOf[models.ArticleOut]:
    """Articles, the last published first."""
    with site.database.read() as session:
        found = articles.list_articles(session, story=story, source=source, limit=limit + 1, offset=offset)
    return page_of(request, models.ArticleOut, found, limit, offset)


@router.get("/articles/{article_id}", tags=["articles"])
def get_article(site: SiteDep, article_id: Number) -> models.ArticleDetailOut:
    """One article with the stories that it belongs to, and why."""
    with site.database.read() as session:
        article = articles.get_article(session, article_id)
        matches = articles.list_matches(session, article_id)
    return models.ArticleDetailOut(
        **models.ArticleOut.model_validate(article).model_dump(),
        matches=[models.MatchOut.model_validate(one) for one in matches],
    )


@router.get("/articles/{article_id}/versions", tags=["articles"])
def list_versions(site: SiteDep, article_id: Number) -> list[models.VersionOut]:
    """All versions of an article, the oldest first."""
    with site.database.read() as session:
        articles.get_article(session, article_id)
        return [models.VersionOut.model_validate(one) for one in articles.list_versions(session, article_id)]


@router.get("/feeds", tags=["feeds"])
def list_feeds(
    request: Request, site: SiteDep, story: str | None = None, limit: Limit = 100, offset: Offset = 0
) -> models.PageOf[models.FeedOut]:
    """Feeds and how they fare."""
    with site.database.read() as session:
        found = feeds.list_feeds(session, story=story, states=tuple(FeedState))
    return page_of(request, models.FeedOut, found[offset : offset + limit + 1], limit, offset)


@router.get("/alerts", tags=["alerts"])
def list_alerts(
    request: Request,
    site: SiteDep,
    story: str | None = None,
    state: AlertState | None = None,
    subscription: str | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> models.PageOf[models.AlertOut]:
    """Alerts, newest first."""
    with site.database.read() as session:
        found = deliveries.list_alerts(
            session,
            states=(state,) if state else (),
            story=story,
            subscription=subscription,
            newest_first=True,
            limit=limit + 1,
            offset=offset,
        )
    return page_of(request, models.AlertOut, found, limit, offset)


@router.get("/deliveries", tags=["alerts"])
def list_deliveries(
    request: Request,
    site: SiteDep,
    channel: str | None = None,
    state: DeliveryState | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> models.PageOf[models.DeliveryOut]:
    """Deliveries, newest first."""
    with site.database.read() as session:
        found = deliveries.list_deliveries(
            session,
            states=(state,) if state else (),
            channel=channel,
            newest_first=True,
            limit=limit + 1,
            offset=offset,
        )
    return page_of(request, models.DeliveryOut, found, limit, offset)
