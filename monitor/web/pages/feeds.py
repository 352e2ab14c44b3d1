"""The feeds and how they fare, and a form to add one."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import Response

from monitor.sources.addresses import check_address
from monitor.web.site import EditorDep, ReaderDep, Site, SiteDep, see_other, with_query
from storage import feeds, stories
from storage.errors import FetchError, ForbiddenAddressError
from storage.records import Feed, FeedSpec, FeedState, Trust

router = APIRouter(include_in_schema=False)
PER_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLine:
    """A feed with the stories that it serves."""

    feed: Feed
    host: str
    stories: tuple[str, ...]
    is_ill: bool


@router.get("/feeds")
def show_feeds(
    request: Request, site: SiteDep, caller: ReaderDep, start: Annotated[int, Query(ge=0, le=10_000_000)] = 0
) -> Response:
    """Every feed: those in trouble first."""
    return _page(request, site, start=start)


def _page(
    request: Request, site: Site, *, start: int = 0, error: str = "", typed: str = "", status: int = 200
) -> Response:
    with site.database.read() as session:
        known = site.stories(session)
        held = feeds.list_feeds_by_trouble(session, limit=PER_PAGE + 1, offset=start)
        tally = feeds.count_feeds_by_trouble(session)
        serving = feeds.find_feed_stories(session, [feed.feed_id for feed in held])
        page = site.page(request, "feeds", session)
    rows = [
        FeedLine(
            feed=feed,
            host=urlsplit(feed.url).hostname or feed.url,
            stories=serving.get(feed.feed_id, ()),
            is_ill=feed.failures > 0 or feed.state is FeedState.GONE,
        )
        for feed in held[:PER_PAGE]
    ]
    return site.render(
        request,
        "feeds.html",
        page,
        site.presenter(request, known),
        status=status,
        rows=rows,
        newer=with_query("/feeds", start=max(start - PER_PAGE, 0)) if start else "",
        older=with_query("/feeds", start=start + PER_PAGE) if len(held) > PER_PAGE else "",
        tally=tally,
        titles={story.slug: story.title for story in known},
        trusts=list(Trust),
        error=error,
        typed=typed,
    )


@router.post("/feeds")
def add_feed(
    request: Request,
    site: SiteDep,
    caller: EditorDep,
    url: Annotated[str, Form(max_length=2000)] = "",
    source: Annotated[str, Form(max_length=100)] = "",
    trust: Annotated[str, Form()] = Trust.UNKNOWN.value,
    story: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Watch one more feed. What cannot be fetched is refused; a name that leads inside, when it is fetched."""
    url = url.strip()
    try:
        check_address(url, allow_private=site.options.allow_private)
    except FetchError as error:
        key = "feeds.private_url" if isinstance(error, ForbiddenAddressError) else "feeds.wrong_url"
        return _page(request, site, error=site.presenter(request).t(key), typed=url, status=422)
    spec = FeedSpec(url=url, source=source.strip(), trust=Trust(trust) if trust in set(Trust) else Trust.UNKNOWN)
    now = site.clock()
    with site.database.write() as session:
        chosen = (stories.get_story(session, story).slug,) if story else ()
        feeds.add_named_feed(session, spec, stories=chosen, due_at=now)
    return see_other(request, "/feeds", "feed_added")
