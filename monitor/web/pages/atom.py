"""Atom feeds (RFC 4287): the changes of a story, and the changes that an article found by a search brought."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from monitor.web.presenter import Presenter, iso
from monitor.web.site import ReaderDep, Site, SiteDep, with_query
from storage import claims, stories
from storage.covering import cover_login
from storage.records import Revision, Story
from storage.search import find_urls

router = APIRouter(include_in_schema=False)
ATOM = "http://www.w3.org/2005/Atom"
MOST = 50
LOOK_BACK = 1_000
register_namespace("", ATOM)


@router.get("/stories/{slug}/revisions.atom")
def follow_story(request: Request, site: SiteDep, caller: ReaderDep, slug: str) -> Response:
    """The latest changes of a story; what only fills in history is left out."""
    with site.database.read() as session:
        story = stories.get_story(session, slug)
        found = claims.list_revisions(session, slug, newest_first=True, limit=MOST * 2)
    told = [one for one in found if not one.is_silent][:MOST]
    ui = site.presenter(request, [story])
    return make_feed(
        site,
        request,
        ui,
        title=ui.t("story.atom", title=story.title),
        page=f"/stories/{slug}",
        found=told,
        stories=[story],
    )


@router.get("/search.atom")
def follow_search(
    request: Request, site: SiteDep, caller: ReaderDep, q: Annotated[str, Query(max_length=1000)] = ""
) -> Response:
    """The latest changes whose evidence stands in the articles that a search finds. Raises QueryError."""
    with site.database.read() as session:
        known = site.stories(session)
        urls = find_urls(session, q, limit=500)
        told = claims.list_revisions_on(session, urls, look_back=LOOK_BACK, limit=MOST)
    ui = site.presenter(request, known)
    return make_feed(
        site, request, ui, title=q or ui.t("app.name"), page=with_query("/search", q=q), found=told, stories=known
    )


def make_feed(
    site: Site,
    request: Request,
    ui: Presenter,
    *,
    title: str,
    page: str,
    found: Iterable[Revision],
    stories: Iterable[Story],
) -> Response:
    """An Atom document of revisions."""
    base = (site.options.base_url or str(request.base_url)).rstrip("/")
    titles = {story.slug: story.title for story in stories}
    entries = list(found)
    feed = Element(f"{{{ATOM}}}feed")
    add(feed, "title", title)
    # Whatever name we are asked by, and wherever we move, an entry is the same one.
    add(feed, "id", f"urn:storywatch:changes:{quote(page, safe='/')}")
    add(
        feed,
        "updated",
        iso(entries[0].recorded_at) if entries else iso(datetime.fromisoformat("1970-01-01T00:00:00+00:00")),
    )
    add(add(feed, "author"), "name", ui.t("app.name"))
    add(feed, "link", rel="alternate", href=base + page)
    add(feed, "link", rel="self", href=str(request.url))
    for revision in entries:
        add_entry(feed, revision, ui, base=base, story=titles.get(revision.story, revision.story))
    body = b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(feed)
    return Response(body, media_type="application/atom+xml", headers={"Vary": "Accept-Language"})


def add_entry(feed: Element, revision: Revision, ui: Presenter, *, base: str, story: str) -> None:
    """One revision as an entry: what changed as title, who said so and the sentences as text."""
    entry = add(feed, "entry")
    what = ui.subject(revision)
    add(entry, "title", f"{ui.word('kinds', revision.kind)}: {what} {ui.change_words(revision)}".strip())
    add(entry, "id", f"urn:storywatch:revision:{quote(revision.revision_id, safe='')}")
    add(entry, "updated", iso(revision.recorded_at))
    add(entry, "link", rel="alternate", href=f"{base}/revisions/{revision.revision_id}")
    add(entry, "category", term=revision.kind.value)
    parts = [story, ui.why(revision), ", ".join(revision.origins)]
    parts += [f"{proof.source}: {proof.sentence} {cover_login(proof.url)}" for proof in revision.evidence]
    add(entry, "content", "\n".join(printable(part) for part in parts if part), type="text")


def add(parent: Element, name: str, words: str = "", **attributes: str) -> Element:
    """A child element in Atom's namespace."""
    element = SubElement(parent, f"{{{ATOM}}}{name}", {key: printable(value) for key, value in attributes.items()})
    element.text = printable(words) or None
    return element


def printable(text: str) -> str:
    """A text without the control characters that XML 1.0 does not allow."""
    return "".join(
        letter for letter in text if letter in "\t\n" or (ord(letter) >= 32 and letter not in "\ufffe\uffff")
    )
