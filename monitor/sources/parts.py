"""What comes in several files: news sitemaps behind an index, articles on several pages."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.reading.feeds_sitemap import INDEX_FORMAT
from monitor.reading.livepages import join_posts, merge_posts
from monitor.reading.urls import canonical_url
from monitor.sources.answers import Fetched, Trouble
from monitor.sources.http import PAGE_ACCEPT, Fetcher
from monitor.sources.robots import Robots
from storage.errors import ArticleParseError, FeedParseError, FetchError
from storage.records import Entry, ParsedFeed, ReadArticle

_MAX_SITEMAPS = 4
_FRESH_SITEMAP = timedelta(days=3)
_MAX_PAGES = 6
_NUMBERED = re.compile(r"[-_/.,?&]*(?:[a-z]{1,8}[-_/=.]?)?\d{1,2}(?:\.html?)?", re.IGNORECASE)
_PASSING = (Trouble.SERVER, Trouble.THROTTLED)

Parse = Callable[[Fetched], Awaitable[ParsedFeed]]
Read = Callable[[Fetched], Awaitable[ReadArticle]]


async def expand_index(fetcher: Fetcher, feed: ParsedFeed, now: datetime, parse: Parse) -> ParsedFeed:
    """A sitemap index with the entries of its freshest files; any other feed as it is. Broken files are left out.

    `parse` reads one answer, wherever the caller wants that done.
    """
    if feed.format != INDEX_FORMAT:
        return feed
    entries: dict[str, Entry] = {}
    for sitemap in choose_sitemaps(feed, now):
        try:
            fetched = await fetcher.get(sitemap)
            part = await parse(fetched) if fetched.is_success else ParsedFeed()
        except (FetchError, FeedParseError):
            continue
        entries.update({entry.link: entry for entry in part.entries if part.format != INDEX_FORMAT})
    return replace(feed, entries=tuple(entries.values()))


def choose_sitemaps(index: ParsedFeed, now: datetime) -> tuple[str, ...]:
    """PURE: the files of an index that may hold news: lately changed ones, those called news first, then by age."""
    fresh = [entry for entry in index.entries if entry.updated_at is None or now - entry.updated_at <= _FRESH_SITEMAP]

    def rank(entry: Entry) -> tuple[bool, float]:
        age = (now - entry.updated_at).total_seconds() if entry.updated_at is not None else float("inf")
        return "news" not in entry.link.lower(), age

    return tuple(entry.link for entry in sorted(fresh, key=rank)[:_MAX_SITEMAPS])


async def join_pages(
    fetcher: Fetcher,
    robots: Robots,
    first: ReadArticle,
    url: str,
    read: Read,
    *,
    keep: bool = False,
    is_held: bool = False,
) -> ReadArticle:
    """The article with the text of the pages that follow it, at most six in all; `url` is the first page's.

    `keep`: `read` is given answers with their raw exchanges.

    A "next" link that leads to another article (another title), a wall or nowhere ends it: a first page alone is better
    than none. Not so if the article `is_held`: then a page that fails for now must not look as if it were taken out,
    and FetchError is raised.
    """
    seen, texts, posts, link = {url}, [first.text], [*first.parts], first.next_url
    while link and link not in seen and len(seen) < _MAX_PAGES and first.obstacle is None:
        seen.add(link)
        try:
            fetched = await fetcher.get(link, accept=PAGE_ACCEPT, keep=keep, check=robots.check)
            page = await read(fetched) if fetched.is_success else None
        except (FetchError, ArticleParseError) as error:
            if is_held and isinstance(error, FetchError) and error.retryable:
                raise
            break
        if is_held and fetched.trouble in _PASSING:
            raise FetchError(fetched.explain())
        if page is None or page.obstacle is not None or not is_continued(first, page, url, link, len(texts) + 1):
            break
        texts.append(page.text)
        posts += page.parts
        link = page.next_url
    if len(texts) == 1:
        return first
    if first.parts:
        parts = merge_posts(posts)
        return replace(first, text=join_posts(parts), parts=parts)
    return replace(first, text="\n".join(texts))


def is_continued(first: ReadArticle, page: ReadArticle, url: str, link: str, number: int) -> bool:
    """PURE: whether `page`, read at `link`, is page `number` of the article that begins with `first`, read at `url`.

    It has the same title, or that title with its number, at the same address with a number.
    """
    if page.title == first.title:
        return True
    stem = canonical_url(url).removesuffix(".html")
    title, address = page.title.removeprefix(first.title), canonical_url(link).removeprefix(stem)
    if not first.title or title == page.title or address == canonical_url(link):
        return False
    counted = re.fullmatch(r"\W*(?:[^\W\d]+\W+)?(\d+)(?:\W+(?:[^\W\d]+\W+)?\d+)?\W*", title)
    return counted is not None and int(counted[1]) == number and _NUMBERED.fullmatch(address) is not None
