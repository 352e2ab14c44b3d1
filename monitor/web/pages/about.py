"""What is watched and how, with the settings that may be shown."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from monitor.web.site import ReaderDep, SiteDep
from storage import articles, feeds

router = APIRouter(include_in_schema=False)


@router.get("/about")
def show_about(request: Request, site: SiteDep, caller: ReaderDep) -> Response:
    """Stories with what finds their articles, how the service decides, and its settings without secrets."""
    with site.database.read() as session:
        known = site.stories(session)
        found = articles.count_articles_by_story(session)
        serving = feeds.count_feeds_by_story(session)
        watched = articles.count_watched_articles(session)
        tally = feeds.count_feeds_by_trouble(session)
        page = site.page(request, "about", session, caller=caller)
    return site.render(
        request,
        "about.html",
        page,
        site.presenter(request, known),
        stories=known,
        found=found,
        serving=serving,
        watched=watched,
        tally=tally,
        subscriptions=len(site.subscriptions),
        shown=site.options.shown,
    )
