"""Find the feeds of a site from any of its addresses, and feeds that search services make of a story's names."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote_plus, urljoin, urlsplit

from bs4 import BeautifulSoup, SoupStrainer

from monitor.reading.charsets import decode_page
from monitor.reading.feeds import parse_feed
from monitor.reading.markup import collapse, scrub
from monitor.sources.http import FEED_ACCEPT, Fetcher
from storage.errors import FeedParseError, FetchError
from storage.records import ParsedFeed

_FEED_TYPES = re.compile(
    r"^application/(?:rss|atom|rdf)\+xml|^application/feed\+json|^text/xml|^application/xml", re.IGNORECASE
)
_SITEMAP_LINE = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_MAX_LINKS = 12
_MAX_FOUND = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFeed:
    """A feed that was fetched and read: its address, format, how many entries it shows and the newest one's time."""

    url: str
    title: str
    format: str
    entries: int
    newest_at: datetime | None = None


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads((files("monitor.sources") / "discovery.toml").read_text(encoding="utf-8"))


async def discover_feeds(fetcher: Fetcher, url: str) -> tuple[FoundFeed, ...]:
    """The feeds of the site at `url`, best first: those that the page names, else those at usual places.

    Every one was fetched and read. `url` may itself be a feed. Raises FetchError when the page cannot be fetched.
    """
    if "://" not in url:
        url = f"https://{url}"
    page = await fetcher.get(url, accept=FEED_ACCEPT)
    if not page.is_success:
        raise FetchError(page.explain())
    try:
        return (_found(page.final_url, parse_feed(page.body, url=page.final_url, content_type=page.content_type)),)
    except FeedParseError:
        named = find_feed_links(decode_page(page.body, page.content_type), page.final_url)
    found = await _try_all(fetcher, named)
    if not found:
        found = await _try_all(fetcher, usual_places(page.final_url), enough=2)
    if not found:
        found = await _try_all(fetcher, await _robots_sitemaps(fetcher, page.final_url), enough=2)
    return found


def find_feed_links(markup: str, url: str) -> tuple[str, ...]:
    """PURE: addresses that a page names as its feeds, then those of links that look like feeds; absolute, each once."""
    tables = _tables()
    soup = BeautifulSoup(markup, "lxml", parse_only=SoupStrainer(["link", "a", "base"]))
    base = soup.find("base", href=True)
    root = _join(url, str(base["href"])) if base is not None else url  # type: ignore[index]  # a Tag, as found by name
    named: list[str] = []
    likely: list[str] = []
    for element in soup.find_all(["link", "a"], href=True):
        address = _join(root, str(element["href"]).strip())
        if not address.startswith(("http://", "https://")):
            continue
        rels = [str(rel).lower() for rel in element.get("rel") or []]
        if ("alternate" in rels or "feed" in rels) and (
            _FEED_TYPES.match(str(element.get("type") or "")) or "feed" in rels
        ):
            named.append(address)
        elif element.name == "a" and _looks_like_feed(address, collapse(element.get_text()), tables):
            likely.append(address)
    return tuple(dict.fromkeys([*named, *likely]))[:_MAX_LINKS]


def usual_places(url: str) -> tuple[str, ...]:
    """PURE: addresses at which sites keep their feeds, near `url` first."""
    folder = url if url.endswith("/") else f"{url}/"
    parts = urlsplit(url)
    root = f"{parts.scheme}://{parts.netloc}/"
    near = [urljoin(folder, path) for path in _tables()["paths"][:3]] if parts.path.strip("/") else []
    return tuple(dict.fromkeys([*near, *(urljoin(root, path) for path in _tables()["paths"])]))


def search_feeds(terms: Iterable[str], lang: str) -> tuple[tuple[str, str], ...]:
    """PURE: (service, address) of feeds that search services make of all `terms` together, in one language."""
    query = quote_plus(" ".join(f'"{term}"' if " " in term else term for term in terms))
    return tuple((str(one["name"]), str(one["url"]).format(query=query, lang=lang)) for one in _tables()["searches"])


async def _try_all(fetcher: Fetcher, urls: Iterable[str], *, enough: int = _MAX_FOUND) -> tuple[FoundFeed, ...]:
    found: dict[str, FoundFeed] = {}
    for url in urls:
        one = await _try_one(fetcher, url)
        if one is not None:
            found.setdefault(one.url, one)
        if len(found) >= enough:
            break
    return tuple(found.values())


async def _try_one(fetcher: Fetcher, url: str) -> FoundFeed | None:
    try:
        answer = await fetcher.get(url)
        if not answer.is_success:
            return None
        return _found(answer.final_url, parse_feed(answer.body, url=answer.final_url, content_type=answer.content_type))
    except (FetchError, FeedParseError):
        return None


async def _robots_sitemaps(fetcher: Fetcher, url: str) -> tuple[str, ...]:
    """News sitemaps that robots.txt names, those that are called so first."""
    parts = urlsplit(url)
    try:
        answer = await fetcher.get(f"{parts.scheme}://{parts.netloc}/robots.txt", accept="text/plain")
    except FetchError:
        return ()
    if not answer.is_success:
        return ()
    named = [_join(url, address) for address in _SITEMAP_LINE.findall(answer.body.decode("utf-8", "replace"))]
    return tuple(sorted(named, key=lambda address: "news" not in address.lower()))[:_MAX_LINKS]


def _found(url: str, feed: ParsedFeed) -> FoundFeed:
    times = [moment for entry in feed.entries if (moment := entry.published_at or entry.updated_at) is not None]
    return FoundFeed(
        url=url,
        title=scrub(feed.title),
        format=feed.format,
        entries=len(feed.entries),
        newest_at=max(times, default=None),
    )


def _looks_like_feed(address: str, text: str, tables: dict[str, Any]) -> bool:
    lowered = address.lower()
    if any(mark in lowered for mark in tables["link_refusals"]):
        return False
    tail = lowered.split("://", 1)[1].partition("/")[2]
    return any(mark in tail for mark in tables["link_marks"]) or text.lower() in {"rss", "atom"}


def _join(base: str, link: str) -> str:
    try:
        return urljoin(base, link).partition("#")[0]
    except ValueError:
        return ""
